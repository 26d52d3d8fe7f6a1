/**
 * Cases of PROTOCOL.md, "Subscribing": where a subscription starts, and what it gets.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import {
  expectEvents,
  expectGap,
  expectNextIs,
  offsets,
  OTHER_EPOCH,
  pair,
  positionOf,
  range,
  until,
} from "./places.ts";

export const cases: readonly Case[] = [
  check("HDL-SUB-13", "again", "subscribing again re-delivers nothing", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const first = await client.subscribe(channel);
    const start = positionOf(first, channel);
    const { offset } = await publisher.publishMany(channel, 3);
    await expectEvents(client, channel, range(offset - 2, offset));
    for (const fields of [{}, { last: 3 }, { positions: { [channel]: start } }]) {
      const answer = await client.subscribe(channel, fields);
      expectSame(positionOf(answer, channel), { epoch: start.epoch, offset }, "position");
      expectSame(answer["channels"], [channel], "channels");
    }
    await expectNextIs(client, publisher, channel);
  }),
  check("HDL-SUB-14", "subscribed", "every event after the told position comes", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 2);
    const { offset } = positionOf(await client.subscribe(channel), channel);
    const last = await publisher.publishMany(channel, 3);
    await expectEvents(client, channel, range(offset + 1, last.offset));
  }),
  check("HDL-SUB-14", "subscriptions", "so it is of get_subscriptions", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    await publisher.publishMany(channel, 2);
    const answer = await client.ok({ type: "get_subscriptions" });
    const { offset } = positionOf(answer, channel);
    const last = await publisher.publish(channel);
    const came = offsets(await until(client, channel, last.offset));
    const missing = range(offset + 1, last.offset).filter((one) => !came.includes(one));
    expect(missing.length === 0, `all events after ${offset}`, `not ${missing}`);
  }),
  check("HDL-SUB-15", "many", "every event comes until the subscription ends", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const second = await server.connect();
    const { offset } = positionOf(await client.subscribe(channel), channel);
    await Promise.all([publisher.publishMany(channel, 40), second.publishMany(channel, 40)]);
    await expectEvents(client, channel, range(offset + 1, offset + 80));
  }),
  check("HDL-SUB-15", "several-channels", "of each of its channels", async (server) => {
    const names = server.channels(5);
    const [client, publisher] = [await server.connect(), await server.connect()];
    const answer = await client.subscribe(names);
    for (const name of names) await publisher.publishMany(name, 4);
    for (const name of names) {
      const { offset } = positionOf(answer, name);
      await expectEvents(client, name, range(offset + 1, offset + 4));
    }
  }),
  check(
    "HDL-SUB-16",
    "newest",
    "without a position it starts after the newest event",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const last = await publisher.publishMany(channel, 3);
      const answer = await client.subscribe(channel);
      expectSame(positionOf(answer, channel), last, "position");
      await expectNextIs(client, publisher, channel);
    },
  ),
  check(
    "HDL-SUB-17",
    "kept",
    "with a position, after which all is kept, it starts there",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const last = await publisher.publishMany(channel, 5);
      const wanted = { epoch: last.epoch, offset: last.offset - 3 };
      const answer = await client.subscribe(channel, { positions: { [channel]: wanted } });
      expectSame(positionOf(answer, channel), wanted, "position");
      await expectEvents(client, channel, range(last.offset - 2, last.offset));
    },
  ),
  check(
    "HDL-SUB-17",
    "from-the-start",
    "with offset 0 it starts with the first",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const { epoch, offset } = await publisher.publishMany(channel, 3);
      await client.subscribe(channel, { positions: { [channel]: { epoch, offset: 0 } } });
      await expectEvents(client, channel, range(1, offset));
    },
  ),
  check(
    "HDL-SUB-17",
    "gone",
    "where some are gone it starts with the oldest kept",
    async (server) => {
      const few = server.channel({ history: "few" });
      const { client, publisher, channel } = await pair(server, few.name);
      const size = few.offer.history?.size ?? 1000;
      const last = await publisher.publishMany(channel, size + 5);
      const position = { epoch: last.epoch, offset: 1 };
      const answer = await client.subscribe(channel, { positions: { [channel]: position } });
      const start = positionOf(answer, channel);
      await expectGap(client, channel, 2, start.offset);
      await expectEvents(client, channel, range(start.offset + 1, last.offset));
      expect(last.offset - start.offset <= size, `at most ${size} events kept`, start);
    },
  ),
  check(
    "HDL-SUB-18",
    "other-epoch",
    "a position of another epoch is not recovered",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const last = await publisher.publishMany(channel, 3);
      const position = { epoch: OTHER_EPOCH, offset: 2 };
      const answer = await client.subscribe(channel, { positions: { [channel]: position } });
      expectSame(answer["recovered"], { [channel]: false }, "recovered");
      expectSame(positionOf(answer, channel), { epoch: last.epoch, offset: 0 }, "position");
      await expectGap(client, channel, null, null);
      await expectEvents(client, channel, [1, 2, 3]);
    },
  ),
  check("HDL-SUB-18", "future", "nor is one beyond the newest event", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const last = await publisher.publishMany(channel, 3);
    const position = { epoch: last.epoch, offset: last.offset + 1 };
    const answer = await client.subscribe(channel, { positions: { [channel]: position } });
    expectSame(answer["recovered"], { [channel]: false }, "recovered");
    await expectGap(client, channel, null, null);
    await expectEvents(client, channel, [1, 2, 3]);
  }),
  check("HDL-SUB-19", "last", "with last it starts before the newest so many", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { epoch, offset } = await publisher.publishMany(channel, 5);
    const answer = await client.subscribe(channel, { last: 2 });
    expectSame(positionOf(answer, channel), { epoch, offset: offset - 2 }, "position");
    await expectEvents(client, channel, [offset - 1, offset]);
  }),
  check("HDL-SUB-19", "fewer", "or before the oldest where there are fewer", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { offset } = await publisher.publishMany(channel, 3);
    await client.subscribe(channel, { last: 1000 });
    await expectEvents(client, channel, range(1, offset));
  }),
  check("HDL-SUB-19", "zero", "last 0 asks for none", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 3);
    await client.subscribe(channel, { last: 0 });
    await expectNextIs(client, publisher, channel);
  }),
  check(
    "HDL-SUB-19",
    "not-for-it-counted",
    "those that are not for it are counted",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await publisher.publish(channel);
      await client.publish(channel, 1, { echo: false });
      const { offset } = await publisher.publish(channel);
      await client.subscribe(channel, { last: 2 });
      await expectEvents(client, channel, [offset]);
    },
  ),
  check("HDL-SUB-19", "position-first", "a position counts before last", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { epoch, offset } = await publisher.publishMany(channel, 4);
    const positions = { [channel]: { epoch, offset: offset - 3 } };
    await client.subscribe(channel, { positions, last: 1 });
    await expectEvents(client, channel, range(offset - 2, offset));
  }),
  check(
    "HDL-SUB-20",
    "of-those-named",
    "recovered names what had a position alone",
    async (server) => {
      const [a = "", b = "", c = ""] = server.channels(3);
      const [client, publisher] = [await server.connect(), await server.connect()];
      const last = await publisher.publish(a);
      const positions = { [a]: last, [b]: { epoch: OTHER_EPOCH, offset: 7 } };
      const answer = await client.subscribe([a, b, c], { positions });
      expectSame(answer["recovered"], { [a]: true, [b]: false }, "recovered");
      const without = await client.ok({ type: "subscribe", channels: [server.channel().name] });
      const { recovered = {} } = without;
      expectSame(recovered, {}, "recovered without positions");
    },
  ),
  check("HDL-SUB-21", "nothing-kept", "a gap comes also where nothing is kept", async (server) => {
    const { client, publisher, channel } = await pair(
      server,
      server.channel({ unused: true }).name,
    );
    const position = { epoch: OTHER_EPOCH, offset: 3 };
    const answer = await client.subscribe(channel, { positions: { [channel]: position } });
    expectSame(answer["recovered"], { [channel]: false }, "recovered");
    await expectGap(client, channel, null, null);
    await expectNextIs(client, publisher, channel);
  }),
  check(
    "HDL-SUB-22",
    "in-order",
    "missed events come after the answer, before live ones",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const { epoch, offset } = await publisher.publishMany(channel, 50);
      const live = publisher.publishMany(channel, 30);
      const positions = { [channel]: { epoch, offset: 0 } };
      const answer = await client.subscribe(channel, { positions });
      await live;
      await expectEvents(client, channel, range(1, offset + 30));
      const first = client.received.find(({ message }) => message["channel"] === channel);
      const after = client.received.findIndex(({ message }) => message === answer) <
        client.received.findIndex((one) => one === first);
      expect(after, "subscribed before its first event", first?.message);
    },
  ),
  check(
    "HDL-SUB-23",
    "others",
    "positions of channels that are not named are ignored",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const other = server.channel().name;
      const { epoch } = await publisher.publishMany(other, 2);
      const positions = { [other]: { epoch, offset: 0 }, "no name": { epoch, offset: 0 } };
      const answer = await client.subscribe(channel, { positions });
      expectSame(
        [answer["channels"], answer["recovered"] ?? {}],
        [[channel], {}],
        "the channel alone",
      );
      await publisher.publish(other);
      await client.subscribe(other);
      await expectNextIs(client, publisher, other);
    },
  ),
];
