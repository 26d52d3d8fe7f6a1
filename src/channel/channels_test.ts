import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import type { Broker, BrokerSubscription, Retention } from "../broker/broker.ts";
import { newEvent, retention } from "../broker/contract.ts";
import { memoryBroker } from "../broker/memory.ts";
import { Compressor } from "../protocol/compression.ts";
import { type Frame, plainText } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { Channel } from "./channel.ts";
import type { Subscriber } from "./subscriber.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { Channels } from "./channels.ts";
import { ChannelRegistry } from "./definition.ts";

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
    assertEquals(channels.size, 0);
    broker.asked[0]!.grant();
    await hold;
    assertEquals(broker.asked[0]!.isClosed, true);
    assertEquals([...channels], []);
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

  it("opens anew for one who comes after a release, and keeps the two apart", async () => {
    for (const order of [[0, 1], [1, 0]] as const) {
      const { broker, channels } = setUp();
      const holds = [channels.hold("a")];
      channels.release("a");
      holds.push(channels.hold("a"));
      assertEquals(broker.asked.length, 2);
      for (const which of order) broker.asked[which]!.grant(which);
      const [, kept] = await Promise.all(holds) as [Channel, Channel];
      assertEquals(broker.asked.map(({ isClosed }) => isClosed), [true, false]);
      assertStrictEquals(channels.get("a"), kept);
      assertEquals(kept.position.offset, 1);
    }
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

  it("does not let a failure take away what was opened anew meanwhile", async () => {
    const { broker, channels } = setUp();
    const failing = channels.hold("a");
    channels.release("a");
    const kept = channels.hold("a");
    broker.asked[1]!.grant();
    await kept;
    broker.asked[0]!.fail(new Error("too late"));
    await assertRejects(async () => await failing, HeddleError);
    assertEquals(channels.size, 1);
  });

  it("does not mind a release that nobody is owed", () => {
    const { channels } = setUp();
    channels.release("never held");
    assertEquals(channels.size, 0);
  });
});
