import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type ManualClock, manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel, defaultRetention } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { type FeedOptions, type Feeds, stockFeeds } from "./feeds.ts";
import { createHub, type Hub } from "./hub.ts";
import type { Logger } from "./logger.ts";
import { type StockChannels, stockChannels } from "./stock.ts";

type Line = readonly [level: string, message: string, fields: unknown];

/** A hub with feeds on a clock of its own, all that was published, and all that was logged. */
interface Rig {
  readonly hub: Hub<StockChannels, Record<never, never>>;
  readonly feeds: Feeds;
  readonly clock: ManualClock;
  readonly events: ChannelEvent[];
  readonly lines: Line[];
}

function rig(options: Partial<FeedOptions> = {}, broker: Broker = memoryBroker()): Rig {
  const clock = manualClock();
  const lines: Line[] = [];
  const events: ChannelEvent[] = [];
  const logger: Logger = {
    debug: (message, fields) => lines.push(["debug", message, fields]),
    info: (message, fields) => lines.push(["info", message, fields]),
    warn: (message, fields) => lines.push(["warn", message, fields]),
    error: (message, fields) => lines.push(["error", message, fields]),
  };
  const feeds = stockFeeds({
    version: "1.2.3",
    sample: () => ({ cpu_percent: 12.5, memory_mb: 64 }),
    clock,
    logger,
    ...options,
  });
  for (const name of Object.keys(stockChannels())) {
    void broker.subscribe(name, defaultRetention, (event) => events.push(event));
  }
  const auth = allowAnonymous();
  const hub = createHub({ auth, channels: stockChannels(), broker, clock, ...feeds.hooks });
  return { hub, feeds, clock, events, lines };
}

function told(events: readonly ChannelEvent[]): (readonly [string, string, unknown])[] {
  return events.map((
    { channel, eventType, data },
  ) => [channel, eventType, JSON.parse(String(data))]);
}

