import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CannotRun } from "./probe.ts";
import { casesOf } from "./select.ts";
import { selectAll } from "./selection.ts";

type Wish = Partial<Parameters<typeof selectAll>[1]>;

function select({ level = "wire", only = [], skip = [], profile = "fast" }: Wish) {
  const { selected, measures } = selectAll(casesOf(level), { level, only, skip, profile });
  return { cases: selected.map(({ id }) => id), measures: measures.map(({ id }) => id) };
}

describe("selectAll()", () => {
  it("takes the cases of the level, and what is measured in the profile full alone", () => {
    const fast = select({});
    assert(fast.cases.length > 1000 && fast.cases.every((id) => id.startsWith("rfc")));
    assertEquals(fast.measures, []);
    assertEquals(select({ profile: "full" }).measures, [
      "performance/connect",
      "performance/round-trip",
    ]);
    assertEquals(select({ profile: "full", level: "channels" }).measures.length, 7);
  });

  it("takes what is named, but for what is to be skipped", () => {
    const only = ["rfc6455/5.1/unmasked-*"];
    const all = select({ only }).cases;
    assert(all.length > 1 && all.includes("rfc6455/5.1/unmasked-text"));
    const skip = ["*-text"];
    assertEquals(select({ only, skip }).cases, all.filter((id) => !id.endsWith("-text")));
    assertEquals(select({ only: ["performance/connect"], profile: "full" }), {
      cases: [],
      measures: ["performance/connect"],
    });
  });

  it("says of a name that is none what is wrong with it, be it one of several", () => {
    const wrong: readonly (readonly [Wish, string])[] = [
      [{ only: ["nothing"] }, '"nothing" is the id of no case and no measure'],
      [{ only: ["rfc6455/*", "rfc9999/*"] }, '"rfc9999/*" is the id of no case'],
      [{ only: ["channels/con/*"] }, '"channels/con/*" names cases of the level channels'],
      [{ only: ["rfc6455/*"], level: "channels" }, "names cases of the level wire"],
      [{ only: ["performance/*"] }, "is measured in the profile full alone"],
      [{ only: ["performance/ask"], profile: "full" }, "is measured at the level channels alone"],
      [{ skip: ["*"] }, "what is to be skipped is all"],
    ];
    for (const [wish, why] of wrong) assertThrows(() => select(wish), CannotRun, why);
  });
});
