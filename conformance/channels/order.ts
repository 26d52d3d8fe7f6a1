/**
 * Cases of PROTOCOL.md, "Order".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import type { Client } from "./client.ts";
import { expectEvents, offsets, pair, range } from "./places.ts";
import { fresh, type Server } from "./server.ts";
import type { ServerMessage } from "./shape.ts";

/** Fills the connection with messages that wait, and returns how to let them end. */
function fill(server: Server, client: Client, count: number) {
  const ids = Array.from({ length: count }, () => fresh());
  for (const id of ids) {
    client.send({ ...server.application("kit.wait", { id }), correlation_id: id });
  }
  const release = async () => {
    const other = await server.connect();
    for (const id of ids) await server.act(other, "kit.release", { id });
    for (const id of ids) await client.answer(id, "kit.wait");
  };
  return { ids, release };
}

/** Closed for too much before `connected`: 1013, or what a runtime sends in its place. */
const TRY_AGAIN = [1013, 4013];

export const cases: readonly Case[] = [
  watch("HDL-ORD-10", "increasing", "offsets of a channel strictly increase", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const second = await server.connect();
    await client.subscribe(channel);
    await Promise.all([publisher.publishMany(channel, 50), second.publishMany(channel, 50)]);
    await client.events(channel, 100);
  }),
  check(
    "HDL-ORD-11",
    "once",
    "no event comes twice, however one subscribes again",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await client.subscribe(channel);
      const publishing = publisher.publishMany(channel, 60);
      for (let i = 0; i < 5; i++) await client.subscribe(channel, { last: 10 });
      const { offset } = await publishing;
      await client.fence();
      await publisher.publish(channel);
      await client.next((one) => one["offset"] === offset + 1, `the event ${offset + 1}`);
      const all = client.received.map(({ message }) => message)
        .filter(({ type, channel: its }) => type === "event" && its === channel);
      expectSame(offsets(all), range(1, offset + 1), "offsets");
    },
  ),
  check(
    "HDL-ORD-3",
    "one-by-one",
    "each request acts when those before are answered",
    async (server) => {
      const { name } = server.channel();
      const client = await server.connect();
      const publish = (data: number) => ({
        type: "publish",
        channel: name,
        event_type: "kit",
        data,
        echo: true,
      });
      const requests = [
        publish(1),
        { type: "subscribe", channels: [name] },
        publish(2),
        { type: "unsubscribe", channels: [name] },
        publish(3),
        { type: "subscribe", channels: [name], last: 1 },
        publish(4),
        { type: "get_subscriptions", correlation_id: "last" },
      ];
      for (const request of requests) client.send(request);
      const last = await client.answer("last", "get_subscriptions");
      expectSame(last["channels"], [name], "channels");
      const events = await client.events(name, 3);
      expectSame(events.map(({ data }) => data), [2, 3, 4], "data of the events");
    },
  ),
  check(
    "HDL-ORD-15",
    "in-order",
    "answers and refusals come in the order of the messages",
    async (server) => {
      const { name } = server.channel();
      const client = await server.connect();
      const texts: readonly (readonly [string, string])[] = [
        [`{"type":"subscribe","channels":["${name}"]}`, "subscribed"],
        ["{", "invalid_json"],
        [`{"type":"publish","channel":"${name}","event_type":"kit","data":1}`, "published"],
        ['{"type":"kit.nobody"}', "unknown_type"],
        [`{"type":"history","channel":"${name}"}`, "history"],
        ['{"type":5}', "invalid_message"],
        ['{"type":"ping"}', "pong"],
        [`{"type":"presence","channel":"no name"}`, "invalid_channel"],
        [`{"type":"unsubscribe","channels":["${name}"]}`, "unsubscribed"],
        ["[]", "invalid_message"],
        ['{"type":"get_subscriptions"}', "subscriptions"],
      ];
      for (const [text] of texts) client.sendText(text);
      const came: unknown[] = [];
      for (const _ of texts) {
        const { type, code } = await client.nextAnswer("an answer");
        came.push(type === "error" ? code : type);
      }
      expectSame(came, texts.map(([, answer]) => answer), "answers");
    },
  ),
  check("HDL-ORD-5", "not-held-up", "an application message holds up nothing", async (server) => {
    const { name } = server.channel();
    const client = await server.connect();
    const { ids: [id = ""], release } = fill(server, client, 1);
    await client.subscribe(name);
    await client.publish(name);
    await client.alive();
    const early = client.received.some(({ message }) => message["correlation_id"] === id);
    expect(!early, "no answer before it is released", "one");
    await release();
  }),
  check(
    "HDL-ORD-12",
    "in-flight",
    "over limits.in_flight there is rate_limited, at once",
    async (server) => {
      const client = await server.connect();
      const { release } = fill(server, client, client.limit("in_flight", 64));
      client.send({ type: "ping", correlation_id: "over" });
      const answer = await client.answer("over", "ping");
      expectSame([answer.type, answer["code"]], ["error", "rate_limited"], "type and code");
      await release();
      await client.alive();
    },
  ),
  check("HDL-ORD-12", "at-the-limit", "but not below it", async (server) => {
    const client = await server.connect();
    const { release } = fill(server, client, client.limit("in_flight", 64) - 1);
    await client.alive();
    await release();
  }),
  check("HDL-ORD-12", "bytes", "so there is over limits.in_flight_bytes", async (server) => {
    const client = await server.connect();
    const most = client.limit("in_flight_bytes", 2 ** 21);
    const each = client.limit("text_bytes", 10_240) - 200;
    if (Math.ceil(most / each) >= client.limit("in_flight", 64)) {
      throw new Skipped("limits.in_flight is reached before limits.in_flight_bytes");
    }
    const ids = Array.from({ length: Math.floor(most / each) + 1 }, () => fresh());
    for (const id of ids) {
      const message = server.application("kit.wait", { id, padding: "x".repeat(each) });
      client.send({ ...message, correlation_id: id });
    }
    const answer = await client.answer(ids.at(-1) ?? "", "the message over the limit");
    expectSame(answer["code"], "rate_limited", "code");
  }),
  check("HDL-ORD-8", "not-done", "what got rate_limited is not carried out", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.subscribe(channel);
    const { release } = fill(server, client, client.limit("in_flight", 64));
    const publish = { type: "publish", channel, event_type: "kit", data: "refused" };
    client.send({ ...publish, correlation_id: "over" });
    client.send({ type: "subscribe", channels: [channel], correlation_id: "over-too" });
    for (const id of ["over", "over-too"]) {
      expectSame((await client.answer(id, "it"))["code"], "rate_limited", "code");
    }
    await release();
    await publisher.publish(channel, "taken");
    expectSame((await publisher.event(channel))["data"], "taken", "data of the first event");
    expectSame((await client.ok({ type: "get_subscriptions" }))["channels"], [], "subscriptions");
    await expectEvents(publisher, channel, []);
  }),
  check("HDL-ORD-13", "too-early", "too much before connected closes with 1013", async (server) => {
    const client = await server.open();
    const frames = Array.from(
      { length: 400 },
      (_, i) => ({ type: "ping", correlation_id: `${i}` }),
    );
    for (const message of frames) client.send(message);
    const first: ServerMessage | null = await client.nextOrEnd(() => true, "connected, or a close");
    if (first !== null) return expectSame(first.type, "connected", "the first message");
    const { code } = await client.ended();
    expect(code !== null && TRY_AGAIN.includes(code), "1013", String(code));
  }),
];
