/**
 * Cases of PROTOCOL.md, "Gaps": what is missing, and that it is told.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { pong } from "../wire/frame.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { expectEvents, expectGap, OTHER_EPOCH, pair, positionOf, range, until } from "./places.ts";
import type { Channel, Server } from "./server.ts";
import type { ServerMessage } from "./shape.ts";

/** Offsets that came, and those that gaps told of, in the order of the messages. */
function told(messages: readonly ServerMessage[]): number[] {
  return messages.flatMap((message) =>
    message.type === "gap"
      ? range(Number(message["from"]), Number(message["to"]))
      : [Number(message["offset"])]
  );
}

/** Subscribes at the first position of a channel that keeps few, after more were published. */
async function behind(server: Server) {
  const few = server.channel({ history: "few" });
  const { client, publisher, channel } = await pair(server, few.name);
  const last = await publisher.publishMany(channel, (few.offer.history?.size ?? 1000) + 4);
  const position = { epoch: last.epoch, offset: 1 };
  await client.subscribe(channel, { positions: { [channel]: position } });
  return { client, publisher, channel, last };
}

/** How many publications fill every buffer on the way to a client that does not read. */
const FLOOD = 1200;

/** How many of them come between two signs of life of that client. */
const WAVE = 100;

/** Publishes to a client that has stopped reading, until it must be behind; it reads again after. */
async function flood(
  client: Client,
  publisher: Client,
  { name }: Channel,
  key: (i: number) => string,
) {
  const { offset } = positionOf(await client.subscribe(name), name);
  client.connection.wire.pause();
  const padding = "x".repeat(9000);
  let last = offset;
  for (let at = 0; at < FLOOD; at += WAVE) {
    ({ offset: last } = await publisher.publishMany(
      name,
      WAVE,
      (i) => ({ key: key(at + i), padding }),
    ));
    // It reads slowly, and is alive.
    client.connection.send(pong(""));
  }
  client.connection.wire.resume();
  return { first: offset + 1, last };
}

