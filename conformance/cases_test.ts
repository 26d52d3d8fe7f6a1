import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { cases, HANDSHAKE_CASE } from "./cases.ts";

describe("the registry of cases", () => {
  it("has no id twice", () => {
    const ids = cases.map(({ id }) => id);
    assertEquals(ids.filter((id, i) => ids.indexOf(id) !== i), []);
  });

  it("has ids of specification, section and name, the same as the requirement's", () => {
    for (const { id, requirement } of cases) {
      if (requirement.number !== undefined) continue;
      assertMatch(id, /^(rfc6455|rfc7692|rfc9110|rfc9112)\/\d+(\.\d+)*\/[a-z0-9-]+$/);
      const spec = requirement.spec.toLowerCase().replace(" ", "");
      assert(
        id.startsWith(`${spec}/${requirement.section}/`),
        `${id} cites ${requirement.section}`,
      );
    }
  });

  it("has a requirement with section, level and sentence for each", () => {
    for (const { id, title, requirement } of cases) {
      assert(title.length > 0, `${id} has no title`);
      assertMatch(requirement.section, /^(\d+(\.\d+)*|[A-Z]+)$/, id);
      assert(["MUST", "SHOULD", "MAY"].includes(requirement.level), id);
      assert(requirement.text.length > 20, `${id} does not quote its sentence`);
    }
  });

  it("puts no level on a case that its sentence does not have", () => {
    const words = { MUST: /\bMUST\b/, SHOULD: /\b(MUST|SHOULD)\b|recommended/i, MAY: /./ };
    for (const { id, requirement: { level, text } } of cases) {
      assertMatch(text, words[level], `${id}: nothing in its text says ${level}`);
    }
  });

  it("holds the case that stands for an honest opening handshake", () => {
    assert(cases.includes(HANDSHAKE_CASE));
  });
});
