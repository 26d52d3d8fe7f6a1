/**
 * What every broker must do about the past of channels, and about events that are sent twice.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ManualClock, manualClock } from "../base/clock.ts";
import { Media } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { Broker, HistoryPage, HistoryQuery, Retention } from "./broker.ts";
import { type BrokerUnderTest, Listener, newEvent, retention } from "./contract.ts";
import { HistoryModel, historyStep, numbers, offsetsOf } from "./history_fixture.ts";
import type { MemoryBrokerOptions } from "./memory_options.ts";

const WHOLE = { limit: 1_000, bytes: 8_388_608 } as const;

/** Longer than any broker takes to notice what has run out. */
const WHILE = 60_000;

/** Registers the tests. */
export function testHistory(name: string, { create }: BrokerUnderTest): void {
  async function withBroker(
    test: (broker: Broker, clock: ManualClock) => Promise<void>,
    options: MemoryBrokerOptions = {},
  ): Promise<void> {
    const clock = manualClock();
    const broker = await create({ clock, ...options });
    try {
      await test(broker, clock);
    } finally {
      await broker.close();
    }
  }

  describe(`${name}, as what keeps the past,`, () => {
    it("gives what came after a place, oldest first, and says where the head is", () =>
      withBroker(async (broker) => {
        const epoch = await publishAll(broker, "a", 5);
        for (let offset = 0; offset <= 5; offset++) {
          const page = await read(broker, "a", { since: { epoch, offset }, ...WHOLE });
          assertEquals(page.epoch, epoch);
          assertEquals(page.events.map(({ data }) => data), texts(offset + 1, 5));
          assertEquals(offsetsOf(page), numbers(offset + 1, 5));
          assertEquals([page.head, page.more, page.gap], [5, false, undefined]);
        }
      }));

    it("counts what it keeps, over all channels", () =>
      withBroker(async (broker) => {
        assertEquals(broker.kept, 0);
        await publishAll(broker, "a", 5);
        await publishAll(broker, "b", 2);
        assertEquals(broker.kept, 7);
        await broker.publish("a", newEvent(), { retention: { ...retention, size: 3 } });
        assertEquals(broker.kept, 5);
      }));

    it("gives all there is where no place is named, and the newest so many", () =>
      withBroker(async (broker) => {
        await publishAll(broker, "a", 5);
        assertEquals(offsetsOf(await read(broker, "a", WHOLE)), [1, 2, 3, 4, 5]);
        for (const [last, first] of [[0, 6], [2, 4], [5, 1]] as const) {
          assertEquals(offsetsOf(await read(broker, "a", { last, ...WHOLE })), numbers(first, 5));
        }
        const page = await read(broker, "a", { last: 99, ...WHOLE });
        assertEquals([offsetsOf(page), page.gap], [[1, 2, 3, 4, 5], undefined]);
      }));

    it("gives no more than the limit, and says that there is more", () =>
      withBroker(async (broker) => {
        const epoch = await publishAll(broker, "a", 7);
        const seen: number[] = [];
        for (let offset = 0; offset < 7;) {
          const page = await read(broker, "a", { since: { epoch, offset }, ...WHOLE, limit: 3 });
          seen.push(...offsetsOf(page));
          offset = seen.at(-1)!;
          assertEquals(page.more, offset < 7);
        }
        assertEquals(seen, numbers(1, 7));
      }));

    it("gives no more bytes than asked for, but one event in any case", () =>
      withBroker(async (broker) => {
        for (let i = 0; i < 4; i++) {
          await broker.publish("a", newEvent(`"${"x".repeat(998)}"`), { retention });
        }
        const count = async (bytes: number) =>
          offsetsOf(await read(broker, "a", { limit: 10, bytes })).length;
        assertEquals([await count(0), await count(1), await count(2_500)], [1, 1, 2]);
        assertEquals(await count(10_000), 4);
        assertEquals((await read(broker, "a", { limit: 10, bytes: 0 })).more, true);
      }));

    it("carries exclusions, acknowledgement and media through the past", () =>
      withBroker(async (broker) => {
        const media = new Media("image", new Uint8Array([0, 255]), { mime: "image/png" });
        const exclude = { clients: ["c1"], users: ["__proto__"] };
        await broker.publish("a", { ...newEvent(media), exclude, ack: true }, { retention });
        const [event] = (await read(broker, "a", WHOLE)).events;
        assertEquals([event?.exclude, event?.ack], [exclude, true]);
        assert(event?.data instanceof Media, "media came as something else");
        assertEquals(event.data, media);
      }));

    it("knows nothing of a channel that nobody published to or listens to", () =>
      withBroker(async (broker) => {
        for (const channel of ["a", "__proto__", "constructor"]) {
          assertEquals(await broker.history(channel, WHOLE), undefined);
        }
        await new Listener().listen(broker, "a");
        const page = await read(broker, "a", WHOLE);
        assertEquals([page.head, page.events, page.more], [0, [], false]);
      }));

    it("keeps so many events, and tells exactly what is gone", () =>
      withBroker(async (broker) => {
        const epoch = await publishAll(broker, "a", 10, { ...retention, size: 4 });
        const gapAfter = async (offset: number) =>
          (await read(broker, "a", { since: { epoch, offset }, ...WHOLE })).gap;
        assertEquals(offsetsOf(await read(broker, "a", WHOLE)), [7, 8, 9, 10]);
        assertEquals(await gapAfter(0), { from: 1, to: 6 });
        assertEquals(await gapAfter(5), { from: 6, to: 6 });
        assertEquals(await gapAfter(6), undefined);
        const page = await read(broker, "a", { since: { epoch, offset: 2 }, ...WHOLE, limit: 2 });
        assertEquals([offsetsOf(page), page.gap], [[7, 8], { from: 3, to: 6 }]);
      }));

    it("keeps so many bytes", () =>
      withBroker(async (broker) => {
        for (let i = 0; i < 10; i++) {
          const text = `"${"x".repeat(998)}"`;
          await broker.publish("a", newEvent(text), { retention: { ...retention, bytes: 3_500 } });
        }
        assertEquals(offsetsOf(await read(broker, "a", WHOLE)), [8, 9, 10]);
      }));

    it("keeps an event for its time to live", () =>
      withBroker(async (broker, clock) => {
        const listener = await new Listener().listen(broker, "a");
        const { epoch } = listener.subscription.position;
        for (let i = 0; i < 3; i++) {
          await broker.publish("a", newEvent(), { retention });
          clock.advance(100_000);
        }
        const since = { epoch, offset: 0 };
        // The first is 300 s old now, to the millisecond.
        const page = await read(broker, "a", { since, ...WHOLE });
        assertEquals([offsetsOf(page), page.gap], [[2, 3], { from: 1, to: 1 }]);
        clock.advance(WHILE + 300_000);
        const later = await read(broker, "a", { since, ...WHOLE });
        assertEquals([offsetsOf(later), later.gap, later.head], [[], { from: 1, to: 3 }, 3]);
      }));

    it("keeps none where the size is 0, and goes on counting", () =>
      withBroker(async (broker) => {
        const none = { ...retention, size: 0 };
        const listener = await new Listener().listen(broker, "a");
        const epoch = await publishAll(broker, "a", 3, none);
        await listener.reaches(3);
        assertEquals(listener.offsets, [1, 2, 3]);
        const page = await read(broker, "a", { since: { epoch, offset: 1 }, ...WHOLE });
        assertEquals([page.events, page.gap, page.head], [[], { from: 2, to: 3 }, 3]);
        listener.subscription.close();
        const placed = await broker.publish("a", newEvent(), { retention: none });
        assertEquals([placed.epoch, placed.offset], [epoch, 4]);
      }));

    it("tells a gap without ends for a place of another epoch or in the future, and gives what it has", () =>
      withBroker(async (broker) => {
        const epoch = await publishAll(broker, "a", 3);
        for (const since of [{ epoch: "other", offset: 1 }, { epoch, offset: 4 }]) {
          const page = await read(broker, "a", { since, ...WHOLE });
          assertEquals([page.gap, offsetsOf(page)], [{ from: null, to: null }, [1, 2, 3]]);
        }
      }));

    it("keeps a channel for its time to live after the last listener, and then forgets it", () =>
      withBroker(async (broker, clock) => {
        const listener = await new Listener().listen(broker, "a");
        const { epoch } = listener.subscription.position;
        await broker.publish("a", newEvent(), { retention });
        clock.advance(200_000);
        listener.subscription.close();
        clock.advance(299_000);
        const again = await new Listener().listen(broker, "a");
        assertEquals(again.subscription.position, { epoch, offset: 1 });
        again.subscription.close();
        clock.advance(300_000 + WHILE);
        assertEquals(await broker.history("a", WHOLE), undefined);
        const other = await new Listener().listen(broker, "a");
        assertNotEquals(other.subscription.position.epoch, epoch);
        assertEquals(other.subscription.position.offset, 0);
      }));

    it("keeps all channels together within their bytes: the ones quiet for longest lose the oldest", () =>
      withBroker(async (broker) => {
        const channels = Array.from({ length: 40 }, (_, i) => `c${i}`);
        const places = new Map<string, Position>();
        // Half of them are listened to, which must not save them.
        for (const channel of channels.slice(0, 20)) await new Listener().listen(broker, channel);
        for (const channel of channels) {
          for (let i = 0; i < 3; i++) {
            const event = newEvent(`"${"x".repeat(998)}"`);
            places.set(channel, await broker.publish(channel, event, { retention }));
          }
        }
        const kept = await Promise.all(
          channels.map(async (channel) => (await read(broker, channel, WHOLE)).events.length),
        );
        const total = kept.reduce((sum, count) => sum + count, 0);
        assert(total * 1_000 <= 20_000, `${total} events of 1000 bytes are kept`);
        assert(total >= 15, `only ${total} are kept`);
        assertEquals(kept.at(-1), 3);
        // What lost its past is known to have had one.
        const { epoch } = places.get("c0")!;
        const page = await read(broker, "c0", { since: { epoch, offset: 0 }, ...WHOLE });
        assertEquals([page.gap, page.head], [{ from: 1, to: 3 }, 3]);
      }, { historyBytes: 20_000 }));

    it("keeps its bytes also where one event is larger than all of them", () =>
      withBroker(async (broker) => {
        await publishAll(broker, "a", 3);
        const listener = await new Listener().listen(broker, "b");
        await broker.publish("b", newEvent(`"${"x".repeat(2_000)}"`), { retention });
        await listener.reaches(1);
        assertEquals((await read(broker, "b", WHOLE)).events, []);
        await broker.publish("b", newEvent(), { retention });
        assertEquals(offsetsOf(await read(broker, "b", WHOLE)), [2]);
      }, { historyBytes: 1_000 }));

    it("keeps so many channels that nobody listens to: those without an event go first", () =>
      withBroker(async (broker) => {
        const witness = await new Listener().listen(broker, "witness");
        for (const channel of ["old", "middle", "new"]) await publishAll(broker, channel, 1);
        for (let i = 0; i < 50; i++) {
          (await new Listener().listen(broker, `opened ${i}`)).subscription.close();
        }
        const known = async (channel: string) => await broker.history(channel, WHOLE) !== undefined;
        for (const channel of ["old", "middle", "new"]) assert(await known(channel), channel);
        for (let i = 0; i < 3; i++) await publishAll(broker, `more ${i}`, 1);
        assertEquals([await known("old"), await known("middle")], [false, true]);
        await broker.publish("witness", newEvent(), { retention });
        await witness.reaches(1);
      }, { idleChannels: 5 }));

    it("holds to all this through any publications, listeners, times and questions", () =>
      fc.assert(
        fc.asyncProperty(fc.array(historyStep, { maxLength: 60 }), async (steps) => {
          await withBroker(async (broker, clock) => {
            const model = new HistoryModel(broker, clock);
            for (const step of steps) await model.run(step);
          }, { historyBytes: 600, idleChannels: 2 });
        }),
        { numRuns: 200 },
      ));
  });

  describe(`${name}, as what takes an event once,`, () => {
    const named = (id: string, identity = "@user:ann") => ({
      retention,
      idempotence: { identity, id },
    });

    it("gives the place of the first to all that are sent again, also at once", () =>
      withBroker(async (broker) => {
        const listener = await new Listener().listen(broker, "a");
        const { epoch } = listener.subscription.position;
        const placed = await Promise.all(
          Array.from({ length: 10 }, () => broker.publish("a", newEvent(), named("1"))),
        );
        assertEquals(placed.map(({ duplicate }) => duplicate), [false, ...Array(9).fill(true)]);
        for (const { epoch, offset } of placed) {
          assertEquals([epoch, offset], [placed[0]!.epoch, 1]);
        }
        await broker.publish("a", newEvent(), { retention });
        await listener.reaches(2);
        assertEquals(listener.offsets, [1, 2]);
        assertEquals(await broker.publish("a", newEvent(), named("1")), {
          epoch,
          offset: 1,
          duplicate: true,
        });
      }));

    it("tells another id, identity or channel apart, whatever they are called", () =>
      withBroker(async (broker) => {
        await broker.publish("a", newEvent(), named("1", "x"));
        const others = [
          ["a", "1", "y"],
          ["a", "2", "x"],
          ["b", "1", "x"],
          ["a", "__proto__", "x"],
          ["a", "constructor", "__proto__"],
          ['a","1', "", "x"],
          ["a1", "", "x"],
        ] as const;
        for (const [channel, id, identity] of others) {
          const { duplicate } = await broker.publish(channel, newEvent(), named(id, identity));
          assertEquals(duplicate, false, JSON.stringify([channel, id, identity]));
        }
      }));

    it("remembers for five minutes, and not for longer", () =>
      withBroker(async (broker, clock) => {
        const none = { ...retention, size: 0 };
        await broker.publish("a", newEvent(), { ...named("1"), retention: none });
        clock.advance(299_999);
        assertEquals((await broker.publish("a", newEvent(), named("1"))).duplicate, true);
        clock.advance(1);
        assertEquals((await broker.publish("a", newEvent(), named("1"))).duplicate, false);
      }));

    it("lets no identity push out the names of another", () =>
      withBroker(async (broker) => {
        await broker.publish("a", newEvent(), named("mine", "@user:ann"));
        const few = { ...retention, size: 1 };
        for (let i = 0; i < 5_000; i++) {
          await broker.publish("a", newEvent(), { ...named(`${i}`, "@user:bob"), retention: few });
        }
        const again = await broker.publish("a", newEvent(), named("mine", "@user:ann"));
        assertEquals(again.duplicate, true);
        // Its own newest it still knows.
        assertEquals(
          (await broker.publish("a", newEvent(), named("4999", "@user:bob"))).duplicate,
          true,
        );
      }, { publications: 2_000 }));

    it("forgets the identity that published none for longest where there are too many names", () =>
      withBroker(async (broker) => {
        for (let i = 0; i < 10; i++) await broker.publish("a", newEvent(), named("1", `u${i}`));
        await broker.publish("a", newEvent(), named("2", "u0"));
        assertEquals((await broker.publish("a", newEvent(), named("1", "u0"))).duplicate, true);
        assertEquals((await broker.publish("a", newEvent(), named("1", "u1"))).duplicate, false);
      }, { publications: 10 }));

    it("knows the event already while it is given to listeners", () =>
      withBroker(async (broker) => {
        const listener = new Listener();
        const again: unknown[] = [];
        listener.onEvent = () => {
          const sent = broker.publish("a", newEvent(), named("1"));
          again.push(sent);
        };
        await listener.listen(broker, "a");
        await broker.publish("a", newEvent(), named("1"));
        await listener.reaches(1);
        const [placed] = await Promise.all(again);
        assertEquals((placed as { duplicate: boolean }).duplicate, true);
        await broker.publish("b", newEvent(), { retention });
        assertEquals(listener.offsets, [1]);
      }));
  });
}

async function read(broker: Broker, channel: string, query: HistoryQuery): Promise<HistoryPage> {
  const page = await broker.history(channel, query);
  assert(page !== undefined, `nothing is known of ${channel}`);
  return page;
}

/** Publishes the texts 1, 2, 3 …; gives the epoch. */
async function publishAll(
  broker: Broker,
  channel: string,
  count: number,
  kept: Retention = retention,
): Promise<string> {
  let epoch = "";
  for (let i = 1; i <= count; i++) {
    const placed = await broker.publish(channel, newEvent(`${i}`), { retention: kept });
    epoch = placed.epoch;
  }
  return epoch;
}

function texts(from: number, to: number): string[] {
  return numbers(from, to).map(String);
}
