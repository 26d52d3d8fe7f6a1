/**
 * The steps of a run as a person reads them: one line each, with what came of it.
 *
 * @module
 */

/** A step: `client 2 publishes "b" to open.*`, and `published, offset 3`. */
export interface Line {
  readonly text: string;
  outcome: string | null;
}

/** The steps so far. */
export class Log {
  readonly #lines: Line[] = [];

  /** Begins a line, whose outcome is told later. */
  add(text: string): Line {
    const line: Line = { text, outcome: null };
    this.#lines.push(line);
    return line;
  }

  toString(): string {
    return this.#lines
      .map(({ text, outcome }) => outcome === null ? text : `${text} → ${outcome}`)
      .join("\n");
  }
}
