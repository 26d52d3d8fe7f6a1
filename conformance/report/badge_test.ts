import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { badge } from "./badge.ts";
import { type Report, summarize, type Verdict } from "./report.ts";
import { anyReport, caseOf, hostileReport } from "./sample.ts";

function reportOf(...verdicts: readonly Verdict[]): Report {
  const cases = verdicts.map((verdict) => ({
    ...caseOf("x", verdict),
    requirement: { ...caseOf("x", verdict).requirement, spec: "Protocol 1" as const },
  }));
  return { ...hostileReport(), cases, summary: summarize(cases) };
}

function shown(...verdicts: readonly Verdict[]): readonly [message: string, color: string] {
  const { message, color } = JSON.parse(badge(reportOf(...verdicts)));
  return [message, color];
}

describe("badge()", () => {
  it("tells what was held to what", () => {
    assertEquals(JSON.parse(badge(reportOf("pass", "pass", "skip"))), {
      schemaVersion: 1,
      label: "Protocol 1",
      message: "2 kept, 1 skipped",
      color: "brightgreen",
    });
  });

  it("is green only where nothing is broken, warned of or unclear, and something was judged", () => {
    assertEquals(shown("pass", "fail", "warn"), ["1 broken, 1 warned, 1 kept", "red"]);
    assertEquals(shown("pass", "warn"), ["1 warned, 1 kept", "yellow"]);
    assertEquals(shown("pass", "error"), ["1 unclear, 1 kept", "yellow"]);
    assertEquals(shown("skip"), ["1 skipped", "lightgrey"]);
    assertEquals(shown(), ["nothing judged", "lightgrey"]);
  });

  it("is one object of the schema, whatever a server sent", () => {
    fc.assert(fc.property(anyReport(), (report) => {
      const { schemaVersion, label, message, ...rest } = JSON.parse(badge(report));
      assertEquals(schemaVersion, 1);
      assertEquals(typeof label, "string");
      assert(message.length > 0);
      assertEquals(Object.keys(rest), ["color"]);
    }));
  });
});
