/**
 * A connection's request, as it is kept for the tokens that come on the connection.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";

/** What is kept of a request: nothing that was, or may have been, a credential. */
export interface RequestTrace {
  /** The address without the parameters that carry tokens. */
  readonly url: string;
  /** Those of its header fields that are `Host`, `Origin` or `User-Agent`. */
  readonly headers: Readonly<Record<string, string>>;
}

const SECRET_PARAMETERS = ["token", "auth_token", "reconnection_token"];

/** Any other field may carry a credential, which must not vouch for a token. */
const KEPT_HEADERS = ["host", "origin", "user-agent"];

/** The characters that stand in a header field as they are. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Takes from a request what is no credential. */
export function withoutCredentials(request: Request): RequestTrace {
  const url = new URL(request.url);
  for (const name of SECRET_PARAMETERS) {
    // Deleting rewrites the whole query.
    if (url.searchParams.has(name)) url.searchParams.delete(name);
  }
  const kept = KEPT_HEADERS.flatMap((name): [string, string][] => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return { url: url.href, headers: Object.fromEntries(kept) };
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
