import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeddleError } from "./errors.ts";
import { type BucketRule, checkBucketRule, TokenBucket } from "./token_bucket.ts";

const rule = fc.record({
  capacity: fc.integer({ min: 1, max: 20 }),
  perSecond: fc.constantFrom(0.1, 0.5, 1, 3, 7, 10, 1000),
});

/** Milliseconds that pass before each attempt. */
const pauses = fc.array(
  fc.oneof(fc.constant(0), fc.nat(300), fc.double({ min: 0, max: 5_000, noNaN: true })),
  { maxLength: 200 },
);

/** The definition: a vessel that tokens are poured into, as time passes. */
class Vessel {
  readonly #rule: BucketRule;
  tokens: number;
  #at = 0;

  constructor(rule: BucketRule) {
    this.#rule = rule;
    this.tokens = rule.capacity;
  }

  fill(now: number): void {
    const { capacity, perSecond } = this.#rule;
    this.tokens = Math.min(capacity, this.tokens + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
  }
}

describe("A TokenBucket", () => {
  it("admits in no time more than its capacity and what came back in that time", () => {
    fc.assert(fc.property(rule, pauses, (rule, pauses) => {
      const bucket = new TokenBucket(rule);
      const admitted: number[] = [];
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        if (bucket.take(now) === 0) admitted.push(now);
      }
      for (let from = 0; from < admitted.length; from++) {
        for (let to = from; to < admitted.length; to++) {
          const seconds = (admitted[to]! - admitted[from]!) / 1000;
          assert(to - from + 1 <= rule.capacity + seconds * rule.perSecond + 1e-5);
        }
      }
    }));
  });

  it("agrees with a vessel that tokens are poured into", () => {
    fc.assert(fc.property(rule, pauses, (rule, pauses) => {
      const bucket = new TokenBucket(rule);
      const vessel = new Vessel(rule);
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        vessel.fill(now);
        const wait = bucket.take(now);
        if (Math.abs(vessel.tokens - 1) > 1e-5) assertEquals(wait === 0, vessel.tokens > 1);
        if (wait > 0) assert(Math.abs(vessel.tokens + wait * rule.perSecond / 1000 - 1) < 1e-5);
        else vessel.tokens--;
      }
    }));
  });

  it("admits whoever waited as long as it said, and nobody a millisecond sooner", () => {
    fc.assert(fc.property(rule, pauses, (rule, pauses) => {
      const bucket = new TokenBucket(rule);
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        const wait = bucket.take(now);
        if (wait === 0) continue;
        if (wait > 1) assert(bucket.wait(now + wait - 1) > 0);
        now += wait;
        assertEquals(bucket.take(now), 0);
      }
    }));
  });

  it("takes nothing where it refuses", () => {
    const bucket = new TokenBucket({ capacity: 1, perSecond: 1 });
    assertEquals(bucket.take(0), 0);
    for (let i = 0; i < 100; i++) assertEquals(bucket.take(500), 500);
    assertEquals(bucket.take(1000), 0);
  });

  it("is held until a time, though never longer than it takes to fill", () => {
    const bucket = new TokenBucket({ capacity: 4, perSecond: 1 });
    bucket.holdUntil(2_000, 0);
    assertEquals([0, 0, 0].map((now) => bucket.take(now)), [0, 0, 1_000]);
    bucket.holdUntil(1e15, 0);
    assertEquals(bucket.wait(0), 1_000);
    assertEquals(bucket.idleAt, 4_000);
  });

  it("has no more left than one that it absorbed", () => {
    const empty = new TokenBucket({ capacity: 2, perSecond: 1 });
    empty.take(0);
    empty.take(0);
    const bucket = new TokenBucket({ capacity: 2, perSecond: 1 });
    bucket.absorb(empty);
    assertEquals(bucket.wait(0), 1_000);
  });

  it("has a rule of a positive integer and a positive number", () => {
    checkBucketRule("rates.ping", { capacity: 1, perSecond: 0.5 });
    for (
      const bad of [
        { capacity: 0, perSecond: 1 },
        { capacity: 1.5, perSecond: 1 },
        { capacity: Infinity, perSecond: 1 },
        { capacity: 1, perSecond: 0 },
        { capacity: 1, perSecond: NaN },
        { capacity: 1, perSecond: Infinity },
      ]
    ) {
      assertThrows(() => checkBucketRule("rates.ping", bad), HeddleError, "rates.ping.");
    }
  });
});
