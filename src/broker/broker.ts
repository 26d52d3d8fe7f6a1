/**
 * The port between channels and what carries their events: memory for one process, an engine for many.
 *
 * @module
 */
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { PresenceStore } from "./presence.ts";

/** How much of a channel's past is kept: integers from 0. What one of them no longer covers is dropped. */
export interface Retention {
  /** Events; 0 keeps none. */
  readonly size: number;
  /** Bytes of what was published: types and JSON by their characters, and media. Not of what is made of it. */
  readonly bytes: number;
  /** Milliseconds since an event was published, and since the channel was last listened to. */
  readonly ttl: number;
}

/** How an event is taken. */
export interface PublishTerms {
  readonly retention: Retention;
  /** Who publishes and how they name the event: the same again within five minutes is a duplicate. */
  readonly idempotence?: { readonly identity: string; readonly id: string };
}

/** Where an event ended up: its own place, or for a duplicate the place of the first. */
export interface Placed extends Position {
  readonly duplicate: boolean;
}

/** Which part of a channel's past is wanted. */
export interface HistoryQuery {
  /** Events after this place; without it, from the oldest held. */
  readonly since?: Position;
  /** The newest so many, in place of `since`. */
  readonly last?: number;
  /** The most events to give. */
  readonly limit: number;
  /** The most bytes of data to give; one event is given even where it is larger. */
  readonly bytes: number;
}

/** Offsets that can no longer be had, both ends included; null where the epoch is another. */
export interface Gap {
  readonly from: number | null;
  readonly to: number | null;
}

/** A part of a channel's past, oldest first. */
export interface HistoryPage {
  readonly epoch: string;
  /** The offset of the newest event there is; 0 before the first. */
  readonly head: number;
  readonly events: readonly ChannelEvent[];
  /** What lies between `since` and the first event here and is gone. */
  readonly gap?: Gap;
  /** Whether there are events after the last one here. */
  readonly more: boolean;
}

/** A channel that is being listened to. */
export interface BrokerSubscription {
  /** The place before the first event that the listener gets. */
  readonly position: Position;
  /** Stops. The listener gets nothing more, not even what was under way. Idempotent. */
  close(): void;
}

/** What is kept of a session while no connection has it. */
export interface SessionRecord {
  readonly clientId: string;
  readonly userId: string | null;
  /** The network its connection came from: what sessions of nobody are counted by. */
  readonly network?: string;
  /** Its channels, the hub's own among them, and where it stood in each. */
  readonly positions: ReadonlyMap<string, Position>;
  /** What it says of itself on channels with presence, by channel: JSON objects as text. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** When each of its rate limits that was used is as if it had not been, by type: wall milliseconds. */
  readonly rates?: ReadonlyMap<string, number>;
  /** Events it has not acknowledged. */
  readonly unacknowledged: readonly UnacknowledgedEvent[];
}

/** An event that waits for its acknowledgement. */
export interface UnacknowledgedEvent {
  readonly event: ChannelEvent;
  /** How often it was sent. */
  readonly attempts: number;
}

/**
 * Keeps sessions by token. Bounded: where it is full, an anonymous session goes first, then the oldest;
 * where one user, or one network without a user, has too many, their oldest goes.
 */
export interface SessionStore {
  /** How many are kept. */
  readonly size: number;
  /** How many went early since there were too many. */
  readonly evicted: number;
  /** Keeps a session for `ttl` milliseconds, under each of the tokens that may stand for it. */
  put(tokens: readonly string[], record: SessionRecord, ttl: number): MaybePromise<void>;
  /** Gives the session of a user, or of nobody, and forgets it with all its tokens: it is given once. */
  take(token: string, userId: string | null): MaybePromise<SessionRecord | undefined>;
  /** Forgets all sessions of a user. */
  end(userId: string): MaybePromise<void>;
}

/**
 * Carries events between publishers and subscribers, gives each its place, and keeps their past.
 *
 * In one channel and epoch the offsets are 1, 2, 3 …, in the order in which the events were taken; every
 * listener gets them in that order, each once, from its position on. An epoch is never used again for
 * another numbering, so a place names one event or none.
 *
 * What cannot be done rejects with a {@linkcode HeddleError} `broker_unavailable`, after `close()` with
 * `closed`.
 */
export interface Broker {
  /** Events that the histories of all channels hold, as far as this process knows. */
  readonly kept: number;
  /** Sessions that no connection has. */
  readonly sessions: SessionStore;
  /** Who is on which channel. */
  readonly presence: PresenceStore;
  /** Takes an event; gives its place. Listeners may be called before it returns. */
  publish(channel: string, event: NewEvent, terms: PublishTerms): MaybePromise<Placed>;
  /**
   * Tells an event to those who listen now. It gets no place and is not kept: a listener gets it, marked
   * `isAnnouncement`, some time among the others.
   */
  announce(channel: string, event: NewEvent): MaybePromise<void>;
  /** Listens to a channel. `onEvent` must not throw. */
  subscribe(
    channel: string,
    retention: Retention,
    onEvent: (event: ChannelEvent) => void,
  ): MaybePromise<BrokerSubscription>;
  /** Gives a part of the past; undefined where the channel has none and nobody listens. */
  history(channel: string, query: HistoryQuery): MaybePromise<HistoryPage | undefined>;
  /** Ends every subscription and frees what the broker holds. Idempotent. */
  close(): MaybePromise<void>;
}
