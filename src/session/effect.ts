/**
 * What a session asks the hub to do, and what the hub answers.
 *
 * @module
 */
import type { Variant, Written } from "../protocol/encode.ts";
import type { Failure } from "../protocol/errors.ts";
import type { Close } from "../protocol/close.ts";
import type {
  ApplicationMessage,
  Features,
  Position,
  Request,
  RequestType,
  ServerMessage,
  ServerMessageOf,
} from "../protocol/messages.ts";

/** The number of an effect that wants an outcome. */
export type EffectId = number;

/** Something for the hub to do. Those with an `id` want `Session.settle` to be called once. */
export type Effect =
  /** Send a message. */
  | { readonly kind: "send"; readonly message: ServerMessage | Written<"connected"> }
  /** From the next message on, write frames so, in these subscriptions too: messages after it may end some. */
  | {
    readonly kind: "vary";
    readonly variant: Variant;
    readonly batching: Features["batch"];
    readonly subscriptions: readonly string[];
  }
  /** Join channels, those that exist and are allowed: outcome `joined`. */
  | { readonly kind: "join"; readonly id: EffectId; readonly joins: readonly Join[] }
  /** Leave channels. */
  | { readonly kind: "leave"; readonly channels: readonly string[] }
  /** Tell where channels stand: outcome `located`. */
  | { readonly kind: "locate"; readonly id: EffectId; readonly channels: readonly string[] }
  /** Tell what its session can be taken up with: outcome `reminded`. */
  | { readonly kind: "remind"; readonly id: EffectId }
  /** Publish: outcome `published` or `failed`. */
  | { readonly kind: "publish"; readonly id: EffectId; readonly request: PublishRequest }
  /** Give a part of a channel's past: outcome `page` or `failed`. */
  | { readonly kind: "history"; readonly id: EffectId; readonly request: RequestOf<"history"> }
  /** Tell who is on a channel: outcome `present` or `failed`. */
  | { readonly kind: "presence"; readonly id: EffectId; readonly channel: string }
  /** Note what the peer acknowledges. */
  | { readonly kind: "acknowledge"; readonly ackIds: readonly string[] }
  /** Take up a session that was left: outcome `resumed` or `failed`. */
  | { readonly kind: "resume"; readonly id: EffectId; readonly request: RequestOf<"resume"> }
  /** Find out who a token is: outcome `authenticated` or `failed`. */
  | { readonly kind: "authenticate"; readonly id: EffectId; readonly token: string }
  /** Hand a message to the application: outcome `handled` or `failed`, when its handler is done. */
  | { readonly kind: "handle"; readonly id: EffectId; readonly message: ApplicationMessage }
  /** Send a Ping frame; so many before it were not answered. */
  | { readonly kind: "ping"; readonly missed: number }
  /** End the connection, since its credential has run out. */
  | { readonly kind: "expire" }
  /** End the connection. Nothing follows. */
  | { readonly kind: "close"; readonly close: Close };

/** One request of the protocol, by type. */
export type RequestOf<T extends RequestType> = Extract<Request, { type: T }>;

/** A request to publish. */
export type PublishRequest = RequestOf<"publish">;

/** A channel to join, and from where. */
export interface Join {
  readonly channel: string;
  /** The place after which events are wanted. @default the head */
  readonly since?: Position;
  /** How many of the newest events are wanted first, in place of `since`. */
  readonly last?: number;
  /** What the others there are told of it: a JSON object as text. */
  readonly metadata?: string;
}

/** How one channel of a `join` ended. */
export type Joined =
  | {
    readonly channel: string;
    /** The place before the first event that will follow. */
    readonly position: Position;
    /** Whether nothing is missing after `since`; absent where none was given. */
    readonly recovered?: boolean;
  }
  | { readonly channel: string; readonly failure: Failure };

/** What a session can be taken up with. */
export interface Ticket {
  readonly reconnectionToken: string;
  /** Seconds the session lives after a disconnect. */
  readonly expiresIn: number;
}

/** A session that was taken up again. */
export interface Resumed extends Ticket {
  readonly clientId: string;
  readonly results: readonly Joined[];
}

/** What a connection is by a new credential. */
export interface Authenticated {
  readonly userId: string | null;
  readonly role: string;
  /** Seconds the credential holds; absent where it does not run out. */
  readonly expiresIn?: number;
  /** The subscriptions that the role does not permit, and the reason to give. */
  readonly lost: { readonly channels: readonly string[]; readonly reason: Failure };
}

/** The answer to an effect. */
export type Outcome =
  | { readonly kind: "joined"; readonly results: readonly Joined[] }
  | { readonly kind: "located"; readonly positions: Readonly<Record<string, Position>> }
  | ({ readonly kind: "reminded" } & Ticket)
  | { readonly kind: "published"; readonly position: Position; readonly duplicate: boolean }
  | { readonly kind: "page"; readonly page: HistoryAnswer }
  | { readonly kind: "present"; readonly presence: PresenceAnswer }
  | ({ readonly kind: "resumed" } & Resumed)
  | ({ readonly kind: "authenticated" } & Authenticated)
  | { readonly kind: "handled" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** What answers a `history`. */
export type HistoryAnswer = Pick<
  ServerMessageOf<"history">,
  "channel" | "epoch" | "events" | "more" | "next" | "gap"
>;

/** What answers a `presence`. */
export type PresenceAnswer = Pick<ServerMessageOf<"presence">, "channel" | "members" | "count">;
