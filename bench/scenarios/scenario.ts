import type { TargetName } from "../targets.ts";

/** One figure of one run. */
export interface Figure {
  readonly scenario: string;
  /** Which server, and what of it where there are several. */
  readonly name: string;
  /** Under which circumstances: "1000 × 128 B, 16 a tick". */
  readonly cell: string;
  /** What was measured, with its unit. */
  readonly measure: string;
  readonly value: number;
}

/** How much a run does. */
export interface Scale {
  /** Multiplies deliveries and seconds. */
  readonly effort: number;
  /** The most connections. */
  readonly connections: number;
  /** The most channels. */
  readonly channels: number;
  /** Whether to measure only under the circumstances that a goal is of. */
  readonly goalsOnly: boolean;
}

/** Notes a figure of the server that is being measured. */
export type Note = (
  cell: string,
  measure: string,
  value: number,
  name?: string,
) => void;

/** Something that is measured of several servers, one after the other in each run. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly targets: readonly TargetName[];
  measure(name: TargetName, scale: Scale, note: Note): Promise<void>;
}

export type { TargetName };
