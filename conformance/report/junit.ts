/**
 * The report as JUnit XML, for what shows the results of a build.
 *
 * @module
 */
import { cite } from "../case.ts";
import { sentenceOf, showRuns } from "./figures.ts";
import { type CaseReport, type Report, summarize, type Summary } from "./report.ts";
import { sectionsOf } from "./sections.ts";
import { visible, visibleLine } from "./visible.ts";

/** A suite a section. What warns has passed, with what was observed as property `warning`. */
export function junit(report: Report): string {
  const { kit, target, started, seed, duration_ms, summary } = report;
  const suites = sectionsOf(report).map((section) => [
    `  <testsuite${attributes({ name: section.name, ...counts(section.summary) })}` +
    `${attributes({ time: seconds(sum(section.cases)), timestamp: started })}>`,
    ...properties("    ", { kit, target, seed: String(seed) }),
    ...section.cases.flatMap(testcase),
    "  </testsuite>",
  ]);
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites${attributes({ name: `${kit} ${target}`, ...counts(summary) })}` +
    `${attributes({ time: seconds(duration_ms), timestamp: started })}>`,
    ...suites.flat(),
    ...performanceSuite(report),
    "</testsuites>",
    "",
  ].join("\n");
}

/** No test, for no figure is a failure: a suite of properties. */
function performanceSuite({ performance, started }: Report): string[] {
  if (performance === undefined) return [];
  const { machine, runtime, notes, measures, duration_ms } = performance;
  return [
    `  <testsuite${attributes({ name: "Performance", ...counts(summarize([])) })}` +
    `${attributes({ time: seconds(duration_ms), timestamp: started })}>`,
    ...properties("    ", {
      machine,
      runtime,
      ...(notes.length === 0 ? {} : { notes: notes.join("; ") }),
      ...Object.fromEntries(measures.map((one) => [one.id, sentenceOf(one)])),
    }),
    "  </testsuite>",
  ];
}

function testcase(one: CaseReport): string[] {
  const { level, text } = one.requirement;
  const transcript = one.transcript ?? [];
  return [
    `    <testcase${attributes({ classname: cite(one.requirement), name: one.id })}` +
    `${attributes({ time: seconds(one.duration_ms) })}>`,
    ...properties("      ", {
      title: one.title,
      level,
      requirement: text,
      ...(one.close === null ? {} : { close: one.close }),
      ...(one.runs === undefined ? {} : { runs: showRuns(one) ?? "" }),
      ...(one.verdict === "warn" ? { warning: `${one.observed}; expected: ${one.expected}` } : {}),
    }),
    ...ending(one),
    ...(transcript.length > 0
      ? [`      <system-out>${content(transcript.join("\n"))}</system-out>`]
      : []),
    "    </testcase>",
  ];
}

function ending(one: CaseReport): string[] {
  switch (one.verdict) {
    case "pass":
    case "warn":
      return [];
    case "skip":
      return [`      <skipped${attributes({ message: one.observed })}/>`];
    case "fail":
    case "error": {
      const tag = one.verdict === "fail" ? "failure" : "error";
      const [first = ""] = one.observed.split("\n");
      const message = attributes({ message: `expected ${one.expected}; observed ${first}` });
      const type = attributes({ type: one.requirement.level });
      return [`      <${tag}${message}${type}>${content(details(one))}</${tag}>`];
    }
  }
}

function details(one: CaseReport): string {
  const { level, text } = one.requirement;
  return [
    one.title,
    `${cite(one.requirement)}, ${level}: ${text}`,
    `expected: ${one.expected}`,
    `observed: ${one.observed}`,
    ...(one.counterexample === undefined ? [] : [`counterexample: ${one.counterexample}`]),
    ...(one.repeat === undefined ? [] : [`repeat: ${one.repeat}`]),
  ].join("\n");
}

function properties(indent: string, values: Readonly<Record<string, string>>): string[] {
  return [
    `${indent}<properties>`,
    ...Object.entries(values).map(([name, value]) =>
      `${indent}  <property${attributes({ name, value })}/>`
    ),
    `${indent}</properties>`,
  ];
}

function counts({ passed, failed, warned, skipped, errored }: Summary): Record<string, string> {
  return {
    tests: String(passed + failed + warned + skipped + errored),
    failures: String(failed),
    errors: String(errored),
    skipped: String(skipped),
  };
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([name, value]) => ` ${name}="${escape(visibleLine(value))}"`)
    .join("");
}

function content(text: string): string {
  return escape(visible(text));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** For content and attributes alike; `visible` has removed what XML cannot carry at all. */
function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

function sum(cases: readonly CaseReport[]): number {
  return cases.reduce((total, { duration_ms }) => total + duration_ms, 0);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
