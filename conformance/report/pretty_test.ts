import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { pretty } from "./pretty.ts";
import type { Report } from "./report.ts";
import { anyReport, caseOf, hostileReport, reportOf } from "./sample.ts";

const plain = (report: Report, columns = 100) => pretty(report, { colour: false, columns });

describe("pretty()", () => {
  const right = { ...caseOf("x", "pass"), id: "rfc6455/5.5/right" };
  const wrong = {
    ...caseOf("x", "fail"),
    id: "rfc6455/5.1/wrong",
    observed: "the first line\nthe second line",
    transcript: Array.from({ length: 40 }, (_, i) => `line ${i}${"…".repeat(200)}`),
  };
  const at = (one: typeof right, section: string) => ({
    ...one,
    requirement: { ...one.requirement, spec: "RFC 6455" as const, section },
  });
  const report = reportOf("x", [at(right, "5.5.1"), at(right, "5.5"), at(wrong, "5.1")]);

  it("tells what failed, and of a long transcript the beginning and the end", () => {
    const text = plain(report);
    assertStringIncludes(text, "✗ FAIL  rfc6455/5.1/wrong\n");
    assertStringIncludes(text, "  observed  the first line\n            the second line\n");
    assertStringIncludes(text, "line 3…");
    assertStringIncludes(text, "… 30 lines more");
    assertStringIncludes(text, "line 34…");
    assert(!text.includes("line 4…"));
  });

  it("ends with an aligned table in the specification's order, and the counts", () => {
    assertEquals(plain(report).split("\n").slice(-8), [
      "RFC 6455                  pass   fail",
      "  5.1    Overview            ·      1",
      "  5.5    Control Frames      1      ·",
      "  5.5.1  Close               1      ·",
      "",
      "x  2 passed, 1 failed, 0 warned, 0 skipped",
      "x, 1.234 s, seed 42",
      "",
    ]);
  });

  it("keeps its lines to the width, but for the command, which is there to be copied", () => {
    const wide = plain(report, 60).split("\n").filter((line) => [...line].length > 60);
    assertEquals(wide, []);
  });

  it("tells what was tried less often than asked for", () => {
    const few = { ...right, runs: { made: 7, asked: 20 } };
    const line = "rfc6455/5.5/right: runs 7 of 20: there was no time for more\n";
    assertStringIncludes(plain(reportOf("x", [few])), line);
    assert(!plain(reportOf("x", [right])).includes("runs"));
  });

  it("colours only where it is asked to", () => {
    const escapes = /\p{Cc}\[\d+m/u;
    assert(!escapes.test(plain(report)));
    assert(escapes.test(pretty(report, { colour: true, columns: 80 })));
  });

  it("lets nothing that a server sent reach the terminal as a control", () => {
    const holds = (report: Report) => {
      assert(!/[^\P{Cc}\n]|\p{Cs}|[\u202a-\u202e]/u.test(plain(report)));
    };
    holds(hostileReport());
    fc.assert(fc.property(anyReport(), holds));
  });
});
