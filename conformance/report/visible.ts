/**
 * Strings that came from a server, as text that can be shown.
 *
 * @module
 */

/**
 * What does not print, or changes how its neighbours do: controls (ESC among them), formats (the
 * direction of writing, zero width), lone surrogates, line separators, noncharacters.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text with all that does not print written as an escape, `\u001b`; line feeds stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => character === "\n" ? character : escape(character));
}

/** {@link visible} in one line: line feeds are written as `\n`. */
export function visibleLine(text: string): string {
  return text.replace(UNSEEN, escape);
}

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[character] ?? (code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`);
}
