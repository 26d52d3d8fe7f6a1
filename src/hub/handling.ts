import { HeddleError } from "../base/errors.ts";
import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import { describeIssue } from "../protocol/decode.ts";
import { failure } from "../protocol/errors.ts";
import { type ApplicationMessage, isReservedType } from "../protocol/messages.ts";
import type { Outcome } from "../session/effect.ts";
import type { Connection } from "./connection.ts";
import type { Workings } from "./workings.ts";

const handled: Outcome = { kind: "handled" };

/** Hands a message to the application's handler, and tells how it went when the handler is done. */
export function handleMessage(
  workings: Workings,
  connection: Connection,
  message: ApplicationMessage,
): MaybePromise<Outcome> {
  const { options, timestamp } = workings;
  const definition = options.messages[message.type]!;
  const parsed = definition.schema.safeParse(message.payload ?? {});
  if (!parsed.success) {
    return { kind: "failed", failure: failure("payload_invalid", describeIssue(parsed.error)) };
  }
  const correlationId = message.correlation_id;
  const correlated = correlationId === undefined ? {} : { correlation_id: correlationId };

  function reply(type: string, payload: unknown = {}): boolean {
    if (isReservedType(type)) {
      throw new HeddleError("option_invalid", `"${type}" is a message of the protocol's own`);
    }
    try {
      return connection.send({ type, payload, timestamp: timestamp(), ...correlated });
    } catch (cause) {
      throw new HeddleError("payload_invalid", "JSON cannot hold the payload", { cause });
    }
  }

  function failed(error: unknown): Outcome {
    options.logger.error("a message handler failed", {
      type: message.type,
      clientId: connection.clientId,
      error,
    });
    return { kind: "failed", failure: failure("internal", "the handler of this message failed") };
  }

  try {
    return whenReady(
      definition.handle({
        payload: parsed.data,
        connection: connection.info(),
        correlationId,
        get signal() {
          return connection.signal;
        },
        reply,
      }),
      () => handled,
      failed,
    );
  } catch (error) {
    return failed(error);
  }
}
