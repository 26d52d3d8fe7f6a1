import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Compressor } from "../protocol/compression.ts";
import { type Frame, grant, plainText, type Variant } from "../protocol/encode.ts";
import type { ChannelEvent, Exclusion } from "../protocol/event.ts";
import type { Broker, Gap } from "../broker/broker.ts";
import { newEvent } from "../broker/contract.ts";
import { memoryBroker } from "../broker/memory.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { LateBroker } from "../testing/late_broker.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { Channel, type Subscriber } from "./channel.ts";
import type { Fanout } from "./fanout.ts";
import type { Run } from "./stretch.ts";
import {
  channel as define,
  type ChannelOptions,
  conflate,
  type EventSchemas,
} from "./definition.ts";

const long = JSON.stringify({ text: "heddle ".repeat(500) });

/** Counts what it compresses. */
class Counting extends Compressor {
  compressions = 0;

  override compress(...args: Parameters<Compressor["compress"]>) {
    this.compressions++;
    return super.compress(...args);
  }
}

class Peer implements Subscriber {
  readonly socket = new FakeSocket();
  readonly fanout: Fanout | undefined = undefined;
  readonly clientId: string;
  readonly userId: string | null;
  variant: Variant;
  isReady = true;
  /** How many bytes it has room for while it is ready. */
  room = Infinity;
  readonly frames: Frame[] = [];
  /** What of them it was handed together. */
  readonly runs: Run[] = [];
  readonly gaps: Gap[] = [];
  /** How often it was told that it fell behind, and by too much. */
  fallen = 0;
  overflows = 0;
  onFrame: () => void = () => {};

  constructor(clientId: string, userId: string | null = null, variant: Variant = plainText) {
    this.clientId = clientId;
    this.userId = userId;
    this.variant = variant;
  }

  deliver(frame: Frame): void {
    this.frames.push(frame);
    this.onFrame();
  }

  deliverAll(run: Run): void {
    this.runs.push(run);
    for (const frame of run.frames) this.deliver(frame);
  }

  hand(frame: Frame): void {
    this.deliver(frame);
  }

  count(): void {}

  strained(): void {}

  miss(_channel: string, _epoch: string, gap: Gap): void {
    this.gaps.push(gap);
  }

  fellBehind(): void {
    this.fallen++;
  }

  overflowed(): void {
    this.overflows++;
  }

  /** The offsets of what it got, each taken once. */
  take(): number[] {
    return this.frames.splice(0).map((frame) => JSON.parse(String(frame)).offset);
  }
}

function eventOf(offset: number, exclude?: Exclusion, data = "1"): ChannelEvent {
  return {
    channel: "a",
    epoch: "e",
    offset,
    eventType: "tick",
    timestamp: "2024-12-29T12:00:00.000Z",
    data,
    ...(exclude === undefined ? {} : { exclude }),
  };
}

function newChannel(compressor = new Compressor()): Channel {
  const workings = { definition: undefined, broker: memoryBroker(), compressor, lag: 1_000 };
  return new Channel("a", { epoch: "e", offset: 0 }, workings);
}

/** A channel over a broker in memory, and how to publish to it. */
function listening(
  options: ChannelOptions<EventSchemas> = {},
  change: (broker: Broker) => Broker = (broker) => broker,
): { channel: Channel; publish: (data?: unknown, exclude?: Exclusion) => void } {
  const memory = memoryBroker();
  const definition = define(options);
  const { retention } = definition;
  const made: Channel[] = [];
  const subscription = memory.subscribe("a", retention, (event) => made[0]?.deliver(event));
  assert(!(subscription instanceof Promise));
  const channel = new Channel("a", subscription.position, {
    definition,
    broker: change(memory),
    compressor: new Compressor(),
    lag: 3,
  });
  made.push(channel);
  const publish = (data: unknown = 1, exclude?: Exclusion) => {
    const event = { ...newEvent(JSON.stringify(data)), ...(exclude && { exclude }) };
    void memory.publish("a", event, { retention });
  };
  return { channel, publish };
}

const zlib = grant({ compression: { algorithm: "zlib" } }).variant;
const gzip = grant({ compression: { algorithm: "gzip" } }).variant;

