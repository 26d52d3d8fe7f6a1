/**
 * An application that calls the hub from within whatever the hub calls it for, over sockets that end within
 * any call, as Bun's do: nothing is thrown, nothing comes out of order, nothing is left behind.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { manualClock } from "../base/clock.ts";
import { channel, conflate } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { stockFeeds } from "./feeds.ts";
import { createHub, type Peer } from "./hub.ts";
import type { Logger } from "./logger.ts";
import { message } from "./message.ts";
import { stockChannels } from "./stock.ts";

const USERS = [null, "u1", "u2"] as const;
const open = { "*": ["subscribe", "broadcast"] } as const;

/** Where the application is called, and what it does there. */
const hooks = ["onConnect", "onDisconnect", "logger", "handler", "schema", "key"] as const;
const deeds = [
  "publish",
  "disconnect",
  "unsubscribe",
  "setRole",
  "revoke",
  "look",
  "throw",
] as const;
type Hook = typeof hooks[number];

const scripts = fc.array(
  fc.record({ hook: fc.constantFrom(...hooks), deed: fc.constantFrom(...deeds) }),
  { maxLength: 20 },
);

const lives = fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 9 }));

const steps = fc.array(
  fc.record({
    who: fc.nat(5),
    what: fc.constantFrom(
      "connect",
      "resume",
      "subscribe",
      "unsubscribe",
      "publish",
      "ask",
      "end",
      "fill",
      "drain",
      "wait",
      "publish from the application",
    ),
    /** The frame at which a new socket ends. */
    life: lives,
  }),
  { minLength: 5, maxLength: 50 },
);

/** A socket that tells of its end before the call returns that brings it about. */
class SuddenSocket extends FakeSocket {
  peer: Peer | undefined;
  readonly #life: number;
  #sent = 0;

  constructor(life: number) {
    super();
    this.#life = life;
  }

