/**
 * What a session asks the hub to do, and what the hub answers.
 *
 * @module
 */
import type { Variant } from "../protocol/encode.ts";
import type { Failure } from "../protocol/errors.ts";
import type { Close } from "../protocol/close.ts";
import type { ApplicationMessage, Position, Request, ServerMessage } from "../protocol/messages.ts";

/** The number of an effect that wants an outcome. */
export type EffectId = number;

/** Something for the hub to do. Those with an `id` want `Session.settle` to be called once. */
export type Effect =
  /** Send a message. */
  | { readonly kind: "send"; readonly message: ServerMessage }
  /** From the next message on, write frames so. */
  | { readonly kind: "vary"; readonly variant: Variant }
  /** Join channels, those that exist and are allowed: outcome `joined`. */
  | { readonly kind: "join"; readonly id: EffectId; readonly channels: readonly string[] }
  /** Leave channels. */
  | { readonly kind: "leave"; readonly channels: readonly string[] }
  /** Tell where channels stand: outcome `located`. */
  | { readonly kind: "locate"; readonly id: EffectId; readonly channels: readonly string[] }
  /** Publish: outcome `published` or `failed`. */
  | { readonly kind: "publish"; readonly id: EffectId; readonly request: PublishRequest }
  /** Hand a message to the application: outcome `handled` or `failed`, when its handler is done. */
  | { readonly kind: "handle"; readonly id: EffectId; readonly message: ApplicationMessage }
  /** Send a Ping frame. */
  | { readonly kind: "ping" }
  /** End the connection. Nothing follows. */
  | { readonly kind: "close"; readonly close: Close };

/** A request to publish. */
export type PublishRequest = Extract<Request, { type: "publish" }>;

/** How one channel of a `join` ended. */
export type Joined =
  | { readonly channel: string; readonly position: Position }
  | { readonly channel: string; readonly failure: Failure };

/** The answer to an effect. */
export type Outcome =
  | { readonly kind: "joined"; readonly results: readonly Joined[] }
  | { readonly kind: "located"; readonly positions: Readonly<Record<string, Position>> }
  | { readonly kind: "published"; readonly position: Position }
  | { readonly kind: "handled" }
  | { readonly kind: "failed"; readonly failure: Failure };