describe("Channel.deliver()", () => {
  it("writes an event once for each variant, and hands all of a variant the same frame", () => {
    const compressor = new Counting();
    const channel = newChannel(compressor);
    const groups = [plainText, zlib, gzip].map((variant) =>
      Array.from({ length: 100 }, (_, i) => new Peer(`${i}`, null, variant))
    );
    for (const peer of groups.flat()) channel.add(peer);
    channel.deliver(eventOf(1, undefined, long));
    assertEquals(compressor.compressions, 2);
    const firsts = groups.map(([first, ...others]) => {
      assertEquals(first!.frames.length, 1);
      for (const other of others) assertStrictEquals(other.frames[0], first!.frames[0]!);
      return first!.frames[0]!;
    });
    assertEquals(firsts.map((frame) => typeof frame), ["string", "object", "object"]);
    assertEquals(new Set(firsts).size, 3);
  });

  it("moves the position, also where nobody is subscribed", () => {
    const channel = newChannel();
    channel.deliver(eventOf(5));
    assertEquals(channel.position, { epoch: "e", offset: 5 });
  });

  it("leaves out excluded connections and users, and nobody else", () => {
    const channel = newChannel();
    const peers = [
      new Peer("c1", "u1"),
      new Peer("c2", "u1"),
      new Peer("c3", "u2"),
      new Peer("c4"),
      new Peer("c5", "constructor"),
    ] as const;
    for (const peer of peers) channel.add(peer);
    const counts = () => peers.map(({ frames }) => frames.splice(0).length);
    channel.deliver(eventOf(1, {}));
    assertEquals(counts(), [1, 1, 1, 1, 1]);
    channel.deliver(eventOf(2, { clients: ["c1", "c4", "nobody"] }));
    assertEquals(counts(), [0, 1, 1, 0, 1]);
    channel.deliver(eventOf(3, { users: ["u1", "null", "__proto__"] }));
    assertEquals(counts(), [0, 0, 1, 1, 1]);
    channel.deliver(eventOf(4, { clients: ["c3"], users: ["constructor"] }));
    assertEquals(counts(), [1, 1, 0, 1, 0]);
    // A user id is no client id.
    channel.deliver(eventOf(5, { clients: ["u1"], users: ["c1"] }));
    assertEquals(counts(), [1, 1, 1, 1, 1]);
  });

  it("goes on where a subscriber goes away in the middle, and gives it nothing more", () => {
    const channel = newChannel();
    const [first, second, third] = [new Peer("1"), new Peer("2"), new Peer("3")];
    for (const peer of [first, second, third]) channel.add(peer);
    first.onFrame = () => {
      channel.delete(first);
      channel.delete(second);
    };
    channel.deliver(eventOf(1));
    assertEquals([first, second, third].map(({ frames }) => frames.length), [1, 0, 1]);
    assertEquals(channel.size, 1);
  });
});

describe("Channel.deliver() of an announcement", () => {
  const announcement = { ...eventOf(1, { clients: ["author"] }), isAnnouncement: true } as const;

  it("reaches everybody whom it is for, also who is behind, and moves nothing", () => {
    const channel = newChannel();
    channel.deliver(eventOf(1));
    const [ready, slow, late, author] = ["ready", "slow", "late", "author"]
      .map((clientId) => new Peer(clientId)) as [Peer, Peer, Peer, Peer];
    for (const peer of [ready, slow, author]) channel.add(peer);
    slow.isReady = false;
    channel.addBehind(late, { epoch: "e", offset: 0 });
    const fallen = [slow.fallen, late.fallen];
    channel.deliver(announcement);
    for (const { frames } of [ready, slow, late]) assertEquals(frames.length, 1);
    assertEquals(author.frames, []);
    assertEquals(channel.position, { epoch: "e", offset: 1 });
    assertEquals([slow.fallen, late.fallen], fallen);
    assertEquals(channel.positionOf(late), { epoch: "e", offset: 0 });
  });

  it("has no offset and no ack_id", () => {
    const channel = newChannel();
    const peer = new Peer("a");
    channel.add(peer);
    channel.deliver(announcement);
    assertEquals(
      Object.keys(JSON.parse(String(peer.frames[0]))).sort(),
      ["channel", "data", "event_type", "timestamp", "type"],
    );
  });
});

