import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { allowanceOf, burstOf } from "./allowance.ts";

const greeting = (fields: Readonly<Record<string, unknown>>) => ({ type: "connected", ...fields });

describe("what a server allows for", () => {
  it("is the smallest of a type's bucket, or the default one, and what any second may bring", () => {
    const rates = { default: { capacity: 80 }, ping: { capacity: 140 } };
    const limits = { messages_per_second: 100, in_flight: 64, refusals_per_second: 20 };
    const told = greeting({ rates, limits });
    assertEquals([allowanceOf(told, "ping"), allowanceOf(told, "publish")], [100, 80]);
    assertEquals(burstOf(told, "publish"), 20);
    assertEquals(allowanceOf(greeting({ rates }), "ping"), 140);
  });

  it("is without end where nothing is told, or what is told is no number", () => {
    assertEquals(allowanceOf(greeting({}), "publish"), Infinity);
    fc.assert(fc.property(fc.anything(), fc.anything(), (rates, limits) => {
      const allowed = burstOf(greeting({ rates, limits }), "publish");
      assert(allowed >= 0);
    }));
  });
});
