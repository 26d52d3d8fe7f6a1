/** A client that keeps to what its server told it of how often messages may come. */
import { afterEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { z } from "zod";
import { type Clock, manualClock } from "../base/clock.ts";
import { SlidingWindow } from "../base/sliding_window.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import { channel } from "../channel/definition.ts";
import { createHub } from "../hub/hub.ts";
import { message } from "../hub/message.ts";
import type { RateOptions } from "../hub/rate_options.ts";
import { endAll, serveHub } from "./fixture.ts";
import { type Client, createClient, RefusedError } from "./mod.ts";
import { Pace } from "./pace.ts";

const clients = new Set<Client>();

afterEach(async () => {
  for (const client of clients) await client.disconnect();
  clients.clear();
  await endAll();
});

/** A hub with these limits and a client of it that is connected. */
async function setup(rates: Partial<RateOptions>, clock?: Clock) {
  const handled: number[] = [];
  const hub = createHub({
    auth: () => ({ userId: "u1", role: "viewer", claims: {} }),
    channels: { news: channel({ permissions: { "*": ["subscribe", "broadcast"] } }) },
    messages: {
      note: message(z.object({ n: z.number() }), ({ payload }) => void handled.push(payload.n)),
      noted: message(z.object({}), ({ reply }) => void reply("noted")),
    },
    rates,
    heartbeat: { interval: 600_000 },
    ...(clock === undefined ? {} : { clock }),
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
  });
  const { url } = await serveHub(hub);
  const make = () => {
    const client = createClient<typeof hub>({ url, ...(clock === undefined ? {} : { clock }) });
    clients.add(client as unknown as Client);
    return client;
  };
  const client = make();
  await client.connect();
  return { hub, client, make, handled };
}

const byNumber = (a: number, b: number) => a - b;

describe("Pace", () => {
  it("never sends more than what a server by the same limits takes", () => {
    const types = fc.constantFrom("ping", "publish", "history", "greet", "wave");
    const sends = fc.array(fc.record({ type: types, pause: fc.nat(120) }), { maxLength: 300 });
    fc.assert(fc.property(sends, (sends) => {
      const rates = {
        default: { capacity: 9, per_second: 10 },
        ping: { capacity: 3, per_second: 2 },
      };
      const pace = new Pace();
      pace.begin({ limits: { messages_per_second: 20, messages_per_minute: 100 }, rates }, false);
      const buckets = new Map<string, TokenBucket>();
      const windows = [
        new SlidingWindow({ limit: 20, window: 1_000 }),
        new SlidingWindow({ limit: 100, window: 60_000 }),
      ];
      let now = 0;
      for (const { type, pause } of sends) {
        now += pause;
        now += pace.wait(type, now);
        assertEquals(pace.wait(type, now), 0);
        pace.take(type, now);
        const name = type === "greet" || type === "wave" ? "default" : type;
        const { capacity, per_second: perSecond } = name === "ping" ? rates.ping : rates.default;
        const bucket = buckets.get(name) ?? new TokenBucket({ capacity, perSecond });
        buckets.set(name, bucket);
        for (const meter of [bucket, ...windows]) assertEquals(meter.take(now), 0);
      }
    }));
  });

  it("knows no limit where the server tells none, or none that makes sense", () => {
    const pace = new Pace();
    pace.begin({ limits: {} }, false);
    const rates = {
      default: { capacity: 0, per_second: 1 },
      ping: { capacity: 1, per_second: 0 },
    };
    for (let i = 0; i < 100; i++) pace.take("ping", 0);
    assertEquals(pace.wait("ping", 0), 0);
    pace.begin({ limits: { messages_per_second: 0, messages_per_minute: NaN }, rates }, false);
    for (let i = 0; i < 100; i++) pace.take("ping", 0);
    assertEquals(pace.wait("ping", 0), 0);
  });

  it("keeps the buckets of a session that goes on, and the minute of the user", () => {
    const pace = new Pace();
    const told = {
      limits: { messages_per_second: 2, messages_per_minute: 100 },
      rates: { default: { capacity: 4, per_second: 1 } },
    };
    pace.begin(told, false);
    for (let i = 0; i < 3; i++) pace.take("publish", 0);
    pace.begin(told, true);
    assertEquals(pace.wait("publish", 0), 1_000);
    pace.begin(told, false);
    assertEquals(pace.wait("publish", 0), 0);
    for (let i = 0; i < 90; i++) pace.take("publish", 10_000 + 1_000 * i / 90);
    pace.begin(told, false);
    assert(pace.wait("publish", 11_000) > 48_000);
  });
});

describe("A client of a hub that limits rates", () => {
  it("sends more than may come at once as fast as it may, and hardly anything is refused", async () => {
    const { hub, client, handled } = await setup({
      burst: 0,
      messages: { default: { capacity: 10, perSecond: 50 } },
    });
    const seen: number[] = [];
    await client.subscribe("news", (event) => void seen.push(event.data as number));
    const numbers = Array.from({ length: 30 }, (_, i) => i);
    for (const n of numbers) client.send("note", { n });
    await Promise.all(numbers.map((n) => client.publish("news", "item", n)));
    while (handled.length < numbers.length) await client.request("noted", {});
    assertEquals([seen.sort(byNumber), handled.sort(byNumber)], [numbers, numbers]);
    const { messages, connection, abuse } = hub.stats().rateLimited;
    assertEquals([connection, abuse], [0, 0]);
    // One that came sooner after another than it was sent may be, and is sent again.
    assert(messages <= 5, `${messages} were refused`);
    assertEquals(client.status, "connected");
  });

  it("waits as it is told where others of its user have used up what it may send", async () => {
    const clock = manualClock();
    const { hub, client, make } = await setup({ user: 40 }, clock);
    for (let i = 0; i < 35; i++) await client.ping();
    const other = make();
    await other.connect();
    for (let i = 0; i < 5; i++) await other.ping();
    const refusal = await assertRejects(() => other.ping(), RefusedError);
    assertEquals([refusal.reason, refusal.retryAfter], ["rate_limited", 60]);
    const published = other.publish("news", "item", 1);
    clock.advance(60_000);
    assertEquals((await published).offset, 1);
    assertEquals(hub.stats().rateLimited.user, 1);
  });
});
