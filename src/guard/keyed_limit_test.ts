import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import { GlobalLimit } from "./global_limit.ts";
import { KeyedLimit } from "./keyed_limit.ts";
import type { RateRule } from "./rate_limit.ts";

const rules: readonly RateRule[] = [
  { capacity: 3, perSecond: 2 },
  { limit: 3, window: 1_000 },
  { limit: 130, window: 1_000 },
];

/** The most that a rule admits of one key in `ms`, both ends included. */
function most(rule: RateRule, ms: number): number {
  if ("limit" in rule) return rule.limit * (Math.floor(ms / rule.window) + 1);
  return rule.capacity + Math.floor((ms / 1000) * rule.perSecond + 1e-6);
}

describe("A KeyedLimit", () => {
  for (const rule of rules) {
    it(`gives no key more than ${JSON.stringify(rule)}, whichever are forgotten`, () => {
      const attempts = fc.array(
        fc.record({
          key: fc.oneof(fc.nat(2), fc.nat(12)),
          pause: fc.oneof(fc.constant(0), fc.nat(400)),
        }),
        { maxLength: 300, size: "max" },
      );
      fc.assert(
        fc.property(attempts, fc.integer({ min: 2, max: 8 }), (attempts, keys) => {
          const limit = new KeyedLimit(rule, { keys });
          const admitted = new Map<number, number[]>();
          let now = 0;
          for (const { key, pause } of attempts) {
            now += pause;
            const wait = limit.wait(String(key), now);
            assertEquals(limit.take(String(key), now), wait);
            assert(limit.stats.keys <= keys);
            if (wait > 0) continue;
            const times = admitted.get(key) ?? [];
            times.push(now);
            admitted.set(key, times);
            times.forEach((time, i) => assert(times.length - i <= most(rule, now - time)));
          }
        }),
      );
    });
  }

  it("knows each key by itself while there is room", () => {
    const limit = new KeyedLimit({ limit: 1, window: 1_000 });
    assertEquals(limit.take("a", 0), 0);
    assertEquals(limit.take("b", 0), 0);
    assertEquals(limit.take("a", 100), 900);
    assertEquals(limit.wait("c", 100), 0);
    assertEquals(limit.stats, { admitted: 2, refused: 1, keys: 2, evicted: 0 });
  });

  it("forgets keys that made no difference any more, as others are used", () => {
    const limit = new KeyedLimit({ limit: 5, window: 1_000 });
    for (let i = 0; i < 1_000; i++) limit.take(`key ${i}`, i);
    assertEquals(limit.stats.keys, 1_000);
    limit.take("another", 2_500);
    limit.take("another", 3_600);
    assertEquals(limit.stats.keys, 1);
    assertEquals(limit.stats.evicted, 0);
  });

  it("remembers at most so many of a million keys, and charges newcomers a little", () => {
    const limit = new KeyedLimit({ capacity: 60, perSecond: 1 }, { keys: 100_000 });
    for (let i = 0; i < 1_000_000; i++) limit.take(`key ${i}`, 0);
    const { keys, evicted, refused } = limit.stats;
    assertEquals([keys <= 100_000, evicted >= 900_000, refused], [true, true, 0]);
    let left = 0;
    while (limit.take("newcomer", 0) === 0) left++;
    // One for each of the nine times that all of the room was filled before.
    assertEquals(left, 51);
  });

  it("lets newcomers in again when what was forgotten makes no difference any more", () => {
    const limit = new KeyedLimit({ limit: 2, window: 1_000 }, { keys: 4 });
    for (let i = 0; i < 6; i++) {
      limit.take("abuser", 0);
      limit.take(`key ${i}`, 0);
    }
    for (let i = 6; i < 12; i++) limit.take(`key ${i}`, 500);
    assert(limit.wait("newcomer", 999) > 0);
    assertEquals(limit.wait("newcomer", 1_500), 0);
  });

  it("never forgets a key that goes on knocking for those that come once", () => {
    const limit = new KeyedLimit({ limit: 30, window: 60_000 }, { keys: 1_000 });
    for (let i = 0; i < 30; i++) limit.take("abuser", 0);
    for (let i = 0; i < 10_000; i++) {
      limit.take(`key ${i}`, i);
      if (i % 400 === 0) assert(limit.take("abuser", i) > 0);
    }
    assertEquals(limit.wait("newcomer", 10_000), 0);
  });

  it("is not made of a rule that is none, nor without room", () => {
    const rule = { capacity: 1, perSecond: 1 };
    for (
      const [make, what] of [
        [() => new KeyedLimit({ ...rule, capacity: 0 }), "rule.capacity is 0"],
        [() => new KeyedLimit({ limit: 1, window: NaN }), "rule.window is NaN"],
        [() => new KeyedLimit(rule, { keys: 1 }), "keys is 1"],
        [() => new KeyedLimit(rule, { keys: NaN }), "keys is NaN"],
        [() => new GlobalLimit({ ...rule, perSecond: 0 }), "rule.perSecond is 0"],
      ] as const
    ) {
      assertEquals(assertThrows(make, HeddleError, what).code, "option_invalid");
    }
  });
});

describe("A GlobalLimit", () => {
  it("counts everybody together", () => {
    const limit = new GlobalLimit({ capacity: 2, perSecond: 1 });
    assertEquals(["a", "b", "c"].map((key) => limit.take(key, 0)), [0, 0, 1_000]);
    assertEquals(limit.wait("d", 400), 600);
    assertEquals(limit.stats, { admitted: 2, refused: 1, keys: 1, evicted: 0 });
  });
});
