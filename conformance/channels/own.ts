/**
 * Cases of PROTOCOL.md, "Own channels".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expectSame } from "./check.ts";
import { expectRejected, positionOf } from "./places.ts";
import { fresh, type Server } from "./server.ts";

const reaches = (
  name: string,
  title: string,
  to: (user: string, client: string) => Readonly<Record<string, unknown>>,
  channelOf: (user: string, client: string) => string,
): Case =>
  check("HDL-OWN-2", name, title, async (server: Server) => {
    const user = server.user();
    const [client, other] = [await server.connect({ user }), await server.connect()];
    const data = fresh();
    const event = { event_type: "kit.own", data };
    await server.act(other, "kit.publish", { to: to(user, client.id), ...event });
    const channel = channelOf(user, client.id);
    const got = await client.next(
      (message) => message["data"] === data,
      `the event that was published to ${channel}`,
    );
    expectSame([got["channel"], got["event_type"]], [channel, "kit.own"], "channel and event type");
  });

export const cases: readonly Case[] = [
  check(
    "HDL-OWN-1",
    "user",
    "connected tells where it stands in its own channels",
    async (server) => {
      const user = server.user();
      const client = await server.connect({ user });
      for (const name of ["@all", `@client:${client.id}`, `@user:${user}`]) {
        positionOf(client.greeting, name);
      }
    },
  ),
  check("HDL-OWN-1", "nobody", "without a user id there are two", async (server) => {
    const client = await server.connect({ user: null });
    const names = Object.keys(Object(client.greeting["positions"])).sort();
    expectSame(names, ["@all", `@client:${client.id}`].sort(), "positions of");
  }),
  reaches(
    "everyone",
    "what goes to everyone is an event of @all",
    () => ({ everyone: true }),
    () => "@all",
  ),
  reaches(
    "user",
    "what goes to a user is one of @user:ID",
    (user) => ({ user }),
    (user) => `@user:${user}`,
  ),
  reaches(
    "client",
    "what goes to a connection is one of @client:ID",
    (_, client) => ({ client }),
    (_, client) => `@client:${client}`,
  ),
  check("HDL-OWN-2", "nobody-else", "nobody else gets what goes to one user", async (server) => {
    const user = server.user();
    const [client, other] = [await server.connect({ user }), await server.connect()];
    const data = fresh();
    await server.act(other, "kit.publish", { to: { user }, event_type: "kit.own", data });
    await client.next((message) => message["data"] === data, "the user's event");
    await other.nothing((message) => message["data"] === data, "the event is another user's");
  }),
  check(
    "HDL-OWN-3",
    "subscribe",
    "no client subscribes to a name that starts with @",
    async (server) => {
      const [client, other] = [await server.connect(), await server.connect()];
      const names = ["@all", `@client:${other.id}`, `@client:${client.id}`, "@user:kit", "@"];
      const answer = await client.ok({ type: "subscribe", channels: names });
      expectRejected(answer, Object.fromEntries(names.map((name) => [name, "forbidden"])));
    },
  ),
  check("HDL-OWN-3", "unsubscribe", "nor unsubscribes from one", async (server) => {
    const client = await server.connect();
    const answer = await client.ok({ type: "unsubscribe", channels: ["@all"] });
    expectRejected(answer, { "@all": "forbidden" });
    const data = fresh();
    await server.act(client, "kit.publish", {
      to: { everyone: true },
      event_type: "kit.own",
      data,
    });
    await client.next((message) => message["data"] === data, "the event of @all");
  }),
  check("HDL-OWN-3", "publish", "nor publishes to one", async (server) => {
    const [client, other] = [await server.connect(), await server.connect()];
    for (const channel of ["@all", `@client:${other.id}`, "@user:kit"]) {
      await client.refused({ type: "publish", channel, event_type: "kit", data: 1 }, "forbidden");
    }
    await other.nothing(({ type, data }) => type === "event" && data === 1, "an event of @all");
  }),
];
