/**
 * The report for a person at a terminal: what is not kept, then a summary by section.
 *
 * @module
 */
import picocolors from "picocolors";
import type { CaseReport, Report, Verdict } from "./report.ts";
import type { ReportStyle } from "./reporter.ts";

const SIGNS = { pass: "✓", fail: "✗", warn: "!", skip: "-", error: "?" } as const satisfies Record<
  Verdict,
  string
>;

const ORDER = ["fail", "error", "warn"] as const satisfies readonly Verdict[];

/** The report as text of at most some lines a case. */
export function pretty(report: Report, style: ReportStyle): string {
  const colours = picocolors.createColors(style.colour);
  const paint = {
    pass: colours.green,
    fail: colours.red,
    warn: colours.yellow,
    skip: colours.dim,
    error: colours.magenta,
  } as const satisfies Record<Verdict, (text: string) => string>;

  const told = ORDER.flatMap((verdict) =>
    report.cases.filter((one) => one.verdict === verdict).map((one) => {
      const { level, spec, section, text } = one.requirement;
      return [
        paint[verdict](`${SIGNS[verdict]} ${verdict.toUpperCase()} ${one.id}`) + `  ${one.title}`,
        colours.dim(`  ${spec} section ${section}, ${level}: ${text}`),
        `  expected  ${one.expected}`,
        `  observed  ${one.observed.replaceAll("\n", "\n            ")}`,
        ...(one.close === null ? [] : [`  closed    ${one.close}`]),
        ...(one.counterexample === undefined
          ? []
          : [`  smallest  ${one.counterexample.replaceAll("\n", "\n            ")}`]),
        ...(one.transcript ?? []).map((line) => colours.dim(`    ${line}`)),
        ...(one.repeat === undefined ? [] : [colours.dim(`  repeat    ${one.repeat}`)]),
        "",
      ].join("\n");
    })
  );

  const sections = bySection(report.cases);
  const rows = [...sections].map(([section, cases]) => {
    const counts = (["pass", "fail", "warn", "skip", "error"] as const).flatMap((verdict) => {
      const count = cases.filter((one) => one.verdict === verdict).length;
      return count === 0 ? [] : [paint[verdict](`${count} ${verdict}`)];
    });
    return `${section.padEnd(18)} ${counts.join(", ")}`;
  });

  const { passed, failed, warned, skipped, errored } = report.summary;
  return [
    "",
    ...told,
    ...rows,
    "",
    `${report.target}: ${passed} passed, ${failed} failed, ${warned} warned, ${skipped} skipped` +
    `${errored === 0 ? "" : `, ${errored} errors of the kit`} in ${report.duration_ms / 1000} s ` +
    `(seed ${report.seed})`,
    "",
  ].join("\n");
}

function bySection(cases: readonly CaseReport[]): Map<string, CaseReport[]> {
  const sections = new Map<string, CaseReport[]>();
  for (const one of cases) {
    const section = one.id.split("/").slice(0, 2).join("/");
    sections.set(section, [...sections.get(section) ?? [], one]);
  }
  return sections;
}
