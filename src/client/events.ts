/**
 * What a client tells its listeners.
 *
 * @module
 */
import type { RawMessage } from "./frames.ts";
import type { ClientEvent } from "./types.ts";

/** Where a client stands. */
export type ClientStatus =
  /** `connect` has not been called yet. */
  | "idle"
  /** The first attempt to connect is under way. */
  | "connecting"
  | "connected"
  /** The connection was lost; the client tries to come back, or waits until it does. */
  | "reconnecting"
  /** It was disconnected, refused, or gave up. `connect` starts anew. */
  | "closed";

/** The server greeted. */
export interface ConnectedInfo {
  readonly clientId: string;
  /** Null for an anonymous connection. */
  readonly userId: string | null;
  readonly role: string;
  /** 0 after `connect`; after the connection was lost, which attempt brought it back: 1, 2, 3 … */
  readonly attempt: number;
  /** Whether the former session goes on: its client id, its subscriptions and all it missed. */
  readonly resumed: boolean;
}

/** The former session goes on. */
export interface ResumedInfo {
  /** The same as before. */
  readonly clientId: string;
  /** What it is subscribed to again. */
  readonly channels: readonly string[];
}

/**
 * Events that will not come: the history no longer holds them, they were conflated, or the server
 * dropped them. All else of the channel comes.
 */
export interface GapInfo {
  readonly channel: string;
  /** The life of the channel's numbering from here on. */
  readonly epoch: string;
  /** The first offset that is missing; null where nobody knows, since the numbering is another. */
  readonly from: number | null;
  /** The last one. */
  readonly to: number | null;
}

/** A channel was taken up again from where the client had left it. */
export interface RecoveredInfo {
  readonly channel: string;
  /** Whether everything missed will come; if not, a `gap` says what will not. */
  readonly recovered: boolean;
}

/** A connection ended. */
export interface DisconnectedInfo {
  /** The close code (RFC 6455 section 7.4.1); 1000 after `disconnect`, 1006 where it was lost. */
  readonly code: number;
  readonly reason: string;
  /** Whether the client tries to come back. */
  readonly willReconnect: boolean;
}

/** The client waits to come back. */
export interface ReconnectingInfo {
  /** Which attempt comes next: 1, 2, 3 … */
  readonly attempt: number;
  /** How long it waits, in milliseconds. */
  readonly delay: number;
}

/** An attempt to come back failed. */
export interface FailedInfo {
  readonly attempt: number;
  readonly error: Error;
}

/** All attempts to come back failed; the client is closed. */
export interface ExhaustedInfo {
  readonly attempts: number;
  readonly error: Error;
}

/** The server took subscriptions away, or would not give them back after a reconnection. */
export interface UnsubscribedInfo {
  readonly channels: readonly string[];
  /** The protocol's error code. */
  readonly code: string;
  readonly message: string;
}

/** The token of the connection runs out soon. */
export interface TokenExpiringInfo {
  /** Seconds for which it still holds. */
  readonly expiresIn: number;
}

/** The server took a new token. */
export interface AuthenticatedInfo {
  /** The same as before. */
  readonly userId: string | null;
  /** The role from now on; what it does not permit is told with `unsubscribed`. */
  readonly role: string;
  /** Seconds for which the token holds; absent where it does not run out. */
  readonly expiresIn?: number;
}

/** What `client.on` takes, and what its listeners get. */
export interface ClientEvents {
  readonly status: ClientStatus;
  readonly connected: ConnectedInfo;
  readonly disconnected: DisconnectedInfo;
  readonly reconnecting: ReconnectingInfo;
  readonly failed: FailedInfo;
  readonly exhausted: ExhaustedInfo;
  readonly unsubscribed: UnsubscribedInfo;
  readonly resumed: ResumedInfo;
  readonly token_expiring: TokenExpiringInfo;
  readonly authenticated: AuthenticatedInfo;
  readonly gap: GapInfo;
  readonly recovered: RecoveredInfo;
  /** Every event, also those to this user, to this connection and to everyone. */
  readonly event: ClientEvent;
  /** Every message of the server after its greeting, as it came: unknown types and fields included. */
  readonly message: RawMessage;
  /** What nobody waits for: a malformed frame, a handler that threw, an error without a request. */
  readonly error: Error;
}

/** Every name that `client.on` takes. */
export const eventNames = Object.keys(
  {
    status: true,
    connected: true,
    disconnected: true,
    reconnecting: true,
    failed: true,
    exhausted: true,
    unsubscribed: true,
    resumed: true,
    token_expiring: true,
    authenticated: true,
    gap: true,
    recovered: true,
    event: true,
    message: true,
    error: true,
  } satisfies Record<keyof ClientEvents, true>,
) as readonly (keyof ClientEvents)[];
