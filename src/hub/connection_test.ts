/**
 * What a hub does where connections, brokers and applications get in each other's way. The socket is one
 * that keeps what it is given; real ones are in the adapters' tests.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel } from "../channel/definition.ts";
import type { Socket } from "../channel/socket.ts";
import { allowAnonymous, anonymousIdentity } from "../guard/identity.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import type { Frame } from "../protocol/encode.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { type AnyHub, createHub, type Peer } from "./hub.ts";
import { message } from "./message.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A socket that keeps what it is told to do. */
class KeepingSocket implements Socket {
  readonly capabilities = { terminate: true, pings: true, closeCodes: true };
  readonly frames: Frame[] = [];
  readonly done: string[] = [];
  bufferedAmount = 0;

  send(frame: Frame): void {
    this.frames.push(frame);
  }
  ping(): void {
    this.done.push("ping");
  }
  close(code: number, reason: string): void {
    this.done.push(`close ${code} ${reason}`);
  }
  terminate(): void {
    this.done.push("terminate");
  }

  /** The messages so far, each taken once. */
  take(): Record<string, unknown>[] {
    return this.frames.splice(0).map((frame) => JSON.parse(String(frame)));
  }
}

function connect(hub: AnyHub): { readonly socket: KeepingSocket; readonly peer: Peer } {
  const socket = new KeepingSocket();
  const peer = hub.accept(socket, { identity: anonymousIdentity(), address: "127.0.0.1" });
  return { socket, peer };
}

function send(peer: Peer, value: unknown): void {
  peer.receive(JSON.stringify(value));
}

/** A promise as libraries make them that have their own; it rejects when it is asked. */
function thenable(reason: string): PromiseLike<void> {
  return { then: (done, failed) => Promise.reject(new Error(reason)).then(done, failed) };
}

/** Lets everything that waits for the end of the tick happen. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

/** A broker whose first subscriptions wait until they are let go. */
function gate(): { readonly broker: Broker; readonly open: () => void } {
  const memory = memoryBroker();
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  const broker = changedBroker(memory, {
    subscribe: (...terms) => opened.then(() => memory.subscribe(...terms)),
  });
  return { broker, open };
}

