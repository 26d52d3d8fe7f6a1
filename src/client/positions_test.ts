import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { Positions } from "./positions.ts";

const at = (offset: number, epoch = "e") => ({ epoch, offset });
const everything = [{ from: null, to: null }];

function standing(offset: number): Positions {
  const positions = new Positions();
  positions.start("c", at(offset));
  return positions;
}

// What follows a server's script as a whole is in inbox_test.ts.
describe("Positions", () => {
  it("take offsets that skip: those are for others", () => {
    const positions = standing(3);
    assertEquals([4, 9, 9, 7, 10].map((n) => positions.take("c", n)), [
      true,
      true,
      false,
      false,
      true,
    ]);
    assertEquals(positions.all(), { c: at(10) });
  });

  it("take nothing of a channel that the connection is not on, or that was left", () => {
    const positions = new Positions({ c: at(3) });
    assertEquals(positions.take("c", 4), false);
    positions.start("c", at(3), true);
    assertEquals(positions.take("c", 4), true);
    positions.offline();
    assertEquals(positions.take("c", 5), false);
    assertEquals(positions.all(), { c: at(4) });
    positions.leave("c");
    assertEquals(positions.all(), {});
  });

  it("tell of a gap what was not told or had before", () => {
    const positions = standing(3);
    assertEquals(positions.miss("c", "e", { from: 2, to: 6 }), [{ from: 4, to: 6 }]);
    assertEquals(positions.miss("c", "e", { from: 2, to: 6 }), []);
    assertEquals(positions.take("c", 6), false);
    assertEquals(positions.take("c", 7), true);
    assertEquals(positions.miss("d", "e", { from: 1, to: 2 }), [], "nobody stands there");
  });

  it("tell once that a numbering has ended, and take the new one from wherever it begins", () => {
    const positions = standing(30);
    assertEquals(positions.miss("c", "f", { from: null, to: null }), everything);
    assertEquals(positions.miss("c", "f", { from: null, to: null }), []);
    assertEquals(positions.miss("c", "f", { from: 1, to: 4 }), [], "that is part of it");
    assertEquals([4, 5].map((n) => positions.take("c", n)), [false, true]);
    assertEquals(positions.all(), { c: at(5, "f") });
    assertEquals(positions.miss("c", "f", { from: null, to: null }), everything);
  });

  it("take a numbering that went back for another", () => {
    const positions = new Positions({ c: at(30) });
    assertEquals(positions.start("c", at(10), false), everything);
    assertEquals(positions.take("c", 11), true);
  });

  it("tell what a server does not claim to have recovered", () => {
    const positions = new Positions({ c: at(3) });
    assertEquals(positions.start("c", at(5)), [{ from: 4, to: 5 }]);
    assertEquals(positions.start("c", at(8)), [], "asked again: those were for others");
    assertEquals(positions.take("c", 8), false);
  });
});
