/**
 * What may be written to a terminal.
 *
 * @module
 */
import process from "node:process";
import picocolors from "picocolors";

/** Functions that colour a text, or leave it as it is. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours where `stream` is a terminal that shows them and NO_COLOR is not set (no-color.org). */
export function colorsFor(stream: { readonly isTTY?: boolean }): Colors {
  const { NO_COLOR, TERM } = process.env;
  return picocolors.createColors(stream.isTTY === true && !NO_COLOR && TERM !== "dumb");
}

// C0 but for tab and newline, DEL, C1, and what turns the direction of a text or breaks its line.
// deno-lint-ignore no-control-regex
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Escapes what a peer could steer the terminal with; tabs and newlines stay. */
export function printable(text: string): string {
  return text.replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
