/**
 * The plots of the README, drawn by Observable Plot.
 *
 * @module
 */
import { peer } from "./peers/peer.ts";
import type { Results } from "./results.ts";

interface Plotted {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}
interface Plot {
  plot(options: unknown): Plotted;
  barX(data: unknown, options: unknown): unknown;
  text(data: unknown, options: unknown): unknown;
  ruleX(data: unknown): unknown;
}
interface Dom {
  parseHTML(html: string): { readonly document: unknown };
}

/** What a plot shows: bars of one measure, for each of some cells. */
export interface Bars {
  readonly file: string;
  readonly scenario: string;
  readonly measure: string;
  readonly cells: readonly string[];
  readonly title: string;
}

/** All plots there are. */
export const plots: readonly Bars[] = [
  {
    file: "fanout.svg",
    scenario: "fanout",
    measure: "CPU µs",
    cells: ["1000 × 128 B, 1 a tick", "1000 × 128 B, 16 a tick"],
    title: "µs of the server's CPU a delivery, 1,000 subscribers, 128 B",
  },
  {
    file: "latency.svg",
    scenario: "latency",
    measure: "p99 ms",
    cells: ["50/s × 1000"],
    title: "99th percentile of the way from client to clients, ms; 50 messages a second × 1,000",
  },
  {
    file: "memory.svg",
    scenario: "memory",
    measure: "KiB each",
    cells: ["10000 connections"],
    title: "KiB an idle connection, 10,000 of them",
  },
];

/**
 * Draws a plot as SVG; undefined where nothing of it was measured.
 *
 * @param caption The machine, the runtimes and their versions.
 */
export async function draw(
  results: Results,
  bars: Bars,
  caption: string,
): Promise<string | undefined> {
  const { scenario, measure } = bars;
  const data = bars.cells.flatMap((cell) =>
    results.distinct("name", { scenario, cell, measure }).map((name) => ({
      name,
      cell: cell.replace(/^.*, /, ""),
      value: results.median([scenario, name, cell, measure])!,
    }))
  );
  if (data.length === 0) return undefined;
  const Plot = await peer<Plot>("@observablehq/plot");
  const { document } = (await peer<Dom>("linkedom")).parseHTML("<html></html>");
  const facet = bars.cells.length > 1 ? { fy: "cell" } : {};
  const isOurs = ({ name }: { name: string }) => name.startsWith("heddle") ? "heddle" : "other";
  const svg = Plot.plot({
    document,
    width: 820,
    marginLeft: 225,
    marginRight: 120,
    marginTop: 34,
    marginBottom: 44,
    style: { background: "white", color: "black", fontSize: "12px" },
    color: { domain: ["heddle", "other"], range: ["#2f6f9f", "#c9c9c9"] },
    x: {
      label: bars.title,
      labelAnchor: "left",
      labelArrow: "none",
      axis: "top",
      nice: true,
    },
    y: { label: null, domain: [...new Set(data.map(({ name }) => name))] },
    fy: { label: null },
    marks: [
      Plot.barX(data, { x: "value", y: "name", fill: isOurs, ...facet }),
      Plot.text(data, {
        x: "value",
        y: "name",
        text: ({ value }: { value: number }) => value.toFixed(2),
        textAnchor: "start",
        dx: 4,
        ...facet,
      }),
      Plot.ruleX([0]),
      Plot.text([caption], {
        frameAnchor: "bottom-left",
        dy: 36,
        dx: -220,
        textAnchor: "start",
        fontSize: 10,
        ...(bars.cells.length > 1 ? { fy: () => data.at(-1)!.cell } : {}),
      }),
    ],
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${svg.outerHTML}\n`;
}