  override take(frame: FakeSocket["frames"][number]): void {
    super.take(frame);
    if (++this.#sent === this.#life) this.end(1006);
  }

  /** One in two peers does not answer a Close frame. */
  override close(code: number): void {
    if (this.#life % 2 === 0) this.end(code);
  }

  override terminate(): void {
    this.end(1006);
  }

  end(code: number): void {
    if (this.ended !== undefined) return;
    this.ended = code;
    this.peer?.closed(code, "");
  }

  /** Whom to tell; of an end that came before, at once. */
  tells(peer: Peer): void {
    this.peer = peer;
    if (this.ended !== undefined) peer.closed(this.ended, "");
  }

  get messages(): readonly Record<string, unknown>[] {
    return this.frames.map((frame) => JSON.parse(String(frame)));
  }
}

/** A hub, and an application that does what the script says. */
function rig(script: readonly { readonly hook: Hook; readonly deed: typeof deeds[number] }[]) {
  const clock = manualClock();
  const todo = [...script];
  const clientIds: string[] = [];
  /** How many connections of a client the application was told of. */
  const present = new Map<string, number>();

  function act(hook: Hook): void {
    const at = todo.findIndex((one) => one.hook === hook);
    const [next] = at < 0 ? [] : todo.splice(at, 1);
    switch (next?.deed) {
      case "disconnect":
        for (const id of clientIds.slice(-2)) hub.disconnect(id, { code: 4000, reason: "" });
        break;
      case "unsubscribe":
        hub.unsubscribe(clientIds.at(-1) ?? "", ["a", "b", "room:1"], "no");
        break;
      case "publish":
        publish();
        break;
      case "setRole":
        hub.setRole("u1", "low");
        break;
      case "revoke":
        void hub.revoke({ userId: "u1" });
        break;
      case "look":
        hub.stats();
        hub.connections();
        break;
      case "throw":
        throw new Error("the application's mistake");
    }
  }

  function publish(): void {
    const publications = [
      hub.channel("a").publish("x", 1),
      hub.channel("b").publish("x", 1),
      hub.everyone().publish("x", 1),
      hub.client(clientIds.at(-1) ?? "nobody").publish("x", 1),
    ];
    // The schema may throw, and the hub may have ended.
    for (const publication of publications) publication.catch(() => {});
  }

  function told(clientId: string, change: 1 | -1): void {
    clientIds.push(clientId);
    present.set(clientId, (present.get(clientId) ?? 0) + change);
    assert(present.get(clientId)! >= 0, "it was told of an end before the beginning");
  }

  const log = () => act("logger");
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const feeds = stockFeeds({ version: "1", clock, logger });
  const faults: unknown[] = [];
  const hub = createHub({
    auth: allowAnonymous(),
    clock,
    rates: false,
    channels: {
      ...stockChannels(),
      a: channel({ permissions: { ...open, low: [] }, presence: true, ack: true }),
      b: channel({
        permissions: open,
        overflow: conflate(() => {
          act("key");
          return "one";
        }),
        events: {
          x: z.unknown().refine(() => {
            act("schema");
            return true;
          }),
        },
      }),
      "room:*": channel({ permissions: open, presence: true, overflow: "drop-oldest" }),
    },
    messages: {
      ask: message(z.object({}), ({ reply }) => {
        act("handler");
        reply("told");
      }),
    },
    limits: { lag: 2, connectionsPerUser: 2 },
    acknowledgement: { interval: 100, retries: 1 },
    logger: feeds.hooks.logger,
    onConnect(connection) {
      noting(() => told(connection.clientId, 1));
      feeds.hooks.onConnect(connection);
      act("onConnect");
    },
    onDisconnect(connection, ending) {
      noting(() => told(connection.clientId, -1));
      feeds.hooks.onDisconnect(connection, ending);
      act("onDisconnect");
    },
  });
  feeds.start(hub);
  /** What fails in a callback the hub only logs. */
  function noting(check: () => void): void {
    try {
      check();
    } catch (fault) {
      faults.push(fault);
    }
  }
  return { hub, clock, present, publish, faults };
}

/** In no channel does an event come twice or before an earlier one, as long as it is subscribed to. */
function assertOrder({ messages }: SuddenSocket): void {
  const last = new Map<unknown, number>();
  for (const { type, channel, channels, offset, attempt } of messages) {
    if (type === "unsubscribed") { for (const name of channels as string[]) last.delete(name); }
    if (type !== "event" || offset === undefined || attempt !== undefined) continue;
    assert(Number(offset) > (last.get(channel) ?? 0), `${channel}: ${offset} does not follow`);
    last.set(channel, Number(offset));
  }
}

describe("A hub that is called from within its own calls", () => {
  it("throws nothing, keeps its order, and has nothing left when all are gone", async () => {
    await fc.assert(
      fc.asyncProperty(
        scripts,
        fc.array(lives, { maxLength: 4 }),
        steps,
        async (script, first, steps) => {
          const { hub, clock, present, publish, faults } = rig(script);
          const sockets: SuddenSocket[] = [];
          const connect = (who: number, life: number, reconnectionToken?: string) => {
            const socket = new SuddenSocket(life);
            sockets.push(socket);
            const identity = { userId: USERS[who % 3]!, role: "viewer", claims: {} };
            const admission = { identity, address: "127.0.0.1", reconnectionToken };
            socket.tells(hub.accept(socket, admission));
            return socket;
          };
          const say = ({ peer }: SuddenSocket, said: object) => peer!.receive(JSON.stringify(said));
          const subscribe = { type: "subscribe", channels: ["a", "b", "room:1"], last: 3 };
          first.forEach((life, who) => say(connect(who, life), subscribe));
          for (const { who, what, life } of steps) {
            const socket = sockets[who % sockets.length] ?? connect(who, life);
            switch (what) {
              case "connect":
                connect(who, life);
                break;
              case "resume": {
                const [greeting] = socket.messages;
                connect(who, life, String(greeting?.["reconnection_token"]));
                break;
              }
              case "subscribe":
                say(socket, subscribe);
                break;
              case "unsubscribe":
                say(socket, { type: "unsubscribe", channels: ["a"] });
                break;
              case "publish":
                for (const channel of ["a", "room:1"]) {
                  say(socket, { type: "publish", channel, event_type: "x", data: 1 });
                }
                break;
              case "ask":
                say(socket, { type: "ask", payload: {} });
                break;
              case "end":
                socket.end(1006);
                break;
              case "fill":
                socket.room = 0;
                break;
              case "drain":
                socket.room = Infinity;
                break;
              case "wait":
                clock.advance(150);
                break;
              default:
                publish();
            }
          }
          for (const socket of sockets) assertOrder(socket);
          const drained = hub.drain({ within: 1, spread: 0 });
          clock.advance(10_000);
          await drained;
          const { connections, users, subscriptions, channels } = hub.stats();
          assertEquals([connections, users, subscriptions, channels], [0, 0, 0, 0]);
          assertEquals(new Set(present.values()), new Set(present.size === 0 ? [] : [0]));
          assertEquals(faults, []);
        },
      ),
      { numRuns: 120 },
    );
  });
});