describe("A connection", () => {
  it("is told disconnected before a close of the application", async () => {
    await using hub = createHub({ auth: allowAnonymous() });
    const { socket, peer } = connect(hub);
    socket.take();
    assertEquals(hub.disconnect(peer.clientId, { code: 4000, reason: "enough" }), true);
    const [told, ...rest] = socket.take();
    assertEquals([told?.["type"], told?.["reason"], rest.length], ["disconnected", "enough", 0]);
    assertEquals(socket.done, ["close 4000 enough"]);
    assertEquals(typeof told?.["reconnection_token"], "string");
    assertEquals(told?.["expires_in"], 300);
    peer.closed(4000, "enough");
  });

  it("is there no more for the application once it closes, whoever began, but counts until its end", async () => {
    const begins: Readonly<Record<string, (hub: AnyHub, peer: Peer) => void>> = {
      "the application": (hub, { clientId }) => assert(hub.disconnect(clientId)),
      "the peer": (_hub, peer) => peer.closing(1001, ""),
    };
    for (const [who, begin] of Object.entries(begins)) {
      const clock = manualClock();
      await using hub = createHub({
        auth: allowAnonymous(),
        channels: { news: channel() },
        clock,
      });
      const [gone, stays] = [connect(hub), connect(hub)];
      const { clientId } = gone.peer;
      begin(hub, gone.peer);
      assertEquals(hub.connections().map((one) => one.clientId), [stays.peer.clientId], who);
      assertEquals(hub.connection(clientId), undefined, who);
      assertEquals(hub.disconnect(clientId), false, who);
      assertEquals(hub.unsubscribe(clientId, ["news"], "enough"), false, who);
      assertEquals(hub.stats().connections, 2, who);
      clock.advance(5_100);
      assertEquals(gone.socket.done.at(-1), "terminate", who);
      assertEquals(hub.stats().connections, 1, who);
      stays.peer.closed(1000, "");
    }
  });

  it("is told no way back where a close of the application is final", async () => {
    await using hub = createHub({ auth: allowAnonymous() });
    const { socket, peer } = connect(hub);
    socket.take();
    hub.disconnect(peer.clientId);
    const [told] = socket.take();
    assertEquals(told?.["type"], "disconnected");
    assertEquals([told?.["reconnection_token"], told?.["expires_in"]], [undefined, undefined]);
    peer.closed(1000, "");
  });

  it("keeps a channel that it asks for again, though its past cannot be read", async () => {
    const broker = changedBroker(memoryBroker(), {
      history: () => Promise.reject(new Error("away")),
    });
    const channels = { a: channel(), b: channel() };
    await using hub = createHub({ auth: allowAnonymous(), channels, broker });
    const { socket, peer } = connect(hub);
    send(peer, { type: "subscribe", channels: ["a"] });
    send(peer, { type: "subscribe", channels: ["a", "b"], last: 1 });
    while (socket.frames.length < 3) await new Promise((resolve) => setTimeout(resolve));
    const again = socket.take().at(-1);
    assertEquals(again?.["channels"], ["a"]);
    const [rejection, ...rest] = again?.["rejected"] as { channel: string; code: string }[];
    assertEquals([rejection?.channel, rejection?.code], ["b", "broker_unavailable"]);
    assertEquals(rest, []);
    peer.closed(1000, "");
    await broker.close();
  });

  it("gets nothing before connected, however many messages it sends over a slow broker", async () => {
    const { broker, open } = gate();
    await using hub = createHub({ auth: allowAnonymous(), broker, limits: { inFlight: 2 } });
    const [patient, hasty] = [connect(hub), connect(hub)];
    for (let i = 0; i < 2; i++) send(patient.peer, { type: "ping", correlation_id: `${i}` });
    for (let i = 0; i < 3; i++) send(hasty.peer, { type: "ping" });
    assertEquals([patient.socket.take(), hasty.socket.take()], [[], []]);
    assertEquals(hasty.socket.done, ["close 1013 try again later"]);
    open();
    await hub.client(patient.peer.clientId).publish("wake", 1);
    while (patient.socket.frames.length < 3) await new Promise((resolve) => setTimeout(resolve));
    const types = patient.socket.take().map(({ type }) => type);
    assertEquals(types.slice(0, 3), ["connected", "pong", "pong"]);
    assertEquals(hasty.socket.take(), []);
    for (const { peer } of [patient, hasty]) peer.closed(1000, "");
  });

  it("gets events in order, also where the hub tells of one it lost on the way to others", async () => {
    await using hub = createHub({
      auth: allowAnonymous(),
      channels: { connections: channel() },
      limits: { outbox: 100 },
      logger: quiet,
      onDisconnect: ({ clientId }) =>
        void hub.channel("connections").publish("client.disconnected", { client_id: clientId }),
    });
    const [slow, quick] = [connect(hub), connect(hub)];
    for (const { peer } of [slow, quick]) {
      send(peer, { type: "subscribe", channels: ["connections"] });
    }
    quick.socket.take();
    // Its buffer fills with the very frame, so it is found out in the middle of the fan-out.
    slow.socket.send = () => void (slow.socket.bufferedAmount = 101);
    await hub.channel("connections").publish("client.connected", {});
    assertEquals(slow.socket.done, ["terminate"]);
    assertEquals(
      quick.socket.take().map(({ event_type, offset }) => [event_type, offset]),
      [["client.connected", 1], ["client.disconnected", 2]],
    );
    quick.peer.closed(1000, "");
  });

  it("is given up at the time-out only after a Ping, and not told", async () => {
    const clock = manualClock();
    const misses: [string, number][] = [];
    await using hub = createHub({
      auth: allowAnonymous(),
      clock,
      heartbeat: { interval: 1_000, timeout: 4_000 },
      onMissed: ({ clientId }, missed) => misses.push([clientId, missed]),
    });
    const [silent, living] = [connect(hub), connect(hub)];
    for (const { socket } of [silent, living]) socket.take();
    for (let second = 0; second < 5; second++) {
      clock.advance(1_000);
      living.peer.pong();
    }
    assertEquals(silent.socket.done, ["ping", "ping", "ping", "close 4408 not alive"]);
    assertEquals(hub.stats().missedPongs, 2);
    assertEquals(misses, [[silent.peer.clientId, 1], [silent.peer.clientId, 2]]);
    assertEquals(silent.socket.take(), []);
    assertEquals(living.socket.done.includes("close 4408 not alive"), false);
    for (let second = 0; second < 5; second++) {
      clock.advance(1_000);
      living.peer.pong();
    }
    assertEquals(silent.socket.done.at(-1), "terminate");
    living.peer.closed(1000, "");
    assertEquals(hub.stats().notAlive, 1);
  });

  it("may not publish media whose metadata no envelope could hold, and the others get nothing", async () => {
    await using hub = createHub({
      auth: allowAnonymous(),
      channels: { camera: channel({ permissions: { "*": ["subscribe", "broadcast"] } }) },
      logger: quiet,
    });
    const [sender, viewer] = [connect(hub), connect(hub)];
    send(viewer.peer, { type: "hello", features: { binary: {} } });
    send(viewer.peer, { type: "subscribe", channels: ["camera"] });
    for (const { socket } of [sender, viewer]) socket.take();
    const payload = new Uint8Array([1]);
    const publish = (size: number) =>
      sender.peer.receive(encodeEnvelope({
        kind: "image",
        metadata: {
          channel: "camera",
          metadata: { note: "x".repeat(size - '{"note":""}'.length) },
        },
        payload,
      }));
    publish(61_441);
    const [refusal] = sender.socket.take();
    assertEquals([refusal?.["type"], refusal?.["code"]], ["error", "payload_invalid"]);
    assertEquals(viewer.socket.frames, []);
    publish(61_440);
    assertEquals(sender.socket.take().map(({ type }) => type), ["published"]);
    assertEquals(viewer.socket.frames.map((frame) => typeof frame), ["object"]);
    for (const { peer } of [sender, viewer]) peer.closed(1000, "");
  });

  it("is not disturbed by callbacks of the application that throw or reject, which are logged", async () => {
    const throws = () => {
      throw new Error("down");
    };
    const rejects = () => Promise.reject(new Error("down"));
    for (const fail of [throws, rejects, () => thenable("down")]) {
      const lines: string[] = [];
      const logger = { ...quiet, error: (line: string) => void lines.push(line) };
      const hub = createHub({
        auth: allowAnonymous(),
        logger,
        onConnect: fail,
        onDisconnect: fail,
      });
      const { socket, peer } = connect(hub);
      send(peer, { type: "ping" });
      assertEquals(socket.take().map(({ type }) => type), ["connected", "pong"]);
      peer.closed(1000, "");
      await hub.drain();
      await settled();
      const line = "a callback of the application failed";
      assertEquals(lines, [line, line]);
    }
  });

  it("is answered where a handler gives a promise that is none of this runtime's, and that rejects", async () => {
    const odd = message(z.object({}), () => thenable("down") as Promise<void>);
    await using hub = createHub({ auth: allowAnonymous(), logger: quiet, messages: { odd } });
    const { socket, peer } = connect(hub);
    socket.take();
    send(peer, { type: "odd" });
    await settled();
    assertEquals(socket.take().map(({ code }) => code), ["internal"]);
    peer.closed(1000, "");
  });

  it("has its application messages handled out of the way of the others", async () => {
    let finish = () => {};
    const slow = message(z.object({}), ({ reply }) =>
      new Promise<void>((resolve) => {
        finish = () => {
          reply("slow_done");
          resolve();
        };
      }));
    await using hub = createHub({ auth: allowAnonymous(), messages: { slow } });
    const { socket, peer } = connect(hub);
    socket.take();
    send(peer, { type: "slow", correlation_id: "s" });
    send(peer, { type: "ping", correlation_id: "p" });
    assertEquals(socket.take().map(({ type }) => type), ["pong"]);
    finish();
    const [reply] = socket.take();
    assert(reply !== undefined);
    assertEquals([reply["type"], reply["correlation_id"]], ["slow_done", "s"]);
    peer.closed(1000, "");
  });
});

