/**
 * What every broker must do: one suite, run against each of them.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import { Media } from "../protocol/event.ts";
import { positionSchema } from "../protocol/messages.ts";
import type { Broker, BrokerSubscription, PublishTerms, Retention } from "./broker.ts";
import type { MemoryBrokerOptions } from "./memory_options.ts";

/** How the suite gets what it tests. */
export interface BrokerUnderTest {
  /** Makes a broker that shares nothing with another, with these bounds and this clock. */
  create(options?: MemoryBrokerOptions): MaybePromise<Broker>;
}

/** What the suite has kept of a channel. */
export const retention: Retention = { size: 1_000, bytes: 8_388_608, ttl: 300_000 };

const terms: PublishTerms = { retention };

/** What the suite publishes. */
export function newEvent(data: string | Media = "{}"): NewEvent {
  return { eventType: "tick", data, timestamp: "2024-12-29T12:00:00.000Z" };
}

/** A subscription that keeps what it gets, and can be waited on. */
export class Listener {
  readonly events: ChannelEvent[] = [];
  /** What is to be done with each event as it comes. */
  onEvent: (event: ChannelEvent) => void = () => {};
  #subscription: BrokerSubscription | undefined;
  #wake: () => void = () => {};

  /** Subscribes. */
  async listen(broker: Broker, channel: string, kept: Retention = retention): Promise<this> {
    this.#subscription = await broker.subscribe(channel, kept, (event) => {
      this.events.push(event);
      this.onEvent(event);
      this.#wake();
    });
    return this;
  }

  get subscription(): BrokerSubscription {
    assert(this.#subscription !== undefined, "it does not listen yet");
    return this.#subscription;
  }

  get offsets(): readonly number[] {
    return this.events.map(({ offset }) => offset);
  }

  /** Waits until it has got an event with this offset. */
  reaches(offset: number): Promise<void> {
    return this.until(() => this.offsets.includes(offset));
  }

  /** Waits until something holds; it is looked at whenever an event comes. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

/** Registers the tests. `name` is the broker's. */
export function testBroker(name: string, { create }: BrokerUnderTest): void {
  async function withBroker(test: (broker: Broker) => Promise<void>): Promise<void> {
    const broker = await create();
    try {
      await test(broker);
    } finally {
      await broker.close();
    }
  }

  describe(`${name}, as a broker,`, () => {
    it("numbers the events of a channel 1, 2, 3 … and gives every listener all of them", () =>
      withBroker(async (broker) => {
        const listeners = [
          await new Listener().listen(broker, "a"),
          await new Listener().listen(broker, "a"),
        ];
        const { epoch, offset } = listeners[0]!.subscription.position;
        assertEquals(offset, 0);
        for (let i = 1; i <= 20; i++) {
          assertEquals(await broker.publish("a", newEvent(`${i}`), terms), {
            epoch,
            offset: i,
            duplicate: false,
          });
        }
        for (const listener of listeners) {
          await listener.reaches(20);
          assertEquals(
            listener.events,
            Array.from({ length: 20 }, (_, i): ChannelEvent => ({
              ...newEvent(`${i + 1}`),
              channel: "a",
              epoch,
              offset: i + 1,
            })),
          );
        }
      }));

    it("gives positions that fit the protocol, for events and subscriptions alike", () =>
      withBroker(async (broker) => {
        const listener = await new Listener().listen(broker, "a");
        const published = await broker.publish("a", newEvent(), terms);
        for (const position of [listener.subscription.position, published]) {
          assert(positionSchema.safeParse(position).success, JSON.stringify(position));
        }
        const unheard = await broker.publish("nobody listens here", newEvent(), terms);
        assert(positionSchema.safeParse(unheard).success && unheard.offset >= 1);
      }));

    it("keeps channels apart, whatever their names", () =>
      withBroker(async (broker) => {
        const names = ["a", "A", "a:b", "__proto__", "constructor", "@all", "@user:名 前"];
        const listeners = await Promise.all(
          names.map((name) => new Listener().listen(broker, name)),
        );
        for (const name of names) await broker.publish(name, newEvent(JSON.stringify(name)), terms);
        for (const [i, listener] of listeners.entries()) {
          await listener.reaches(1);
          assertEquals(listener.events.map(({ channel, data }) => [channel, data]), [
            [names[i]!, JSON.stringify(names[i]!)],
          ]);
        }
      }));

    it("carries exclusions and media unchanged", () =>
      withBroker(async (broker) => {
        const listener = await new Listener().listen(broker, "a");
        const media = new Media("image", new Uint8Array([0, 255]), { mime: "image/png" });
        const exclude = { clients: ["c1"], users: ["u1", "__proto__"] };
        await broker.publish("a", { ...newEvent(media), exclude }, terms);
        await listener.reaches(1);
        const [event] = listener.events;
        assertEquals(event?.exclude, exclude);
        assert(event?.data instanceof Media, "media came as something else");
        assertEquals(event.data, media);
      }));

    it("gives a listener what comes after its position, and nothing before it", () =>
      withBroker(async (broker) => {
        const first = await new Listener().listen(broker, "a");
        await broker.publish("a", newEvent(), terms);
        await broker.publish("a", newEvent(), terms);
        const late = await new Listener().listen(broker, "a");
        assertEquals(late.subscription.position.offset, 2);
        assertEquals(late.subscription.position.epoch, first.subscription.position.epoch);
        await broker.publish("a", newEvent(), terms);
        await late.reaches(3);
        assertEquals(late.offsets, [3]);
      }));

    it("gives a listener nothing more once it is closed, and closes twice alike", () =>
      withBroker(async (broker) => {
        const [closed, open] = [
          await new Listener().listen(broker, "a"),
          await new Listener().listen(broker, "a"),
        ];
        await broker.publish("a", newEvent(), terms);
        await Promise.all([closed.reaches(1), open.reaches(1)]);
        closed.subscription.close();
        closed.subscription.close();
        await broker.publish("a", newEvent(), terms);
        await open.reaches(2);
        assertEquals([closed.offsets, open.offsets], [[1], [1, 2]]);
      }));

    it("gives a listener nothing more that is closed by another listener of the same event", () =>
      withBroker(async (broker) => {
        const listeners = [new Listener(), new Listener()];
        for (const listener of listeners) await listener.listen(broker, "a");
        // Whichever gets the event first closes both.
        for (const listener of listeners) {
          listener.onEvent = () => {
            for (const { subscription } of listeners) subscription.close();
          };
        }
        const witness = await new Listener().listen(broker, "a");
        await broker.publish("a", newEvent(), terms);
        await witness.reaches(1);
        assertEquals(listeners.flatMap(({ offsets }) => offsets).length, 1);
      }));

    it("lets one function listen twice, and gives it each event twice", () =>
      withBroker(async (broker) => {
        const listener = new Listener();
        await listener.listen(broker, "a");
        const { subscription } = listener;
        await listener.listen(broker, "a");
        await broker.publish("a", newEvent(), terms);
        await listener.until(() => listener.events.length === 2);
        subscription.close();
        await broker.publish("a", newEvent(), terms);
        await listener.reaches(2);
        assertEquals(listener.offsets.filter((offset) => offset === 1).length, 2);
      }));

    it("keeps the order for every listener where one of them publishes", () =>
      withBroker(async (broker) => {
        const answering = new Listener();
        answering.onEvent = ({ offset }) => {
          if (offset < 5) void broker.publish("a", newEvent(), terms);
        };
        const listeners = [
          await new Listener().listen(broker, "a"),
          await answering.listen(broker, "a"),
          await new Listener().listen(broker, "a"),
        ];
        await broker.publish("a", newEvent(), terms);
        for (const listener of listeners) {
          await listener.reaches(5);
          assertEquals(listener.offsets, [1, 2, 3, 4, 5]);
        }
      }));

    it("gives a listener that comes while an event is on its way only what follows its position", () =>
      withBroker(async (broker) => {
        const late = new Listener();
        let listening: Promise<unknown> | undefined;
        const first = new Listener();
        first.onEvent = () => {
          listening ??= late.listen(broker, "a");
        };
        await first.listen(broker, "a");
        await broker.publish("a", newEvent(), terms);
        await first.reaches(1);
        await listening;
        await broker.publish("a", newEvent(), terms);
        await late.reaches(2);
        const from = late.subscription.position.offset;
        assertEquals(late.offsets, from === 0 ? [1, 2] : [2]);
      }));

    it("never uses an epoch again for another numbering", () =>
      withBroker(async (broker) => {
        const seen = new Map<string, number>();
        for (let life = 0; life < 10; life++) {
          const listener = await new Listener().listen(broker, "a");
          const { epoch, offset } = await broker.publish("a", newEvent(), terms);
          const last = seen.get(epoch) ?? 0;
          assert(offset > last, `offset ${offset} of epoch ${epoch} was given before`);
          seen.set(epoch, offset);
          listener.subscription.close();
          const unheard = await broker.publish("a", newEvent(), terms);
          assert(unheard.offset > (seen.get(unheard.epoch) ?? 0));
          seen.set(unheard.epoch, unheard.offset);
        }
      }));

    it("gives every listener a gapless run from its position, through any subscribes and closes", () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom("publish", "listen", "close"), fc.nat(5)), {
            maxLength: 40,
          }),
          (steps) =>
            withBroker(async (broker) => {
              const open: Listener[] = [];
              const closed: Listener[] = [];
              // It keeps the channel's numbering alive.
              const witness = await new Listener().listen(broker, "a");
              let last = 0;
              for (const [step, which] of steps) {
                if (step === "publish") {
                  last = (await broker.publish("a", newEvent(), terms)).offset;
                } else if (step === "listen") open.push(await new Listener().listen(broker, "a"));
                else {
                  const [listener] = open.splice(which, 1);
                  listener?.subscription.close();
                  if (listener !== undefined) closed.push(listener);
                }
              }
              if (last > 0) await witness.reaches(last);
              for (const listener of [witness, ...open, ...closed]) {
                const from = listener.subscription.position.offset;
                const { offsets } = listener;
                assertEquals(offsets, Array.from(offsets, (_, i) => from + 1 + i));
              }
              for (const listener of open) {
                if (last > listener.subscription.position.offset) await listener.reaches(last);
              }
            }),
        ),
        { numRuns: 50 },
      ));

    it("ends every subscription with close(), twice alike, and refuses with closed after it", async () => {
      const broker = await create();
      const listener = await new Listener().listen(broker, "a");
      await broker.close();
      await broker.close();
      for (
        const use of [
          async () => await broker.publish("a", newEvent(), terms),
          async () => await broker.subscribe("a", retention, () => {}),
        ]
      ) {
        const error = await assertRejects(use, HeddleError);
        assertEquals(error.code, "closed");
      }
      assertEquals(listener.events, []);
      listener.subscription.close();
    });

    it("does not share an epoch with another broker", async () => {
      const brokers = [await create(), await create()] as const;
      const epochs = await Promise.all(brokers.map(async (broker) => {
        const { position } = await broker.subscribe("a", retention, () => {});
        return position.epoch;
      }));
      assertNotEquals(epochs[0], epochs[1]);
      for (const broker of brokers) await broker.close();
    });
  });
}
