/**
 * One HTTP request and its whole answer, over a connection of its own.
 *
 * @module
 */
import { bytesOf, concat, decodeUtf8 } from "./bytes.ts";
import { decodeResponse, headerValues, NotHttp, type Response } from "./handshake.ts";
import type { Wire } from "./socket.ts";

/** A request. */
export interface HttpRequest {
  /** @default "GET" */
  readonly method?: string;
  /** Path and query. */
  readonly path: string;
  /** Null leaves out a field that would be sent otherwise. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: string;
}

/** An answer with its body. */
export interface HttpAnswer extends Response {
  readonly body: string;
  /** What the body is as JSON; undefined where it is none. */
  readonly json: unknown;
}

/**
 * Sends a request and reads the answer to its end. A server may give it before it has read the body, and
 * close (RFC 9112 section 9.6): an answer counts, whatever becomes of the rest of the request.
 *
 * @throws TimeOut, and NotHttp also where the connection ends without an answer
 */
export async function exchange(
  wire: Wire,
  authority: string,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const body = bytesOf(request.body ?? "");
  const fields: Record<string, string | null> = {
    Host: authority,
    Connection: "close",
    ...(request.body === undefined ? {} : { "Content-Length": String(body.length) }),
    ...request.headers,
  };
  const head = [
    `${request.method ?? "GET"} ${request.path} HTTP/1.1`,
    ...Object.entries(fields)
      .flatMap(([name, value]) => value === null ? [] : [`${name}: ${value}`]),
  ].join("\r\n");
  wire.write(concat([bytesOf(`${head}\r\n\r\n`), body]));
  const awaited = `an answer to ${request.method ?? "GET"} ${request.path.split("?")[0]}`;
  return await wire.waitFor(awaited, () => {
    const answer = readAnswer(wire.peek(), wire.ending !== null);
    if (answer !== undefined || wire.ending === null) return answer;
    const how = wire.ending === "fin" ? "closed (FIN)" : "reset (RST)";
    throw new NotHttp(`TCP ${how} without a whole answer`);
  });
}

/** The answer that `bytes` are, or undefined while it is not all there. @throws NotHttp */
export function readAnswer(bytes: Uint8Array, ended: boolean): HttpAnswer | undefined {
  const decoded = decodeResponse(bytes);
  if (decoded === undefined) return undefined;
  const content = bodyOf(decoded.response, bytes.slice(decoded.length), ended);
  if (content === undefined) return undefined;
  const text = decodeUtf8(content) ?? "";
  return { ...decoded.response, body: text, json: parse(text) };
}

/** The body, or undefined while it is not all there (RFC 9112 section 6.3). */
function bodyOf(response: Response, bytes: Uint8Array, ended: boolean): Uint8Array | undefined {
  const [coding] = headerValues(response, "Transfer-Encoding");
  if (coding?.toLowerCase() === "chunked") return unchunked(bytes);
  const [length] = headerValues(response, "Content-Length");
  const { status } = response;
  if (status < 200 || status === 204 || status === 304) return new Uint8Array();
  if (length === undefined) return ended ? bytes : undefined;
  return bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : undefined;
}

function unchunked(bytes: Uint8Array): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (let at = 0;;) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) return undefined;
    const size = parseInt(decodeUtf8(bytes.subarray(at, end)) ?? "", 16);
    if (!(size > 0)) return size === 0 ? concat(parts) : undefined;
    if (end + 1 + size + 2 > bytes.length) return undefined;
    parts.push(bytes.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 2;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
