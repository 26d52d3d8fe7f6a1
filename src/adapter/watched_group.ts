import { SmallSet } from "../base/small_set.ts";
import type { Group, Member, Taken } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";

/** How many bytes a group may be sent between two looks, the tick included in which the next is due. */
const MOST_BYTES = 262_144;

/** How many bytes all groups together are sent until their sockets are looked at: a part of any outbox. */
const ENOUGH_BYTES = 65_536;

/**
 * Looks at sockets that are sent to without being asked whether they take more. To ask each after each
 * event costs as much as a part of the sending; and within a tick the runtimes do not tell.
 */
export class Watch {
  #busy: WatchedGroup<Member>[] = [];
  #bytes = 0;
  #isDue = false;
  readonly #afterTick: (look: () => void) => void;

  /** @param afterTick Calls when the tick is over, and sockets tell what waits. */
  constructor(afterTick: (look: () => void) => void) {
    this.#afterTick = afterTick;
  }

  /** Has a group looked at next time. */
  add(group: WatchedGroup<Member>): void {
    this.#busy.push(group);
  }

  /** So much more was sent. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isDue || this.#bytes < ENOUGH_BYTES) return;
    this.#isDue = true;
    this.#afterTick(() => this.#look());
  }

  #look(): void {
    const busy = this.#busy;
    this.#busy = [];
    this.#bytes = 0;
    this.#isDue = false;
    for (const group of busy) group.look();
  }
}

/** A group whose sockets are sent to at once, and looked at afterwards. */
export abstract class WatchedGroup<M extends Member> implements Group<M> {
  readonly members = new SmallSet<M>();
  readonly #watch: Watch;
  /** What it was sent since it was looked at. */
  #bytes = 0;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  add(member: M): void {
    this.members.add(member);
  }

  delete(member: M): boolean {
    return this.members.delete(member);
  }

  send(frame: Frame, leftOut: readonly M[]): Taken {
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    if (this.#bytes + size > MOST_BYTES || !this.sendAll(frame, leftOut)) return "refused";
    if (this.#bytes === 0) this.#watch.add(this as unknown as WatchedGroup<Member>);
    this.#bytes += size;
    this.#watch.count(size);
    return "handed";
  }

  /** Finds out who takes no more. */
  look(): void {
    this.#bytes = 0;
    for (const member of this.members) if (!member.isReady) member.strained();
  }

  /** Sends to all members but those left out; false where that is not to be done for all at once. */
  protected abstract sendAll(frame: Frame, leftOut: readonly M[]): boolean;
}
