/**
 * A connection's request, as it is kept for the tokens that come on the connection.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import { urlOf } from "./request_url.ts";

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

const SECRET_PARAMETERS = ["token", "auth_token", "reconnection_token"];

/** Any other field may carry a credential, which must not vouch for a token. */
const KEPT_HEADERS = ["host", "origin", "user-agent"];

/** The longest text that is kept: each connection keeps its own. */
const MAX_KEPT = 2_048;

/** How many traces are shared at most. */
const MAX_TRACES = 256;

/** The characters that stand in a header field as they are. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Takes from a request what is no credential. */
export function withoutCredentials(request: Request): RequestTrace {
  const url = addressWithoutTokens(urlOf(request));
  const kept = KEPT_HEADERS.flatMap((name): [string, string][] => {
    const value = request.headers.get(name);
    return value === null || value.length > MAX_KEPT ? [] : [[name, value]];
  });
  return { url, headers: Object.fromEntries(kept) };
}

/** Gives requests that are alike the same trace: each connection keeps one, and few of them differ. */
export class RequestTraces {
  readonly #known = new Map<string, RequestTrace>();

  of(request: Request): RequestTrace {
    const trace = withoutCredentials(request);
    const key = [trace.url, ...Object.entries(trace.headers).flat()].join("\n");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_TRACES) this.#known.clear();
    this.#known.set(key, trace);
    return trace;
  }
}

function addressWithoutTokens(given: URL): string {
  const { searchParams } = given;
  const secrets = SECRET_PARAMETERS.filter((name) => searchParams.has(name));
  if (secrets.length === 0 && given.href.length <= MAX_KEPT) return given.href;
  const url = new URL(given);
  // Deleting rewrites the whole query.
  for (const name of secrets) url.searchParams.delete(name);
  if (url.href.length > MAX_KEPT) url.search = "";
  return url.href;
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
