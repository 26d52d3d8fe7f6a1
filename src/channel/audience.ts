import type { Collection } from "../base/small_set.ts";
import type { Frame, Variant } from "../protocol/encode.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Fanout, Group } from "./fanout.ts";

/** What was sent, as counters. */
export interface Sent {
  messages: number;
  bytes: number;
}

/** What the fan-out counts for the whole hub. */
export interface FanoutCounters {
  eventsDelivered: number;
  messagesSent: number;
  bytesSent: number;
}

const nobody: readonly Subscriber[] = [];

/**
 * Those of a channel's subscribers who are up to date and are written to in one way: of one variant, and by
 * one fan-out.
 */
export class Audience {
  readonly variant: Variant;
  readonly fanout: Fanout;
  readonly #group: Group<Subscriber>;
  /** What each member got from the group as a whole. It is settled with a member when it leaves. */
  readonly #sent: Sent = { messages: 0, bytes: 0 };

  constructor(variant: Variant, fanout: Fanout) {
    this.variant = variant;
    this.fanout = fanout;
    this.#group = fanout.group();
  }

  get members(): Collection<Subscriber> {
    return this.#group.members;
  }

  /** What a member was sent with all others and was not counted for it yet. */
  get sent(): Readonly<Sent> {
    return this.#sent;
  }

  add(subscriber: Subscriber): void {
    if (this.members.has(subscriber)) return;
    this.#group.add(subscriber);
    const { messages, bytes } = this.#sent;
    if (messages > 0) subscriber.count(-messages, -bytes);
  }

  delete(subscriber: Subscriber): boolean {
    if (!this.#group.delete(subscriber)) return false;
    const { messages, bytes } = this.#sent;
    if (messages > 0) subscriber.count(messages, bytes);
    return true;
  }

  /** Hands a frame to all at once; false where it must be handed to each. */
  send(
    frame: Frame,
    isExcluded: ((subscriber: Subscriber) => boolean) | undefined,
    counters: FanoutCounters | undefined,
  ): boolean {
    const leftOut = isExcluded === undefined ? nobody : [...this.members].filter(isExcluded);
    const taken = this.#group.send(frame, leftOut);
    if (taken === "refused") return false;
    const deliveries = this.members.size - leftOut.length;
    if (counters !== undefined) counters.eventsDelivered += deliveries;
    if (taken === "gathered") return true;
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    this.#sent.messages++;
    this.#sent.bytes += size;
    for (const subscriber of leftOut) subscriber.count(-1, -size);
    if (counters !== undefined) {
      counters.messagesSent += deliveries;
      counters.bytesSent += deliveries * size;
    }
    return true;
  }
}
