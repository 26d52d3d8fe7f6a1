/**
 * The summary by section, as a table for a terminal.
 *
 * @module
 */
import type { Summary, Verdict } from "./report.ts";
import type { Section } from "./sections.ts";
import { visibleLine } from "./visible.ts";

/** Paints a piece of text. */
export type Word = (text: string) => string;

/** How the table looks. */
export interface TableStyle {
  readonly paint: Readonly<Record<Verdict, Word>>;
  readonly bold: Word;
  readonly dim: Word;
  readonly columns: number;
}

const COUNTED = [
  ["pass", "passed"],
  ["fail", "failed"],
  ["warn", "warned"],
  ["skip", "skipped"],
  ["error", "errored"],
] as const satisfies readonly (readonly [Verdict, keyof Summary])[];

/** Room for a count and the space before it. */
const WIDTH = 7;

/** A line a section, under the name of its specification. */
export function sectionTable(sections: readonly Section[], style: TableStyle): string[] {
  const { paint, bold, dim } = style;
  // A column that is empty throughout says nothing, but that none failed is what one looks for.
  const counted = COUNTED.filter(([verdict, key]) =>
    verdict === "pass" || verdict === "fail" || sections.some(({ summary }) => summary[key] > 0)
  );
  const numbers = Math.max(0, ...sections.map(({ number }) => visibleLine(number).length));
  const room = Math.max(style.columns - 2 - numbers - 2 - counted.length * WIDTH, 10);
  const longest = Math.max(0, ...sections.map(({ title }) => title.length));
  const titles = Math.min(room, longest);

  return sections.flatMap(({ spec, number, title, summary }, i) => {
    const line = [
      `  ${visibleLine(number).padEnd(numbers)}  ${fit(title, titles)}`,
      ...counted.map(([verdict, key]) => {
        const count = summary[key];
        return (count === 0 ? dim : paint[verdict])(
          (count === 0 ? "·" : String(count)).padStart(WIDTH),
        );
      }),
    ].join("");
    if (sections[i - 1]?.spec === spec) return [line];
    const name = visibleLine(spec).padEnd(2 + numbers + 2 + titles);
    const heads = counted.map(([verdict]) => dim(verdict.padStart(WIDTH))).join("");
    return [...(i === 0 ? [] : [""]), `${bold(name)}${heads}`, line];
  });
}

function fit(text: string, width: number): string {
  return (text.length > width ? `${text.slice(0, width - 1)}…` : text).padEnd(width);
}
