/**
 * Cases of PROTOCOL.md, "Subscribing": who may, and what the answers say.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import {
  BAD_NAMES,
  expectEvents,
  expectNextIs,
  expectRejected,
  pair,
  positionOf,
} from "./places.ts";
import type { Server } from "./server.ts";
import { cases as starting } from "./subscribing_starting.ts";

const rejects = (
  name: string,
  what: string,
  code: string,
  namesOf: (server: Server) => readonly string[],
): Case =>
  check("HDL-SUB-2", name, `${what} is rejected with ${code}`, async (server) => {
    const client = await server.connect();
    const names = namesOf(server);
    const answer = await client.ok({ type: "subscribe", channels: names });
    expectSame(answer["channels"], [], "channels");
    expectRejected(answer, Object.fromEntries(names.map((one) => [one, code])));
  });

export const cases: readonly Case[] = [
  check("HDL-SUB-1", "each-once", "each different name is answered once", async (server) => {
    const [a = "", b = ""] = server.channels(2, { may: ["subscribe"] });
    const client = await server.connect();
    const channels = [a, "no name", b, a, "no name", a];
    const answer = await client.ok({ type: "subscribe", channels });
    expectSame(answer["channels"], [a, b], "channels");
    const { rejected } = answer;
    expect(Array.isArray(rejected) && rejected.length === 1, "one rejected name", rejected);
    expectRejected(answer, { "no name": "invalid_channel" });
    expectSame(Object.keys(Object(answer["positions"])).sort(), [a, b].sort(), "positions of");
  }),
  rejects("invalid", "a name outside the alphabet", "invalid_channel", () => BAD_NAMES),
  rejects("own", "a name that starts with @", "forbidden", () => ["@all", "@user:kit", "@x y"]),
  rejects("unknown", "a name of no channel", "unknown_channel", (server) => [
    server.unknownChannel(),
  ]),
  rejects("forbidden", "a channel that the role may not subscribe to", "forbidden", (server) => [
    server.channel({ mayNot: ["subscribe"], may: [] }).name,
  ]),
  check(
    "HDL-SUB-3",
    "one-bad-name",
    "a bad name among good ones is rejected alone",
    async (server) => {
      const [a = "", b = ""] = server.channels(2);
      const { client, publisher } = await pair(server, a);
      const channels = [a, "no name", server.unknownChannel(), "@all", b];
      const answer = await client.ok({ type: "subscribe", channels });
      expectSame(answer["channels"], [a, b], "channels");
      for (const name of [a, b]) await expectNextIs(client, publisher, name);
    },
  ),
  check("HDL-SUB-4", "one-too-many", "a name over the limit is rejected alone", async (server) => {
    const client = await server.connect();
    const limit = client.limit("subscriptions", 256);
    const names = server.channels(limit + 1, { may: ["subscribe"] });
    for (let at = 0; at < limit; at += 100) {
      await client.subscribe(names.slice(at, Math.min(at + 100, limit)));
    }
    const last = names[limit] ?? "";
    const over = await client.ok({ type: "subscribe", channels: [last, names[0] ?? ""] });
    expectSame(over["channels"], [names[0]], "channels");
    expectRejected(over, { [last]: "too_many_subscriptions" });
    await client.ok({ type: "unsubscribe", channels: [names[1] ?? ""] });
    await client.subscribe(last);
  }),
  ...starting,
  check(
    "HDL-SUB-8",
    "each-once",
    "unsubscribe answers each different name once",
    async (server) => {
      const [a = "", b = ""] = server.channels(2);
      const client = await server.connect();
      await client.subscribe(a);
      const names = [a, b, a, "no name", "@all", "no name"];
      const answer = await client.ok({ type: "unsubscribe", channels: names });
      expectSame(answer["channels"], [a, b], "channels");
      expectRejected(answer, { "no name": "invalid_channel", "@all": "forbidden" });
      const { rejected } = answer;
      expect(Array.isArray(rejected) && rejected.length === 2, "two rejected names", rejected);
    },
  ),
  watch(
    "HDL-SUB-9",
    "silence",
    "no event of a channel comes after unsubscribed",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await client.subscribe(channel);
      const { offset } = await publisher.publish(channel);
      await client.event(channel);
      await client.ok({ type: "unsubscribe", channels: [channel] });
      await publisher.publishMany(channel, 3);
      await client.subscribe(channel);
      await publisher.publish(channel);
      await expectEvents(client, channel, [offset + 4]);
    },
  ),
  check(
    "HDL-SUB-10",
    "order",
    "the subscriptions come in the order they were asked for",
    async (server) => {
      const names = server.channels(4, { may: ["subscribe"] });
      const [a = "", b = "", c = "", d = ""] = names;
      const client = await server.connect();
      await client.subscribe([c, a]);
      await client.subscribe([d, b, a]);
      await client.ok({ type: "unsubscribe", channels: [a] });
      const answer = await client.ok({ type: "get_subscriptions" });
      expectSame(answer["channels"], [c, d, b], "channels");
      for (const name of [c, d, b]) positionOf(answer, name);
    },
  ),
  check("HDL-SUB-10", "own", "its own channels are left out", async (server) => {
    const client = await server.connect();
    const answer = await client.ok({ type: "get_subscriptions" });
    expectSame([answer["channels"], answer["positions"]], [[], {}], "nothing");
  }),
  check(
    "HDL-SUB-11",
    "taken-away",
    "a subscription that is taken away is told of",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await client.subscribe(channel);
      await server.act(publisher, "kit.unsubscribe", { client: client.id, channels: [channel] });
      const notice = await client.message("unsubscribed");
      expectSame(notice["channels"], [channel], "channels");
      const { code, message } = notice;
      const told = typeof code === "string" && typeof message === "string" &&
        !Object.hasOwn(notice, "correlation_id");
      expect(told, "code and message, and no correlation_id", notice);
      await publisher.publish(channel);
      const answer = await client.ok({ type: "get_subscriptions" });
      expectSame(answer["channels"], [], "channels");
    },
  ),
  check("HDL-SUB-12", "unlisted", "a role that is not listed has what * has", async (server) => {
    const role = "kit-unlisted";
    const open = server.channel({ role, may: ["subscribe"] }).name;
    const client = await server.connect({ role });
    await client.subscribe(open);
  }),
  check("HDL-SUB-12", "nothing", "and nothing where there is no *", async (server) => {
    const role = "kit-unlisted";
    const closed = server.channel({ role, may: [], mayNot: ["subscribe", "broadcast"] }).name;
    const client = await server.connect({ role });
    const answer = await client.ok({ type: "subscribe", channels: [closed] });
    expectRejected(answer, { [closed]: "forbidden" });
    const publish = { type: "publish", channel: closed, event_type: "kit", data: 1 };
    await client.refused(publish, "forbidden", "payload_invalid");
  }),
];
