/**
 * The HTTP request of an opening handshake, as the reference server reads it.
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
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The request at the front of `bytes` and its length; undefined while it is not all there. */
export function readRequest(
  bytes: Uint8Array,
): { readonly request: Request; readonly length: number } | undefined {
  const head = Buffer.from(bytes.subarray(0, LARGEST)).toString("latin1");
  const end = head.indexOf("\r\n\r\n");
  const upTo = end < 0 ? head : head.slice(0, end);
  // RFC 9112 section 2.2 lets a recipient take a bare LF for a line end; this one does not.
  if (/(^|[^\r])\n/.test(upTo) || /\r[^\n]/.test(upTo)) {
    throw new BadRequest(400, "a bare CR or LF");
  }
  if (end < 0) {
    if (bytes.length >= LARGEST) throw new BadRequest(431, "a head above 32 KiB");
    return undefined;
  }
  const [first = "", ...lines] = head.slice(0, end).split("\r\n");
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP\/\d\.\d)$/.exec(first);
  if (match === null) throw new BadRequest(400, "no request line");
  const fields = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    if (!TOKEN.test(name)) throw new BadRequest(400, "a header line that is none");
    return [name.toLowerCase(), line.slice(colon + 1).trim()];
  });
  const [, method = "", path = "", version = ""] = match;
  const values = (name: string) => fields.filter(([key]) => key === name).map(([, value]) => value);
  return { request: { method, path, version, values }, length: end + 4 };
}
