/**
 * What a broker must say of the past of channels, whatever was done before: a model that judges it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ManualClock } from "../base/clock.ts";
import type { Broker, HistoryPage, Retention } from "./broker.ts";
import { Listener, newEvent } from "./contract.ts";

/** Something done to the broker, or asked of it. */
export const historyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("publish" as const), on: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("listen" as const), on: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("close" as const), on: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 500, 4_999, 20_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      on: fc.nat(2),
      back: fc.integer({ min: -2, max: 12 }),
      epoch: fc.nat(3),
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  },
);

type Step = typeof historyStep extends fc.Arbitrary<infer S> ? S : never;

/** Small enough that every bound is met: an event has a hundred bytes. */
const little: Retention = { size: 5, bytes: 400, ttl: 1_000 };

/** Knows every event ever placed, and judges what the broker says of the past. */
export class HistoryModel {
  readonly #broker: Broker;
  readonly #clock: ManualClock;
  /** The text at each place, by channel and epoch. */
  readonly #placed = [0, 1, 2].map(() => new Map<string, string[]>());
  readonly #listeners: Listener[][] = [[], [], []];
  #published = 0;

  constructor(broker: Broker, clock: ManualClock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "publish":
        return await this.#publish(step.on);
      case "listen": {
        const listener = await new Listener().listen(this.#broker, `c${step.on}`, little);
        this.#listeners[step.on]!.push(listener);
        const { epoch, offset } = listener.subscription.position;
        assertEquals(offset, this.#placed[step.on]!.get(epoch)?.length ?? 0);
        this.#placed[step.on]!.set(epoch, this.#placed[step.on]!.get(epoch) ?? []);
        return;
      }
      case "close":
        return this.#listeners[step.on]!.pop()?.subscription.close();
      case "wait":
        return this.#clock.advance(step.ms);
      case "ask":
        return await this.#ask(step);
    }
  }

  async #publish(on: number): Promise<void> {
    const text = `"${`${this.#published++}`.padEnd(94)}"`;
    const { epoch, offset } = await this.#broker.publish(`c${on}`, newEvent(text), {
      retention: little,
    });
    const texts = this.#placed[on]!.get(epoch) ?? [];
    assertEquals(offset, texts.length + 1, `offset ${offset} of ${epoch} does not follow`);
    for (const others of this.#placed) {
      assert(others === this.#placed[on] || !others.has(epoch), "two channels share an epoch");
    }
    texts.push(text);
    this.#placed[on]!.set(epoch, texts);
  }

  async #ask({ on, back, epoch, limit }: Extract<Step, { do: "ask" }>): Promise<void> {
    const placed = this.#placed[on]!;
    const [name, texts] = [...placed].at(-1 - epoch) ?? ["never", []];
    const since = { epoch: name, offset: Math.max(0, texts.length - back) };
    const page = await this.#broker.history(`c${on}`, { since, limit, bytes: 1_000_000 });
    if (page === undefined) return assertEquals(this.#listeners[on]!.length, 0);
    const all = placed.get(page.epoch) ?? [];
    assertEquals(page.epoch, [...placed.keys()].at(-1), "an epoch came back");
    assertEquals(page.head, all.length);
    const offsets = offsetsOf(page);
    const first = offsets[0] ?? page.head + 1;
    assertEquals(offsets, numbers(first, first + offsets.length - 1));
    for (const { data, offset } of page.events) assertEquals(data, all[offset - 1]);
    assert(page.events.length <= limit);
    assertEquals(page.more, first + offsets.length - 1 < page.head);
    if (since.epoch !== page.epoch || since.offset > page.head) {
      return assertEquals(page.gap, { from: null, to: null });
    }
    const gone = first - 1;
    const expected = gone > since.offset ? { from: since.offset + 1, to: gone } : undefined;
    assertEquals(page.gap, expected);
    assert(page.head - gone <= little.size || page.events.length === limit);
  }
}

/** The offsets of a page. */
export function offsetsOf({ events }: HistoryPage): number[] {
  return events.map(({ offset }) => offset);
}

/** The integers between two, with both. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
