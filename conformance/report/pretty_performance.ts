/**
 * What was measured, as a table for a terminal.
 *
 * @module
 */
import { showMilliseconds, showRatio, titleOf } from "./figures.ts";
import { hang } from "./hang.ts";
import type { Word } from "./pretty_table.ts";
import type { Measure, PerformanceReport } from "./report.ts";
import { visibleLine } from "./visible.ts";

/** How the table looks. */
export interface PerformanceStyle {
  readonly warn: Word;
  readonly bold: Word;
  readonly dim: Word;
  readonly columns: number;
}

/** Room for a figure and the space before it. */
const WIDTH = 8;

/** The figures of each measure with what was done below them; nothing where nothing was measured. */
export function performanceTable(
  report: PerformanceReport | undefined,
  style: PerformanceStyle,
): string[] {
  if (report === undefined) return [];
  const { bold, dim, columns } = style;
  const { machine, runtime, duration_ms, notes, measures } = report;
  const names = Math.max(...measures.map((one) => nameOf(one).length), 10);
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(names)}${cells.map((cell) => cell.padStart(WIDTH)).join("")}`;
  const about = [
    "raw sockets: the same bytes, in turn, between sockets of the kit's own; a check, not a promise",
    ...notes,
    `${machine}, ${runtime}, ${(duration_ms / 1000).toFixed(1)} s`,
  ];
  return [
    bold("Performance, in milliseconds"),
    dim(row("", ["target", "", "raw sockets".padStart(2 * WIDTH)])),
    dim(row("", ["median", "p99", "median", "p99", "ratio", "samples"])),
    ...measures.flatMap((one) => [
      ...rowOf(one, row, style),
      ...(one.skipped === null ? hang("    ", visibleLine(titleOf(one)), columns).map(dim) : []),
      ...one.notes.flatMap((note) =>
        hang("    ! ", visibleLine(note), columns).map(one.lost > 0 ? style.warn : dim)
      ),
    ]),
    ...about.flatMap((line) => hang("  ", visibleLine(line), columns)).map(dim),
    "",
  ];
}

function rowOf(
  one: Measure,
  row: (name: string, cells: readonly string[]) => string,
  { dim, columns }: PerformanceStyle,
): string[] {
  const { target, raw, ratio, skipped } = one;
  if (skipped !== null) {
    return hang(`${row(nameOf(one), [])}  `, visibleLine(`skipped: ${skipped}`), columns).map(dim);
  }
  const cells = [target, raw].flatMap((timing) => [
    showMilliseconds(timing?.median_ms),
    showMilliseconds(timing?.p99_ms),
  ]);
  return [row(nameOf(one), [...cells, showRatio(ratio), String(target?.samples ?? 0)])];
}

function nameOf({ id }: Measure): string {
  return visibleLine(id.replace(/^performance\//, ""));
}
