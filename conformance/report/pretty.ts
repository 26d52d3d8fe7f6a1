/**
 * The report for a person at a terminal: what is not kept, then a summary by section.
 *
 * @module
 */
import picocolors from "picocolors";
import { cite } from "../case.ts";
import { showRuns } from "./figures.ts";
import { hang } from "./hang.ts";
import { performanceTable } from "./pretty_performance.ts";
import { sectionTable, type Word } from "./pretty_table.ts";
import type { CaseReport, Report, Verdict } from "./report.ts";
import type { ReportStyle } from "./reporter.ts";
import { sectionsOf } from "./sections.ts";
import { visible, visibleLine } from "./visible.ts";

const SIGNS = { fail: "✗", error: "?", warn: "!" } as const;

/** The verdicts told one by one, the gravest first. */
const TOLD = ["fail", "error", "warn"] as const;

/** How much of a transcript is shown: its beginning and its end. */
const TRANSCRIPT = { first: 4, last: 6 } as const;

/** How many reasons for skipping are told. */
const REASONS = 6;

/** The report as text of at most some lines a case. */
export function pretty(report: Report, { colour, columns }: ReportStyle): string {
  const colours = picocolors.createColors(colour);
  const { bold, dim } = colours;
  const paint = {
    pass: colours.green,
    fail: colours.red,
    warn: colours.yellow,
    skip: dim,
    error: colours.magenta,
  } as const satisfies Record<Verdict, Word>;

  const sections = sectionsOf(report);
  const tell = (one: CaseReport, verdict: typeof TOLD[number]) => {
    const { level, text } = one.requirement;
    const field = (name: string, value: string | null | undefined, word: Word = String) =>
      value === null || value === undefined
        ? []
        : hang(`  ${name.padEnd(10)}`, visible(value), columns).map(word);
    const head = `${SIGNS[verdict]} ${verdict.toUpperCase()}`;
    return [
      `${paint[verdict](bold(head))}  ${bold(visibleLine(one.id))}`,
      ...hang("  ", visibleLine(one.title), columns),
      ...hang("  ", visibleLine(`${cite(one.requirement)}, ${level}: ${text}`), columns).map(dim),
      ...field("expected", one.expected),
      ...field("observed", one.observed, paint[verdict]),
      ...field("closed", one.close),
      ...field("smallest", one.counterexample),
      ...excerpt(one.transcript ?? [], columns - 4).map((line) => dim(`    ${line}`)),
      // In one piece, however long: it is there to be copied.
      ...(one.repeat === undefined ? [] : [dim(`  repeat    ${visibleLine(one.repeat)}`)]),
      "",
    ];
  };
  const told = TOLD.flatMap((verdict) =>
    sections.flatMap(({ cases }) =>
      cases.filter((one) => one.verdict === verdict).flatMap((one) => tell(one, verdict))
    )
  );

  const { passed, failed, warned, skipped, errored } = report.summary;
  const counts = [
    paint.pass(`${passed} passed`),
    failed === 0 ? "0 failed" : paint.fail(bold(`${failed} failed`)),
    warned === 0 ? "0 warned" : paint.warn(`${warned} warned`),
    dim(`${skipped} skipped`),
    ...(errored === 0 ? [] : [paint.error(`${errored} errors of the kit`)]),
  ];
  return [
    "",
    ...told,
    ...sectionTable(sections, { paint, bold, dim, columns }),
    "",
    ...skips(report.cases).map((line) => dim(line)),
    ...shortfalls(report.cases).flatMap((line) => hang("", line, columns)).map(paint.warn),
    ...performanceTable(report.performance, { warn: paint.warn, bold, dim, columns }),
    `${bold(visibleLine(report.target))}  ${counts.join(", ")}`,
    dim(`${visibleLine(report.kit)}, ${report.duration_ms / 1000} s, seed ${report.seed}`),
    "",
  ].join("\n");
}

/** Why cases were skipped, the commonest reasons first. */
function skips(cases: readonly CaseReport[]): string[] {
  const reasons = new Map<string, number>();
  for (const { verdict, observed } of cases) {
    if (verdict === "skip") reasons.set(observed, (reasons.get(observed) ?? 0) + 1);
  }
  if (reasons.size === 0) return [];
  const sorted = [...reasons].sort(([, a], [, b]) => b - a);
  const rest = sorted.slice(REASONS).reduce((sum, [, count]) => sum + count, 0);
  return [
    ...sorted.slice(0, REASONS).map(([reason, count]) =>
      `${String(count).padStart(5)} skipped: ${visibleLine(reason)}`
    ),
    ...(rest === 0 ? [] : [`${String(rest).padStart(5)} skipped for other reasons`]),
    "",
  ];
}

/** Which cases were tried less often than asked for. */
function shortfalls(cases: readonly CaseReport[]): string[] {
  const lines = cases.flatMap((one) => {
    const runs = showRuns(one);
    return runs === null ? [] : [visibleLine(`${one.id}: runs ${runs}`)];
  });
  return lines.length === 0 ? [] : [...lines, ""];
}

function excerpt(lines: readonly string[], width: number): string[] {
  const { first, last } = TRANSCRIPT;
  const left = lines.length - first - last;
  const shown = left <= 1 ? lines : [
    ...lines.slice(0, first),
    `… ${left} lines more (--reporter html or json has them)`,
    ...lines.slice(-last),
  ];
  return shown.map((line) => {
    const characters = [...visibleLine(line)];
    return characters.length <= width
      ? characters.join("")
      : `${characters.slice(0, width - 1).join("")}…`;
  });
}
