/**
 * The order of what one connection gets, watched over all cases: what comes of a channel, and when.
 *
 * @module
 */
import type { RequirementId, Violation } from "../peer/watch.ts";
import { isRecord, type ServerMessage, showMessage } from "./shape.ts";

/** Where a connection stands in one channel. */
interface Standing {
  subscribed: boolean;
  epoch: string;
  /** The offset of the last event that came, or of the position that was told. */
  offset: number;
}

/** Reads a connection's messages in order and tells what breaks the rules of order. */
export class Stream {
  readonly #channels = new Map<string, Standing>();
  readonly #violations: (violation: Violation) => void;

  constructor(violations: (violation: Violation) => void) {
    this.#violations = violations;
  }

  /** Takes the next message. */
  take(message: ServerMessage): void {
    switch (message.type) {
      case "connected":
      case "subscribed":
      case "resumed":
        return this.#subscribed(message);
      case "unsubscribed":
        for (const name of strings(message["channels"])) this.#end(name);
        return;
      case "gap":
        return this.#gap(message);
      case "event":
        return this.#event(message);
    }
  }

  #subscribed(message: ServerMessage): void {
    const positions = message["positions"];
    // A resumption puts the session's channels in place of what the connection had.
    if (message.type === "resumed") this.#channels.clear();
    for (const [name, position] of Object.entries(isRecord(positions) ? positions : {})) {
      const { epoch, offset } = isRecord(position) ? position : {};
      if (typeof epoch !== "string" || typeof offset !== "number") continue;
      const before = this.#channels.get(name);
      // Subscribing again moves nothing back: what came already must not come again.
      const again = before?.subscribed === true && before.epoch === epoch;
      this.#channels.set(name, {
        subscribed: true,
        epoch,
        offset: again ? Math.max(before.offset, offset) : offset,
      });
    }
  }

  #end(name: string): void {
    const standing = this.#channels.get(name);
    if (standing !== undefined) standing.subscribed = false;
  }

  #gap(message: ServerMessage): void {
    const { channel, epoch } = message;
    const standing = this.#channels.get(String(channel));
    if (standing === undefined || typeof epoch !== "string") return;
    if (standing.epoch !== epoch) {
      standing.epoch = epoch;
      standing.offset = 0;
    }
  }

  #event(message: ServerMessage): void {
    const { channel, offset, attempt } = message;
    const name = String(channel);
    const tell = (rule: RequirementId, observed: string) =>
      this.#violations({ rule, observed: `${observed}: ${showMessage(message)}` });
    const standing = this.#channels.get(name);
    if (standing === undefined || !standing.subscribed) {
      const rule = standing === undefined ? "HDL-SUB-15" : "HDL-SUB-9";
      return tell(rule, "an event of a channel without a subscription");
    }
    if (typeof offset !== "number" || attempt !== undefined) return;
    if (offset <= standing.offset) tell("HDL-ORD-10", `an offset after ${standing.offset}`);
    standing.offset = Math.max(standing.offset, offset);
  }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
