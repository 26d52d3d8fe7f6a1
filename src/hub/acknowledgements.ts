import type { UnacknowledgedEvent } from "../broker/broker.ts";
import { ackIdOf, type ChannelEvent } from "../protocol/event.ts";

/** How often and how long an acknowledgement is awaited: positive integers. */
export interface AcknowledgementOptions {
  /** Milliseconds between repeats. @default 5000 */
  readonly interval: number;
  /** Repeats after the first sending. @default 3 */
  readonly retries: number;
  /** How many events may wait on one connection. @default 1000 */
  readonly waiting: number;
}

/** What became of an event that was to be acknowledged. */
export type DeliveryOutcome =
  /** The subscriber has it. */
  | "acknowledged"
  /** It was repeated as often as may be, and nothing came. */
  | "expired"
  /** Too many waited already, so it was sent once and is not repeated. */
  | "overflow"
  /** The subscriber left the channel before it acknowledged. */
  | "left";

/** What waits, and what is to be done about it. */
export interface AcknowledgementHost {
  /** Whether the socket takes any event now. */
  readonly isReady: boolean;
  /** Sends an event once more; false where its socket does not take it now. */
  repeat(event: ChannelEvent, attempt: number): boolean;
  /** Tells what became of one. */
  settled(event: ChannelEvent, outcome: DeliveryOutcome, attempts: number): void;
}

interface Waiting {
  readonly event: ChannelEvent;
  attempts: number;
  due: number;
}

/** The events of one connection that wait for their acknowledgements. Times are monotonic milliseconds. */
export class Acknowledgements {
  readonly #options: AcknowledgementOptions;
  readonly #host: AcknowledgementHost;
  /** By ack id, in the order in which they fall due: each repeat goes to the end. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: AcknowledgementOptions, host: AcknowledgementHost) {
    this.#options = options;
    this.#host = host;
  }

  /** When {@linkcode advance} has something to do. */
  get deadline(): number | undefined {
    const first = this.#waiting.values().next();
    return first.done ? undefined : first.value.due;
  }

  /** What waits, for the session that outlives the connection. */
  get pending(): readonly UnacknowledgedEvent[] {
    return Array.from(this.#waiting.values(), ({ event, attempts }) => ({ event, attempts }));
  }

  /** An event was sent for the first time. */
  sent(event: ChannelEvent, now: number): void {
    const id = ackIdOf(event);
    if (this.#waiting.has(id)) return;
    if (this.#waiting.size >= this.#options.waiting) {
      this.#host.settled(event, "overflow", 1);
      return;
    }
    this.#waiting.set(id, { event, attempts: 1, due: now + this.#options.interval });
  }

  /** Goes on with what an earlier connection of the session left: its last word may still be answered. */
  restore(events: readonly UnacknowledgedEvent[], now: number): void {
    const due = now + this.#options.interval;
    for (const { event, attempts } of events) {
      this.#waiting.set(ackIdOf(event), { event, attempts, due });
    }
  }

  /** The subscriber left a channel: its events are not repeated to it any more. */
  leave(channel: string): void {
    for (const [id, { event, attempts }] of this.#waiting) {
      if (event.channel !== channel) continue;
      this.#waiting.delete(id);
      this.#host.settled(event, "left", attempts);
    }
  }

  /** The subscriber acknowledged; an id that does not wait is ignored. */
  acknowledged(ids: readonly string[]): void {
    for (const id of ids) {
      const waiting = this.#waiting.get(id);
      if (waiting === undefined) continue;
      this.#waiting.delete(id);
      this.#host.settled(waiting.event, "acknowledged", waiting.attempts);
    }
  }

  /** Repeats what is due, and gives up what was repeated enough. */
  advance(now: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.due > now) return;
      this.#waiting.delete(id);
      const { isReady } = this.#host;
      if (isReady && waiting.attempts > this.#options.retries) {
        this.#host.settled(waiting.event, "expired", waiting.attempts);
        continue;
      }
      waiting.due = now + this.#options.interval;
      this.#waiting.set(id, waiting);
      // Else it cannot have got the last one yet, and more would only fill what it does not empty.
      if (isReady && this.#host.repeat(waiting.event, waiting.attempts + 1)) waiting.attempts++;
    }
  }
}
