/**
 * What a client can ask of a channel beside its events: its past, and who is there.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import { describeIssue } from "../protocol/issue.ts";
import { type Position, type ServerMessageOf, serverSchemas } from "../protocol/messages.ts";
import type { RequestOptions } from "./requests.ts";
import type { ClientEvent } from "./types.ts";

/** Which part of a channel's past is wanted. */
export interface HistoryOptions extends RequestOptions {
  /** Events after this place. @default the oldest that the server has */
  readonly since?: Position;
  /** The most events to give, 1 to 1,000; the server may give fewer. @default 100 */
  readonly limit?: number;
}

/** A part of a channel's past, oldest first. Media stands in it as JSON has it. */
export interface HistoryPage<E = ClientEvent> {
  readonly channel: string;
  readonly epoch: string;
  readonly events: readonly E[];
  /** Whether there is more after it. */
  readonly more: boolean;
  /** The `since` that gives what comes after it. */
  readonly next: Position;
  /** What was asked for and is gone: offsets, both included, or nulls where the numbering is another. */
  readonly gap?: { readonly from: number | null; readonly to: number | null };
}

/** One who is on a channel: a user with all their connections, or one anonymous connection. */
export interface ClientMember {
  readonly user_id: string | null;
  /** The connection that came, changed or went last. */
  readonly client_id: string;
  /** What it says of itself. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly connections: number;
}

/** Who is on a channel. */
export interface ClientPresence {
  readonly channel: string;
  readonly count: number;
  /** Absent where there are too many to list. */
  readonly members?: readonly ClientMember[];
}

/** @throws {HeddleError} `invalid_frame` where the server gives what is no event. */
export function toHistoryPage(answer: ServerMessageOf<"history">): HistoryPage {
  const { channel, epoch, events, more, next, gap } = answer;
  return {
    channel,
    epoch,
    events: events.map(toEvent),
    more,
    next,
    ...(gap === undefined ? {} : { gap }),
  };
}

function toEvent(value: unknown): ClientEvent {
  const { data: parsed, error } = serverSchemas.event.safeParse(value);
  if (error !== undefined) {
    throw new HeddleError("invalid_frame", `an event of the history: ${describeIssue(error)}`);
  }
  const { channel, event_type, data, timestamp, offset = 0 } = parsed;
  return { channel, event_type, data, timestamp, offset };
}
