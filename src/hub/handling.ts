import { HeddleError } from "../base/errors.ts";
import { isThenable, type MaybePromise } from "../base/maybe_promise.ts";
import { failure } from "../protocol/errors.ts";
import { describeIssue } from "../protocol/issue.ts";
import {
  type ApplicationMessage,
  type ApplicationReply,
  isReservedType,
} from "../protocol/messages.ts";
import type { Outcome } from "../session/effect.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionInfo } from "./info.ts";
import type { MessageContext } from "./message.ts";
import type { Workings } from "./workings.ts";

const handled: Outcome = { kind: "handled" };

/** Hands a message to the application's handler, and tells how it went when the handler is done. */
export function handleMessage(
  workings: Workings,
  connection: Connection,
  message: ApplicationMessage,
): MaybePromise<Outcome> {
  const definition = workings.options.messages[message.type]!;
  const parsed = definition.schema.safeParse(message.payload ?? {});
  if (!parsed.success) {
    return { kind: "failed", failure: failure("payload_invalid", describeIssue(parsed.error)) };
  }
  const call = new Call(workings, connection, message, parsed.data);
  try {
    const result = definition.handle(call);
    if (!isThenable(result)) return handled;
    return Promise.resolve(result).then(() => handled, (error: unknown) => call.failed(error));
  } catch (error) {
    return call.failed(error);
  }
}

/** What a handler is called with. What few handlers ask for is made when they do. */
class Call implements MessageContext<unknown> {
  readonly payload: unknown;
  readonly correlationId: string | undefined;
  readonly reply: (type: string, payload?: unknown) => boolean;
  readonly #workings: Workings;
  readonly #connection: Connection;
  readonly #type: string;
  #info: ConnectionInfo | undefined;

  constructor(
    workings: Workings,
    connection: Connection,
    message: ApplicationMessage,
    payload: unknown,
  ) {
    this.payload = payload;
    this.correlationId = message.correlation_id;
    // Handlers take it out of the context, so it must know whose it is.
    this.reply = (type, payload = {}) => this.#reply(type, payload);
    this.#workings = workings;
    this.#connection = connection;
    this.#type = message.type;
  }

  get connection(): ConnectionInfo {
    return this.#info ??= this.#connection.info();
  }

  get signal(): AbortSignal {
    return this.#connection.signal;
  }

  /** Logs what a handler threw, and says what its message is answered with. */
  failed(error: unknown): Outcome {
    this.#workings.options.logger.error("a message handler failed", {
      type: this.#type,
      clientId: this.#connection.clientId,
      error,
    });
    return { kind: "failed", failure: failure("internal", "the handler of this message failed") };
  }

  #reply(type: string, payload: unknown): boolean {
    if (isReservedType(type)) {
      throw new HeddleError("option_invalid", `"${type}" is a message of the protocol's own`);
    }
    const { correlationId } = this;
    const timestamp = this.#workings.timestamp();
    const message: ApplicationReply = correlationId === undefined
      ? { type, payload, timestamp }
      : { type, payload, timestamp, correlation_id: correlationId };
    try {
      return this.#connection.send(message);
    } catch (cause) {
      throw new HeddleError("payload_invalid", "JSON cannot hold the payload", { cause });
    }
  }
}
