/** How often messages and connections may come, over real sockets and by a clock that stands. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { connectRaw, connectRefused, type RawClient } from "../testing/raw_client.ts";
import { handshakeRequest } from "../testing/handshake_request.ts";
import { serveHere } from "../testing/serve.ts";
import { createHub } from "./hub.ts";
import { message } from "./message.ts";
import type { HubOptions } from "./options.ts";
import type { RateOptions } from "./rate_options.ts";

type Message = Readonly<Record<string, unknown>>;
type More = Partial<Pick<HubOptions<never, never>, "auth" | "broker" | "limits">>;

const much = { capacity: 100_000, perSecond: 1 };

/** A hub whose time stands until it is told to pass; `?user=` says who connects. */
async function stage(rates?: Partial<RateOptions> | false, more: More = {}) {
  const clock = manualClock();
  let asked = 0;
  const hub = createHub({
    auth: (request) => {
      asked++;
      const userId = new URL(request.url).searchParams.get("user");
      return { userId, role: "viewer", claims: {} };
    },
    channels: { open: channel({ permissions: { "*": ["subscribe", "broadcast"] } }) },
    messages: {
      greet: message(z.unknown(), ({ reply }) => void reply("greeting")),
      wave: message(z.unknown(), ({ reply }) => void reply("waved")),
    },
    clock,
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
    ...(rates === undefined ? {} : { rates }),
    ...more,
  });
  const server = await serveHere(hub);
  const url = `${server.url.replace(/^http/, "ws")}/ws`;
  return {
    hub,
    clock,
    url,
    http: server.url,
    asked: () => asked,
    async connect(query = "") {
      const client = await connectRaw(url + query);
      return { client, connected: await client.json() };
    },
    async [Symbol.asyncDispose]() {
      await hub.drain({ within: 0 });
      await server.close();
    },
  };
}

type Stage = Awaited<ReturnType<typeof stage>>;

async function staged(
  play: (stage: Stage) => Promise<void>,
  rates?: Partial<RateOptions> | false,
  more?: More,
): Promise<void> {
  const it = await stage(rates, more);
  try {
    await play(it);
  } finally {
    await it[Symbol.asyncDispose]();
  }
}

/** Sends the same message so often, one after another, and gives how many were refused. */
async function refusedOf(client: RawClient, message: Message, times: number): Promise<number> {
  let refused = 0;
  for (let i = 0; i < times; i++) {
    if ((await client.ask(message))["code"] === "rate_limited") refused++;
  }
  return refused;
}

const ping = { type: "ping" };

