/**
 * Where a request carries its token.
 *
 * @module
 */
import { base64url } from "jose";
import { HeddleError } from "../base/errors.ts";
import type { RequestHead } from "./request_head.ts";
import { parametersOf } from "./request_url.ts";

/** The longest token that is looked at, in characters: 8 KiB, since a JWT is ASCII. */
export const MAX_TOKEN = 8192;

/** A token, and the place in the request it was taken from. */
export interface FoundToken {
  /** The JWT as it was signed, decoded where the subprotocol carried it in base64url. */
  readonly token: string;
  /** `Authorization: Bearer`; the query's `token` or `auth_token`; or `Sec-WebSocket-Protocol`. */
  readonly via: "header" | "query" | "subprotocol";
}

const nowhere: readonly FoundToken[] = [];
const BEARER = /^bearer(?: +(.*))?$/i;
const SUBPROTOCOL = /^(?:jwt|jwt-auth|bearer)\.(.*)$/;

/** Whether an offered subprotocol is a token and no protocol: `jwt.…`, `jwt-auth.…` or `bearer.…`. */
export function isTokenSubprotocol(name: string): boolean {
  return SUBPROTOCOL.test(name);
}

/**
 * Finds the token of a request: `Authorization: Bearer TOKEN` (RFC 6750 section 2.1), `?token=` or
 * `?auth_token=`, or an offered subprotocol `jwt.TOKEN`, also written `jwt-auth.TOKEN` and
 * `bearer.TOKEN`, where TOKEN is the JWT as it is or in base64url without padding.
 *
 * A place that is there but empty carries none, and neither does another scheme of authorization. The
 * same token may stand in several places; different ones are refused, since a proxy in front may have
 * judged by another than the hub would.
 *
 * @returns The token, or undefined where the request carries none.
 * @throws {HeddleError} `unauthorized` for tokens that differ, one longer than {@linkcode MAX_TOKEN},
 * or a subprotocol that holds neither a JWT nor base64url.
 *
 * @example
 * ```ts
 * import { tokenFrom } from "heddle";
 *
 * const request = new Request("http://localhost/ws?token=a.b.c");
 * if (tokenFrom(request)?.via !== "query") throw new Error("not found");
 * ```
 */
export function tokenFrom(request: RequestHead): FoundToken | undefined {
  const found = inHeader(request).concat(inQuery(request), inSubprotocols(request));
  for (const { token } of found) checkTokenLength(token);
  const [first] = found;
  const other = found.find(({ token }) => token !== first?.token);
  if (first !== undefined && other !== undefined) {
    throw new HeddleError(
      "unauthorized",
      `the request carries different tokens (${first.via}, ${other.via}): send one`,
    );
  }
  return first;
}

/** Refuses a token by its length alone, before any work is done on it. */
export function checkTokenLength(token: string, limit: number = MAX_TOKEN): void {
  if (token.length > limit) {
    throw new HeddleError("unauthorized", `a token may have ${MAX_TOKEN} characters at most`);
  }
}

function inHeader(request: RequestHead): readonly FoundToken[] {
  const token = BEARER.exec(request.headers.get("authorization") ?? "")?.[1];
  return token ? [{ token, via: "header" }] : nowhere;
}

function inQuery(request: RequestHead): readonly FoundToken[] {
  return parametersOf(request, "token").concat(parametersOf(request, "auth_token"))
    .map((token): FoundToken => ({ token, via: "query" }));
}

function inSubprotocols(request: RequestHead): readonly FoundToken[] {
  const offered = request.headers.get("sec-websocket-protocol");
  if (offered === null) return nowhere;
  return offered.split(",").flatMap((name) => {
    const value = SUBPROTOCOL.exec(name.trim())?.[1];
    return value ? [{ token: decode(value), via: "subprotocol" }] : [];
  });
}

function decode(value: string): string {
  if (value.split(".").length === 3) return value;
  checkTokenLength(value, Math.ceil(MAX_TOKEN * 4 / 3));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(base64url.decode(value));
  } catch {
    throw new HeddleError(
      "unauthorized",
      "the subprotocol carries no token: after the dot comes a JWT, or one in base64url without padding",
    );
  }
}
