/**
 * Messages that the application declares, and their handlers.
 *
 * @module
 */
import type { MaybePromise } from "../base/maybe_promise.ts";
import { checkObject, optionInvalid } from "../base/option_checks.ts";
import type { Output, Schema } from "../base/schema.ts";
import { isReservedType, MAX_TYPE_NAME } from "../protocol/messages.ts";
import type { ConnectionInfo } from "./info.ts";

/**
 * What a handler gets. Take out of it what is wanted, or hand it on whole: `connection` and `signal` are made
 * when they are asked for, and a copy by `{ ...context }` has neither.
 */
export interface MessageContext<P> {
  /** What the schema made of the message's payload. */
  readonly payload: P;
  /** Who sent it, as things stand when this is first read. */
  readonly connection: ConnectionInfo;
  /** The message's own id, which every reply repeats. */
  readonly correlationId: string | undefined;
  /** Aborted when the connection ends: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /**
   * Sends `{type, payload, timestamp, correlation_id}` to the sender; as often as the answer has parts.
   *
   * @param type Any type that is not the protocol's own.
   * @param payload Anything JSON can hold. @default {}
   * @returns false where the connection has ended.
   * @throws {HeddleError} `payload_invalid` for a payload that JSON cannot hold, `option_invalid` for a
   * reserved type.
   */
  reply(type: string, payload?: unknown): boolean;
}

/** A message as declared: what {@linkcode message} returns. */
export interface MessageDefinition<S extends Schema = Schema> {
  /** What a payload must fit; where it does not, the answer is `payload_invalid`. */
  readonly schema: S;
  /** What the application does with it. What this throws is answered with the error `internal`. */
  handle(context: MessageContext<Output<S>>): MaybePromise<void>;
}

/** The messages of a hub, by type. */
export type MessageDefinitions = Readonly<Record<string, MessageDefinition>>;

/**
 * Declares a message that clients may send: the schema of its payload, and what is done with it.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub, message } from "heddle";
 * import { z } from "zod";
 *
 * await using hub = createHub({
 *   auth: allowAnonymous(),
 *   messages: {
 *     user_message: message(z.object({ content: z.string().min(1) }), ({ payload, reply }) => {
 *       reply("agent_started");
 *       reply("agent_completed", { answer: payload.content.toUpperCase() });
 *     }),
 *   },
 * });
 * ```
 */
export function message<S extends Schema>(
  schema: S,
  handle: (context: MessageContext<Output<S>>) => MaybePromise<void>,
): MessageDefinition<S> {
  return { schema, handle };
}

/** @throws {HeddleError} `option_invalid` for what no message can be called, or what {@linkcode message} did not make. */
export function checkMessages(messages: MessageDefinitions): void {
  checkObject("messages", messages);
  for (const [type, definition] of Object.entries(messages)) {
    checkType(type);
    if (
      typeof definition?.handle !== "function" ||
      typeof definition.schema?.safeParse !== "function"
    ) {
      throw optionInvalid(
        `messages: "${type}" must be made by message(…), of a zod schema and a function`,
      );
    }
  }
}

function checkType(type: string): void {
  if (isReservedType(type)) {
    throw optionInvalid(`messages: "${type}" is a name of the protocol's own`);
  }
  if (type === "" || type.length > MAX_TYPE_NAME) {
    throw optionInvalid(
      `messages: a type must have 1 to ${MAX_TYPE_NAME} characters, not ${type.length}`,
    );
  }
}