describe("A hub", () => {
  const table: readonly (readonly [message: Message, atOnce: number, perSecond: number])[] = [
    [{ type: "ping" }, 140, 2],
    [{ type: "subscribe", channels: ["open"] }, 50, 1],
    [{ type: "unsubscribe", channels: ["open"] }, 50, 1],
    [{ type: "get_subscriptions" }, 30, 0.5],
    [{ type: "publish", channel: "open", event_type: "e", data: 1 }, 80, 10],
    [{ type: "history", channel: "open" }, 80, 10],
    [{ type: "greet" }, 80, 10],
    [{ type: "nobody knows it" }, 80, 10],
  ];
  for (const [message, atOnce, perSecond] of table) {
    it(`takes "${message["type"]}" ${atOnce} times at once, and ${perSecond} times a second`, () =>
      staged(async ({ clock, connect }) => {
        const { client } = await connect();
        assertEquals(await refusedOf(client, message, atOnce), 0);
        const refusal = await client.ask(message);
        assertEquals(
          [refusal["type"], refusal["code"], refusal["recoverable"], refusal["retry_after"]],
          ["error", "rate_limited", true, 1 / perSecond],
        );
        assert(String(refusal["message"]).startsWith("Rate limit exceeded"));
        clock.advance(1000 / perSecond - 1);
        assertEquals((await client.ask(message))["retry_after"], 0.001);
        clock.advance(1);
        assertEquals(await refusedOf(client, message, 2), 1);
      }, { connection: Infinity }));
  }

  it("counts each type by itself, and all that nobody knows together", () =>
    staged(async ({ connect, hub }) => {
      const { client } = await connect();
      assertEquals(await refusedOf(client, { type: "greet" }, 50), 0);
      for (let i = 0; i < 30; i++) await client.ask({ type: `made up ${i}` });
      assertEquals(await refusedOf(client, { type: "wave" }, 1), 1);
      assertEquals(await refusedOf(client, { type: "publish", channel: "open" }, 80), 0);
      assertEquals(await refusedOf(client, ping, 1), 0);
      assertEquals(hub.stats().rateLimited.messages, 1);
    }, { connection: Infinity }));

  it("gives a message of the application a bucket of its own where it is named", () =>
    staged(async ({ connect }) => {
      const { client, connected } = await connect();
      assertEquals((connected["rates"] as Message)["wave"], { capacity: 22, per_second: 10 });
      assertEquals(await refusedOf(client, { type: "greet" }, 80), 0);
      assertEquals(await refusedOf(client, { type: "wave" }, 23), 1);
    }, { connection: Infinity, messages: { wave: { capacity: 2 } } }));

  it("does not carry out what it refused", () =>
    staged(async ({ connect, hub }) => {
      const { client } = await connect();
      const publish = { type: "publish", channel: "open", event_type: "e", data: 1 };
      assertEquals(await refusedOf(client, publish, 90), 10);
      assertEquals(hub.stats().eventsPublished, 80);
    }));

  it("takes a hundred messages a second of one connection, acknowledgements not counted", () =>
    staged(async ({ clock, connect, hub }) => {
      const { client } = await connect();
      for (let i = 0; i < 300; i++) client.send({ type: "ack", ack_ids: ["none"] });
      assertEquals(await refusedOf(client, ping, 60), 0);
      clock.advance(400);
      assertEquals(await refusedOf(client, { type: "greet" }, 40), 0);
      const refusal = await client.ask({ type: "history", channel: "open" });
      assertEquals([refusal["code"], refusal["retry_after"]], ["rate_limited", 0.6]);
      clock.advance(600);
      assertEquals(await refusedOf(client, ping, 61), 1);
      assertEquals(hub.stats().rateLimited.connection, 2);
      const other = await connect();
      assertEquals(await refusedOf(other.client, ping, 1), 0);
    }));

  it("refuses at once and out of turn, while a request before it waits for its answer", () => {
    const broker = memoryBroker();
    let answer = () => {};
    const waits = new Promise<void>((resolve) => answer = resolve);
    const slow = changedBroker(broker, { history: () => waits.then(() => undefined) });
    return staged(
      async ({ connect }) => {
        const { client } = await connect();
        client.send({ type: "history", channel: "open", correlation_id: "first" });
        client.send({ type: "ping", correlation_id: "second" });
        client.send({ type: "ping", correlation_id: "third" });
        const refusal = await client.json();
        assertEquals([refusal["code"], refusal["correlation_id"]], ["rate_limited", "third"]);
        answer();
        assertEquals((await client.json())["correlation_id"], "first");
        assertEquals((await client.json())["correlation_id"], "second");
      },
      { burst: 0, messages: { ping: { capacity: 1, perSecond: 1 } } },
      { broker: slow },
    );
  });

  it("refuses what comes too often before `connected` after it, when its turn comes", () => {
    const broker = memoryBroker();
    let open = () => {};
    const waits = new Promise<void>((resolve) => open = resolve);
    const slow = changedBroker(broker, {
      subscribe: (...terms) => waits.then(() => broker.subscribe(...terms)),
    });
    return staged(
      async ({ hub, url }) => {
        const client = await connectRaw(url);
        for (const correlation_id of ["first", "second"]) client.send({ ...ping, correlation_id });
        client.send({ type: "greet", correlation_id: "third" });
        while (hub.stats().messagesReceived < 3) await new Promise((done) => setTimeout(done, 1));
        open();
        const told: unknown[] = [];
        for (let i = 0; i < 4; i++) {
          const { type, code, correlation_id } = await client.json();
          told.push([type, code, correlation_id]);
        }
        assertEquals(told, [
          ["connected", undefined, undefined],
          ["pong", undefined, "first"],
          ["error", "rate_limited", "second"],
          ["greeting", undefined, "third"],
        ]);
      },
      { burst: 0, messages: { ping: { capacity: 1, perSecond: 1 } } },
      { broker: slow },
    );
  });

  it("closes with 4429 after more than twenty refusals in a second, and only that connection", () =>
    staged(async ({ clock, connect, hub }) => {
      const { client } = await connect("?user=ann");
      const { client: other } = await connect("?user=ben");
      assertEquals(await refusedOf(client, ping, 120), 20);
      clock.advance(1_000);
      // Twenty a second it bears as long as they come.
      assertEquals(await refusedOf(client, ping, 120), 20);
      client.send(ping);
      const farewell = await client.nextOf("disconnected");
      assertEquals([farewell["reason"], "reconnection_token" in farewell], ["abuse", false]);
      assertEquals((await client.closed).code, 4429);
      assertEquals(hub.stats().rateLimited.abuse, 1);
      assertEquals((await other.ask(ping))["type"], "pong");
    }, { messages: { ping: much } }));

  it("keeps the buckets of a session that is resumed, as time has filled them", () =>
    staged(async ({ clock, connect }) => {
      const { client, connected } = await connect();
      assertEquals(await refusedOf(client, { type: "get_subscriptions" }, 31), 1);
      await client.close(3000);
      clock.advance(4_000);
      const back = await connect();
      const resumed = await back.client.ask({
        type: "resume",
        reconnection_token: connected["reconnection_token"],
      });
      assertEquals(resumed["type"], "resumed");
      assertEquals(await refusedOf(back.client, { type: "get_subscriptions" }, 3), 1);
      // Its own are full, so a new session would have had thirty.
      const fresh = await connect();
      assertEquals(await refusedOf(fresh.client, { type: "get_subscriptions" }, 30), 0);
    }));

  it("keeps them also where the session goes on at another hub of the broker", async () => {
    const broker = memoryBroker();
    await staged(
      async (first) => {
        const { client, connected } = await first.connect();
        assertEquals(await refusedOf(client, { type: "get_subscriptions" }, 30), 0);
        await client.close(3000);
        await staged(
          async ({ connect }) => {
            const query = `?reconnection_token=${String(connected["reconnection_token"])}`;
            const back = await connect(query);
            assertEquals(back.connected["reconnected"], true);
            assertEquals(await refusedOf(back.client, { type: "get_subscriptions" }, 1), 1);
          },
          {},
          { broker },
        );
      },
      {},
      { broker },
    );
  });

  it("counts a user's messages on all connections, and those of nobody by their address", () =>
    staged(async ({ clock, connect, hub }) => {
      const one = await connect("?user=ann");
      const two = await connect("?user=ann");
      assertEquals(one.connected["limits"] instanceof Object, true);
      assertEquals((one.connected["limits"] as Message)["messages_per_minute"], 5);
      assertEquals(await refusedOf(one.client, ping, 3), 0);
      clock.advance(20_000);
      assertEquals(await refusedOf(two.client, ping, 2), 0);
      assertEquals((await two.client.ask(ping))["retry_after"], 40);
      assertEquals(await refusedOf((await connect("?user=ben")).client, ping, 1), 0);
      assertEquals(await refusedOf((await connect()).client, ping, 5), 0);
      assertEquals(await refusedOf((await connect()).client, ping, 1), 1);
      clock.advance(40_000);
      assertEquals(await refusedOf(one.client, ping, 4), 1);
      assertEquals(hub.stats().rateLimited.user, 3);
    }, { user: 5 }));

  it("counts all messages together where it is told to, and blames nobody for them", () =>
    staged(async ({ clock, connect, hub }) => {
      const one = await connect("?user=ann");
      const two = await connect("?user=ben");
      assertEquals(await refusedOf(one.client, ping, 10), 0);
      assertEquals(await refusedOf(two.client, ping, 30), 30);
      assertEquals(hub.stats().rateLimited.hub, 30);
      clock.advance(1_000);
      assertEquals((await two.client.ask(ping))["type"], "pong");
    }, { hub: 10 }));

  it("tells the limits in force, and only those", async () => {
    await staged(async ({ connect, http }) => {
      const { connected } = await connect();
      const { messages_per_second, messages_per_minute, refusals_per_second } =
        connected["limits"] as Message;
      assertEquals([messages_per_second, messages_per_minute, refusals_per_second], [
        100,
        undefined,
        20,
      ]);
      assertEquals(connected["rates"], {
        default: { capacity: 80, per_second: 10 },
        ping: { capacity: 140, per_second: 2 },
        subscribe: { capacity: 50, per_second: 1 },
        unsubscribe: { capacity: 50, per_second: 1 },
        get_subscriptions: { capacity: 30, per_second: 0.5 },
        ack: { capacity: 1_020, per_second: 500 },
      });
      const { websocket_config } = await (await fetch(`${http}/ws/config`)).json();
      assertEquals(websocket_config.features.rate_limiting, true);
      assertEquals("max_message_rate" in websocket_config.connection_limits, false);
    });
    await staged(async ({ http }) => {
      const { websocket_config } = await (await fetch(`${http}/ws/config`)).json();
      assertEquals(websocket_config.connection_limits.max_message_rate, 60);
    }, { user: 60 });
  });

  it("limits nothing where it is told not to", () =>
    staged(async ({ connect, http }) => {
      const { client, connected } = await connect();
      assertEquals("rates" in connected, false);
      assertEquals("messages_per_second" in (connected["limits"] as Message), false);
      assertEquals(await refusedOf(client, { type: "get_subscriptions" }, 300), 0);
      const { websocket_config } = await (await fetch(`${http}/ws/config`)).json();
      assertEquals(websocket_config.features.rate_limiting, false);
    }, false));

  it("answers 429 before it looks at the credential, where too many come from one address", () =>
    staged(async ({ clock, connect, url, asked, hub }) => {
      for (let i = 0; i < 3; i++) await connect();
      clock.advance(30_000);
      const before = asked();
      const refusal = await connectRefused(url);
      assertEquals(refusal.status, 429);
      assertEquals(refusal.headers["retry-after"], "30");
      assertEquals(
        refusal.body,
        '{"error":"Rate limit exceeded","message":"Rate limit exceeded. Try again in 30 seconds."}',
      );
      assertEquals(asked(), before);
      const { rateLimited, refused } = hub.stats();
      assertEquals([rateLimited.upgrades, refused], [1, 1]);
      clock.advance(30_000);
      await connect();
    }, { upgrades: { limit: 3, window: 60_000 } }));

  it("counts requests from one IPv6 network of 64 bits together", async () => {
    const hub = createHub({
      auth: allowAnonymous(),
      rates: { upgrades: { limit: 2, window: 60_000 } },
    });
    const statuses: number[] = [];
    for (const address of ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]) {
      const answer = await hub.admit(handshakeRequest(), { address });
      statuses.push(answer instanceof Response ? answer.status : 101);
    }
    assertEquals(statuses, [101, 101, 429, 101]);
    await hub.drain();
  });

  it("refuses rates that are none", () => {
    const bad: readonly (readonly [rates: unknown, what: string])[] = [
      [{ pings: 1 }, 'no option "rates.pings"'],
      [{ burst: -1 }, "rates.burst is -1"],
      [{ connection: 0 }, "rates.connection is 0"],
      [{ user: 1.5 }, "rates.user is 1.5"],
      [{ keys: 1 }, "rates.keys is 1"],
      [{ upgrades: { limit: 0, window: 1 } }, "rates.upgrades.limit is 0"],
      [{ messages: { dance: { capacity: 1 } } }, 'rates.messages: "dance" is no message'],
      [{ messages: { ping: { perSecond: 0 } } }, "rates.messages.ping.perSecond is 0"],
    ];
    for (const [rates, what] of bad) {
      const make = () =>
        createHub({ auth: allowAnonymous(), rates: rates as Partial<RateOptions> });
      assertThrows(make, HeddleError, what);
    }
  });
});
