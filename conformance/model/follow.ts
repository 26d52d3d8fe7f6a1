/**
 * One client's subscription to one channel: what has come of it, and what is still due.
 *
 * @module
 */
import type { Position } from "../channels/client.ts";
import { type ServerMessage, showMessage } from "../channels/shape.ts";
import type { Actor } from "./actor.ts";
import { law } from "./law.ts";
import { type Ledger, type Publication, quoted } from "./ledger.ts";
import { Presence } from "./presence.ts";
import type { Standing } from "./starting.ts";

/** Places that were passed over. */
interface Skipped {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
}

/** The law of order, gaps and doubles, for one subscription. */
export class Follow {
  readonly ledger: Ledger;
  /** What it was told of the members. */
  readonly presence = new Presence();
  readonly #id: string;
  readonly #got = new Set<string>();
  readonly #acknowledged = new Set<string>();
  /** Acknowledgements to send, by label. */
  readonly #due = new Map<string, string>();
  #epoch: string;
  #at: number;
  #last = 0;
  #owed: Standing["owed"];
  #skipped: Skipped[] = [];

  /**
   * A subscription of the client with this id. What came by the one `before`, which it takes the place
   * of on the same connection, must not come again.
   */
  constructor(ledger: Ledger, id: string, { epoch, at, owed }: Standing, before?: Follow) {
    this.ledger = ledger;
    this.#id = id;
    this.#epoch = epoch;
    this.#at = at;
    this.#owed = owed;
    for (const label of before === undefined ? [] : before.#got) this.#got.add(label);
  }

  /** Takes an event of presence, which came to this client. */
  takePresence(message: ServerMessage, reader: Actor): void {
    this.presence.event(message, reader, this.ledger);
  }

  /** The place up to which it has everything; null where a gap that must come has not. */
  get position(): Position | null {
    return this.#owed === null ? { epoch: this.#epoch, offset: this.#at } : null;
  }

  /** Whether it has an event, or was told that it will not. */
  isPast({ place }: Publication): boolean {
    return place !== null && place.epoch === this.#epoch && this.#owed === null &&
      place.offset <= this.#at;
  }

  /** Its position was told again: whatever has come must not lie after it. */
  told(position: Position): void {
    law(
      position.epoch === this.#epoch && position.offset >= this.#last &&
        position.offset <= this.ledger.most,
      "HDL-SUB-14",
      `a place of ${this.ledger.shown} from offset ${this.#last} to ${this.ledger.most}`,
      position,
    );
  }

  /** Takes an event that has an offset. */
  event(message: ServerMessage): void {
    const { data, attempt, timestamp, ack_id } = message;
    const offset = Number(message["offset"]);
    const publication = typeof data === "string" ? this.ledger.find(data) : undefined;
    law(
      publication !== undefined && message["event_type"] === "kit",
      "HDL-EVT-2",
      "an event that was published",
      message,
    );
    const { label } = publication;
    const observed = showMessage(message);
    law(publication.excludes !== this.#id, "HDL-PUB-3", `no ${quoted(label)}, its own`, observed);
    if (attempt !== undefined) {
      const repeatable = !this.#acknowledged.has(label);
      law(repeatable, "HDL-ACK-2", `no repeat of ${quoted(label)}, acknowledged`, observed);
      this.ledger.learn(publication, { epoch: this.#epoch, offset });
      if (typeof ack_id === "string") this.#due.set(label, ack_id);
      return;
    }
    law(this.#owed === null, "HDL-GAP-3", "a gap before any event", observed);
    law(!this.#got.has(label), "HDL-ORD-11", `${quoted(label)} once`, `${observed}, again`);
    law(offset > this.#at, "HDL-ORD-10", `an offset after ${this.#at}`, observed);
    this.ledger.learn(publication, { epoch: this.#epoch, offset });
    publication.timestamp ??= String(timestamp);
    const time = publication.timestamp;
    law(time === timestamp, "HDL-EVT-2", `the time ${time}, as others were told`, observed);
    if (this.ledger.offer.ack === true) {
      law(typeof ack_id === "string", "HDL-ACK-1", "an ack_id", observed);
      this.#due.set(label, ack_id);
    }
    this.#got.add(label);
    this.#skip(this.#at + 1, offset - 1);
    this.#at = this.#last = offset;
  }

  /** Takes a gap. */
  gap(message: ServerMessage): void {
    const { epoch, from, to } = message;
    const observed = showMessage(message);
    if (typeof from !== "number" || typeof to !== "number") {
      const fits = from === null && to === null &&
        (this.#owed?.endless === true || epoch !== this.#epoch);
      law(fits, "HDL-GAP-2", "a gap with the ends that it has", observed);
      if (epoch !== this.#epoch) this.#at = 0;
      this.#epoch = String(epoch);
      this.#owed = null;
      return;
    }
    const after = this.#owed?.after ?? this.#at;
    law(epoch === this.#epoch, "HDL-GAP-2", "a gap of the epoch that was told", observed);
    law(from > after && to >= from, "HDL-GAP-3", `a gap after offset ${after}`, observed);
    const needless = this.ledger.keeps(from) ? this.ledger.at(this.#epoch, from) : undefined;
    law(
      needless === undefined || needless.excludes === this.#id || this.#got.has(needless.label),
      "HDL-GAP-6",
      `the event ${quoted(needless?.label ?? "")}, which is kept`,
      observed,
    );
    this.#owed = null;
    this.#skip(this.#at + 1, from - 1);
    this.#at = Math.max(this.#at, to);
  }

  /** Whatever was passed over was not for it, as far as is known of that by now. */
  checkSkipped(): void {
    for (const { epoch, from, to } of this.#skipped) {
      for (let offset = from; offset <= to; offset++) {
        const missed = this.ledger.at(epoch, offset);
        const isFor = missed !== undefined && missed.excludes !== this.#id &&
          !this.#got.has(missed.label);
        const expected = `the event ${quoted(missed?.label ?? "")} at offset ${offset}, or a gap`;
        law(!isFor, "HDL-SUB-15", expected, `neither, and then what came after it`);
      }
    }
  }

  /** What is to be acknowledged, which from now on must not be repeated. */
  acknowledge(): string[] {
    return [...this.#due.values()];
  }

  /** The server has read the acknowledgement of these. */
  acknowledged(ids: readonly string[]): void {
    for (const [label, id] of this.#due) {
      if (!ids.includes(id)) continue;
      this.#acknowledged.add(label);
      this.#due.delete(label);
    }
  }

  #skip(from: number, to: number): void {
    if (from <= to) this.#skipped.push({ epoch: this.#epoch, from, to });
  }
}
