import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import type { Broker, BrokerSubscription, Retention } from "../broker/broker.ts";
import { newEvent, retention } from "../broker/contract.ts";
import { memoryBroker } from "../broker/memory.ts";
import { Compressor } from "../protocol/compression.ts";
import { type Frame, plainText } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { Subscriber } from "./subscriber.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { Channels } from "./channels.ts";
import { ChannelRegistry } from "./registry.ts";

/** A subscription that a test answers when it likes. */
interface Asked {
  readonly channel: string;
  readonly emit: (offset: number) => void;
  readonly grant: (offset?: number) => void;
  readonly fail: (reason: Error) => void;
  isClosed: boolean;
}

/** A broker that answers when told to. */
class SlowBroker implements Broker {
  readonly asked: Asked[] = [];
  readonly #memory = memoryBroker();
  readonly kept = 0;
  readonly sessions = this.#memory.sessions;
  readonly presence = this.#memory.presence;

  publish(): never {
    throw new Error("nothing is published here");
  }

  announce(): never {
    throw new Error("nothing is announced here");
  }

  history(): never {
    throw new Error("nobody asks for the past here");
  }

  subscribe(
    channel: string,
    _retention: Retention,
    onEvent: (event: ChannelEvent) => void,
  ): Promise<BrokerSubscription> {
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        channel,
        isClosed: false,
        emit: (offset) => {
          if (!asked.isClosed) onEvent({ ...newEvent(), channel, epoch: "e", offset });
        },
        grant: (offset = 0) =>
          resolve({
            position: { epoch: "e", offset },
            close: () => {
              asked.isClosed = true;
            },
          }),
        fail: reject,
      };
      this.asked.push(asked);
    });
  }

  close(): void {}
}

function newSubscriber(): Subscriber & { readonly frames: Frame[] } {
  const frames: Frame[] = [];
  return {
    clientId: "c",
    userId: null,
    variant: plainText,
    isReady: true,
    takes: () => true,
    socket: new FakeSocket(),
    fanout: undefined,
    frames,
    hand: (frame) => frames.push(frame),
    count() {},
    strained() {},
    deliver: (frame) => frames.push(frame),
    room: 0,
    deliverAll() {},
    miss() {},
    fellBehind() {},
    overflowed() {},
  };
}

function offsetsOf({ frames }: { readonly frames: readonly Frame[] }): unknown[] {
  return frames.map((frame) => (JSON.parse(String(frame)) as { offset: unknown }).offset);
}

function channelsOver(broker: Broker): Channels {
  const registry = new ChannelRegistry({});
  return new Channels({ broker, registry, compressor: new Compressor(), lag: 1_000 });
}

function setUp(): { readonly broker: SlowBroker; readonly channels: Channels } {
  const broker = new SlowBroker();
  return { broker, channels: channelsOver(broker) };
}

describe("Channels, over a broker that answers at once,", () => {
  it("opens a channel in the same tick, once for all who hold it", () => {
    const channels = channelsOver(memoryBroker());
    const first = channels.hold("a");
    assert(!(first instanceof Promise));
    assertStrictEquals(channels.hold("a"), first);
    assertStrictEquals(channels.get("a"), first);
    assertEquals([channels.size, [...channels]], [1, [first]]);
  });

  it("keeps a channel for as long as somebody holds it, and its position with it", async () => {
    const broker = memoryBroker();
    const channels = channelsOver(broker);
    const held = await channels.hold("a");
    await channels.hold("a");
    await broker.publish("a", newEvent(), { retention });
    channels.release("a");
    assertEquals(channels.get("a")?.position.offset, 1);
    channels.release("a");
    assertEquals([channels.get("a"), channels.size], [undefined, 0]);
    await broker.publish("a", newEvent(), { retention });
    assertEquals(held.position.offset, 1);
    channels.release("a");
    // The broker remembers it for a while.
    assertEquals((await channels.hold("a")).position.offset, 2);
  });

  it("rejects where the broker throws, and holds nothing", async () => {
    const broker = memoryBroker();
    await broker.close();
    const channels = channelsOver(broker);
    const error = await assertRejects(async () => await channels.hold("a"), HeddleError);
    assertEquals(error.code, "broker_unavailable");
    assertEquals((error.cause as HeddleError).code, "closed");
    assertEquals(channels.size, 0);
  });
});