describe("A subscriber that is behind", () => {
  it("gets the rest from history when its socket takes more, and then what comes", () => {
    const { channel, publish } = listening();
    const [slow, quick] = [new Peer("slow"), new Peer("quick")];
    for (const peer of [slow, quick]) channel.add(peer);
    publish();
    slow.isReady = false;
    for (let i = 0; i < 3; i++) publish();
    assertEquals([slow.take(), quick.take(), slow.fallen], [[1], [1, 2, 3, 4], 1]);
    assertEquals(channel.positionOf(slow).offset, 1);
    assertEquals(channel.catchUp(slow), false);
    slow.isReady = true;
    assertEquals([channel.catchUp(slow), slow.take()], [true, [2, 3, 4]]);
    publish();
    assertEquals([slow.take(), quick.take(), channel.size], [[5], [5], 2]);
  });

  it("gets as much as its socket takes, and goes on where it stopped", () => {
    const { channel, publish } = listening();
    for (let i = 0; i < 5; i++) publish();
    const peer = new Peer("1");
    peer.room = 100;
    peer.onFrame = () => peer.isReady = peer.frames.length < 2;
    channel.addBehind(peer, { ...channel.position, offset: 0 });
    const taken: number[][] = [];
    for (let turn = 0; turn < 3; turn++) {
      const isDone = channel.catchUp(peer);
      taken.push(peer.take());
      assertEquals(isDone, turn === 2);
      peer.isReady = true;
    }
    assertEquals(taken, [[1, 2], [3, 4], [5]]);
  });

  it("is handed what its socket has room for together, the very same as the others are", () => {
    const { channel, publish } = listening();
    const { epoch } = channel.position;
    for (let i = 0; i < 300; i++) publish();
    const peers = [0, 0, 100].map((offset, i) => {
      const peer = new Peer(String(i));
      channel.addBehind(peer, { epoch, offset });
      return peer;
    });
    for (const peer of peers) assertEquals(channel.catchUp(peer), true);
    const [first, second, third] = peers.map(({ runs }) => runs);
    assertEquals(first!.map(({ frames }) => frames.length), [128, 128, 44]);
    assertEquals(third!.map(({ frames }) => frames.length), [28, 128, 44]);
    first!.forEach((run, i) => {
      assertStrictEquals(second![i], run);
      if (i > 0) assertStrictEquals(third![i], run);
      assertEquals(run.size, run.frames.reduce((size, { length }) => size + length, 0));
    });
    const all = Array.from({ length: 300 }, (_, i) => i + 1);
    assertEquals(peers.map((peer) => peer.take()), [all, all, all.slice(100)]);
  });

  it("is handed what lies between two places together once more, where they come again", () => {
    const { channel, publish } = listening();
    const { epoch } = channel.position;
    for (let i = 0; i < 10; i++) publish(i);
    for (let offset = 0; offset < 10; offset++) {
      const peer = new Peer(String(offset));
      channel.addBehind(peer, { epoch, offset });
      channel.catchUp(peer);
      assertEquals(peer.take()[0], offset + 1);
      assertEquals(peer.runs.length, 1);
    }
  });

  it("is handed each by itself where one is not for all, or is to be acknowledged", async () => {
    const acknowledged = (broker: Broker): Broker =>
      changedBroker(broker, {
        history: async (...terms) => {
          const page = (await broker.history(...terms))!;
          return { ...page, events: page.events.map((event) => ({ ...event, ack: true })) };
        },
      });
    for (
      const { exclude, change } of [{ exclude: { clients: ["other"] } }, { change: acknowledged }]
    ) {
      const { channel, publish } = listening({}, change);
      const { epoch } = channel.position;
      for (let i = 0; i < 3; i++) publish(i, exclude);
      const peer = new Peer("1");
      channel.addBehind(peer, { epoch, offset: 0 });
      assertEquals(await channel.catchUp(peer), true);
      assertEquals([peer.runs.length, peer.take()], [0, [1, 2, 3]]);
    }
  });

  it("is not given what was not for it, live or later", () => {
    const { channel, publish } = listening();
    const peer = new Peer("c", "u");
    channel.add(peer);
    publish(1, { clients: ["c"] });
    peer.isReady = false;
    publish(2, { users: ["u"] });
    publish(3);
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.take()], [true, [3]]);
  });

  it("is not given again what it got before it took up a session", () => {
    const { channel, publish } = listening();
    for (let i = 0; i < 6; i++) publish();
    const { epoch } = channel.position;
    const peer = new Peer("1");
    channel.addBehind(peer, { epoch, offset: 1 }, {
      seen: { after: { epoch, offset: 3 }, to: 5 },
    });
    assertEquals([channel.catchUp(peer), peer.take()], [true, [2, 3, 6]]);
  });

  it("is not told of a gap over what it got before it took up a session", () => {
    const { channel, publish } = listening({ history: { size: 1 } });
    for (let i = 0; i < 8; i++) publish();
    const { epoch } = channel.position;
    const peer = new Peer("1");
    channel.addBehind(peer, { epoch, offset: 1 }, {
      seen: { after: { epoch, offset: 3 }, to: 5 },
    });
    assertEquals([channel.catchUp(peer), peer.take()], [true, [8]]);
    assertEquals(peer.gaps, [{ from: 2, to: 3 }, { from: 6, to: 7 }]);
  });

  it("is told first of the gap that its answer spoke of, and goes on behind it", () => {
    const { channel, publish } = listening();
    for (let i = 0; i < 3; i++) publish();
    const { epoch } = channel.position;
    const peer = new Peer("1");
    const jump = { gap: { from: null, to: null }, to: { epoch, offset: 2 } };
    // Where the channel stands by accident, which does not save it from being told.
    channel.addBehind(peer, channel.position, { jump });
    peer.isReady = false;
    assertEquals([channel.catchUp(peer), peer.gaps.length], [false, 0]);
    assertEquals(channel.positionOf(peer), channel.position);
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.gaps, peer.take()], [true, [jump.gap], [3]]);
  });

  it("is told of what history no longer has, and gets the rest", () => {
    const { channel, publish } = listening({ history: { size: 2 } });
    const peer = new Peer("1");
    channel.addBehind(peer, channel.position);
    peer.isReady = false;
    for (let i = 0; i < 3; i++) publish();
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.take()], [true, [2, 3]]);
    assertEquals(peer.gaps, [{ from: 1, to: 1 }]);
  });

  it("goes where it unsubscribes, and does not come back by a page that was under way", async () => {
    const { channel, publish } = listening(
      {},
      (broker) => new LateBroker(broker, { isPrompt: true }),
    );
    for (let i = 0; i < 3; i++) publish();
    const { epoch } = channel.position;
    const peer = new Peer("1");
    channel.addBehind(peer, { epoch, offset: 0 });
    const first = channel.catchUp(peer);
    assertEquals(channel.catchUp(peer), false);
    assertEquals(channel.delete(peer), true);
    assertEquals([await first, peer.take(), channel.size], [true, [], 0]);
    // Nor is what it asks for anew mixed up with it.
    channel.addBehind(peer, { epoch, offset: 0 });
    const stale = channel.catchUp(peer);
    channel.delete(peer);
    channel.addBehind(peer, { epoch, offset: 2 });
    const fresh = channel.catchUp(peer);
    assertEquals([await stale, await fresh, peer.take()], [true, true, [3]]);
  });

  it("waits where history is ahead of what was delivered, and gets nothing twice", async () => {
    const memory = memoryBroker();
    const late = new LateBroker(memory);
    const { retention } = define();
    const made: Channel[] = [];
    const subscribing = late.subscribe("a", retention, (event) => made[0]?.deliver(event));
    late.answer(0);
    const { position } = await subscribing;
    const workings = { definition: define(), compressor: new Compressor(), lag: 3 };
    const channel = new Channel("a", position, { ...workings, broker: memory });
    made.push(channel);
    for (let i = 0; i < 3; i++) void memory.publish("a", newEvent(), { retention });
    const peer = new Peer("1");
    late.deliver(0);
    channel.addBehind(peer, position);
    assertEquals([channel.catchUp(peer), peer.take()], [false, [1, 2, 3]]);
    for (let left = 2; left > 0; left--) {
      assertEquals(channel.catchUp(peer), false);
      late.deliver(0);
    }
    assertEquals([channel.catchUp(peer), peer.take()], [true, []]);
    void memory.publish("a", newEvent(), { retention });
    late.deliver(0);
    assertEquals(peer.take(), [4]);
  });

  it("tries again where the broker throws, rejects or is closed", async () => {
    const failures = [
      () => {
        throw new Error("gone");
      },
      () => Promise.reject(new Error("gone")),
      undefined,
    ];
    const { channel, publish } = listening({}, (memory) =>
      changedBroker(memory, {
        history: (...terms) => (failures.shift() ?? (() => memory.history(...terms)))(),
      }));
    publish();
    const peer = new Peer("1");
    channel.addBehind(peer, { ...channel.position, offset: 0 });
    assertEquals([await channel.catchUp(peer), await channel.catchUp(peer)], [false, false]);
    assertEquals([channel.catchUp(peer), peer.take()], [true, [1]]);
  });
});

