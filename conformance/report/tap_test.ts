import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import type { Report } from "./report.ts";
import { anyReport, caseOf, hostileReport, reportOf } from "./sample.ts";
import { sectionsOf } from "./sections.ts";
import { tap } from "./tap.ts";
import { visible, visibleLine } from "./visible.ts";

interface Point {
  readonly ok: boolean;
  readonly number: number;
  readonly description: string;
  readonly directive: string | null;
  readonly yaml: ReadonlyMap<string, unknown> | null;
}

const POINT = /^(not )?ok (\d+) - ((?:[^\\#]|\\[\\#])*?)(?: # (TODO|SKIP)( .*)?)?$/;

/** Reads TAP 14 by its grammar; whatever is no line of it is an error. */
function parse(text: string): Point[] {
  assert(text.endsWith("\n"));
  assert(!/[^\P{Cc}\n]|\p{Cs}/u.test(text), "a control character");
  const lines = text.slice(0, -1).split("\n");
  assertEquals(lines.shift(), "TAP version 14");
  const plan = /^1\.\.(\d+)( # SKIP .+)?$/.exec(lines.shift() ?? "");
  const points: Point[] = [];
  while (lines.length > 0) {
    const line = lines.shift() ?? "";
    if (line.startsWith("# ")) continue;
    const match = POINT.exec(line);
    assert(match !== null, `no line of TAP: ${line}`);
    const [, not, number, description = "", directive] = match;
    points.push({
      ok: not === undefined,
      number: Number(number),
      description: description.replace(/\\([\\#])/g, "$1"),
      directive: directive ?? null,
      yaml: lines[0] === "  ---" ? parseYaml(lines) : null,
    });
  }
  assertEquals(Number(plan?.[1]), points.length);
  assertEquals(points.map(({ number }) => number), points.map((_, i) => i + 1));
  return points;
}

/** Takes a block of keys with double-quoted scalars, numbers and one list off the lines. */
function parseYaml(lines: string[]): Map<string, unknown> {
  const values = new Map<string, unknown>();
  lines.shift();
  while (lines[0] !== "  ...") {
    const line = lines.shift() ?? "";
    const item = /^ {4}- (".*")$/.exec(line);
    const list = values.get("transcript");
    if (item !== null && Array.isArray(list)) list.push(JSON.parse(item[1] ?? ""));
    else if (line === "  transcript:") values.set("transcript", []);
    else {
      const match = /^ {2}([a-z_]+): (".*"|\d+)$/.exec(line);
      assert(match !== null, `no line of YAML: ${line}`);
      assert(!values.has(match[1] ?? ""));
      values.set(match[1] ?? "", JSON.parse(match[2] ?? ""));
    }
  }
  lines.shift();
  return values;
}

describe("tap()", () => {
  it("gives a point for each verdict: not ok where not kept, TODO where that is no failure", () => {
    const verdicts = ["pass", "fail", "warn", "skip", "error"] as const;
    const points = parse(tap(reportOf("x", verdicts.map((verdict) => caseOf("x", verdict)))));
    assertEquals(points.map(({ ok, directive, yaml }) => [ok, directive, yaml?.get("severity")]), [
      [true, null, undefined],
      [false, null, "fail"],
      [false, "TODO", "warn"],
      [true, "SKIP", undefined],
      [false, null, "error"],
    ]);
  });

  it("plans nothing where there is no case", () => {
    assertMatch(tap(reportOf("x", [])), /^TAP version 14\n1\.\.0 # SKIP /);
  });

  it("can be read, and says what the report says, whatever a server sent", () => {
    const holds = (report: Report) => {
      const cases = sectionsOf(report).flatMap(({ cases }) => cases);
      for (const [i, point] of parse(tap(report)).entries()) {
        const one = cases[i] ?? caseOf("", "pass");
        assertEquals(point.description, visibleLine(`${one.id}: ${one.title}`).trim());
        assertEquals(point.ok, one.verdict === "pass" || one.verdict === "skip");
        if (point.yaml === null) continue;
        assertEquals(point.yaml.get("observed"), visible(one.observed));
        assertEquals(point.yaml.get("requirement"), visible(one.requirement.text));
        const transcript = one.transcript?.map(visible) ?? [];
        assertEquals(point.yaml.get("transcript") ?? [], transcript);
      }
    };
    holds(hostileReport());
    fc.assert(fc.property(anyReport(), holds));
  });
});
