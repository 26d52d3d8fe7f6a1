import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Compressor } from "../protocol/compression.ts";
import { grant, plainText } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import { memoryBroker } from "../broker/memory.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { Channel } from "./channel.ts";
import type { Subscriber } from "./subscriber.ts";
import { eventOf, listening, newChannel, Peer } from "./fixture.ts";

const long = JSON.stringify({ text: "heddle ".repeat(500) });

/** Counts what it compresses. */
class Counting extends Compressor {
  compressions = 0;

  override compress(...args: Parameters<Compressor["compress"]>) {
    this.compressions++;
    return super.compress(...args);
  }
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
