import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { SmallSet } from "./small_set.ts";

describe("SmallSet", () => {
  it("holds what a Set would, in the same order", () => {
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.constantFrom("add", "delete", "clear"), fc.nat(9)), { maxLength: 40 }),
      (steps) => {
        const set = new SmallSet<number>();
        const model = new Set<number>();
        for (const [step, value] of steps) {
          if (step === "add") {
            set.add(value);
            model.add(value);
          } else if (step === "delete") assertEquals(set.delete(value), model.delete(value));
          else if (value === 0) {
            set.clear();
            model.clear();
          }
          assertEquals([...set], [...model]);
          assertEquals([set.size, set.has(value)], [model.size, model.has(value)]);
        }
      },
    ));
  });

  it("does not give what was deleted while it is gone through", () => {
    for (const size of [3, 9]) {
      const set = new SmallSet<number>();
      for (let i = 0; i < size; i++) set.add(i);
      const seen: number[] = [];
      for (const value of set) {
        seen.push(value);
        set.delete(value + 1);
      }
      assertEquals(seen, Array.from({ length: Math.ceil(size / 2) }, (_, i) => 2 * i));
    }
  });
});
