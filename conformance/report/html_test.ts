import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { html } from "./html.ts";
import { SCRIPT } from "./html_script.ts";
import { STYLE } from "./html_style.ts";
import type { CaseReport, PerformanceReport, Report } from "./report.ts";
import { anyReport, caseOf, hostileReport, reportOf } from "./sample.ts";

/** The tags of a page, with the names of their attributes. */
function tagsOf(page: string): string[] {
  const own = page.replace(STYLE, "").replace(SCRIPT, "");
  const tags = own.match(/<[^<>]*>/g) ?? [];
  assertEquals(own.replace(/<[^<>]*>/g, "").match(/[<>]/g), null);
  return tags.map((tag) => {
    assert(/^<(!doctype html|\/?[a-z][a-z0-9]*( [a-z-]+(="[^"]*")?)*\/?)>$/i.test(tag), tag);
    return tag.replace(/="[^"]*"/g, "");
  });
}

/** The same report with nothing in it that could be taken for markup. */
function harmless(report: Report): Report {
  const quiet = (one: CaseReport): CaseReport => ({
    ...one,
    id: "x",
    title: "title",
    requirement: { ...one.requirement, text: "x" },
    close: one.close === null ? null : "x",
    expected: one.expected === one.title ? "title" : "x",
    observed: "x",
    ...(one.counterexample === undefined ? {} : { counterexample: "x" }),
    ...(one.repeat === undefined ? {} : { repeat: one.repeat.replaceAll(/[<>&"']/g, "") }),
    ...(one.transcript === undefined
      ? {}
      : { transcript: one.transcript.map((line) => line.replaceAll(/(?<! ms )[<>&"']/g, "")) }),
  });
  const { performance } = report;
  return {
    ...report,
    kit: "x",
    target: "x",
    started: "x",
    cases: report.cases.map(quiet),
    ...(performance === undefined ? {} : { performance: quietly(performance) }),
  };
}

function quietly(report: PerformanceReport): PerformanceReport {
  const measures = report.measures.map((one) => ({
    ...one,
    id: "x",
    title: "x",
    notes: one.notes.map(() => "x"),
    skipped: one.skipped === null ? null : "x",
  }));
  return { ...report, machine: "x", runtime: "x", notes: report.notes.map(() => "x"), measures };
}

describe("html()", () => {
  it("has the same tags whatever a server sent", async () => {
    const holds = async (report: Report) => {
      const page = await html(report);
      assertEquals(tagsOf(page), tagsOf(await html(harmless(report))));
      assert(!/[^\P{Cc}\n]|\p{Cs}/u.test(page), "a control character");
    };
    await holds(hostileReport());
    await fc.assert(fc.asyncProperty(anyReport(), holds));
  });

  it("needs nothing from elsewhere", async () => {
    const page = await html(reportOf("x", [caseOf("x", "fail")]));
    assertEquals(page.match(/ (src|srcset|data|action|style|on[a-z]+)=/g), null);
    assert(!/@import|url\(|https?:/.test(STYLE + SCRIPT));
    assertEquals(page.match(/<(script|style|link|img|iframe|object|embed)\b/g), [
      "<style",
      "<script",
    ]);
    assertStringIncludes(page, "default-src 'none'; script-src 'sha256-");
  });

  it("says the finding, the requirement and the command that repeats the case", async () => {
    const one = {
      ...caseOf("x", "fail"),
      observed: "1 < 2",
      repeat: "npx tsx cli.ts --only 'a&b'",
    };
    const page = await html(reportOf("ws://host/?a=1&b=2", [one]));
    assertStringIncludes(page, "<h1>ws://host/?a=1&amp;b=2</h1>");
    assertStringIncludes(page, "A MUST is broken in 1 of 1 case");
    assertStringIncludes(page, "1 &lt; 2");
    assertStringIncludes(page, "<span>--only &#39;a&amp;b&#39;</span>");
  });
});
