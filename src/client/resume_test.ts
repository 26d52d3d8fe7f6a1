/**
 * What outlives a connection: the client against a real hub, through a proxy that cuts.
 */
import { afterEach, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { next } from "./fixture.ts";
import { createClient, type GapInfo } from "./mod.ts";
import {
  away,
  count,
  hubPort,
  LosableSocket,
  numberOf,
  publishAll,
  release,
  setup,
  until,
} from "./cut_fixture.ts";

afterEach(release);

describe("A client that was cut off", () => {
  it("is the same client again and gets what it missed, in order and each once", async () => {
    const given = await setup();
    const { client, hub, gaps, incomplete } = given;
    await client.connect();
    const { clientId } = client;
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(10));
    for (let round = 1; round <= 5; round++) {
      const resumed = next(client, "resumed");
      await away(given, () => publishAll(given, count(10 * (round + 1), 10 * round + 1)).then());
      assertEquals(await resumed, { clientId: clientId!, channels: ["news"] });
    }
    await client.ping();
    assertEquals(seen, count(60));
    assertEquals(client.clientId, clientId);
    assertEquals([gaps, incomplete], [[], []]);
    assertEquals(hub.describe("news")!.subscribers, 1);
  });

  it("replaces its lost connection, which the server holds for open, also where no more are let in", async () => {
    const given = await setup(
      { connectionsPerUser: 1, userLimitPolicy: "refuse" },
      { WebSocket: LosableSocket },
    );
    const { client, hub, gaps, incomplete } = given;
    await client.connect();
    const { clientId } = client;
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(10));
    await client.ping();
    for (let round = 1; round <= 3; round++) {
      const resumed = next(client, "resumed");
      LosableSocket.loseAll();
      // Still written to the connection that is lost.
      await publishAll(given, count(10 * (round + 1), 10 * round + 1));
      assertEquals((await resumed).clientId, clientId);
    }
    await client.ping();
    assertEquals(seen, count(40));
    assertEquals([gaps, incomplete], [[], []]);
    assertEquals(hub.stats().refused, 0);
    await until(() => hub.stats().connections === 1);
  });

  it("gets what was sent to it, to its user and to everyone meanwhile", async () => {
    const given = await setup();
    const { client, hub, gaps } = given;
    await client.connect();
    const { clientId } = client;
    const seen: string[] = [];
    client.on("event", ({ channel, data }) => void seen.push(`${channel} ${data}`));
    const all = hub.everyone();
    await all.publish("a", 1);
    await away(given, async () => {
      await all.publish("a", 2);
      await hub.user("u1").publish("a", 3);
      await hub.client(clientId!).publish("a", 4);
    });
    await all.publish("a", 5);
    await until(() => seen.length >= 5);
    await client.ping();
    const mine = `@client:${clientId}`;
    assertEquals(seen.filter((one) => one.startsWith("@all")), ["@all 1", "@all 2", "@all 5"]);
    assertEquals(seen.filter((one) => !one.startsWith("@all")).sort(), [`${mine} 4`, "@user:u1 3"]);
    assertEquals(gaps, []);
  });

  it("is told of what the history no longer has, once, and gets the rest", async () => {
    const given = await setup({ size: 5 });
    const { client, gaps, incomplete } = given;
    await client.connect();
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(3));
    await until(() => seen.length === 3);
    await away(given, () => publishAll(given, count(20, 4)).then());
    assertEquals(incomplete, ["news"]);
    await until(() => seen.length === 8);
    await client.ping();
    assertEquals(seen, [1, 2, 3, 16, 17, 18, 19, 20]);
    assertEquals(gaps.map(({ channel, from, to }) => [channel, from, to]), [["news", 4, 15]]);
  });

  it("subscribes anew from where it stood when its session is over", async () => {
    const given = await setup({ ttl: 1 });
    const { client, hub, gaps } = given;
    await client.connect();
    const { clientId } = client;
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(3));
    await hub.everyone().publish("a", 1);
    await client.ping();
    const connected = next(client, "connected");
    await away(given, async () => {
      await publishAll(given, count(6, 4));
      await hub.everyone().publish("a", 2);
      await until(() => hub.stats().connections === 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    assertEquals((await connected).resumed, false);
    assert(client.clientId !== clientId);
    await until(() => seen.length === 6);
    await client.ping();
    assertEquals(seen, count(6));
    assertEquals(gaps.map(({ channel, from, to }) => [channel, from, to]), [["@all", 2, 2]]);
  });

  it("is told which channels it may have no longer", async () => {
    let role = "staff";
    const given = await setup({ identity: () => ({ userId: "u1", role, claims: {} }) });
    const { client } = given;
    await client.connect();
    await client.subscribe("staff", () => {});
    await client.subscribe("news", () => {});
    const lost = next(client, "unsubscribed");
    await away(given, () => void (role = "viewer"));
    const { channels, code } = await lost;
    assertEquals([channels, code], [["staff"], "forbidden"]);
    assertEquals(await client.subscriptions(), ["news"]);
  });

  it("takes up its subscriptions as they are when it is back", async () => {
    const given = await setup();
    const { client } = given;
    await client.connect();
    const left = await client.subscribe("room:left", () => {});
    let joining: Promise<unknown> = Promise.resolve();
    await away(given, async () => {
      await left.unsubscribe();
      joining = client.subscribe("room:joined", () => {});
    });
    await joining;
    await client.ping();
    assertEquals(await client.subscriptions(), ["room:joined"]);
  });
});

