import { type Failure, failure } from "./errors.ts";

/** How deeply arrays and objects may nest in a message. */
export const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Parses JSON of a peer: `invalid_json` where it is none, `invalid_message` where it nests deeper than
 * {@linkcode MAX_DEPTH}. Depth is looked at before the parse, since what parses may still be too deep
 * to be written again on one of the runtimes.
 */
export function parseJson(text: string): { readonly value: unknown } | Failure {
  if (!isShallow(text)) {
    return failure("invalid_message", `a message must not nest deeper than ${MAX_DEPTH} levels`);
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return failure("invalid_json", "Invalid JSON format");
  }
}

function isShallow(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE:
        i = endOfString(text, i + 1);
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        if (++depth > MAX_DEPTH) return false;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth--;
        break;
    }
  }
  return true;
}

function endOfString(text: string, from: number): number {
  for (;;) {
    const end = text.indexOf('"', from);
    if (end === -1) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
    from = end + 1;
  }
}
