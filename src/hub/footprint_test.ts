/**
 * What is left of connections that have gone: nothing, as soon as their sessions are over.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import process from "node:process";
import { type Clock, type ManualClock, manualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous, anonymousIdentity } from "../guard/identity.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { createHub, type Peer } from "./hub.ts";

/** `CYCLES=100000` in the environment for the long run. */
const CYCLES = Number(process.env["CYCLES"] ?? 10_000);
const PARTS = 10;
const PART = CYCLES / PARTS;
const ROUND = 1_000;
const TTL = 300_000;

/** A clock that knows how many timers run: a table that waits for something has one. */
function counting(clock: ManualClock): { readonly clock: Clock; readonly timers: () => number } {
  const timers = new Set<object>();
  return {
    timers: () => timers.size,
    clock: {
      now: () => clock.now(),
      wall: () => clock.wall(),
      after(ms, fn) {
        const timer = {};
        timers.add(timer);
        const cancel = clock.after(ms, () => {
          timers.delete(timer);
          fn();
        });
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
      every(ms, fn) {
        const timer = {};
        timers.add(timer);
        const cancel = clock.every(ms, fn);
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    },
  };
}

/** Bytes in use after a collection; undefined where the runtime cannot be told to collect. */
function heap(): number | undefined {
  if (process.versions["deno"] !== undefined) return undefined;
  if (process.versions["bun"] === undefined) {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("gc");
    if (typeof collect !== "function") return undefined;
    for (let i = 0; i < 3; i++) collect();
  } else {
    const { Bun } = globalThis as unknown as { Bun: { gc(force: boolean): void } };
    for (let i = 0; i < 3; i++) Bun.gc(true);
  }
  return process.memoryUsage().heapUsed;
}

describe("A hub that thousands of connections come to and leave", () => {
  const manual = manualClock();
  const { clock, timers } = counting(manual);
  // What the platform takes for random bytes is not what this measures.
  const random = seededRandom(1);
  const memory = memoryBroker({ clock, random });
  const opened = new Set<string>();
  let listeners = 0;
  const broker = changedBroker(memory, {
    subscribe: (name, ...terms) => {
      const subscription = memory.subscribe(name, ...terms);
      assert(!(subscription instanceof Promise));
      opened.add(name);
      listeners++;
      return {
        position: subscription.position,
        close: () => {
          listeners--;
          subscription.close();
        },
      };
    },
  });
  const hub = createHub({
    auth: allowAnonymous(),
    broker,
    clock,
    random,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    channels: {
      "room:*": channel({
        permissions: { "*": ["subscribe", "broadcast"] },
        presence: true,
        ack: true,
      }),
    },
  });
  const publisher = hub.everyone();
  let token = "";

  function come(i: number): Peer & { readonly socket: FakeSocket } {
    const socket = new FakeSocket();
    const peer = hub.accept(socket, {
      identity: { ...anonymousIdentity(), userId: i % 2 === 0 ? null : `u${i % 100}` },
      address: "127.0.0.1",
      ...(i % 10 === 2 ? { reconnectionToken: token } : {}),
    });
    return Object.assign(peer, { socket });
  }

  function cycle(i: number): void {
    const peer = come(i);
    const send = (message: unknown) => peer.receive(JSON.stringify(message));
    if (i % 10 === 4) send({ type: "resume", reconnection_token: token });
    if (i % 19 === 0) {
      send({ type: "hello", features: { batch: { max_ms: 1_000, max_bytes: 9_000 } } });
    }
    const room = `room:${i % 500}`;
    send({ type: "subscribe", channels: i % 4 === 0 ? [room, `room:own${i}`] : [room], last: 5 });
    if (i % 3 === 0) peer.socket.room = 0;
    if (i % 9 === 0) {
      send({ type: "publish", channel: room, event_type: "said", data: i, id: `${i}` });
    }
    if (i % 19 === 1) send({ type: "history", channel: `room:asked${i}` });
    if (i % 19 === 2) send({ type: "presence", channel: room });
    if (i % 5 === 0) send({ type: "unsubscribe", channels: [room] });
    if (
      peer.socket.frames.some((frame) => /"type":"resumed"|"reconnected":true/.test(String(frame)))
    ) {
      resumed++;
    }
    if (i % 2 === 0) {
      token = /"reconnection_token":"([^"]+)"/.exec(String(peer.socket.frames[0]))?.[1] ?? "";
    }
    if (i % 11 === 0) hub.disconnect(peer.clientId, { code: 1012, reason: "" });
    if (i % 43 === 0) manual.advance(10);
    peer.closed(i % 17 === 0 ? 1000 : 1006, "");
  }

  async function run(from: number, count: number): Promise<void> {
    for (let i = from; i < from + count; i++) {
      cycle(i);
      if (i % ROUND === 0) {
        void publisher.publish("tick", i);
        manual.advance(1_000);
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  }

  function assertEmpty(): void {
    manual.advance(TTL + 10_000);
    // What was given back may be kept as long again.
    manual.advance(TTL + 10_000);
    const { connections, users, channels, subscriptions } = hub.stats();
    assertEquals({ connections, users, channels, subscriptions, listeners }, {
      connections: 0,
      users: 0,
      channels: 0,
      subscriptions: 0,
      listeners: 0,
    });
    assertEquals(memory.sessions.size, 0);
    for (const name of opened) {
      assertEquals(memory.history(name, { limit: 1, bytes: 0 }), undefined, name);
    }
    opened.clear();
    // The broker's own; the wheel, the pump, batches and presence have none while they have nothing.
    assertEquals(timers(), 1);
  }

  let before: number | undefined;
  let resumed = 0;

  it("holds nothing after the first thousand connections", async () => {
    await run(0, ROUND);
    assertEmpty();
    before = heap();
  });

  // In parts, so that each ends within a minute on a busy machine.
  for (let part = 0; part < PARTS; part++) {
    it(`holds nothing after ${(part + 1) * PART} more have come, followed channels and gone`, async () => {
      await run(ROUND + part * PART, PART);
      assertEquals(hub.stats().totalConnections, ROUND + (part + 1) * PART);
      assert(memory.sessions.size > 0, "no session was kept");
      assert(resumed >= (part + 1) * PART / 20, `only ${resumed} resumed`);
      assertEmpty();
    });
  }

  it("has the heap it had before", () => {
    const after = heap();
    if (before === undefined || after === undefined) return;
    const left = after - before;
    assert(left < 4_000_000, `${left} bytes are left of ${CYCLES} connections`);
  });
});
