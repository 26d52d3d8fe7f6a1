import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import {
  backoffDelay,
  MAX_RETRY_AFTER,
  type ReconnectOptions,
  resolveReconnect,
  retryAfterDelay,
} from "./backoff.ts";

const options = fc.record({
  initialDelay: fc.double({ min: 0.001, max: 100_000, noNaN: true }),
  maxDelay: fc.double({ min: 100_000, max: 0x7fff_ffff, noNaN: true }),
  multiplier: fc.double({ min: 1, max: 1000, noNaN: true }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  attempts: fc.nat(),
});

describe("backoffDelay()", () => {
  it("is never more than the full delay and never less than its part without jitter", () => {
    fc.assert(fc.property(
      options,
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer(),
      (given, attempt, seed) => {
        const { initialDelay, maxDelay, multiplier, jitter } = resolveReconnect(given);
        const full = Math.min(maxDelay, initialDelay * multiplier ** (attempt - 1));
        const delay = backoffDelay(attempt, given, seededRandom(seed));
        assert(delay <= full && delay >= full * (1 - jitter), `${delay} of ${full}`);
        assert(delay <= 0x7fff_ffff, "a timer can be set to it");
      },
    ));
  });

  it("doubles from a second to a minute by default", () => {
    const whole: ReconnectOptions = resolveReconnect({ jitter: 0 });
    const delays = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => backoffDelay(n, whole, seededRandom(1)));
    assertEquals(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it("spreads clients over the jittered part", () => {
    const random = seededRandom(7);
    const delays = Array.from({ length: 200 }, () => backoffDelay(1, resolveReconnect(), random));
    assert(Math.min(...delays) < 550 && Math.max(...delays) > 950);
  });
});

describe("retryAfterDelay()", () => {
  it("stays within what a timer and a person can bear, whatever the server says", () => {
    assertEquals(retryAfterDelay(2.5), 2500);
    assertEquals(retryAfterDelay(-3), 0);
    assertEquals(retryAfterDelay(1e300), MAX_RETRY_AFTER);
  });
});

describe("resolveReconnect()", () => {
  const bad: readonly (readonly [string, Partial<ReconnectOptions>])[] = [
    ["initialDelay", { initialDelay: 0 }],
    ["initialDelay", { initialDelay: NaN }],
    ["maxDelay", { maxDelay: 10 }],
    ["maxDelay", { maxDelay: 2 ** 31 }],
    ["multiplier", { multiplier: 0.5 }],
    ["jitter", { jitter: 1.5 }],
    ["attempts", { attempts: -1 }],
    ["attempts", { attempts: 1.5 }],
    ["delay", { delay: 1 } as Partial<ReconnectOptions>],
  ];
  for (const [name, given] of bad) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      const error = assertThrows(() => resolveReconnect(given), HeddleError, `reconnect.${name}`);
      assertEquals(error.code, "option_invalid");
    });
  }
});
