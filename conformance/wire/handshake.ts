/**
 * The opening handshake (RFC 6455 section 4) as bytes: a request in which everything can be set
 * otherwise, and a response taken apart without judging it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { concat } from "./bytes.ts";
import type { Target } from "./socket.ts";

/** A request. What is left out is as an honest client has it. */
export interface RequestSpec {
  /** @default "GET" */
  readonly method?: string;
  /** The request target. @default path and query of the URL */
  readonly path?: string;
  /** @default "HTTP/1.1" */
  readonly version?: string;
  /**
   * Header fields to set: a string replaces the value, null leaves the field out, an array sends
   * the field several times. Names are sent as written here.
   */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** Header lines to add after all others, without line end, byte for byte. */
  readonly lines?: readonly string[];
  /** @default "\r\n" */
  readonly lineEnd?: string;
  /** Bytes that follow the head in the same write: a body, or frames sent too early. */
  readonly body?: Uint8Array;
}

/** A response. */
export interface Response {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Header fields in the order and spelling they came in. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** All values of a header field, in order, whatever the case of its name. */
export function headerValues(response: Response, name: string): string[] {
  const wanted = name.toLowerCase();
  return response.headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value);
}

/** The members of a comma list, over all fields of that name. */
export function headerList(response: Response, name: string): string[] {
  return headerValues(response, name).flatMap((value) => value.split(","))
    .map((member) => member.trim()).filter((member) => member !== "");
}

/** Sixteen bytes in base64: a Sec-WebSocket-Key. */
export function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** The Sec-WebSocket-Accept that a key asks for (section 4.2.2, item 5.4). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** The bytes of a request to `target` with `key`. */
export function encodeRequest(target: Target, key: string, spec: RequestSpec = {}): Uint8Array {
  const fields: [string, string | readonly string[] | null][] = [
    ["Host", target.authority],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  for (const [name, value] of Object.entries(spec.headers ?? {})) {
    const known = fields.findIndex(([other]) => other.toLowerCase() === name.toLowerCase());
    if (known >= 0) fields[known] = [name, value];
    else fields.push([name, value]);
  }
  const lines = fields.flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((single) => `${name}: ${single}`)
  );
  const first = [spec.method ?? "GET", spec.path ?? target.path, spec.version ?? "HTTP/1.1"];
  const head = [first.filter((part) => part !== "").join(" "), ...lines, ...spec.lines ?? []];
  const end = spec.lineEnd ?? "\r\n";
  const bytes = Buffer.from(head.join(end) + end + end, "latin1");
  return concat([bytes, spec.body ?? new Uint8Array()]);
}

/** What stands where a response should, and is none. */
export class NotHttp extends Error {
  override readonly name = "NotHttp";
}

const LARGEST_HEAD = 64 * 1024;

/** The response head at the front of `bytes` and its length, or undefined while it is not all there. */
export function decodeResponse(
  bytes: Uint8Array,
): { readonly response: Response; readonly length: number } | undefined {
  const head = Buffer.from(bytes.subarray(0, LARGEST_HEAD)).toString("latin1");
  if (!"HTTP/".startsWith(head.slice(0, 5))) {
    throw new NotHttp(`an answer that is no HTTP: ${JSON.stringify(head.slice(0, 60))}`);
  }
  const end = head.indexOf("\r\n\r\n");
  if (/[^\r]\n/.test(end < 0 ? head : head.slice(0, end))) {
    throw new NotHttp("a line of the response head that ends in LF alone");
  }
  if (end < 0) {
    if (bytes.length >= LARGEST_HEAD) throw new NotHttp("a response head above 64 KiB");
    return undefined;
  }
  const [statusLine = "", ...lines] = head.slice(0, end).split("\r\n");
  const status = /^(HTTP\/\d\.\d) (\d{3})(?: (.*))?$/.exec(statusLine);
  if (status === null) throw new NotHttp(`a status line ${JSON.stringify(statusLine)}`);
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new NotHttp(`a header line ${JSON.stringify(line)}`);
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const [, version = "", code = "", reason = ""] = status;
  return { response: { version, status: Number(code), reason, headers }, length: end + 4 };
}
