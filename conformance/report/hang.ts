/**
 * Text in lines, for a terminal.
 *
 * @module
 */

/** The text in lines of at most so many columns, all indented as far as the label of the first. */
export function hang(label: string, text: string, columns: number): string[] {
  const width = Math.max(columns - label.length, 20);
  const lines = text.split("\n").flatMap((line) => {
    const wrapped: string[] = [""];
    for (const word of line.split(" ")) {
      const last = wrapped.at(-1) ?? "";
      if (last === "") wrapped[wrapped.length - 1] = word;
      else if (last.length + 1 + word.length <= width) wrapped[wrapped.length - 1] += ` ${word}`;
      else wrapped.push(word);
    }
    return wrapped;
  });
  return lines.map((line, i) => `${i === 0 ? label : " ".repeat(label.length)}${line}`);
}
