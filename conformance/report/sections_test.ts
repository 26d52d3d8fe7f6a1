import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { cases } from "../cases.ts";
import { caseOf, reportOf } from "./sample.ts";
import { sectionsOf } from "./sections.ts";
import { SECTION_TITLES } from "./section_titles.ts";

describe("sectionsOf()", () => {
  const at = (spec: "RFC 6455" | "RFC 7692", section: string) => {
    const one = caseOf("x", "pass");
    return { ...one, requirement: { ...one.requirement, spec, section } };
  };

  it("keeps to the specifications' order, by number and not by letter", () => {
    const given = [
      at("RFC 7692", "5"),
      at("RFC 6455", "10.4"),
      at("RFC 6455", "5.5.1"),
      at("RFC 6455", "5.5"),
      at("RFC 6455", "5.10"),
      at("RFC 6455", "5.5"),
    ];
    const found = sectionsOf(reportOf("x", given));
    assertEquals(found.map(({ spec, number, cases }) => `${spec} ${number} ${cases.length}`), [
      "RFC 6455 5.5 2",
      "RFC 6455 5.5.1 1",
      "RFC 6455 5.10 1",
      "RFC 6455 10.4 1",
      "RFC 7692 5 1",
    ]);
    assertEquals(found[1]?.name, "RFC 6455 section 5.5.1 Close");
    assertEquals(found[0]?.summary.passed, 2);
  });

  it("knows the title of every section that a case is about", () => {
    for (const { id, requirement: { spec, section } } of cases) {
      assert(
        SECTION_TITLES[spec]?.[section] !== undefined,
        `${spec} ${section} of ${id}: no title`,
      );
    }
  });
});
