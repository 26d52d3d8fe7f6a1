/**
 * The HTTP request of an opening handshake, as the reference server reads it (RFC 9112).
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** A request head. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly version: string;
  /** All values of a header field; the name in small letters. */
  readonly values: (name: string) => string[];
}

/** What a reader may take that the grammar of a request does not have. */
export interface Leniency {
  /** A line that ends in LF alone. A reader MAY take it (section 2.2). */
  readonly bareLf: boolean;
  /** CR alone, taken for a line end. */
  readonly bareCr: boolean;
  /** Lines that begin with a space continue the one before, or are left out (section 5.2). */
  readonly folds: "refused" | "joined" | "dropped";
  /** A header line between the request line and the others that begins with a space. */
  readonly leadingSpace: boolean;
  /** Space between the name of a header field and its colon (section 5.1). */
  readonly spaceBeforeColon: boolean;
  /** Header lines that are none are passed over. */
  readonly brokenLines: boolean;
  /** Control characters in the values of header fields. */
  readonly controls: boolean;
  /** An empty line before the request. A server SHOULD take one (section 2.2). */
  readonly emptyLine: boolean;
}

/** Nothing but what the specifications ask for. */
export const STRICT: Leniency = {
  bareLf: false,
  bareCr: false,
  folds: "refused",
  leadingSpace: false,
  spaceBeforeColon: false,
  brokenLines: false,
  controls: false,
  emptyLine: true,
};

/** Bytes that are no request the server takes; answered 400 or 431. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const LARGEST = 32 * 1024;

/** RFC 9110 section 5.6.2. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The request at the front of `bytes` and its length; undefined while it is not all there. */
export function readRequest(
  bytes: Uint8Array,
  leniency: Leniency,
): { readonly request: Request; readonly length: number } | undefined {
  const whole = Buffer.from(bytes.subarray(0, LARGEST)).toString("latin1");
  const start = leniency.emptyLine && whole.startsWith("\r\n") ? 2 : 0;
  const head = whole.slice(start);
  const { lines, length } = linesOf(head, leniency);
  if (length === null) {
    if (bytes.length >= LARGEST) throw new BadRequest(431, "a head above 32 KiB");
    return undefined;
  }
  const [first = "", ...rest] = lines;
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP\/\d\.\d)$/.exec(first);
  if (match === null) throw new BadRequest(400, "no request line");
  const fields = unfolded(rest, leniency).flatMap((line) => fieldOf(line, leniency));
  const [, method = "", path = "", version = ""] = match;
  const values = (name: string) => fields.filter(([key]) => key === name).map(([, value]) => value);
  return { request: { method, path, version, values }, length: start + length };
}

/** The lines of a head and its length, null while its end is missing. */
function linesOf(
  head: string,
  { bareLf, bareCr }: Leniency,
): { readonly lines: readonly string[]; readonly length: number | null } {
  const ends = bareLf ? /\r?\n\r?\n/ : /\r\n\r\n/;
  const end = ends.exec(head);
  const text = end === null ? head.replace(/\r$/, "") : head.slice(0, end.index);
  const wrong = [bareLf ? null : /(^|[^\r])\n/, bareCr ? null : /\r[^\n]/];
  if (wrong.some((pattern) => pattern?.test(text))) throw new BadRequest(400, "a bare CR or LF");
  const lines = text.split(bareCr ? /\r\n|\r|\n/ : /\r?\n/);
  return { lines, length: end === null ? null : end.index + end[0].length };
}

function unfolded(lines: readonly string[], { folds, leadingSpace }: Leniency): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    const last = whole.length - 1;
    if (!/^[ \t]/.test(line)) whole.push(line);
    else if (last < 0 && leadingSpace) whole.push(line.replace(/^[ \t]+/, ""));
    else if (last < 0 || folds === "refused") throw new BadRequest(400, "a folded line");
    else if (folds === "joined") whole[last] += line;
  }
  return whole;
}

function fieldOf(
  line: string,
  { spaceBeforeColon, brokenLines, controls }: Leniency,
): readonly (readonly [name: string, value: string])[] {
  const colon = line.indexOf(":");
  const written = line.slice(0, Math.max(0, colon));
  const name = spaceBeforeColon ? written.replace(/[ \t]+$/, "") : written;
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
  const clean = controls || ![...value].some((char) => char < " " && char !== "\t");
  if (TOKEN.test(name) && clean) return [[name.toLowerCase(), value]];
  if (brokenLines) return [];
  throw new BadRequest(400, `a header line ${JSON.stringify(line)}`);
}