describe("A channel's policy for a subscriber that is too far behind", () => {
  it("is to cut it off, unless it recovers", () => {
    const { channel, publish } = listening();
    const [slow, recovering] = [new Peer("slow"), new Peer("recovering")];
    channel.add(slow);
    channel.addBehind(recovering, channel.position);
    for (const peer of [slow, recovering]) peer.isReady = false;
    for (let i = 0; i < 4; i++) {
      assertEquals([channel.catchUp(slow), slow.overflows], [i === 0, 0]);
      publish();
    }
    for (const peer of [slow, recovering]) channel.catchUp(peer);
    assertEquals([slow.overflows, recovering.overflows], [1, 0]);
  });

  it("is to cut it off where history has passed it by, before it is too far behind", () => {
    const { channel, publish } = listening({ history: { size: 2 } });
    const peer = new Peer("1");
    channel.add(peer);
    peer.isReady = false;
    for (let i = 0; i < 3; i++) publish();
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.overflows], [false, 1]);
    assertEquals([peer.take(), peer.gaps], [[], []]);
  });

  it("is with drop-oldest to leave out the oldest, told once when it reads again", () => {
    const { channel, publish } = listening({ overflow: "drop-oldest" });
    const peer = new Peer("1");
    channel.add(peer);
    peer.isReady = false;
    for (let i = 0; i < 10; i++) {
      publish();
      channel.catchUp(peer);
    }
    assertEquals(peer.gaps, []);
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.take()], [true, [8, 9, 10]]);
    assertEquals(peer.gaps, [{ from: 1, to: 7 }]);
  });

  it("is with conflate to send the newest of each key that it may see, and to tell the rest", () => {
    const key = (data: unknown) => String((data as { of: string }).of);
    const { channel, publish } = listening({ overflow: conflate(key) });
    const peer = new Peer("c");
    channel.add(peer);
    peer.isReady = false;
    for (const name of ["a", "b", "a", "c", "b", "a"]) publish({ of: name });
    // Not for this one, so it replaces nothing.
    publish({ of: "c" }, { clients: ["c"] });
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.take()], [true, [4, 5, 6]]);
    assertEquals(peer.gaps, [{ from: 1, to: 3 }]);
  });

  it("keeps an event whose key cannot be made", () => {
    const key = (data: unknown) => (data as { of: string }).of.toUpperCase();
    const { channel, publish } = listening({ overflow: conflate(key) });
    const peer = new Peer("1");
    channel.add(peer);
    peer.isReady = false;
    for (const data of [{ of: "a" }, {}, { of: "a" }]) publish(data);
    peer.isReady = true;
    assertEquals([channel.catchUp(peer), peer.take(), peer.gaps], [true, [2, 3], [{
      from: 1,
      to: 1,
    }]]);
  });
});

