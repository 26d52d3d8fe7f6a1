/**
 * What outlives a connection: the client against a real hub, through a proxy that cuts.
 */
import { afterEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { WebSocket } from "ws";
import { z } from "zod";
import { HeddleError } from "../base/errors.ts";
import { channel } from "../channel/definition.ts";
import type { Identity } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { message } from "../hub/message.ts";
import type { Delivery, UserLimitPolicy } from "../hub/options.ts";
import { CuttingProxy } from "../testing/proxy.ts";
import { raisedRates } from "../testing/raised_rates.ts";
import { endAll, next, promised, serveHub } from "./fixture.ts";
import { type Client, type ClientOptions, createClient, type GapInfo } from "./mod.ts";

const open = { "*": ["subscribe", "broadcast"] } as const;
const quick = { initialDelay: 1, maxDelay: 20, attempts: 0 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Rig {
  readonly ttl?: number;
  readonly inFlight?: number;
  readonly size?: number;
  readonly identity?: () => Identity;
  readonly connectionsPerUser?: number;
  readonly userLimitPolicy?: UserLimitPolicy;
}

/** A socket that can be lost on this side alone: the other does not learn of it. */
class LosableSocket extends WebSocket {
  static readonly open = new Set<LosableSocket>();
  #isLost = false;

  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    LosableSocket.open.add(this);
  }

  override close(code?: number, reason?: string): void {
    if (!this.#isLost) super.close(code, reason);
  }

  static loseAll(): void {
    for (const socket of LosableSocket.open) {
      const { onclose } = socket;
      socket.#isLost = true;
      socket.onmessage = socket.onerror = socket.onclose = null;
      onclose?.call(socket, { code: 1006, reason: "" } as Parameters<typeof onclose>[0]);
    }
    LosableSocket.open.clear();
  }
}

const clients = new Set<Client>();
const proxies = new Set<CuttingProxy>();

afterEach(async () => {
  for (const proxy of proxies) await proxy.close();
  for (const client of clients) await client.disconnect();
  clients.clear();
  proxies.clear();
  await endAll();
});

async function setup(
  {
    ttl = 60_000,
    inFlight = 64,
    size = 1_000,
    identity,
    connectionsPerUser = 5,
    userLimitPolicy,
  }: Rig = {},
  options: Partial<ClientOptions> = {},
) {
  const handled: number[] = [];
  const deliveries: Delivery[] = [];
  const doors: (() => void)[] = [];
  const hub = createHub({
    auth: identity ?? (() => ({ userId: "u1", role: "viewer", claims: {} })),
    channels: {
      news: channel({ permissions: open, history: { size, ttl: 60_000, bytes: 1_000_000 } }),
      sure: channel({ permissions: open, ack: true }),
      "room:*": channel({ permissions: open, presence: true }),
      staff: channel({ permissions: { staff: ["subscribe"] } }),
    },
    messages: {
      note: message(z.object({ n: z.number() }), ({ payload, reply }) => {
        handled.push(payload.n);
        reply("noted", payload);
      }),
      slow: message(z.object({ n: z.number() }), async ({ payload }) => {
        await new Promise<void>((resolve) => setTimeout(resolve, 1));
        handled.push(payload.n);
      }),
      knock: message(z.object({}), async ({ reply }) => {
        await new Promise<void>((resolve) => doors.push(resolve));
        reply("opened");
      }),
    },
    limits: { inFlight, connectionsPerUser },
    userLimitPolicy,
    rates: raisedRates,
    rooms: "room:",
    session: { ttl },
    acknowledgement: { interval: 200, retries: 100 },
    onDelivery: (delivery) => void deliveries.push(delivery),
    logger: quiet,
  });
  const served = await serveHub(hub);
  const proxy = await CuttingProxy.open(served.port);
  proxies.add(proxy);
  const url = `${proxy.url}/ws`;
  const make = (more: Partial<ClientOptions> = {}) => {
    const client = createClient<typeof hub>({ url, reconnect: quick, ...options, ...more });
    clients.add(client as unknown as Client);
    return client;
  };
  const client = make();
  const gaps: GapInfo[] = [];
  client.on("gap", (gap) => void gaps.push(gap));
  const incomplete: string[] = [];
  client.on("recovered", ({ channel, recovered }) => {
    if (!recovered) incomplete.push(channel);
  });
  return { hub, client, proxy, make, gaps, incomplete, handled, deliveries, doors };
}

type Setup = Awaited<ReturnType<typeof setup>>;

/** Cuts the client off and keeps it away while something happens. */
async function away({ client, proxy }: Setup, work: () => Promise<void> | void): Promise<void> {
  const lost = next(client, "reconnecting");
  proxy.refuse();
  proxy.cut("reset");
  await lost;
  await work();
  const back = next(client, "connected");
  proxy.flow();
  await back;
}

/** Waits until something is so, which a test could only wait for otherwise by time. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The numbers from 1 on. */
const count = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function publishAll({ hub }: Setup, numbers: readonly number[]): Promise<unknown> {
  return Promise.all(numbers.map((n) => hub.channel("news").publish("item", { n })));
}

const numberOf = ({ data }: { readonly data: unknown }) => (data as { n: number }).n;

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
    await until(() => hub.connections().length === 1);
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

describe("What is sent while there is no connection", () => {
  it("waits, and goes out in order", async () => {
    const given = await setup();
    const { client, hub, handled } = given;
    const seen: unknown[] = [];
    const connecting = client.connect();
    const first = client.publish("news", "item", { n: 0 });
    await connecting;
    await first;
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    const waiting: Promise<unknown>[] = [];
    await away(given, () => {
      for (const n of count(300)) {
        waiting.push(client.publish("news", "item", { n }));
        if (n % 2 === 0) client.send("note", { n });
        else waiting.push(client.request("note", { n }));
      }
      assertEquals(client.queued, 600);
    });
    await Promise.all(waiting);
    await client.ping();
    assertEquals(seen, count(300));
    assertEquals(handled, count(300));
    assertEquals(client.queued, 0);
    assertEquals(hub.stats().errors, 0);
  });

  it("is refused over the bound, and what was taken is not lost", async () => {
    const given = await setup({}, { queue: { messages: 10, bytes: 2_000 } });
    const { client } = given;
    await client.connect();
    const results: Promise<string>[] = [];
    const publish = (data: unknown) =>
      client.publish("news", "item", data).then(() => "published", (error) => error.code);
    await away(given, () => {
      results.push(publish("x".repeat(2_000)));
      for (let n = 0; n < 12; n++) results.push(publish(n));
    });
    const full = "queue_full";
    const published = Array.from({ length: 10 }, () => "published");
    assertEquals(await Promise.all(results), [full, ...published, full, full]);
  });

  it("fails when the client gives up", async () => {
    const given = await setup({}, { reconnect: { ...quick, attempts: 2 } });
    const { client, proxy } = given;
    await client.connect();
    const told = next(client, "error");
    const lost = next(client, "reconnecting");
    proxy.refuse();
    proxy.cut();
    await lost;
    client.send("note", { n: 1 });
    const error = await assertRejects(() => client.publish("news", "item", 1), HeddleError);
    assertEquals(error.code, "closed");
    assert((await told).message.includes("1 messages that waited were not sent"));
    assertEquals(client.status, "closed");
    // It may still be told to try again, and then goes on where it was.
    proxy.flow();
    const resumed = next(client, "resumed");
    await client.connect();
    await resumed;
  });

  it("waits no longer than its signal", async () => {
    const given = await setup();
    const { client } = given;
    await client.connect();
    await away(given, async () => {
      const controller = new AbortController();
      const waiting = client.request("note", { n: 1 }, { signal: controller.signal });
      assertEquals(client.queued, 1);
      controller.abort(new Error("never mind"));
      await assertRejects(() => waiting, Error, "never mind");
      assertEquals(client.queued, 0);
    });
    await client.ping();
    assertEquals(given.handled, []);
  });

  it("never is more than the server takes at once", async () => {
    const given = await setup({ inFlight: 12 });
    const { client, hub, handled } = given;
    await client.connect();
    const waiting: Promise<unknown>[] = [];
    for (const n of count(150)) {
      waiting.push(client.publish("news", "item", { n }));
      client.send("slow", { n });
    }
    await Promise.all(waiting);
    await until(() => handled.length >= 150);
    assertEquals([...handled].sort((a, b) => a - b), count(150));
    assertEquals((await client.history("news", { limit: 1_000 })).events.map(numberOf), count(150));
    assert(hub.stats().connections === 1);
  });
});

describe("What was sent and not answered when the connection was lost", () => {
  it("is published once, however often it was sent", async () => {
    const given = await setup();
    const { client, proxy, hub } = given;
    await client.connect();
    await client.subscribe("news", () => {});
    for (let round = 1; round <= 5; round++) {
      const before = hub.stats().eventsPublished;
      proxy.stall("down");
      const published = client.publish("news", "item", { n: round });
      await until(() => hub.stats().eventsPublished > before);
      await away(given, () => {});
      assertEquals((await published).offset, round);
    }
    const { events } = await client.history("news");
    assertEquals(events.map(numberOf), count(5));
  });

  it("fails where it is a request, unless that may be sent again", async () => {
    const given = await setup();
    const { client, doors } = given;
    await client.connect();
    const once = client.request("knock").catch((error) => error.code);
    const again = client.request("knock", {}, { resend: true });
    await until(() => doors.length === 2);
    await away(given, () => {});
    assertEquals(await once, "closed");
    await until(() => doors.length === 3);
    doors[2]!();
    assertEquals((await again).type, "opened");
  });

  it("is sent again where it may be, though nobody waits for an answer", async () => {
    const given = await setup();
    const { client, proxy, handled } = given;
    await client.connect();
    proxy.stall("up");
    client.send("note", { n: 1 }, { resend: true });
    client.send("note", { n: 2 });
    await away(given, () => {});
    await until(() => handled.length > 0);
    await client.ping();
    assertEquals(handled, [1]);
  });
});

describe("Acknowledgement", () => {
  it("comes when the handlers are done", async () => {
    const given = await setup();
    const { client, hub, deliveries } = given;
    await client.connect();
    const door = promised<void>();
    const seen: unknown[] = [];
    await client.subscribe("sure", async ({ data }) => {
      seen.push(data);
      if (data === 1) await door.promise;
    });
    await hub.channel("sure").publish("a", 1);
    await hub.channel("sure").publish("a", 2);
    await until(() => deliveries.length > 0);
    await client.ping();
    assertEquals(deliveries.map(({ offset, outcome }) => [offset, outcome]), [[2, "acknowledged"]]);
    door.resolve();
    await until(() => deliveries.length === 2);
    assertEquals(deliveries[1]!.outcome, "acknowledged");
    assertEquals(seen, [1, 2]);
  });

  it("comes also where a handler throws", async () => {
    const given = await setup();
    const { client, hub, deliveries } = given;
    await client.connect();
    const errors: string[] = [];
    client.on("error", ({ message }) => void errors.push(message));
    await client.subscribe("sure", () => Promise.reject(new Error("no luck")));
    await hub.channel("sure").publish("a", 1);
    await until(() => deliveries.length === 1);
    assertEquals([deliveries[0]!.outcome, errors], ["acknowledged", ["no luck"]]);
  });

  it("survives a cut: nothing is handed over twice, everything is acknowledged", async () => {
    const given = await setup();
    const { client, hub, proxy, deliveries } = given;
    await client.connect();
    const seen: unknown[] = [];
    await client.subscribe("sure", ({ data }) => void seen.push(data));
    proxy.stall("up");
    await hub.channel("sure").publish("a", 1);
    await until(() => seen.length === 1);
    await away(given, async () => void await hub.channel("sure").publish("a", 2));
    await until(() => deliveries.length === 2);
    assertEquals(seen, [1, 2]);
    assertEquals(new Set(deliveries.map(({ outcome }) => outcome)), new Set(["acknowledged"]));
  });
});

describe("The past of a channel", () => {
  it("is given in parts", async () => {
    const given = await setup({ size: 100 });
    const { client } = given;
    await client.connect();
    await publishAll(given, count(150));
    const seen: number[] = [];
    let page = await client.history("news", { limit: 40 });
    for (;;) {
      seen.push(...page.events.map(numberOf));
      if (!page.more) break;
      page = await client.history("news", { since: page.next, limit: 40 });
    }
    assertEquals(seen, count(150, 51));
    const { gap } = await client.history("news", { since: { epoch: page.epoch, offset: 10 } });
    assertEquals(gap, { from: 11, to: 50 });
  });

  it("comes first where a subscription asks for it", async () => {
    const given = await setup();
    const { client } = given;
    await client.connect();
    await publishAll(given, count(10));
    const seen: number[] = [];
    const note = (event: { data: unknown }) => void seen.push(numberOf(event));
    await Promise.all([
      client.subscribe("news", note, { last: 3 }),
      client.subscribe("room:1", () => {}),
    ]);
    await publishAll(given, [11]);
    await until(() => seen.length >= 4);
    assertEquals(seen, count(11, 8));
    const wrong = client.subscribe("news", note, { last: 1_001 });
    assertEquals((await assertRejects(() => wrong, HeddleError)).code, "option_invalid");
  });
});

describe("Presence", () => {
  it("tells who is there, and what they say of themselves", async () => {
    const { client } = await setup();
    await client.connect();
    const events: string[] = [];
    await client.subscribe("room:1", ({ event_type }) => void events.push(event_type), {
      metadata: { mood: "fine" },
    });
    const { count, members } = await client.presence("room:1");
    assertEquals(count, 1);
    assertEquals(members![0]!.metadata, { mood: "fine" });
    assertEquals(members![0]!.client_id, client.clientId);
    await client.subscribe("room:1", () => {}, { metadata: { mood: "better" } });
    assertEquals((await client.presence("room:1")).members![0]!.metadata, { mood: "better" });
    const error = await assertRejects(() => client.presence("news"), HeddleError);
    assertEquals(error.code, "refused");
  });
});

describe("Batches", () => {
  it("are taken apart, and a session survives them", async () => {
    const given = await setup({}, { features: { batch: { max_ms: 5, max_bytes: 4_096 } } });
    const { client } = given;
    await client.connect();
    const seen: number[] = [];
    let batches = 0;
    client.on("message", ({ type }) => void (type === "batch" ? batches++ : 0));
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(200));
    await away(given, () => publishAll(given, count(400, 201)).then());
    await until(() => seen.length >= 400);
    assertEquals(seen, count(400));
    assertEquals(client.features, { batch: { max_ms: 5, max_bytes: 4_096 } });
    assertEquals(batches, 0, "listeners see the messages in them");
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

/** Where the hub itself listens, past the proxy. */
function hubPort({ proxy }: Setup): number {
  return proxy.target;
}
