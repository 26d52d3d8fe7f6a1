/**
 * The port to who is on which channel. It is the broker's, since those on one channel may be connected
 * to different hubs.
 *
 * @module
 */
import type { MaybePromise } from "../base/maybe_promise.ts";

/** How presence on a channel is told: integers from 0. */
export interface PresenceTerms {
  /** Milliseconds that a connection which may come back is still counted in. */
  readonly grace: number;
  /** Members above which only their number is told. */
  readonly maxMembers: number;
  /** Milliseconds over which changes are gathered before they are told. */
  readonly coalesce: number;
}

/** A connection that comes to a channel, or goes. */
export interface Entrant {
  /** Its session's: one that comes back is the same. */
  readonly clientId: string;
  readonly userId: string | null;
  /** What it says of itself: a JSON object as text, null for nothing. @default what it said before */
  readonly metadata?: string | null;
}

/** One who is on a channel: a user with all their connections, or one anonymous connection. */
export interface Member {
  readonly userId: string | null;
  /** The connection that came, changed or went last. */
  readonly clientId: string;
  /** What the newest connection that says something says: a JSON object as text. */
  readonly metadata: string | null;
  readonly connections: number;
}

/** Who is on a channel. */
export interface PresenceList {
  readonly count: number;
  /** Absent where there are too many. */
  readonly members?: readonly Member[];
}

/**
 * Knows who is on which channel, over all hubs, and tells those who listen to the channel, as events
 * without a place: `presence.join`, `presence.leave`, `presence.update` with `{user_id, client_id,
 * metadata, connections, count}`, and `presence.count` with `{count}` where there are too many to tell
 * of each. What comes and goes within one `coalesce` is not told, but for what a list has shown.
 *
 * What of a channel nobody is on is kept is nothing.
 */
export interface PresenceStore {
  /** A connection comes, comes back within its grace, or says something else of itself. */
  enter(channel: string, entrant: Entrant, terms: PresenceTerms): MaybePromise<void>;
  /** A connection goes: at once, or where it does not come back within `grace` milliseconds. */
  leave(channel: string, entrant: Entrant, grace: number): MaybePromise<void>;
  /** Tells who is there; the number alone where it is above `most`. */
  list(channel: string, most: number): MaybePromise<PresenceList>;
}
