import type { ChannelEvent } from "../protocol/event.ts";
import type { Subscriber } from "./subscriber.ts";

/** Names what an event is about: of those with the same key the newest counts. */
export type ConflationKey = (data: unknown, eventType: string) => string;

/** Undefined where the application's function throws: what it cannot name is kept. */
function nameOf(data: string, eventType: string, key: ConflationKey): string | undefined {
  try {
    return key(JSON.parse(data), eventType);
  } catch {
    return undefined;
  }
}

/** Of the events a slow subscriber missed, keeps the newest of each key, and tells what it left out. */
export class Conflation {
  readonly #replaced = new Set<number>();
  #from = 0;
  #to = 0;

  constructor(events: readonly ChannelEvent[], key: ConflationKey) {
    const seen = new Set<string>();
    for (const event of events.toReversed()) {
      if (typeof event.data !== "string") continue;
      const name = nameOf(event.data, event.eventType, key);
      if (name === undefined) continue;
      if (seen.has(name)) this.#replaced.add(event.offset);
      else seen.add(name);
    }
  }

  /** Leaves an event out where a newer one replaces it. */
  leavesOut({ offset }: ChannelEvent): boolean {
    if (!this.#replaced.has(offset)) return false;
    if (this.#from === 0) this.#from = offset;
    this.#to = offset;
    return true;
  }

  /** Tells the subscriber what was left out since it was last told. */
  tell(subscriber: Subscriber, { channel, epoch }: { channel: string; epoch: string }): void {
    if (this.#from === 0) return;
    subscriber.miss(channel, epoch, { from: this.#from, to: this.#to });
    this.#from = 0;
  }
}
