/**
 * What stands between a connection and its hub.
 *
 * @module
 */
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { SessionRecord } from "../broker/broker.ts";
import type { Channel } from "../channel/channel.ts";
import type { Beginning } from "../channel/cursors.ts";
import type { Identity } from "../guard/identity.ts";
import type { Failure } from "../protocol/errors.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { ApplicationMessage, Position } from "../protocol/messages.ts";
import type {
  Join,
  Joined,
  Outcome,
  PublishRequest,
  RequestOf,
  Ticket,
} from "../session/effect.ts";
import type { Farewell } from "../session/session.ts";
import type { DeliveryOutcome } from "./acknowledgements.ts";
import type { Connection } from "./connection.ts";
import type { Ending } from "./options.ts";

/** Where a subscriber starts that wants some of the past. */
export interface Start extends Beginning {
  /** The place after which it is given events, or told of the gap. */
  readonly cursor: Position;
  /** The place before the first event it will get. */
  readonly position: Position;
  /** Whether nothing is missing after the place it asked for. */
  readonly recovered?: boolean;
}

/** A channel that was opened for a connection and is held for it, or why not. */
export type Opened =
  | {
    readonly channel: string;
    readonly held: Channel;
    /** Where it starts; absent for the head. */
    readonly start?: Start;
    /** What the others there are told of the connection: a JSON object as text. */
    readonly metadata?: string;
  }
  | { readonly channel: string; readonly failure: Failure };

/** A session that was found for a connection, and its channels opened; or why it cannot be resumed. */
export type TakenUp =
  | { readonly record: SessionRecord; readonly opened: readonly Opened[] }
  | { readonly failure: Failure };

/** What the hub does for a connection. */
export interface ConnectionHost {
  /** Opens channels for a connection, those that exist and are allowed. */
  open(connection: Connection, joins: readonly Join[]): MaybePromise<readonly Opened[]>;
  /** Puts it on them. */
  join(connection: Connection, opened: readonly Opened[]): readonly Joined[];
  /** Takes it off channels it asked to leave. */
  leave(connection: Connection, channels: Iterable<string>): void;
  /** Keeps its session where it may be resumed, and takes it off all channels. Idempotent. */
  left(connection: Connection, ending: Ending): void;
  /** Tells where it stands. */
  locate(connection: Connection, channels: readonly string[]): Readonly<Record<string, Position>>;
  /** Tells what its session can be taken up with: its client means to come back. */
  remind(connection: Connection): Ticket;
  publish(connection: Connection, request: PublishRequest): MaybePromise<Outcome>;
  history(connection: Connection, request: RequestOf<"history">): MaybePromise<Outcome>;
  presence(connection: Connection, channel: string): MaybePromise<Outcome>;
  handle(connection: Connection, message: ApplicationMessage): MaybePromise<Outcome>;
  /** Finds the session that a token stands for. */
  takeUp(connection: Connection, request: RequestOf<"resume">): MaybePromise<TakenUp>;
  /** Makes the connection the session's. */
  resume(connection: Connection, taken: TakenUp, token: string): Outcome;
  /** Finds out who a token is that came on the connection. */
  authenticate(connection: Connection, token: string): Promise<Identity | Failure>;
  /** Makes the connection that one's, where it may be. */
  assume(connection: Connection, found: Identity | Failure): Outcome;
  /** The peer gave a sign of life. */
  heard(connection: Connection): void;
  /** What it is told when it is closed so: how to come back, where that makes sense. */
  farewell(connection: Connection, code: number): Farewell;
  /** What became of an event that it was to acknowledge. */
  settled(
    connection: Connection,
    event: ChannelEvent,
    outcome: DeliveryOutcome,
    attempts: number,
  ): void;
  ended(connection: Connection, ending: Ending): void;
}
