/**
 * What was measured, as Markdown.
 *
 * @module
 */
import { type Goal, goals, isMet } from "./goals.ts";
import type { Results } from "./results.ts";
import type { Scenario } from "./scenarios/scenario.ts";

/** A number with as many digits as tell something. */
export function show(value: number | undefined): string {
  if (value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** A table whose first row is its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length), 3)
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
        .join(" | ")
    } |`;
  const rule = `| ${
    widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  const [head, ...body] = rows;
  return [line(head!), rule, ...body.map(line)].join("\n");
}

/** The medians of a scenario: a table for each measure, a row for each server. */
export function tablesOf(
  results: Results,
  { name: scenario, title }: Scenario,
): string {
  const measures = results.distinct("measure", { scenario })
    .filter((measure) => measure !== "client CPU µs");
  const tables = measures.map((measure) => {
    const cells = results.distinct("cell", { scenario, measure });
    const names = results.distinct("name", { scenario, measure });
    return table([
      [measure, ...cells],
      ...names.map((name) => [
        name,
        ...cells.map((cell) => show(results.median([scenario, name, cell, measure]))),
      ]),
    ]);
  });
  return [`## ${title}`, ...tables, ...clientShare(results, scenario)].join("\n\n");
}

/** How much of the server's CPU the client takes at most, where it was measured: it must be the cheaper. */
function clientShare(results: Results, scenario: string): string[] {
  const measure = "client CPU µs";
  const shares = results.distinct("name", { scenario, measure }).flatMap((name) =>
    results.distinct("cell", { scenario, name, measure }).map((cell) =>
      results.ratio([scenario, name, cell, measure], [scenario, name, cell, "CPU µs"]) ?? 0
    )
  );
  if (shares.length === 0) return [];
  return [`The client takes at most ${show(Math.max(...shares))} of the server's CPU.`];
}

/** Each goal, what was measured of it, and whether it is met; those that were not measured are left out. */
export function goalTable(results: Results): string {
  const rows = goals.flatMap((goal) => {
    const value = goal.value(results);
    return value === undefined ? [] : [rowOf(goal, value)];
  });
  if (rows.length === 0) return "No goal is measured by these runs.";
  return table([["goal", "asked", "measured", "met"], ...rows]);
}

function rowOf(goal: Goal, value: number): string[] {
  const sign = goal.isAtLeast ? "≥" : "≤";
  const asked = `${sign} ${goal.limit} ${goal.unit}`;
  return [
    goal.title,
    asked,
    `${value.toFixed(2)} ${goal.unit}`,
    isMet(goal, value) ? "yes" : "no",
  ];
}
