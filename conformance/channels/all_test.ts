import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { cases } from "./all.ts";
import { REQUIREMENTS } from "./protocol.ts";
import { UNOBSERVABLE } from "./unobservable.ts";

describe("the cases of Protocol 1", () => {
  it("have no id twice", () => {
    const ids = cases.map(({ id }) => id);
    assertEquals(ids.filter((id, i) => ids.indexOf(id) !== i), []);
  });

  it("have the area and the number of their requirement in their id, and its sentence and level", () => {
    for (const { id, requirement } of cases) {
      const [, area, number] = /^channels\/([a-z]+)\/(\d+)-[a-z0-9]+(-[a-z0-9]+)*$/.exec(id) ?? [];
      const found = REQUIREMENTS.get(`HDL-${area?.toUpperCase()}-${number}`);
      assert(found !== undefined, `${id} names no requirement`);
      assertEquals(requirement, {
        spec: "Protocol 1",
        section: found.area,
        number: found.id,
        level: found.level,
        text: found.text,
      });
    }
  });

  it("are at least one of every MUST and SHOULD that is not out of a case's reach", () => {
    const held = new Set(cases.map(({ requirement }) => requirement.number));
    const without = [...REQUIREMENTS.values()].filter(({ id, level }) =>
      level !== "MAY" && !held.has(id) && UNOBSERVABLE[id] === undefined
    );
    assertEquals(without.map(({ id }) => id), []);
  });

  it("stand in the order of the page's areas, each area's in one piece", () => {
    const areas = cases.map(({ requirement }) => requirement.section);
    const runs = areas.filter((area, i) => area !== areas[i - 1]);
    assertEquals(runs, [...new Set(runs)]);
    const order = [...new Set([...REQUIREMENTS.values()].map(({ area }) => area))];
    assertEquals(runs, order.filter((area) => runs.includes(area)));
  });
});

describe("the requirements that no case can hold a server to", () => {
  it("are requirements that say MUST or SHOULD, have a reason, and have no case", () => {
    for (const [id, reason] of Object.entries(UNOBSERVABLE)) {
      assertMatch(REQUIREMENTS.get(id)?.level ?? "none", /^(MUST|SHOULD)$/, id);
      assert(reason !== undefined && reason.length > 10, `${id} has no reason`);
      const its = cases.filter(({ requirement }) => requirement.number === id);
      assertEquals(its.map((one) => one.id), []);
    }
  });
});
