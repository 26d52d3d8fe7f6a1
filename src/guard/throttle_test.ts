import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { Throttle, type ThrottleOptions } from "./throttle.ts";

describe("Throttle", () => {
  const all = { capacity: 10, perSecond: 10 };
  const address = { capacity: 2, perSecond: 1 };

  it("takes on what comes of one address while more than half is left, and then its share", () => {
    const throttle = new Throttle({ all, address });
    const waits = Array.from({ length: 8 }, () => throttle.take("192.0.2.1", 0));
    assertEquals(waits, [0, 0, 0, 0, 0, 0, 1000, 1000]);
    // Whoever came less often is let in.
    assertEquals(throttle.take("192.0.2.2", 0), 0);
    assertEquals(throttle.take("192.0.2.1", 1_000), 0);
  });

  it("takes on no more of everybody than the rule says, and tells when to come back", () => {
    const throttle = new Throttle({ all, address });
    const waits = Array.from({ length: 12 }, (_, i) => throttle.take(`192.0.2.${i}`, 0));
    assertEquals(waits, [...Array(10).fill(0), 100, 100]);
    assertEquals(throttle.take("192.0.2.99", 100), 0);
  });

  it("counts a network of IPv6 as one address", () => {
    const throttle = new Throttle({ all, address });
    const waits = Array.from({ length: 8 }, (_, i) => throttle.take(`2001:db8::${i}`, 0));
    assertEquals(waits.slice(6), [1000, 1000]);
    assertEquals(throttle.take("2001:db8:0:1::1", 0), 0);
  });

  it("lets in one that comes now and then, however fast another comes, and takes on no more than it may", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 300 });
    fc.assert(fc.property(gaps, (gaps) => {
      // Each of the two alone stays under half of what everybody may.
      const throttle = new Throttle({ all: { capacity: 20, perSecond: 10 }, address });
      let now = 0;
      let taken = 0;
      let quiet = -Infinity;
      for (const gap of gaps) {
        now += gap;
        if (throttle.take("192.0.2.1", now) === 0) taken++;
        if (now - quiet < 2_000) continue;
        quiet = now;
        assertEquals(throttle.take("192.0.2.2", now), 0, `kept out at ${now}`);
        taken++;
      }
      assert(taken <= 20 + now / 100 + 1e-6, `took on ${taken} in ${now} ms`);
    }));
  });

  it("refuses a rule that is none", () => {
    const error = assertThrows(
      () => new Throttle({ all: { capacity: 0, perSecond: 1 }, address }),
      HeddleError,
      "accept.all.capacity",
    );
    assertEquals(error.code, "option_invalid");
    const misspelt = { adress: address } as unknown as ThrottleOptions;
    assertThrows(() => new Throttle(misspelt), HeddleError, "there are: all, address");
  });
});