describe("A channel whose events do not follow each other", () => {
  it("lets history say what lies between, to everybody, and gives nothing twice", () => {
    const { channel, publish } = listening();
    const peers = [new Peer("1"), new Peer("2", null, zlib)];
    for (const peer of peers) channel.add(peer);
    publish();
    const { epoch } = channel.position;
    // Lost on the way: 2 to 4 are in history and were never delivered.
    const { deliver } = channel;
    channel.deliver = () => {};
    for (let i = 0; i < 3; i++) publish();
    channel.deliver = deliver;
    publish();
    assertEquals(channel.position, { epoch, offset: 5 });
    assertEquals(peers.map(({ frames }) => frames.length), [1, 1]);
    for (const peer of peers) assertEquals(channel.catchUp(peer), true);
    assertEquals(peers.map((peer) => peer.take()), [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]);
  });

  it("tells everybody of the gap where the numbering began anew", () => {
    const kept: ChannelEvent[] = [1, 2].map((offset) => ({ ...eventOf(offset), epoch: "new" }));
    const broker = changedBroker(memoryBroker(), {
      history: (_, { since }) => ({
        epoch: "new",
        head: 2,
        more: false,
        events: since?.epoch === "new" ? kept.filter(({ offset }) => offset > since.offset) : kept,
        ...(since?.epoch === "new" ? {} : { gap: { from: null, to: null } }),
      }),
    });
    const workings = { definition: undefined, broker, compressor: new Compressor(), lag: 3 };
    const channel = new Channel("a", { epoch: "e", offset: 7 }, workings);
    const peer = new Peer("1");
    channel.add(peer);
    for (const event of kept) channel.deliver(event);
    assertEquals([channel.catchUp(peer), peer.take()], [true, [1, 2]]);
    assertEquals(peer.gaps, [{ from: null, to: null }]);
  });
});

