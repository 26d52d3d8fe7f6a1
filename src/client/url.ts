/**
 * Where a client connects to, and how it shows its token there.
 *
 * @module
 */
import { toBase64Url } from "../base/base64.ts";
import { HeddleError } from "../base/errors.ts";
import { SUBPROTOCOL } from "../protocol/messages.ts";

/** How the token travels: both are seen before the upgrade, by any WebSocket client. */
export type TokenPlace =
  /** In the query, as `token`. It then stands in access logs. */
  | "query"
  /** Among the offered subprotocols, as `jwt.TOKEN`. The server must select one of those offered. */
  | "subprotocol";

/** What a WebSocket constructor takes. */
export interface Target {
  readonly url: string;
  readonly protocols: string[];
}

const schemes: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

/**
 * Reads the address of a server. `http` and `https` become `ws` and `wss`; in a page, a path is taken
 * from the page's own address.
 *
 * @throws {HeddleError} `option_invalid` where it is no such address.
 */
export function parseUrl(url: string | URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.location?.href);
  } catch (cause) {
    // What follows a question mark may hold a token.
    const shown = String(url).split("?")[0];
    throw invalid(`"${shown}" is no address; give one such as wss://example.com/ws`, cause);
  }
  const scheme = schemes[parsed.protocol];
  if (scheme === undefined) {
    throw invalid(`it starts with "${parsed.protocol}"; allowed are ws:, wss:, http: and https:`);
  }
  if (parsed.hash !== "") {
    throw invalid("it has a fragment, which a WebSocket address may not (RFC 6455 section 3)");
  }
  parsed.protocol = scheme;
  return parsed;
}

/** Puts the token where it belongs. What else stands in the query is kept as it is. */
export function target(address: URL, token: string | undefined, place: TokenPlace): Target {
  if (token === undefined || token === "") return { url: address.href, protocols: [] };
  if (place === "subprotocol") {
    return { url: address.href, protocols: [SUBPROTOCOL, "jwt-auth", `jwt.${encodeToken(token)}`] };
  }
  const url = new URL(address);
  // A query that carries two different tokens would be refused. Deleting rewrites the whole query.
  if (url.searchParams.has("token")) url.searchParams.delete("token");
  return { url: withParameter(url, "token", token).href, protocols: [] };
}

/** Says which client's session will be resumed, so that its connection is not one too many. */
export function resuming(address: URL, clientId: string | undefined): URL {
  return clientId === undefined ? address : withParameter(address, "resumes", clientId);
}

/** Adds to the query: to set it among the others would write all of them anew. */
function withParameter(address: URL, name: string, value: string): URL {
  const url = new URL(address);
  const query = url.search === "" ? "?" : `${url.search}&`;
  url.search = `${query}${name}=${encodeURIComponent(value)}`;
  return url;
}

/** A JWT may stand among subprotocols as it is (RFC 9110 section 5.6.2); anything else may not. */
function encodeToken(token: string): string {
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
  return toBase64Url(new TextEncoder().encode(token));
}

function invalid(what: string, cause?: unknown): HeddleError {
  return new HeddleError("option_invalid", `url: ${what}`, { cause });
}
