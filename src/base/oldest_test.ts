import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Oldest } from "./oldest.ts";

describe("Oldest", () => {
  it("gives the first of a table that values are added to and deleted from, whatever happened before", () => {
    const step = fc.oneof(
      { arbitrary: fc.constant("add" as const), weight: 3 },
      { arbitrary: fc.constant("take" as const), weight: 2 },
      { arbitrary: fc.record({ remove: fc.nat(40) }), weight: 2 },
      { arbitrary: fc.record({ renew: fc.nat(40) }), weight: 1 },
      { arbitrary: fc.constant("rewind" as const), weight: 1 },
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new Set<number>();
      const oldest = new Oldest(table);
      let count = 0;
      for (const step of steps) {
        if (step === "add") table.add(count++);
        else if (step === "rewind") oldest.rewind();
        else if (step === "take") {
          const [first] = table;
          const taken = oldest.next();
          assertEquals(taken, first);
          if (taken !== undefined) table.delete(taken);
        } else if ("remove" in step) table.delete(step.remove);
        else if (table.delete(step.renew)) table.add(step.renew);
      }
    }));
  });

  it("goes on after it came to the end, as others have come", () => {
    const table = new Map<string, string>();
    const oldest = new Oldest(table);
    assertEquals(oldest.next(), undefined);
    for (const name of ["a", "b"]) {
      table.set(name, name);
      assertEquals(oldest.next(), name);
      table.delete(name);
      assertEquals(oldest.next(), undefined);
    }
  });
});