/** Lets everything that waits for the end of the tick happen. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("The feeds of the stock channels", () => {
  it("publish the start and the end of the server, with version and uptime", async () => {
    const { hub, feeds, clock, events } = rig();
    clock.advance(2500);
    feeds.start(hub);
    await settled();
    clock.advance(2600);
    await feeds.stop();
    await hub.drain();
    assertEquals(told(events), [
      ["status", "status.started", { status: "started", uptime_seconds: 2, version: "1.2.3" }],
      ["status", "status.draining", { status: "draining", uptime_seconds: 5, version: "1.2.3" }],
    ]);
  });

  it("publish metrics at the interval, with the hub's own events per second", async () => {
    const { hub, feeds, clock, events } = rig();
    feeds.start(hub);
    await settled();
    events.length = 0;
    clock.advance(4999);
    await settled();
    assertEquals(events.length, 0);
    for (let i = 0; i < 99; i++) await feeds.publishSignal("tick");
    events.length = 0;
    clock.advance(1);
    await settled();
    const metrics = { cpu_percent: 12.5, memory_mb: 64 };
    // 99 signals and `status.started` in 5 seconds; then the first `system_metrics` alone.
    assertEquals(told(events), [["metrics", "system_metrics", { ...metrics, events_per_sec: 20 }]]);
    clock.advance(5000);
    await settled();
    assertEquals(told(events)[1], ["metrics", "system_metrics", {
      ...metrics,
      events_per_sec: 0.2,
    }]);
    await feeds.stop();
    events.length = 0;
    clock.advance(60_000);
    await settled();
    assertEquals(events, []);
  });

  it("go on after a sample that failed", async () => {
    let calls = 0;
    const sample = () => {
      if (++calls === 1) throw new Error("no such file");
      return { cpu_percent: 1, memory_mb: 1 };
    };
    const { hub, feeds, clock, events, lines } = rig({ sample, interval: 100 });
    feeds.start(hub);
    clock.advance(200);
    await settled();
    assertEquals(events.filter(({ channel }) => channel === "metrics").length, 1);
    assertEquals(lines.map(([level, message]) => [level, message]), [
      ["error", "the machine could not be looked at"],
    ]);
  });

  it("go on after a log line that the application's logger failed at", async () => {
    let calls = 0;
    const sample = () => {
      if (++calls === 1) throw new Error("no such file");
      return { cpu_percent: 1, memory_mb: 1 };
    };
    const fail = () => {
      throw new Error("the disk is full");
    };
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    const { hub, feeds, clock, events } = rig({ sample, interval: 100, logger });
    feeds.start(hub);
    clock.advance(200);
    await settled();
    assertEquals(events.filter(({ channel }) => channel === "metrics").length, 1);
  });

  it("publish what the application hands them, each in its channel", async () => {
    const { hub, feeds, events } = rig();
    feeds.start(hub);
    await settled();
    events.length = 0;
    await feeds.publishSignal("buy", { symbol: "X" });
    await feeds.publishAction({ action: "retrain", status: "succeeded", duration_ms: 5 });
    await feeds.publishMetrics({
      cpu_percent: 1,
      memory_mb: 2,
      events_per_sec: 3,
      total_tokens: 4,
    });
    await feeds.publishLog("info", "hello", { userCount: 3, level: "x", cause: new Error("why") });
    await feeds.publishStatus("degraded");
    assertEquals(told(events), [
      ["signals", "signal.buy", { symbol: "X" }],
      ["actions", "action.executed", { action: "retrain", status: "succeeded", duration_ms: 5 }],
      ["metrics", "system_metrics", {
        cpu_percent: 1,
        memory_mb: 2,
        events_per_sec: 3,
        total_tokens: 4,
      }],
      ["logs", "log.info", {
        level: "info",
        message: "hello",
        user_count: 3,
        cause: "Error: why",
      }],
      ["status", "status.degraded", { status: "degraded", uptime_seconds: 0, version: "1.2.3" }],
    ]);
    const error = await assertRejects(() => feeds.publishSignal(""), HeddleError);
    assertEquals(error.code, "payload_invalid");
  });

  it("refuse to publish before they start and after they stop", async () => {
    const { hub, feeds } = rig();
    const before = await assertRejects(() => feeds.publishSignal("buy"), HeddleError);
    assertEquals(before.code, "closed");
    feeds.start(hub);
    await feeds.stop();
    const after = await assertRejects(() => feeds.publishLog("info", "hello"), HeddleError);
    assertEquals(after.code, "closed");
  });

  it("start and stop once, however often they are told to, and can start again", async () => {
    const { hub, feeds, events } = rig();
    await feeds.stop();
    feeds.start(hub);
    feeds.start(hub);
    await Promise.all([feeds.stop(), feeds.stop(), feeds[Symbol.asyncDispose]()]);
    feeds.start(hub);
    await settled();
    const statuses = events.map(({ eventType }) => eventType);
    assertEquals(statuses.filter((type) => type === "status.started").length, 2);
    assertEquals(statuses.filter((type) => type === "status.draining").length, 1);
  });

  it("publish the hub's log, and hand every line on", async () => {
    const { hub, feeds, events, lines } = rig();
    hub.logger.info("before the start");
    feeds.start(hub);
    await settled();
    events.length = 0;
    hub.logger.debug("one");
    hub.logger.error("two", {
      clientId: "c1",
      error: new TypeError("bad"),
      big: 1n,
      none: undefined,
    });
    await settled();
    assertEquals(told(events), [
      ["logs", "log.debug", { level: "debug", message: "one" }],
      ["logs", "log.error", {
        level: "error",
        message: "two",
        client_id: "c1",
        error: "TypeError: bad",
        big: "1",
        none: null,
      }],
    ]);
    assertEquals(lines.map(([, message]) => message), ["before the start", "one", "two"]);
  });

  it("never feed a log line about a log line back, whatever the broker does", async () => {
    const memory = memoryBroker();
    let attempts = 0;
    const broker = changedBroker(memory, {
      publish(name, event, terms) {
        if (name !== "logs") return memory.publish(name, event, terms);
        attempts++;
        // As a broker does that says in the log what it could not do.
        rigged.hub.logger.error("the broker is gone");
        throw new HeddleError("broker_unavailable", "gone");
      },
    });
    const rigged = rig({}, broker);
    const { hub, feeds, clock, lines } = rigged;
    feeds.start(hub);
    hub.logger.info("hello");
    for (let i = 0; i < 50; i++) await settled();
    // The line itself, and those that came before its failure was known.
    const first = attempts;
    assert(first >= 1 && first <= 3, `${first} attempts`);
    clock.advance(4999);
    hub.logger.info("hello again");
    for (let i = 0; i < 50; i++) await settled();
    assertEquals(attempts, first);
    clock.advance(1);
    const unsaid = lines.find(([, message]) => message.includes("left out"));
    const { count } = unsaid?.[2] as { count: number };
    assert(count >= 1 && count <= 3, `${count} left out`);
    assert(lines.some(([, message]) => message === "hello again"));
  });

  it("stop by themselves where the hub was drained first", async () => {
    const { hub, feeds, clock, lines } = rig();
    feeds.start(hub);
    await settled();
    await hub.drain();
    clock.advance(5000);
    await settled();
    clock.advance(50_000);
    await settled();
    await feeds.stop();
    assertEquals(lines, []);
  });

  it("leave channels alone that the hub does not declare", async () => {
    const lines: string[] = [];
    const line = (message: string) => void lines.push(message);
    const clock = manualClock();
    const feeds = stockFeeds({
      version: "1",
      sample: () => ({ cpu_percent: 1, memory_mb: 1 }),
      clock,
      logger: { debug: line, info: line, warn: line, error: line },
    });
    const hub = createHub({
      auth: allowAnonymous(),
      channels: { news: channel() },
      clock,
      ...feeds.hooks,
    });
    feeds.start(hub);
    clock.advance(5000);
    await settled();
    await feeds.stop();
    assertEquals(lines, []);
    assertEquals(hub.stats().eventsPublished, 0);
  });

  for (const interval of [0, -1, 1.5, NaN, Infinity]) {
    it(`refuse an interval of ${interval}`, () => {
      const error = assertThrows(() => stockFeeds({ version: "1", interval }), HeddleError);
      assertEquals(error.code, "option_invalid");
    });
  }
});

describe("The feeds over real sockets", () => {
  it("tell of every join and leave, with how many are left", async () => {
    const events: ChannelEvent[] = [];
    const broker = memoryBroker();
    await broker.subscribe("connections", defaultRetention, (event) => events.push(event));
    const feeds = stockFeeds({ version: "1" });
    const hub = createHub({
      auth: (request) => ({
        userId: new URL(request.url).searchParams.get("user"),
        role: "admin",
        claims: {},
      }),
      channels: stockChannels(),
      broker,
      ...feeds.hooks,
    });
    feeds.start(hub);
    const server = await serveHere(hub);
    const url = server.url.replace(/^http/, "ws") + "/ws";

    const watcher = await connectRaw(`${url}?user=ann`);
    const { client_id: ann } = await watcher.json();
    await watcher.ask({ type: "subscribe", channels: ["connections"] });
    const guest = await connectRaw(url);
    const { client_id: nobody } = await guest.json();
    const joined = await watcher.nextOf("event");
    const identity = { client_id: nobody, user_id: null, role: "admin" };
    assertEquals(joined["event_type"], "client.connected");
    assertEquals(joined["data"], { ...identity, connections: 2 });

    await guest.close(4321);
    const left = await watcher.nextOf("event");
    assertEquals(left["event_type"], "client.disconnected");
    assertEquals(left["data"], { ...identity, connections: 1, code: 4321, reason: "" });
    assertEquals(told(events)[0]?.[2], {
      client_id: ann,
      user_id: "ann",
      role: "admin",
      connections: 1,
    });

    await watcher.ask({ type: "subscribe", channels: ["status"] });
    const stopped = feeds.stop();
    const draining = await watcher.nextOf("event");
    assertEquals([draining["channel"], draining["event_type"]], ["status", "status.draining"]);
    await stopped;
    await hub.drain();
    await server.close();
  });

  it("keep the order of a channel where a subscriber is cut off in the middle of its fan-out", async () => {
    const feeds = stockFeeds({ version: "1", logger: quiet });
    const hub = createHub({
      auth: () => ({ userId: null, role: "admin", claims: {} }),
      limits: { outbox: 1_000 },
      channels: stockChannels(),
      ...feeds.hooks,
    });
    feeds.start(hub);
    const admission = {
      identity: { userId: null, role: "admin", claims: {} },
      address: "127.0.0.1",
    };
    const seen: number[] = [];
    const subscribe = JSON.stringify({ type: "subscribe", channels: ["connections"] });
    const capabilities = { terminate: true, pings: true, closeCodes: true };
    const slow = { bufferedAmount: 0, fills: 0 };
    const idle = { capabilities, ping() {}, close() {}, terminate() {} };
    hub.accept({
      ...idle,
      get bufferedAmount() {
        return slow.bufferedAmount;
      },
      // Its buffer fills with the very frame, so it is found out in the middle of the fan-out.
      send: () => void (slow.bufferedAmount = slow.fills),
    }, admission).receive(subscribe);
    hub.accept({
      ...idle,
      bufferedAmount: 0,
      send(frame) {
        const message = JSON.parse(String(frame));
        if (message.channel === "connections") seen.push(message.offset);
      },
    }, admission).receive(subscribe);
    await settled();
    seen.length = 0;
    slow.fills = 1_001;
    await hub.channel("connections").publish("client.connected", {
      client_id: "c",
      user_id: null,
      role: "admin",
      connections: 3,
    });
    await settled();
    assertEquals(seen.length, 2);
    assertEquals(seen[1], seen[0]! + 1);
    await feeds.stop();
  });
});

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };
