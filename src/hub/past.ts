import { byteLength } from "../base/byte_length.ts";
import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { HistoryPage } from "../broker/broker.ts";
import { isFor } from "../channel/subscriber.ts";
import { eventMessage } from "../protocol/encode.ts";
import { failure } from "../protocol/errors.ts";
import type { Outcome, RequestOf } from "../session/effect.ts";
import { channelRefusal, openingRefusal } from "./access.ts";
import type { Connection } from "./connection.ts";
import type { Workings } from "./workings.ts";

/** Events a `history` gives where it does not say how many. */
const HISTORY_LIMIT = 100;

/** Bytes of events in one answer to `history`. */
const HISTORY_BYTES = 262_144;

/** Answers a `history`. */
export function readPast(
  workings: Workings,
  connection: Connection,
  { channel, since, limit = HISTORY_LIMIT }: RequestOf<"history">,
): MaybePromise<Outcome> {
  const refusal = openingRefusal(workings, connection, channel);
  if (refusal !== undefined) return { kind: "failed", failure: refusal };
  const { channels, options } = workings;
  const query = { limit, bytes: HISTORY_BYTES, ...(since === undefined ? {} : { since }) };
  return whenReady(
    // Held while it is read, so that a channel nobody is on has an epoch to tell.
    channels.hold(channel),
    () =>
      whenReady(
        attempt(() => options.broker.history(channel, query)),
        (page): Outcome => {
          channels.release(channel);
          const lost = channelRefusal(workings, connection, channel);
          if (lost !== undefined) return { kind: "failed", failure: lost };
          return page === undefined ? unavailable() : pageOutcome(connection, channel, page);
        },
        () => {
          channels.release(channel);
          return unavailable();
        },
      ),
    unavailable,
  ) as MaybePromise<Outcome>;
}

function pageOutcome(
  connection: Connection,
  channel: string,
  { epoch, head, gap, events: found }: HistoryPage,
): Outcome {
  const events: Readonly<Record<string, unknown>>[] = [];
  let bytes = 0;
  let next = (found[0]?.offset ?? head + 1) - 1;
  for (const event of found) {
    if (isFor(event, connection)) {
      const message = eventMessage(event);
      bytes += byteLength(JSON.stringify(message));
      if (bytes > HISTORY_BYTES && events.length > 0) break;
      events.push(message);
    }
    next = event.offset;
  }
  return {
    kind: "page",
    page: {
      channel,
      epoch,
      events,
      more: next < head,
      next: { epoch, offset: next },
      ...(gap === undefined ? {} : { gap }),
    },
  };
}

function unavailable(): Outcome {
  return {
    kind: "failed",
    failure: failure("broker_unavailable", "the channel's past cannot be read now; try again"),
  };
}