describe("Channel.regroup()", () => {
  it("writes for a subscriber by its new variant from then on", () => {
    const channel = newChannel();
    const peer = new Peer("1");
    channel.add(peer);
    peer.variant = zlib;
    channel.regroup(peer);
    channel.deliver(eventOf(1, undefined, long));
    assertEquals(peer.frames.map((frame) => typeof frame), ["object"]);
    assertEquals([channel.size, channel.has(peer)], [1, true]);
  });

  it("is not needed for a subscriber to leave", () => {
    const channel = newChannel();
    const peer = new Peer("1");
    channel.add(peer);
    peer.variant = zlib;
    assertEquals([channel.delete(peer), channel.size], [true, 0]);
  });

  it("does not subscribe whoever was not", () => {
    const channel = newChannel();
    const peer = new Peer("1", null, zlib);
    channel.regroup(peer);
    assertEquals([channel.size, channel.has(peer)], [0, false]);
  });
});

describe("A channel's subscribers", () => {
  it("are those that were added and not deleted, each once, through any changes", () => {
    const variants = [plainText, zlib, gzip];
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.constantFrom("add", "delete", "vary", "deliver"), fc.nat(3), fc.nat(2))),
      (steps) => {
        const channel = newChannel();
        const peers = ["1", "2", "3", "4"].map((id) => new Peer(id));
        const expected = new Set<Peer>();
        let offset = 0;
        for (const [step, who, how] of steps) {
          const peer = peers[who]!;
          if (step === "add") {
            channel.add(peer);
            expected.add(peer);
          } else if (step === "delete") {
            assertEquals(channel.delete(peer), expected.delete(peer));
          } else if (step === "vary") {
            peer.variant = variants[how]!;
            channel.regroup(peer);
          } else {
            for (const { frames } of peers) frames.length = 0;
            channel.deliver(eventOf(++offset));
            for (const peer of peers) assertEquals(peer.frames.length, expected.has(peer) ? 1 : 0);
          }
          assertEquals(channel.size, expected.size);
          assertEquals(new Set(channel.subscribers()), expected as Set<Subscriber>);
          for (const peer of peers) assertEquals(channel.has(peer), expected.has(peer));
        }
        assert(channel.position.offset === offset);
      },
    ));
  });
});