describe("Channels, over a broker that takes its time,", () => {
  it("asks it once for all who wait, and gives all the same channel", async () => {
    const { broker, channels } = setUp();
    const holds = [channels.hold("a"), channels.hold("a"), channels.hold("a")];
    assertEquals(broker.asked.length, 1);
    broker.asked[0]!.grant(4);
    const opened = await Promise.all(holds);
    assertEquals(new Set(opened).size, 1);
    assertEquals(opened[0]!.position, { epoch: "e", offset: 4 });
    assertEquals([...channels], [opened[0]!]);
  });

  it("counts what came while it opened, so that the position is the place before the next event", async () => {
    const { broker, channels } = setUp();
    const hold = channels.hold("a");
    const [asked] = broker.asked;
    asked!.emit(5);
    asked!.emit(6);
    asked!.grant(4);
    const channel = await hold;
    assertEquals(channel.position.offset, 6);
    const subscriber = newSubscriber();
    channel.add(subscriber);
    asked!.emit(7);
    assertEquals(offsetsOf(subscriber), [7]);
  });

  it("closes a channel that was released before it was open", async () => {
    const { broker, channels } = setUp();
    const hold = channels.hold("a");
    channels.release("a");
    broker.asked[0]!.grant();
    await hold;
    assertEquals(broker.asked[0]!.isClosed, true);
    assertEquals([channels.size, ...channels], [0]);
  });

  it("keeps a channel for one who waits on, where another released it before it was open", async () => {
    const { broker, channels } = setUp();
    const first = channels.hold("a");
    const second = channels.hold("a");
    channels.release("a");
    broker.asked[0]!.grant();
    assertStrictEquals(await first, await second);
    assertEquals([broker.asked[0]!.isClosed, channels.size], [false, 1]);
    channels.release("a");
    assertEquals([broker.asked[0]!.isClosed, channels.size], [true, 0]);
  });

  it("lets one who comes after a release wait for the same, and keeps it for that one", async () => {
    const { broker, channels } = setUp();
    const holds = [channels.hold("a")];
    channels.release("a");
    channels.release("a");
    holds.push(channels.hold("a"));
    assertEquals(broker.asked.length, 1);
    broker.asked[0]!.emit(1);
    broker.asked[0]!.grant();
    assertStrictEquals(await holds[0], await holds[1]);
    assertEquals([broker.asked[0]!.isClosed, channels.get("a")?.position.offset], [false, 1]);
    channels.release("a");
    assertEquals([broker.asked[0]!.isClosed, channels.size], [true, 0]);
  });

  it("rejects all who wait where it cannot be opened, and tries again for the next", async () => {
    const { broker, channels } = setUp();
    const reason = new Error("connection refused");
    const holds = [channels.hold("a"), channels.hold("a")];
    broker.asked[0]!.fail(reason);
    for (const hold of holds) {
      const error = await assertRejects(async () => await hold, HeddleError, '"a"');
      assertEquals([error.code, error.cause], ["broker_unavailable", reason]);
    }
    assertEquals(channels.size, 0);
    const again = channels.hold("a");
    assertEquals(broker.asked.length, 2);
    broker.asked[1]!.grant();
    assertStrictEquals(await again, channels.get("a")!);
  });

  it("lets what cannot be opened fail for one who came after a release too", async () => {
    const { broker, channels } = setUp();
    const holds = [channels.hold("a")];
    channels.release("a");
    holds.push(channels.hold("a"));
    broker.asked[0]!.fail(new Error("connection refused"));
    for (const hold of holds) await assertRejects(async () => await hold, HeddleError);
    assertEquals(channels.size, 0);
  });

  it("does not mind a release that nobody is owed", () => {
    const { channels } = setUp();
    channels.release("never held");
    assertEquals(channels.size, 0);
  });
});

describe("A channel that a subscriber was put on", () => {
  /** One subscriber is on `@client:a`, and nothing else has happened. */
  function quiet() {
    const broker = memoryBroker();
    const channels = channelsOver(broker);
    const subscriber = newSubscriber();
    assert(!(channels.reserve("@client:a") instanceof Promise));
    const position = channels.put("@client:a", subscriber);
    const say = () => void broker.publish("@client:a", newEvent(), { retention });
    return { broker, channels, subscriber, position, say };
  }

  it("is no more than a name until somebody speaks in it, and misses nothing then", () => {
    const { channels, subscriber, position, say } = quiet();
    assertEquals([channels.get("@client:a"), ...channels], [undefined]);
    assertEquals([channels.size, position.offset], [1, 0]);
    assertEquals(channels.positionOf("@client:a", subscriber), position);
    say();
    say();
    assertEquals(offsetsOf(subscriber), [1, 2]);
    const { epoch } = position;
    assertEquals(channels.positionOf("@client:a", subscriber), { epoch, offset: 2 });
    assert(channels.get("@client:a")?.has(subscriber));
  });

  it("is made for another that comes, and both have what is said", () => {
    const { channels, subscriber, position, say } = quiet();
    const other = newSubscriber();
    void channels.reserve("@client:a");
    assertEquals(channels.put("@client:a", other), position);
    say();
    assertEquals([offsetsOf(subscriber), offsetsOf(other)], [[1], [1]]);
  });

  it("is made for one who wants it for something else, and is still its subscriber's", async () => {
    const { channels, subscriber, position, say } = quiet();
    const held = await channels.hold("@client:a");
    assertEquals([held.position, held.size], [position, 1]);
    say();
    assertEquals(offsetsOf(subscriber), [1]);
  });

  it("is made at the place where it was opened, though there were events before", async () => {
    const { channels, subscriber, say } = quiet();
    say();
    channels.remove("@client:a", subscriber);
    channels.release("@client:a");
    say();
    const other = newSubscriber();
    await channels.reserve("@client:a");
    assertEquals(channels.put("@client:a", other).offset, 2);
    say();
    assertEquals([offsetsOf(subscriber), offsetsOf(other)], [[1], [3]]);
  });

  it("gives its subscriber nothing after it was taken off", () => {
    const { channels, subscriber, say } = quiet();
    assert(!channels.remove("@client:a", newSubscriber()));
    assert(channels.remove("@client:a", subscriber));
    assert(!channels.remove("@client:a", subscriber));
    say();
    channels.release("@client:a");
    say();
    assertEquals([channels.size, ...offsetsOf(subscriber)], [0]);
  });

  it("stands after what came while it opened", async () => {
    const { broker, channels } = setUp();
    const subscriber = newSubscriber();
    const reserved = channels.reserve("a");
    broker.asked[0]!.emit(5);
    broker.asked[0]!.grant(4);
    await reserved;
    assertEquals(channels.put("a", subscriber).offset, 5);
    broker.asked[0]!.emit(6);
    assertEquals(offsetsOf(subscriber), [6]);
  });
});
