/**
 * The channels that a request names: which of them a client may name, and what it asks of each.
 *
 * @module
 */
import { type Failure, failure } from "../protocol/errors.ts";
import { CHANNEL_NAME_RULE, isChannelName, isOwnChannelName } from "../protocol/names.ts";
import type { Rejection } from "./answers.ts";
import type { Join, RequestOf } from "./effect.ts";

/** Those that may be a channel's, and those that are refused alone. */
export interface SortedNames {
  readonly channels: string[];
  readonly rejected: Rejection[];
}

/** Sorts names, each once, into those that may be a channel's and those that no client may use. */
export function sortNames(names: readonly string[]): SortedNames {
  const channels: string[] = [];
  const rejected: Rejection[] = [];
  for (const channel of new Set(names)) {
    const refusal = nameFailure(channel);
    if (refusal === undefined) channels.push(channel);
    else rejected.push({ channel, code: refusal.code, message: refusal.message });
  }
  return { channels, rejected };
}

/** Why a client may not name a channel so, whatever channels there are. */
export function nameFailure(channel: string): Failure | undefined {
  if (isOwnChannelName(channel)) {
    return failure("forbidden", 'channels that start with "@" are the server\'s own');
  }
  if (isChannelName(channel)) return undefined;
  return failure("invalid_channel", `a channel name has ${CHANNEL_NAME_RULE}`);
}

/** What a `subscribe` asks of each of the channels it may join. */
export function joinsOf(
  { positions, last, metadata }: RequestOf<"subscribe">,
  channels: readonly string[],
): readonly Join[] {
  const described = metadata === undefined ? {} : { metadata: JSON.stringify(metadata) };
  return channels.map((channel): Join => {
    if (positions !== undefined && Object.hasOwn(positions, channel)) {
      return { channel, since: positions[channel]!, ...described };
    }
    return { channel, ...(last === undefined ? {} : { last }), ...described };
  });
}
