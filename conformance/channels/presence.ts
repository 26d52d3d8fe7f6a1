/**
 * Cases of PROTOCOL.md, "Presence".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { BAD_NAMES, expectEvents, offsets } from "./places.ts";
import { cases as counting } from "./presence_counting.ts";
import { members, said, told } from "./present.ts";
import { fresh, type Server } from "./server.ts";
import { isRecord } from "./shape.ts";

const refused = (
  name: string,
  what: string,
  code: string,
  namesOf: (server: Server) => readonly string[],
): Case =>
  check("HDL-PRE-2", name, `presence of ${what} gets ${code}`, async (server) => {
    const client = await server.connect();
    for (const channel of namesOf(server)) {
      await client.refused({ type: "presence", channel }, code);
    }
  });

/** A watcher on a channel with presence, and somebody else who is not there yet. */
async function watched(server: Server) {
  const { name } = server.channel({ presence: true });
  const user = server.user();
  const [watcher, client] = [await server.connect(), await server.connect({ user })];
  await watcher.subscribe(name);
  return { name, watcher, client, user };
}

/** How often a case tries to be faster than the grace. */
const TRIES = 4;

/** So many are counted after one of two has gone, asked before it would be counted out in any case. */
async function withinGrace(
  server: Server,
  go: (of: Awaited<ReturnType<typeof watched>>) => Promise<void>,
  count: number,
): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const all = await watched(server);
    const { name, watcher, client } = all;
    await client.subscribe(name);
    await told(watcher, name, "presence.join");
    const began = performance.now();
    await go(all);
    const found = (await members(watcher, name)).count;
    const { grace_seconds = 10 } = server.graceOf(name);
    if (performance.now() - began < grace_seconds * 1000) return expectSame(found, count, "count");
  }
  throw new Skipped("the target answers too slowly to see who is counted in for a while");
}

/** Fails where anybody is told to have left; what is published now comes first. */
async function expectNoLeave(watcher: Client, name: string): Promise<void> {
  await watcher.publish(name, 1, { echo: true });
  await watcher.event(name);
  await watcher.nothing((one) => one["event_type"] === "presence.leave", "nobody has left");
}

