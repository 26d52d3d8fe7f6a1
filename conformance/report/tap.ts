/**
 * The report as the Test Anything Protocol, version 14.
 *
 * @module
 */
import { cite } from "../case.ts";
import { sentenceOf, showRuns } from "./figures.ts";
import type { CaseReport, Report } from "./report.ts";
import { sectionsOf } from "./sections.ts";
import { visible, visibleLine } from "./visible.ts";

/**
 * A test point a case. What warns is `not ok … # TODO`: not kept, and not counted as a failure; what
 * did not pass carries its details as YAML.
 */
export function tap(report: Report): string {
  let number = 0;
  const points = sectionsOf(report).flatMap(({ name, cases }) => [
    `# ${visibleLine(name)}`,
    ...cases.flatMap((one) => point(one, ++number)),
  ]);
  const { kit, target, started, seed, performance } = report;
  return [
    "TAP version 14",
    number === 0 ? "1..0 # SKIP no case" : `1..${number}`,
    `# ${visibleLine(`${kit}, ${target}, ${started}, seed ${seed}`)}`,
    ...points,
    ...(performance?.measures ?? []).map((one) =>
      `# ${visibleLine(`${one.id}: ${sentenceOf(one)}`)}`
    ),
    "",
  ].join("\n");
}

function point(one: CaseReport, number: number): string[] {
  const line = (state: "ok" | "not ok", directive = "") =>
    `${state} ${number} - ${describe(`${one.id}: ${one.title}`)}${directive}`;
  switch (one.verdict) {
    case "pass":
      return [line("ok"), ...remark(one)];
    case "skip":
      return [line("ok", ` # SKIP ${visibleLine(one.observed)}`)];
    case "warn":
      return [line("not ok", ` # TODO ${visibleLine(one.observed)}`), ...details(one)];
    case "fail":
    case "error":
      return [line("not ok"), ...details(one)];
  }
}

/** What is to be known of what passed. */
function remark(one: CaseReport): string[] {
  const runs = showRuns(one);
  return runs === null ? [] : [`# ${visibleLine(`${one.id}: runs ${runs}`)}`];
}

/** A description ends where a # begins a directive, so each # of its own is escaped. */
function describe(text: string): string {
  return visibleLine(text).replace(/[\\#]/g, "\\$&").trim();
}

function details(one: CaseReport): string[] {
  const { level, text } = one.requirement;
  const field = (key: string, value: string | null | undefined) =>
    value === null || value === undefined ? [] : [`${key}: ${scalar(value)}`];
  const transcript = (one.transcript ?? []).map((line) => `  - ${scalar(line)}`);
  const yaml = [
    ...field("severity", one.verdict),
    ...field("section", cite(one.requirement)),
    ...field("level", level),
    ...field("requirement", text),
    ...field("behaviour", one.behaviour),
    ...field("close", one.close),
    ...field("expected", one.expected),
    ...field("observed", one.observed),
    `duration_ms: ${one.duration_ms}`,
    ...field("runs", showRuns(one)),
    ...field("counterexample", one.counterexample),
    ...(transcript.length > 0 ? ["transcript:", ...transcript] : []),
    ...field("repeat", one.repeat),
  ];
  return ["  ---", ...yaml.map((line) => `  ${line}`), "  ..."];
}

/** A double-quoted scalar of YAML: JSON is one where nothing in it has to be hidden. */
function scalar(text: string): string {
  return JSON.stringify(visible(text));
}
