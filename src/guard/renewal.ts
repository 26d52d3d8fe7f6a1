/**
 * A connection's request, as it is kept for the tokens that come on the connection.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import type { RequestHead } from "./request_head.ts";
import { nameIn, queryIn } from "./request_url.ts";

/**
 * What is kept of a request for as long as the connection lives: nothing that was, or may have been, a
 * credential, and nothing that is over 2,048 characters long.
 */
export interface RequestTrace {
  /** The address without the parameters that carry tokens; without any where the others are too long. */
  readonly url: string;
  /** Those of its header fields that are `Host`, `Origin` or `User-Agent`, and not too long. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The parameters of a query that are credentials. */
export const SECRET_PARAMETERS: readonly string[] = ["token", "auth_token", "reconnection_token"];

/** Any other field may carry a credential, which must not vouch for a token. */
const KEPT_HEADERS = ["host", "origin", "user-agent"];

/** The longest text that is kept: each connection keeps its own. */
const MAX_KEPT = 2_048;

/** How many traces are shared at most. */
const MAX_TRACES = 256;

/** The characters that stand in a header field as they are. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Gives requests that are alike the same trace: each connection keeps one, and few of them differ. */
export class RequestTraces {
  readonly #known = new Map<string, RequestTrace>();

  /** What is kept of a request: nothing that is a credential. */
  of(request: RequestHead): RequestTrace {
    const url = addressWithoutTokens(request);
    const values = keptHeaders(request);
    // Neither stands in a header field.
    const key = `${url}\n${values.map((value) => value ?? "\0").join("\n")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const trace = traceOf(url, values);
    if (this.#known.size >= MAX_TRACES) this.#known.clear();
    this.#known.set(key, trace);
    return trace;
  }
}

/** The fields that are kept, in the order of their names. */
function keptHeaders({ headers }: RequestHead): readonly (string | undefined)[] {
  return KEPT_HEADERS.map((name) => {
    const value = headers.get(name);
    return value === null || value.length > MAX_KEPT ? undefined : value;
  });
}

function traceOf(url: string, values: readonly (string | undefined)[]): RequestTrace {
  const headers: Record<string, string> = {};
  KEPT_HEADERS.forEach((name, i) => {
    const value = values[i];
    if (value !== undefined) headers[name] = value;
  });
  return { url, headers };
}

function addressWithoutTokens({ url }: RequestHead): string {
  const query = queryIn(url);
  const parts = query.split("&");
  const left = parts.filter((part) => !SECRET_PARAMETERS.includes(nameIn(part)));
  if (left.length === parts.length && url.length <= MAX_KEPT) return url;
  const [address] = url.split(/[?#]/, 1);
  const whole = left.length === 0 ? address! : `${address}?${left.join("&")}`;
  return whole.length <= MAX_KEPT ? whole : address!;
}

/**
 * Makes the request that an authenticator judges a token by which comes on a connection.
 *
 * @throws {HeddleError} `unauthorized` for a token that no header field can carry.
 */
export function withToken({ url, headers }: RequestTrace, token: string): Request {
  if (!TOKEN.test(token)) {
    throw new HeddleError("unauthorized", "a token has visible ASCII characters alone");
  }
  return new Request(url, { headers: { ...headers, Authorization: `Bearer ${token}` } });
}