describe("A client whose path joins a room", () => {
  it("begins a new session when it comes back, and recovers what it subscribed to", async () => {
    const given = await setup();
    const { proxy, hub, make } = given;
    const client = make({ url: `${proxy.url}/ws/lobby` });
    const gaps: GapInfo[] = [];
    client.on("gap", (gap) => void gaps.push(gap));
    await client.connect();
    const seen: number[] = [];
    await client.subscribe("room:lobby", (event) => {
      if (event.event_type === "chat") seen.push(numberOf(event));
    });
    const chat = (n: number) => hub.channel("room:lobby").publish("chat", { n });
    await chat(1);
    await away({ ...given, client }, async () => void await chat(2));
    await chat(3);
    await until(() => seen.length >= 3);
    await client.ping();
    assertEquals(seen, [1, 2, 3]);
    assertEquals(gaps, []);
  });

  it("is told what it missed where it did not subscribe", async () => {
    const given = await setup();
    const { proxy, hub, make } = given;
    const client = make({ url: `${proxy.url}/ws/lobby` });
    const told: unknown[] = [];
    client.on("gap", ({ channel, from, to }) => void told.push([channel, from, to]));
    client.on("event", ({ event_type, data }) => {
      if (event_type === "chat") told.push(data);
    });
    await client.connect();
    const chat = (n: number) => hub.channel("room:lobby").publish("chat", n);
    await chat(1);
    await until(() => told.length === 1);
    await away({ ...given, client }, async () => void await chat(2));
    await chat(3);
    await until(() => told.length >= 3);
    assertEquals(told, [1, ["room:lobby", 2, 2], 3]);
  });
});

describe("A session that is kept", () => {
  it("goes on in another client, where handlers come whenever they come", async () => {
    const given = await setup();
    const { client, make, proxy, hub } = given;
    await client.connect();
    const { clientId } = client;
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(3));
    await until(() => seen.length === 3);
    const kept = JSON.parse(JSON.stringify(client.session));
    // The page is gone, without a word.
    proxy.stall();
    await publishAll(given, count(6, 4));

    const other = make({ session: kept, url: `ws://127.0.0.1:${hubPort(given)}/ws` });
    await other.connect();
    assertEquals(other.clientId, clientId);
    await publishAll(given, count(8, 7));
    await other.ping();
    const again: number[] = [];
    const gaps: GapInfo[] = [];
    other.on("gap", (gap) => void gaps.push(gap));
    await other.subscribe("news", (event) => void again.push(numberOf(event)));
    await until(() => again.length >= 5);
    assertEquals(again, count(8, 4));
    assertEquals(gaps, []);
    assertEquals(hub.describe("news")!.subscribers, 1);
  });

  it("keeps the place of each channel, whatever that is called", () => {
    const kept = '{"token":"t","positions":{"__proto__":{"epoch":"e","offset":3}}}';
    const client = createClient({ url: "ws://127.0.0.1:9/ws", session: JSON.parse(kept) });
    assertEquals(JSON.stringify(client.session), kept);
  });

  it("is over after disconnect", async () => {
    const given = await setup();
    const { client, hub } = given;
    assertEquals(client.session, undefined);
    await client.connect();
    const { clientId } = client;
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await client.disconnect();
    assertEquals(client.session, undefined);
    await publishAll(given, count(3));
    await client.connect();
    await until(() => hub.describe("news")?.subscribers === 1);
    await publishAll(given, [4]);
    await until(() => seen.length > 0);
    assertEquals(seen, [4]);
    assert(client.clientId !== clientId);
  });
});
