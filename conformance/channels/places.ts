/**
 * What cases say of positions, events and gaps.
 *
 * @module
 */
import { Broken } from "../peer/finding.ts";
import { expect, expectSame } from "./check.ts";
import type { Client, Position } from "./client.ts";
import type { Server } from "./server.ts";
import { isRecord, type ServerMessage, showMessage } from "./shape.ts";

/** An epoch that no server has. */
export const OTHER_EPOCH = "kit-no-epoch";

/** Names outside the alphabet, or too long. */
export const BAD_NAMES = ["", "a b", "ü", "a*", "*", "a\n", "a,b", "x".repeat(201)] as const;

/** A client, another that publishes, and a channel of theirs. */
export async function pair(
  server: Server,
  channel = server.channel().name,
): Promise<{ readonly client: Client; readonly publisher: Client; readonly channel: string }> {
  return { client: await server.connect(), publisher: await server.connect(), channel };
}

/** The position that a message tells for a channel. */
export function positionOf(message: ServerMessage, channel: string): Position {
  const { positions } = message;
  const position = isRecord(positions) ? positions[channel] : undefined;
  if (isRecord(position)) {
    const { epoch, offset } = position;
    if (typeof epoch === "string" && typeof offset === "number") return { epoch, offset };
  }
  throw new Broken({ expected: `a position of ${channel}`, observed: showMessage(message) });
}

/** The code by which a name is rejected; null where it is not. */
export function rejection(message: ServerMessage, channel: string): string | null {
  const { rejected } = message;
  const found = (Array.isArray(rejected) ? rejected : [])
    .find((entry) => isRecord(entry) && entry["channel"] === channel);
  return isRecord(found) ? String(found["code"]) : null;
}

/** The names are rejected, each by the code. */
export function expectRejected(message: ServerMessage, codes: Readonly<Record<string, string>>) {
  const found = Object.fromEntries(
    Object.keys(codes).map((name) => [name, rejection(message, name)]),
  );
  expectSame(found, codes, "rejected");
}

/** The offsets of events. */
export function offsets(events: readonly unknown[]): unknown[] {
  return events.map((event) => isRecord(event) ? event["offset"] : null);
}

/** Numbers from … to, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

/** The next `gap` of a channel has these ends. */
export async function expectGap(
  client: Client,
  channel: string,
  from: number | null,
  to: number | null,
): Promise<ServerMessage> {
  const gap = await client.next(
    (message) => message.type === "gap" && message["channel"] === channel,
    `a gap of ${channel}`,
  );
  expectSame([gap["from"], gap["to"]], [from, to], "from and to");
  return gap;
}

/** The next events of a channel have these offsets, and no gap came before them. */
export async function expectEvents(
  client: Client,
  channel: string,
  expected: readonly number[],
): Promise<ServerMessage[]> {
  const events = await client.events(channel, expected.length);
  expectSame(offsets(events), expected, "offsets");
  return events;
}

/** A channel's events and gaps, in the order they came, until the event with this offset. */
export async function until(
  client: Client,
  channel: string,
  offset: number,
): Promise<ServerMessage[]> {
  const came: ServerMessage[] = [];
  for (;;) {
    const message = await client.next(
      ({ type, ...fields }) =>
        fields["channel"] === channel &&
        (type === "gap" || type === "event" && fields["offset"] !== undefined),
      `the event ${offset} of ${channel}`,
    );
    came.push(message);
    if (message.type === "event" && Number(message["offset"]) >= offset) return came;
  }
}

/** Nothing of a channel comes before its next event, which is published now and has this offset. */
export async function expectNextIs(
  client: Client,
  publisher: Client,
  channel: string,
): Promise<void> {
  const { offset } = await publisher.publish(channel, "sentinel");
  const came = await until(client, channel, offset);
  expect(came.length === 1, `the event ${offset} and nothing before it`, came);
}