describe("createHub()", () => {
  it("refuses an option that there is none of, and says which there are", () => {
    const misspelt = [
      [{ channel: {} }, '"channel"; there are: auth, '],
      [{ heartbeat: { intervall: 1 } }, '"heartbeat.intervall"; there are: interval, timeout'],
      [{ session: { TTL: 1 } }, '"session.TTL"; there are: ttl'],
      [{ acknowledgement: { retry: 1 } }, '"acknowledgement.retry"; there are: interval, '],
    ] as const;
    for (const [options, told] of misspelt) {
      const error = assertThrows(
        () => createHub({ auth: allowAnonymous(), ...options as object }),
        HeddleError,
        `there is no option ${told}`,
      );
      assertEquals(error.code, "option_invalid");
    }
  });

  it("refuses a time-out that leaves no room for a Ping", () => {
    const heartbeat = { interval: 1_000, timeout: 1_000 };
    const error = assertThrows(
      () => createHub({ auth: allowAnonymous(), heartbeat }),
      HeddleError,
      "heartbeat.timeout",
    );
    assertEquals(error.code, "option_invalid");
  });

  it("refuses a message that message() did not make", () => {
    const messages = { ask: { schema: {} } as never };
    const error = assertThrows(
      () => createHub({ auth: allowAnonymous(), messages }),
      HeddleError,
      '"ask" must be made by message',
    );
    assertEquals(error.code, "option_invalid");
  });
});

describe("A connection whose socket cannot ping", () => {
  it("is not looked at once its rate limits are as if it had said nothing", () => {
    const clock = manualClock();
    let running = 0;
    const every = (ms: number, fn: () => void) => {
      const stop = clock.every(ms, fn);
      running++;
      return () => {
        running--;
        stop();
      };
    };
    const hub = createHub({ auth: allowAnonymous(), clock: { ...clock, every }, logger: quiet });
    const socket = Object.assign(new KeepingSocket(), {
      capabilities: { terminate: true, pings: false, closeCodes: true },
    });
    const peer = hub.accept(socket, { identity: anonymousIdentity(), address: "127.0.0.1" });
    const before = running;
    send(peer, { type: "ping" });
    assertEquals(running, before + 1);
    clock.advance(60_000);
    assertEquals(running, before);
    send(peer, { type: "ping" });
    assertEquals(socket.take().map(({ type }) => type), ["connected", "pong", "pong"]);
  });
});