export const cases: readonly Case[] = [
  check("HDL-GAP-1", "each", "each event is sent, or told of by a gap", async (server) => {
    const { client, channel, last } = await behind(server);
    expectSame(told(await until(client, channel, last.offset)), range(2, last.offset), "all of");
  }),
  check(
    "HDL-GAP-1",
    "later",
    "so it is of those that are published while it recovers",
    async (server) => {
      const { client, publisher, channel, last } = await behind(server);
      const more = await publisher.publishMany(channel, 20);
      expectSame(
        told(await until(client, channel, more.offset)),
        range(2, last.offset + 20),
        "all of",
      );
    },
  ),
  check(
    "HDL-GAP-2",
    "offsets",
    "a gap tells the first and the last missing offset",
    async (server) => {
      const { client, channel, last } = await behind(server);
      const [gap, first] = await until(client, channel, last.offset);
      expect(gap?.type === "gap", "a gap, before all events", gap);
      expectSame([gap["from"], gap["to"], gap["epoch"]], [
        2,
        Number(first?.["offset"]) - 1,
        last.epoch,
      ], "from, to and epoch");
    },
  ),
  check("HDL-GAP-2", "nulls", "of another epoch both are null", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { epoch } = await publisher.publish(channel);
    const position = { epoch: OTHER_EPOCH, offset: 0 };
    await client.subscribe(channel, { positions: { [channel]: position } });
    const gap = await expectGap(client, channel, null, null);
    expectSame(gap["epoch"], epoch, "the epoch that holds");
  }),
  check(
    "HDL-GAP-3",
    "before-the-rest",
    "a gap comes before the events after it",
    async (server) => {
      const { client, channel, last } = await behind(server);
      const came = await until(client, channel, last.offset);
      const places = came.flatMap(({ type }, i) => type === "gap" ? [i] : []);
      expectSame(places, [0], "the place of the gap");
    },
  ),
  check(
    "HDL-GAP-3",
    "null-before-all",
    "one of another epoch before all events",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const last = await publisher.publishMany(channel, 3);
      const position = { epoch: OTHER_EPOCH, offset: 2 };
      await client.subscribe(channel, { positions: { [channel]: position } });
      const came = await until(client, channel, last.offset);
      expectSame(came.map(({ type }) => type), ["gap", "event", "event", "event"], "messages");
    },
  ),
  check(
    "HDL-GAP-6",
    "far-behind",
    "who is far behind recovers all that is kept",
    async (server) => {
      const { name: channel } = server.channel();
      const publisher = await server.connect();
      const { epoch, offset } = await publisher.publishMany(
        channel,
        900,
        (i) => `${i}`.padEnd(500),
      );
      const client = await server.connect();
      await client.subscribe(channel, { positions: { [channel]: { epoch, offset: 0 } } });
      await expectEvents(client, channel, range(1, offset));
    },
  ),
  check("HDL-GAP-6", "reads-slowly", "also where it reads slowly meanwhile", async (server) => {
    const { name: channel } = server.channel();
    const publisher = await server.connect();
    const { epoch, offset } = await publisher.publishMany(channel, 700, (i) => `${i}`.padEnd(9000));
    const client = await server.connect();
    client.send({
      type: "subscribe",
      channels: [channel],
      positions: { [channel]: { epoch, offset: 0 } },
    });
    client.connection.wire.pause();
    const { offset: last } = await publisher.publishMany(channel, 50);
    client.connection.wire.resume();
    expect(last === offset + 50, `the offset ${offset + 50}`, String(last));
    await expectEvents(client, channel, range(1, last));
  }),
  check(
    "HDL-GAP-7",
    "disconnect",
    "a slow reader is cut off with 4503, and gets all before",
    async (server) => {
      const channel = server.channel({ overflow: "disconnect" });
      const [client, publisher] = [await server.connect(), await server.connect()];
      const { first, last } = await flood(client, publisher, channel, String);
      const came: number[] = [];
      while (came.at(-1) !== last) {
        const message = await client.nextOrEnd(
          (one) => one.type === "event" && one["channel"] === channel.name,
          `the event ${last}, or the end`,
        );
        if (message === null) break;
        came.push(Number(message["offset"]));
      }
      expectSame(came, range(first, first + came.length - 1), "events without a hole");
      // Where it is not told what may wait, all of it may.
      const bound = server.offer.outbox_bytes;
      if (came.at(-1) === last && bound === undefined) return;
      const { code } = await client.ended();
      // One that is cut off cannot be told why.
      expect(code === 4503 || code === null, "the end with 4503", String(code));
    },
  ),
  check("HDL-GAP-7", "drop-oldest", "or the oldest are left out, and told of", async (server) => {
    const channel = server.channel({ overflow: "drop-oldest" });
    const [client, publisher] = [await server.connect(), await server.connect()];
    const { first, last } = await flood(client, publisher, channel, String);
    const came = await until(client, channel.name, last);
    expectSame(told(came), range(first, last), "all of");
    expect(came.some(({ type }) => type === "gap"), "a gap", `${came.length} events`);
  }),
  check("HDL-GAP-7", "conflate", "or those that a newer one replaces", async (server) => {
    const channel = server.channel({ overflow: "conflate" });
    const [client, publisher] = [await server.connect(), await server.connect()];
    const { first, last } = await flood(client, publisher, channel, (i) => `key-${i % 5}`);
    const came = await until(client, channel.name, last);
    expectSame(told(came), range(first, last), "all of");
    const newest = came.slice(-5).map(({ offset }) => offset);
    expectSame(newest, range(last - 4, last), "the newest of each key");
  }),
  check(
    "HDL-GAP-8",
    "epoch",
    "the epoch told is the one that events are published in",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const told = positionOf(await client.subscribe(channel), channel);
      const taken = await publisher.publish(channel);
      expectSame(told.epoch, taken.epoch, "the epoch");
      await client.event(channel);
      const { epoch } = await client.ok({ type: "history", channel });
      expectSame(epoch, told.epoch, "the epoch of the history");
    },
  ),
];
