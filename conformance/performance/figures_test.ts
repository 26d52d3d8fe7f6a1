import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { median, perSecond, quantile, ratioOf, timingOf } from "./figures.ts";

const numbers = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
const part = fc.double({ min: 0.001, max: 1, noNaN: true });

describe("the figures of samples", () => {
  it("are those that a person would count out", () => {
    assertEquals([median([3]), median([4, 1]), median([9, 1, 5])], [3, 2.5, 5]);
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    assertEquals([quantile(hundred, 0.99), quantile(hundred, 0.5), quantile([7, 3], 0.99)], [
      99,
      50,
      7,
    ]);
    assertEquals(timingOf([0.25, 2, 1]), { samples: 3, median_ms: 1, p99_ms: 2 });
    assertEquals(timingOf([]), null);
    assertEquals(perSecond(1000, 10), 100_000);
  });

  it("lie among the samples, whatever their order", () => {
    fc.assert(fc.property(numbers, part, (samples, part) => {
      const reversed = [...samples].reverse();
      const [low, high] = [Math.min(...samples), Math.max(...samples)];
      for (const figure of [median, (all: number[]) => quantile(all, part)]) {
        const value = figure(samples);
        assertEquals(figure(reversed), value);
        assert(value >= low && value <= high);
      }
    }));
  });

  it("have at most so many samples above a quantile as it leaves out, and it is one of them", () => {
    fc.assert(fc.property(numbers, part, (samples, part) => {
      const value = quantile(samples, part);
      assert(samples.includes(value));
      assert(samples.filter((one) => one <= value).length >= part * samples.length);
      assert(samples.filter((one) => one < value).length < part * samples.length);
    }));
  });

  it("have a ratio that turns round where both sides do, and none where one is missing", () => {
    const timing = fc.integer({ min: 1, max: 1e6 })
      .map((ms) => ({ samples: 1, median_ms: ms, p99_ms: ms }));
    fc.assert(fc.property(timing, timing, (one, other) => {
      const there = ratioOf(one, other) ?? NaN;
      const back = ratioOf(other, one) ?? NaN;
      assertEquals(there > 1, one.median_ms > other.median_ms && there !== 1);
      if (there > 0.1 && back > 0.1) assert(Math.abs(there * back - 1) < 0.01);
    }));
    const none = { samples: 1, median_ms: 0, p99_ms: 0 };
    assertEquals([ratioOf(null, none), ratioOf(none, null), ratioOf(none, none)], [
      null,
      null,
      null,
    ]);
  });
});
