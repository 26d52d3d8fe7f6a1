/**
 * Which channels a client may have.
 *
 * @module
 */
import type { ChannelRegistry } from "../channel/registry.ts";
import { permits } from "../guard/permissions.ts";
import { type Failure, failure } from "../protocol/errors.ts";
import { isChannelName, isOwnChannelName } from "../protocol/names.ts";
import type { Connection } from "./connection.ts";
import type { Workings } from "./workings.ts";

/** Why a role may not subscribe to a channel; undefined where it may. */
export function roleRefusal(
  registry: ChannelRegistry,
  channel: string,
  role: string,
): Failure | undefined {
  const definition = isChannelName(channel) ? registry.find(channel) : undefined;
  if (definition === undefined) {
    return failure("unknown_channel", `no channel "${channel}" is declared`);
  }
  if (permits(definition.permissions, role, "subscribe")) return undefined;
  return failure("forbidden", `the role "${role}" may not subscribe to "${channel}"`);
}

/** Why a connection may not have a channel. Its own it may: a client's names were checked before. */
export function channelRefusal(
  { registry }: Workings,
  { identity }: Connection,
  channel: string,
): Failure | undefined {
  return isOwnChannelName(channel) ? undefined : roleRefusal(registry, channel, identity.role);
}

/** The same, and why one more cannot be opened: clients without a user leave room for the others. */
export function openingRefusal(
  workings: Workings,
  connection: Connection,
  channel: string,
): Failure | undefined {
  const refusal = channelRefusal(workings, connection, channel);
  if (refusal !== undefined) return refusal;
  const { channels, options, stats } = workings;
  const { channels: limit } = options.limits;
  const most = connection.userId === null ? Math.ceil(limit / 2) : limit;
  if (channels.patterned < most || channels.has(channel) || !channels.isPatterned(channel)) {
    return undefined;
  }
  stats.channelsRefused++;
  return failure("broker_unavailable", "too many channels are open at this moment; try again");
}
