import type { Gap } from "../broker/broker.ts";
import type { Frame, Variant } from "../protocol/encode.ts";
import type { ChannelEvent, Exclusion } from "../protocol/event.ts";
import type { Channel } from "./channel.ts";
import type { Fanout, Member } from "./fanout.ts";
import type { Run } from "./stretch.ts";

/** A connection, as the fan-out sees it. No method throws. */
export interface Subscriber extends Member {
  readonly clientId: string;
  readonly userId: string | null;
  /** How its frames are written. When it changes, {@linkcode Channel.regroup} must be told. */
  readonly variant: Variant;
  /**
   * What it may be written to by together with others, as it is now; undefined for alone. When the fan-out
   * that it has changes, {@linkcode Channel.regroup} must be told.
   */
  readonly fanout: Fanout | undefined;
  /** Whether its socket takes this frame of an event now. */
  takes(frame: Frame): boolean;
  /** Hands one frame of an event to its socket. */
  deliver(frame: Frame, event: ChannelEvent): void;
  /** Hands the frames of several events to its socket, none of which has to be acknowledged. */
  deliverAll(run: Run): void;
  /** Counts what it was sent together with others; less than nothing for what it was not sent. */
  count(messages: number, bytes: number): void;
  /** Tells it of events it will not get. */
  miss(channel: string, epoch: string, gap: Gap): void;
  /** It fell behind in this channel, and wants {@linkcode Channel.catchUp} when its socket takes more. */
  fellBehind(channel: Channel): void;
  /** It fell behind by more than the channel bears: its connection is to be cut. */
  overflowed(channel: Channel): void;
}

/** Tells whom an event is not for; undefined where it is for all. */
export function exclusionOf(
  { exclude }: ChannelEvent,
): ((subscriber: Subscriber) => boolean) | undefined {
  return exclude && excluded(exclude);
}

/** Whether an event is for a subscriber. */
export function isFor(event: ChannelEvent, subscriber: Subscriber): boolean {
  return exclusionOf(event)?.(subscriber) !== true;
}

function excluded({ clients = [], users = [] }: Exclusion): (subscriber: Subscriber) => boolean {
  const clientIds = new Set(clients);
  const userIds = new Set(users);
  return ({ clientId, userId }) =>
    clientIds.has(clientId) || (userId !== null && userIds.has(userId));
}