export const cases: readonly Case[] = [
  check("HDL-PRE-1", "members", "presence tells who is there, and how many", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    await client.subscribe(name, { metadata: { mood: "good" } });
    const { list, count } = await members(watcher, name);
    expectSame([list.length, count], [2, 2], "members and count");
    const member = list.find((one) => one["user_id"] === user);
    expectSame(
      member,
      { user_id: user, client_id: client.id, metadata: { mood: "good" }, connections: 1 },
      "the member",
    );
  }),
  check("HDL-PRE-1", "from-outside", "also to one who is not there", async (server) => {
    const { name, client } = await watched(server);
    expectSame((await members(client, name)).count, 1, "count");
  }),
  refused("invalid", "a name outside the alphabet", "invalid_channel", () => BAD_NAMES),
  refused("own", "a name that starts with @", "forbidden", () => ["@all"]),
  refused("unknown", "a name of no channel", "unknown_channel", (server) => [
    server.unknownChannel(),
  ]),
  refused("forbidden", "a channel one may not subscribe to", "forbidden", (server) => [
    server.channel({ mayNot: ["subscribe"], may: [] }).name,
  ]),
  refused("without", "a channel without presence", "unsupported", (server) => [
    server.channel({ presence: false }).name,
  ]),
  check("HDL-PRE-3", "one-user", "two connections of a user are one member", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    const second = await server.connect({ user });
    for (const one of [client, second]) await one.subscribe(name);
    const { list, count } = await members(watcher, name);
    expectSame(count, 2, "count");
    expectSame(list.find((one) => one["user_id"] === user)?.["connections"], 2, "connections");
  }),
  check("HDL-PRE-3", "nobody", "two of nobody are two", async (server) => {
    const { name } = server.channel({ presence: true, role: "anonymous", may: ["subscribe"] });
    const [one, other] = [
      await server.connect({ user: null }),
      await server.connect({ user: null }),
    ];
    for (const client of [one, other]) await client.subscribe(name);
    expectSame((await members(one, name)).count, 2, "count");
  }),
  check("HDL-PRE-4", "newest", "a member is as its newest connection says", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    const second = await server.connect({ user });
    const third = await server.connect({ user });
    await client.subscribe(name, { metadata: { at: 1 } });
    await second.subscribe(name, { metadata: { at: 2 } });
    await third.subscribe(name);
    const find = async () =>
      (await members(watcher, name)).list.find((one) => one["user_id"] === user);
    expectSame(
      await find(),
      { user_id: user, client_id: third.id, metadata: { at: 2 }, connections: 3 },
      "the member",
    );
    await second.ok({ type: "unsubscribe", channels: [name] });
    expectSame(
      await find(),
      { user_id: user, client_id: second.id, metadata: { at: 1 }, connections: 2 },
      "the member",
    );
  }),
  check("HDL-PRE-4", "null", "its metadata are null where nothing was said", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    await client.subscribe(name);
    const { list } = await members(watcher, name);
    expectSame(list.find((one) => one["user_id"] === user)?.["metadata"], null, "metadata");
  }),
  ...counting,
  check("HDL-PRE-6", "join-and-leave", "who comes and goes is told of", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    await client.subscribe(name, { metadata: { mood: "good" } });
    const join = await told(watcher, name, "presence.join");
    const who = { user_id: user, client_id: client.id, metadata: { mood: "good" } };
    expectSame(join["data"], { ...who, connections: 1, count: 2 }, "data of presence.join");
    expect(!Object.hasOwn(join, "offset"), "no offset", join);
    await client.ok({ type: "unsubscribe", channels: [name] });
    const leave = await told(watcher, name, "presence.leave");
    expectSame(leave["data"], { ...who, connections: 0, count: 1 }, "data of presence.leave");
  }),
  check("HDL-PRE-6", "update", "so is a further connection, and other metadata", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    await client.subscribe(name);
    await told(watcher, name, "presence.join");
    const second = await server.connect({ user });
    await second.subscribe(name);
    const came = said(await told(watcher, name, "presence.update"));
    expectSame([came["connections"], came["client_id"]], [2, second.id], "connections and id");
    await client.subscribe(name, { metadata: { mood: "new" } });
    const changed = said(await told(watcher, name, "presence.update"));
    expectSame([changed["metadata"], changed["client_id"]], [{ mood: "new" }, client.id], "update");
  }),
  check("HDL-PRE-9", "not-to-itself", "nobody is told of its own doing", async (server) => {
    const { name, watcher, client } = await watched(server);
    await client.subscribe(name);
    await client.subscribe(name, { metadata: { again: true } });
    // Told at once or by and by, and to all others at the same time.
    await watcher.next(
      (one) => one.type === "event" && isRecord(said(one)["metadata"]),
      `what ${client.id} says of itself`,
    );
    await watcher.publish(name, 1, { echo: true });
    for (const one of [client, watcher]) await one.event(name);
    await client.nothing(
      (one) => one.type === "event" && said(one)["client_id"] === client.id,
      "it was its own doing",
    );
  }),
  check(
    "HDL-PRE-10",
    "counted-in",
    "whose connection broke is counted in for a while",
    async (server) => {
      await withinGrace(server, async ({ client }) => {
        await client.close(1001);
        await server.notice();
      }, 2);
    },
  ),
  check("HDL-PRE-10", "counted-out", "and then counted out", async (server) => {
    const { name, watcher, client } = await watched(server);
    await client.subscribe(name);
    await told(watcher, name, "presence.join");
    client.cut();
    const { grace_seconds = 10 } = server.graceOf(name);
    const leave = await told(
      watcher,
      name,
      "presence.leave",
      grace_seconds * 1000 + server.timeout,
    );
    expectSame(said(leave)["client_id"], client.id, "client_id");
    expectSame((await members(watcher, name)).count, 1, "count");
  }),
  check("HDL-PRE-10", "resumed", "who resumes until then has not left", async (server) => {
    const { name, watcher, client, user } = await watched(server);
    await client.subscribe(name);
    await told(watcher, name, "presence.join");
    const next = await server.connect({ user });
    await next.ok({ type: "resume", reconnection_token: client.token });
    const { grace_seconds = 10 } = server.graceOf(name);
    await server.pause(grace_seconds * 1200);
    await expectNoLeave(watcher, name);
    expectSame((await members(watcher, name)).count, 2, "count");
  }),
  check("HDL-PRE-12", "unsubscribed", "who unsubscribes is counted out at once", async (server) => {
    await withinGrace(server, async ({ client, name }) => {
      await client.ok({ type: "unsubscribe", channels: [name] });
    }, 1);
  }),
  check("HDL-PRE-12", "ended", "so is one whose session ended", async (server) => {
    await withinGrace(server, async ({ client }) => {
      await client.close(1000);
      await server.notice();
    }, 1);
  }),
  check(
    "HDL-PRE-13",
    "not-kept",
    "presence events are in no history, and not recovered",
    async (server) => {
      const { name, watcher, client } = await watched(server);
      const { epoch } = await watcher.publish(name, 1, { echo: false });
      for (let i = 0; i < 3; i++) {
        await client.subscribe(name);
        await client.ok({ type: "unsubscribe", channels: [name] });
      }
      const { offset } = await watcher.publish(name, 2, { echo: false });
      expectSame(offset, 2, "the offset of the second event");
      const { events } = await client.ok({ type: "history", channel: name });
      expectSame(offsets(Array.isArray(events) ? events : []), [1, 2], "the history's offsets");
      await client.subscribe(name, { positions: { [name]: { epoch, offset: 0 } } });
      await expectEvents(client, name, [1, 2]);
      const gap = client.received.find(({ message }) => message.type === "gap");
      expect(gap === undefined, "no gap", gap?.message);
    },
  ),
  check(
    "HDL-PRE-16",
    "each-channel",
    "metadata hold on each channel of the request",
    async (server) => {
      const names = server.channels(2, { presence: true });
      const [watcher, client] = [await server.connect(), await server.connect()];
      const metadata = { name: fresh() };
      await client.subscribe(names, { metadata });
      for (const name of names) {
        const { list } = await members(watcher, name);
        expectSame(list.map((one) => one["metadata"]), [metadata], `metadata on ${name}`);
      }
    },
  ),
  check("HDL-PRE-16", "stays", "what was said stays where a request has none", async (server) => {
    const { name, watcher, client } = await watched(server);
    const find = async () =>
      (await members(watcher, name)).list.find((one) => one["client_id"] === client.id);
    await client.subscribe(name, { metadata: { at: 1 } });
    await client.subscribe(name);
    expectSame((await find())?.["metadata"], { at: 1 }, "metadata");
    await client.subscribe(name, { metadata: { at: 2 } });
    expectSame((await find())?.["metadata"], { at: 2 }, "metadata");
  }),
];
