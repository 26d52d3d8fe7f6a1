/**
 * The port between channels and what carries their events: memory for one process, an engine for many.
 *
 * @module
 */
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";

/** A channel that is being listened to. */
export interface BrokerSubscription {
  /** The place before the first event that the listener gets. */
  readonly position: Position;
  /** Stops. The listener gets nothing more, not even what was under way. Idempotent. */
  close(): void;
}

/**
 * Carries events between publishers and subscribers, and gives each its place.
 *
 * In one channel and epoch the offsets are 1, 2, 3 …, in the order in which the events were taken; every
 * listener gets them in that order, each once, from its position on. An epoch is never used again for
 * another numbering, so a place names one event or none.
 *
 * What cannot be done rejects with a {@linkcode HeddleError} `broker_unavailable`, after `close()` with
 * `closed`.
 */
export interface Broker {
  /** Takes an event; gives its place. Listeners may be called before it returns. */
  publish(channel: string, event: NewEvent): MaybePromise<Position>;
  /** Listens to a channel. `onEvent` must not throw. */
  subscribe(
    channel: string,
    onEvent: (event: ChannelEvent) => void,
  ): MaybePromise<BrokerSubscription>;
  /** Ends every subscription and frees what the broker holds. Idempotent. */
  close(): MaybePromise<void>;
}
