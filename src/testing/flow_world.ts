/**
 * A hub, its clients on sockets that stall and break, and a judge of all they are told: what each client
 * must get follows from what was published and from nothing of how the hub does it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type ManualClock, manualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import type { Broker, Placed, PublishTerms } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel, conflate } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { type AnyHub, createHub } from "../hub/hub.ts";
import type { Exclusion, NewEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import { changedBroker } from "./changed_broker.ts";
import { FakeFanout } from "./fake_fanout.ts";
import { LateBroker } from "./late_broker.ts";
import { FlowClient } from "./flow_client.ts";

/** Events a slow subscriber may be behind. */
export const LAG = 6;

const permissions = { "*": ["subscribe", "broadcast"] } as const;

/** What is kept of each channel. */
const kept: Readonly<Record<string, { readonly size: number; readonly ttl: number }>> = {
  plain: { size: 8, ttl: 20_000 },
  long: { size: 1_000, ttl: 300_000 },
  dropping: { size: 50, ttl: 300_000 },
  conflating: { size: 50, ttl: 300_000 },
  none: { size: 0, ttl: 20_000 },
  "@all": { size: 1_000, ttl: 300_000 },
};

/** The channels a client may subscribe to. */
export const channelNames = ["plain", "long", "dropping", "conflating", "none"] as const;

/** One publication. */
export interface Published {
  readonly number: number;
  readonly key: number;
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly exclude: Exclusion | undefined;
  readonly at: number;
}

/** What is said with an event. */
interface Said {
  readonly number: number;
  readonly key: number;
}

/** All of it. */
export class World {
  readonly clock: ManualClock = manualClock();
  readonly hub: AnyHub;
  readonly clients: readonly FlowClient[];
  /** What the hub sees; late where the test wants it so. */
  readonly late: LateBroker | undefined;
  /** What hands frames to many sockets together; absent where each is written to alone. */
  readonly fanout: FakeFanout | undefined;
  readonly #memory: Broker;
  /** By channel and epoch, in the order of their offsets. */
  readonly #published = new Map<string, Map<string, Published[]>>();
  #count = 0;

  constructor({ isLate, isTogether }: { readonly isLate: boolean; readonly isTogether: boolean }) {
    const { clock } = this;
    this.fanout = isTogether ? new FakeFanout() : undefined;
    const random = seededRandom(1);
    this.#memory = memoryBroker({ clock, random });
    const recording = changedBroker(this.#memory, {
      publish: (name, event, terms) => this.#record(name, event, terms),
    });
    this.late = isLate ? new LateBroker(recording) : undefined;
    const overflow = conflate((data) => String((data as Said).key));
    const of = (name: string) => ({ permissions, history: kept[name]! });
    this.hub = createHub({
      auth: allowAnonymous(),
      broker: this.late ?? recording,
      clock,
      random,
      limits: { lag: LAG },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      channels: {
        plain: channel(of("plain")),
        long: channel({ ...of("long"), priority: "bulk" }),
        dropping: channel({ ...of("dropping"), overflow: "drop-oldest", priority: "critical" }),
        conflating: channel({ ...of("conflating"), overflow }),
        none: channel(of("none")),
      },
    });
    this.clients = ["ann", "ann", null].map((userId) => new FlowClient(this, userId));
  }

  /** What a publication says: it is numbered, so that whoever reads it can be judged. */
  readonly say = (key: number): Said => ({ number: this.#count++, key });

  /** Lets go what follows from promises that are kept already. */
  async tick(): Promise<void> {
    for (let i = 0; i < 40; i++) await Promise.resolve();
  }

  /** Lets everything happen that is under way, until nothing more does. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      for (const client of this.clients) {
        client.take(Infinity);
        client.live();
      }
      while ((this.late?.waiting ?? 0) > 0) {
        this.late?.deliver(0);
        this.late?.answer(0);
        await this.tick();
        quiet = 0;
      }
      this.clock.advance(10);
      await this.tick();
      for (const client of this.clients) if (client.read(Infinity) > 0) quiet = 0;
    }
  }

  /** The events of a channel's epoch, by offset from 1. */
  eventsOf(name: string, epoch: string): readonly Published[] {
    return this.#published.get(name)?.get(epoch) ?? [];
  }

  /** Where a channel stands now; undefined where it never had an event. */
  headOf(name: string): Position | undefined {
    const page = this.#memory.history(name, { last: 0, limit: 1, bytes: 0 });
    assert(!(page instanceof Promise));
    return page && { epoch: page.epoch, offset: page.head };
  }

  /** What history holds of a channel. */
  held(name: string): readonly number[] {
    const page = this.#memory.history(name, { limit: 10_000, bytes: 1e9 });
    assert(!(page instanceof Promise));
    return page?.events.map(({ offset }) => offset) ?? [];
  }

  /** Whether history may have lost an event by now. */
  mayBeGone({ channel, epoch, offset, at }: Published): boolean {
    const { size, ttl } = kept[channel]!;
    const newest = this.eventsOf(channel, epoch).length;
    return newest - offset >= size || this.clock.now() - at >= ttl ||
      this.headOf(channel)?.epoch !== epoch;
  }

  #record(name: string, event: NewEvent, terms: PublishTerms): Placed {
    const epochs = this.#published.get(name) ?? new Map<string, Published[]>();
    this.#published.set(name, epochs);
    const said: Said = JSON.parse(String(event.data));
    // Written down before it is delivered, which is within publish().
    const { epoch, offset } = this.headOf(name) ?? { epoch: "", offset: 0 };
    const write = (place: Position) => {
      const events = epochs.get(place.epoch) ?? [];
      epochs.set(place.epoch, events);
      assertEquals(place.offset, events.length + 1);
      const { exclude } = event;
      events.push({ ...said, ...place, channel: name, exclude, at: this.clock.now() });
    };
    if (epoch !== "") write({ epoch, offset: offset + 1 });
    const placed = this.#memory.publish(name, event, terms);
    assert(!(placed instanceof Promise));
    if (epoch === "") write({ epoch: placed.epoch, offset: placed.offset });
    else if (!placed.duplicate) assertEquals([placed.epoch, placed.offset], [epoch, offset + 1]);
    return placed;
  }
}
