import type { Collection } from "../base/small_set.ts";
import { assertNever } from "../base/exhaustive.ts";
import { errorTable, type Failure } from "../protocol/errors.ts";
import type { Position, Request, ServerMessage } from "../protocol/messages.ts";
import { isOwnChannelName, MAX_CHANNEL_NAME } from "../protocol/names.ts";
import type { Joined, Outcome, RequestOf } from "./effect.ts";

/** A channel of a list that was refused alone. */
export interface Rejection {
  readonly channel: string;
  readonly code: Failure["code"];
  readonly message: string;
}

/** A message before it is stamped with the time and the request's correlation id. */
export type Unstamped<M> = M extends { timestamp: string } ? Omit<M, "timestamp" | "correlation_id">
  : never;

/** An answer before it is stamped. */
export type Answer = Unstamped<ServerMessage>;

/**
 * Puts the outcome of a request into the message that answers it.
 *
 * @param rejections The channels that were refused before the outcome was awaited.
 * @param subscriptions What the session is subscribed to now.
 */
export function answerTo(
  request: Request,
  outcome: Exclude<Outcome, { kind: "failed" | "handled" }>,
  { rejections, subscriptions }: {
    readonly rejections: readonly Rejection[];
    readonly subscriptions: Collection<string>;
  },
): Answer {
  switch (outcome.kind) {
    case "joined": {
      const { channels, positions, recovered, rejected } = sortJoined(outcome.results, rejections);
      return {
        type: "subscribed",
        channels,
        positions,
        ...(Object.keys(recovered).length === 0 ? {} : { recovered }),
        ...rejected,
        ...denials(rejected.rejected),
      };
    }
    case "located": {
      const channels = [...subscriptions];
      // One may have been taken away while its place was looked up.
      const known = channels.filter((channel) => Object.hasOwn(outcome.positions, channel));
      return {
        type: "subscriptions",
        channels,
        positions: Object.fromEntries(
          known.map((channel) => [channel, outcome.positions[channel]!]),
        ),
      };
    }
    case "reminded": {
      const { reconnectionToken: token, expiresIn: expires_in } = outcome;
      return { type: "reconnection_token", token, expires_in };
    }
    case "published": {
      const { channel, id } = request as RequestOf<"publish">;
      const { position: { epoch, offset }, duplicate } = outcome;
      const answer: Extract<Answer, { type: "published" }> = {
        type: "published",
        channel,
        epoch,
        offset,
      };
      if (id !== undefined) answer.id = id;
      if (duplicate) answer.duplicate = true;
      return answer;
    }
    case "page":
      return { type: "history", ...outcome.page };
    case "present":
      return { type: "presence", ...outcome.presence };
    case "resumed":
      return {
        type: "resumed",
        client_id: outcome.clientId,
        ...resumedFields(outcome.results),
        reconnection_token: outcome.reconnectionToken,
        expires_in: outcome.expiresIn,
      };
    case "authenticated":
      return {
        type: "authenticated",
        user_id: outcome.userId,
        role: outcome.role,
        ...(outcome.expiresIn === undefined ? {} : { token_expires_in: outcome.expiresIn }),
      };
    default:
      return assertNever(outcome);
  }
}

/** Completes an answer, which is nobody else's: it is stamped itself, since to copy it costs more. */
export function stamped(
  answer: Answer,
  correlationId: string | undefined,
  timestamp: string,
): ServerMessage {
  const message = answer as { correlation_id?: string; timestamp?: string };
  if (correlationId !== undefined) message.correlation_id = correlationId;
  message.timestamp = timestamp;
  return message as ServerMessage;
}

/** Tells the peer of a failure. */
export function errorMessage(
  { code, message, retryAfter }: Failure,
  correlationId: string | undefined,
  timestamp: string,
): ServerMessage {
  const { recoverable, help } = errorTable[code];
  const answer: Extract<Answer, { type: "error" }> = {
    type: "error",
    code,
    message,
    recoverable,
    help,
  };
  if (retryAfter !== undefined) answer.retry_after = retryAfter;
  return stamped(answer, correlationId, timestamp);
}

/** What a resumed session has again, as `resumed` and `connected` tell it. */
export function resumedFields(results: readonly Joined[]): {
  channels: string[];
  positions: Record<string, Position>;
  recovered: Record<string, boolean>;
  rejected?: Rejection[];
} {
  const { channels, positions, recovered, rejected } = sortJoined(results, []);
  return {
    channels: channels.filter((channel) => !isOwnChannelName(channel)),
    positions,
    recovered,
    ...rejected,
  };
}

function sortJoined(results: readonly Joined[], rejections: readonly Rejection[]) {
  const channels: string[] = [];
  const positions: [string, Position][] = [];
  const recovered: [string, boolean][] = [];
  const rejected = [...rejections];
  for (const result of results) {
    const { channel } = result;
    if ("failure" in result) {
      rejected.push({ channel, code: result.failure.code, message: result.failure.message });
      continue;
    }
    channels.push(channel);
    positions.push([channel, result.position]);
    if (result.recovered !== undefined) recovered.push([channel, result.recovered]);
  }
  return {
    channels,
    positions: Object.fromEntries(positions),
    recovered: Object.fromEntries(recovered),
    rejected: rejected.length === 0 ? {} : { rejected },
  };
}

/** The codes of names that asking again does not get. */
const denying: ReadonlySet<string> = new Set<Failure["code"]>([
  "forbidden",
  "invalid_channel",
  "unknown_channel",
]);

/** What clients look for that know no `rejected`: what their user may not have, in their server's words. */
function denials(rejected: readonly Rejection[] = []): { denied?: string[]; message?: string } {
  // `rejected` repeats a name whole, to be found by it; thrice would be a lot where it is no name at all.
  const denied = rejected
    .filter(({ code }) => denying.has(code))
    .map(({ channel }) => channel.slice(0, MAX_CHANNEL_NAME));
  if (denied.length === 0) return {};
  return { denied, message: `Permission denied for channels: ${denied.join(", ")}` };
}
