import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeddleError } from "./errors.ts";
import { checkWindowRule, SlidingWindow } from "./sliding_window.ts";

const rule = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 120, max: 150 })),
  window: fc.constantFrom(100, 1_000, 60_000),
});

/** Fractions of a window that pass before each attempt. */
const pauses = fc.array(
  fc.oneof(
    fc.constant(0),
    fc.constantFrom(1 / 128, 0.1, 0.5, 1),
    fc.double({ min: 0, max: 0.02, noNaN: true }),
  ),
  { minLength: 50, maxLength: 600 },
);

/** How many of `times` are younger than `age`. */
const younger = (times: readonly number[], age: number, now: number) =>
  times.filter((time) => now - time < age).length;

describe("A SlidingWindow", () => {
  it("admits in no window more than its limit, and refuses only where a window is full", () => {
    fc.assert(fc.property(rule, pauses, ({ limit, window }, pauses) => {
      const sliding = new SlidingWindow({ limit, window });
      const admitted: number[] = [];
      let now = 0;
      for (const pause of pauses) {
        now += pause * window;
        if (sliding.take(now) === 0) {
          admitted.push(now);
          assert(younger(admitted, window - 1e-5, now) <= limit);
        } else {
          // Where there are too many to remember each, one may count a little longer than it should.
          const slack = limit <= 128 ? 0 : window / 128;
          assert(younger(admitted, window + slack + 1e-5, now) >= limit);
        }
      }
    }));
  });

  it("admits whoever waited as long as it said, and nobody a millisecond sooner", () => {
    fc.assert(fc.property(rule, pauses, (rule, pauses) => {
      const sliding = new SlidingWindow(rule);
      let now = 0;
      for (const pause of pauses) {
        now += pause * rule.window;
        const wait = sliding.take(now);
        if (wait === 0) continue;
        assert(wait <= rule.window + 1e-5);
        if (wait > 1) assert(sliding.wait(now + wait - 1) > 0);
        now += wait;
        assertEquals(sliding.take(now), 0);
      }
    }));
  });

  it("takes nothing where it refuses", () => {
    const sliding = new SlidingWindow({ limit: 1, window: 1_000 });
    assertEquals(sliding.take(0), 0);
    for (let i = 0; i < 100; i++) assertEquals(sliding.take(999), 1);
    assertEquals(sliding.take(1_000), 0);
  });

  it("admits a burst and then nothing until the burst is a window old", () => {
    const sliding = new SlidingWindow({ limit: 60, window: 60_000 });
    for (let i = 0; i < 60; i++) assertEquals(sliding.take(i), 0);
    assertEquals(sliding.take(30_000), 30_000);
    assertEquals(sliding.take(60_000), 0);
    assertEquals(sliding.take(60_000), 1);
    assertEquals(sliding.idleAt, 120_000);
  });

  it("has at no time more left than one that it absorbed, and no less than both together", () => {
    const taken = fc.array(fc.nat(2_000), { maxLength: 8 }).map((times) =>
      times.sort((a, b) => a - b)
    );
    fc.assert(fc.property(taken, taken, fc.nat(1_000), (mine, its, later) => {
      const rule = { limit: 8, window: 1_000 };
      const make = (times: readonly number[]) => {
        const sliding = new SlidingWindow(rule);
        for (const time of times) sliding.take(time);
        return sliding;
      };
      const now = 2_000 + later;
      const left = (sliding: SlidingWindow) => {
        let count = 0;
        while (sliding.take(now) === 0) count++;
        return count;
      };
      const merged = make(mine);
      merged.absorb(make(its), 2_000);
      assertEquals(left(merged), Math.min(left(make(mine)), left(make(its))));
    }));
  });

  it("has a rule of a positive integer and a positive number", () => {
    checkWindowRule("rates.identity", { limit: 1, window: 0.5 });
    for (
      const bad of [
        { limit: 0, window: 1 },
        { limit: 1.5, window: 1 },
        { limit: 1, window: 0 },
        { limit: 1, window: Infinity },
      ]
    ) {
      assertThrows(() => checkWindowRule("rates.identity", bad), HeddleError, "rates.identity.");
    }
  });
});
