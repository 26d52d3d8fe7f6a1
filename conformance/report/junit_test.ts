import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { junit } from "./junit.ts";
import type { Report } from "./report.ts";
import { anyReport, caseOf, hostileReport, reportOf } from "./sample.ts";
import { sectionsOf } from "./sections.ts";
import { visible, visibleLine } from "./visible.ts";

interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

const TOKEN = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
// XML 1.0, production 2, without the C1 controls that it lets pass and a terminal obeys.
const CHARACTERS = /^[\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** Reads the XML strictly: elements, quoted attributes, the five entities, no more. */
function parse(text: string): Element {
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  assert(text.startsWith(declaration));
  assert(CHARACTERS.test(text), "a character that XML does not have");
  const top: Element = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [top];
  let end = declaration.length;
  TOKEN.lastIndex = end;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    end = TOKEN.lastIndex;
    const [, close, name = "", attributes = "", empty, content] = match;
    const parent = open.at(-1) ?? top;
    if (content !== undefined) parent.text += decode(content);
    else if (close === "/") assertEquals(open.pop()?.name, name);
    else {
      const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)]
        .map(([, key = "", value = ""]) => [key, decode(value)] as const);
      assertEquals(new Set(pairs.map(([key]) => key)).size, pairs.length);
      const element = { name, attributes: new Map(pairs), children: [], text: "" };
      parent.children.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  assertEquals([end, open.length, top.children.length, top.text.trim()], [text.length, 1, 1, ""]);
  const [root] = top.children;
  assert(root !== undefined);
  return root;
}

function decode(text: string): string {
  assert(!text.includes("]]>"));
  return text.replace(/&([^;]*;)?/g, (entity) => {
    const known = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" };
    const character = Object.entries(known).find(([name]) => name === entity)?.[1];
    assert(character !== undefined, `no entity: ${entity}`);
    return character;
  });
}

const child = (element: Element, name: string) =>
  element.children.find((one) => one.name === name) ?? null;

describe("junit()", () => {
  it("gives a test for each verdict, and lets what warns pass with a property", () => {
    const verdicts = ["pass", "fail", "warn", "skip", "error"] as const;
    const root = parse(junit(reportOf("x", verdicts.map((verdict) => caseOf("x", verdict)))));
    const [suite] = root.children;
    const tests = suite?.children.filter(({ name }) => name === "testcase") ?? [];
    assertEquals(
      tests.map(({ children }) =>
        children.map(({ name }) => name).filter((name) => name !== "properties")
      ),
      [["system-out"], ["failure", "system-out"], ["system-out"], ["skipped", "system-out"], [
        "error",
        "system-out",
      ]],
    );
    const warnings = tests.map((test) =>
      child(test, "properties")?.children.some((one) => one.attributes.get("name") === "warning")
    );
    assertEquals(warnings, [false, false, true, false, false]);
    for (const element of [root, suite]) {
      const count = (key: string) => element?.attributes.get(key);
      const counts = [count("tests"), count("failures"), count("errors"), count("skipped")];
      assertEquals(counts, ["5", "1", "1", "1"]);
    }
  });

  it("can be read, and says what the report says, whatever a server sent", () => {
    const holds = (report: Report) => {
      const sections = sectionsOf(report);
      const { children: suites } = parse(junit(report));
      assertEquals(
        suites.map(({ attributes }) => attributes.get("name")),
        [
          ...sections.map(({ name }) => visibleLine(name)),
          ...(report.performance === undefined ? [] : ["Performance"]),
        ],
      );
      for (const [i, { cases }] of sections.entries()) {
        const tests = suites[i]?.children.filter(({ name }) => name === "testcase") ?? [];
        for (const [j, one] of cases.entries()) {
          const test = tests[j];
          assert(test !== undefined);
          assertEquals(test.attributes.get("name"), visibleLine(one.id));
          assertEquals(
            child(test, "system-out")?.text ?? "",
            visible(one.transcript?.join("\n") ?? ""),
          );
          const ended = child(test, "failure") ?? child(test, "error");
          if (ended === null) continue;
          assert(ended.text.includes(`observed: ${visible(one.observed)}`));
        }
      }
    };
    holds(hostileReport());
    fc.assert(fc.property(anyReport(), holds));
  });
});
