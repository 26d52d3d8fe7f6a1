import { assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Compressor } from "../protocol/compression.ts";
import type { Broker } from "../broker/broker.ts";
import { newEvent } from "../broker/contract.ts";
import { memoryBroker } from "../broker/memory.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { LateBroker } from "../testing/late_broker.ts";
import { Channel } from "./channel.ts";
import { channel as define, conflate } from "./definition.ts";
import { listening, Peer } from "./fixture.ts";

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
