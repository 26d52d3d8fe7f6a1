import type { Figure } from "./scenarios/scenario.ts";

/** A figure with the run it is of. */
export interface Measured extends Figure {
  readonly run: number;
}

/** What names a figure but for its run; cells and measures as tables have them. */
export type Place = readonly [
  scenario: string,
  name: string,
  cell: string,
  measure: string,
];

/** The middle of some numbers; undefined where there is none. */
export function median(numbers: readonly number[]): number | undefined {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  return sorted.length === 0 ? undefined : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** All figures of all runs. */
export class Results {
  readonly figures: Measured[] = [];
  /** Values by place and run. */
  readonly #values = new Map<string, Map<number, number>>();

  add(figure: Measured): void {
    this.figures.push(figure);
    const key = [figure.scenario, figure.name, figure.cell, figure.measure]
      .join("\n");
    const runs = this.#values.get(key) ?? new Map<number, number>();
    this.#values.set(key, runs.set(figure.run, figure.value));
  }

  /** The median over the runs. */
  median(place: Place): number | undefined {
    return median([...this.#runs(place).values()]);
  }

  /** The median of the ratios within each run. */
  ratio(of: Place, to: Place): number | undefined {
    const others = this.#runs(to);
    const ratios = [...this.#runs(of)].flatMap(([run, value]) => {
      const other = others.get(run);
      return other === undefined ? [] : [value / other];
    });
    return median(ratios);
  }

  /** What is different in one field among the figures of a scenario, in order of appearance. */
  distinct(
    field: "name" | "cell" | "measure",
    where: Partial<Figure>,
  ): string[] {
    const fits = (figure: Figure) =>
      Object.entries(where).every(([key, value]) => figure[key as keyof Figure] === value);
    return [
      ...new Set(this.figures.filter(fits).map((figure) => figure[field])),
    ];
  }

  #runs(place: Place): ReadonlyMap<number, number> {
    return this.#values.get(place.join("\n")) ?? new Map<number, number>();
  }
}
