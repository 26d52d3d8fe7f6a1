/**
 * Who is at the other end of a connection.
 *
 * @module
 */
import type { MaybePromise } from "../base/maybe_promise.ts";
import { HeddleError } from "../base/errors.ts";
import { isUserId, USER_ID_RULE } from "../protocol/names.ts";
import { byHead } from "./request_head.ts";
import { tokenFrom } from "./token.ts";

/** Who it is, and what the hub knows of them. */
export interface Identity {
  /** 1 to 255 characters without control characters, or null for an anonymous connection. */
  readonly userId: string | null;
  /** The name that permissions are given to. */
  readonly role: string;
  /** What the credential said: the claims of a JWT, or what a custom `authenticate` puts here. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When the credential runs out, in seconds since 1970; absent where it does not. */
  readonly expiresAt?: number;
  /** For how many seconds after that it is still taken, 0 or more. @default 5 */
  readonly clockTolerance?: number;
}

/** By how many seconds clocks may differ where nobody says. */
export const CLOCK_TOLERANCE = 5;

/**
 * Tells who makes a request, before it is upgraded; and again for each token that a client sends with
 * `authenticate`: the request is then the one of before without its credentials, with that token as
 * `Authorization: Bearer` (see {@linkcode withToken}).
 *
 * It throws a {@linkcode HeddleError} `unauthorized` or `token_expired` to refuse with 401, with its
 * message, or `unavailable` where it cannot find out, to refuse with 503. Anything else it throws is
 * logged and refused with 401, and the peer is not told what it was.
 */
export type Authenticate = (request: Request) => MaybePromise<Identity>;

/** The role of a connection without a credential, where those are let in. */
export const ANONYMOUS_ROLE = "anonymous";

/** The role of a credential that names none. */
export const DEFAULT_ROLE = "viewer";

/** Makes the identity of a connection without a credential. */
export function anonymousIdentity(role: string = ANONYMOUS_ROLE): Identity {
  return { userId: null, role, claims: {} };
}

/**
 * Lets everybody in without a credential, under one role. For development, and for channels that are
 * public anyhow. Where some come with a token, {@linkcode jwtAuth} with `anonymous: true` is for both.
 *
 * The authenticator throws {@linkcode HeddleError} `unauthorized` for a request that carries a token:
 * nothing here can tell whether it holds, and whoever shows one expects to be somebody.
 *
 * @throws {HeddleError} `option_invalid` for a role that is no string, or empty.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub } from "heddle";
 *
 * await using hub = createHub({ auth: allowAnonymous(), channels: {} });
 * ```
 */
export function allowAnonymous(role: string = ANONYMOUS_ROLE): Authenticate {
  checkRole("role", role);
  const identity = anonymousIdentity(role);
  return byHead((request) => {
    if (tokenFrom(request) === undefined) return identity;
    throw new HeddleError(
      "unauthorized",
      "nobody can check a token here: connect without one, or give the hub jwtAuth({…, anonymous: true})",
    );
  });
}

/** @throws {HeddleError} `option_invalid` for what is no role. */
export function checkRole(name: string, role: string): void {
  if (typeof role === "string" && role !== "") return;
  throw new HeddleError("option_invalid", `${name} must be a non-empty string`);
}

/**
 * Checks what a custom `authenticate` or look-up returned, since a wrong identity must not pass.
 *
 * @param code By which error it is told: `option_invalid` where the application gave it as an argument.
 * @throws {HeddleError} `unauthorized`, or by that code, where it is no identity.
 */
export function checkIdentity(
  identity: Identity,
  code: "unauthorized" | "option_invalid" = "unauthorized",
): Identity {
  if (typeof identity !== "object" || identity === null) {
    throw new HeddleError(code, "the authenticator returned no identity");
  }
  const { userId, role, claims, expiresAt, clockTolerance = 0 } = identity;
  if (userId !== null && (typeof userId !== "string" || !isUserId(userId))) {
    throw new HeddleError(code, `a user id must be a string of ${USER_ID_RULE}, or null`);
  }
  if (typeof role !== "string" || role === "") {
    throw new HeddleError(code, "a role must be a non-empty string");
  }
  if (typeof claims !== "object" || claims === null) {
    throw new HeddleError(code, "claims must be an object");
  }
  if (expiresAt !== undefined && !Number.isFinite(expiresAt)) {
    throw new HeddleError(code, "expiresAt must be seconds since 1970, or absent");
  }
  if (!Number.isFinite(clockTolerance) || clockTolerance < 0) {
    throw new HeddleError(code, "clockTolerance must be seconds, 0 or more, or absent");
  }
  return identity;
}
