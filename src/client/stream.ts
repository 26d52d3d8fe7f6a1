import { HeddleError } from "../base/errors.ts";
import { checkNames, checkStrings } from "../base/option_checks.ts";
import type { Received } from "./frames.ts";
import type { Requests, Waiting } from "./requests.ts";
import type { Reply } from "./types.ts";

/** Which answers a stream has. */
export interface StreamOptions {
  /**
   * Types that end it; the answer with such a type is its last. The protocol has no end of its own, so
   * without them it lasts until it is left, aborted or the connection ends.
   */
  readonly until?: readonly string[];
  /** Aborted, the stream throws the signal's reason; the server is not told. */
  readonly signal?: AbortSignal;
}

/** How many answers may wait to be read. */
const MAX_WAITING = 10_000;

/** Sends a message when it is first read from, and gives its answers as they come. */
export async function* streamReplies(
  requests: Requests,
  send: (id: string, waiting: Waiting) => void,
  options: StreamOptions,
): AsyncGenerator<Reply, void, undefined> {
  checkNames("stream", options, ["until", "signal"]);
  checkStrings("stream.until", options.until);
  const { until = [], signal } = options;
  signal?.throwIfAborted();
  const waiting: Reply[] = [];
  let failure: { readonly reason: unknown } | undefined;
  let wake = () => {};
  function fail(reason: unknown): void {
    failure ??= { reason };
    wake();
  }
  const abort = () => fail(signal?.reason);
  const reader: Waiting = {
    fail,
    answer(message) {
      if (waiting.length < MAX_WAITING) waiting.push(toReply(message, id));
      else fail(new HeddleError("too_large", `${MAX_WAITING} answers wait to be read`));
      wake();
    },
    written() {},
    returned() {},
  };
  const id = requests.open(reader);
  signal?.addEventListener("abort", abort);
  try {
    send(id, reader);
    for (;;) {
      const reply = waiting.shift();
      if (reply !== undefined) {
        yield reply;
        if (until.includes(reply.type)) return;
      } else if (failure !== undefined) {
        throw failure.reason;
      } else {
        await new Promise<void>((resolve) => wake = resolve);
      }
    }
  } finally {
    requests.close(id);
    signal?.removeEventListener("abort", abort);
  }
}

/** Takes a message for the answer of an application. */
export function toReply({ raw, correlationId = "" }: Received, id = correlationId): Reply {
  const { type, payload, timestamp } = raw;
  return { type, payload, timestamp: String(timestamp ?? ""), correlation_id: id };
}
