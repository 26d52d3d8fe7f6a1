/**
 * What a client tells its listeners.
 *
 * @module
 */
import type { ClientEvent } from "./types.ts";
import type { RawMessage } from "./frames.ts";

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

/** What `client.on` takes, and what its listeners get. */
export interface ClientEvents {
  readonly status: ClientStatus;
  readonly connected: ConnectedInfo;
  readonly disconnected: DisconnectedInfo;
  readonly reconnecting: ReconnectingInfo;
  readonly failed: FailedInfo;
  readonly exhausted: ExhaustedInfo;
  readonly unsubscribed: UnsubscribedInfo;
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
    event: true,
    message: true,
    error: true,
  } satisfies Record<keyof ClientEvents, true>,
) as readonly (keyof ClientEvents)[];
