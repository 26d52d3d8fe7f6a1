/**
 * The application's own word on an identity, from its database.
 *
 * @module
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkType } from "../base/option_checks.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import { type Authenticate, checkIdentity, type Identity } from "./identity.ts";
import { ask, byHead, wholeOf } from "./request_head.ts";

/**
 * Looks a user up: returns the identity to go on with, the given one or another, or null to refuse.
 *
 * @param signal Aborted when the time is up; hand it to the database's driver.
 */
export type Lookup = (
  identity: Identity,
  request: Request,
  signal: AbortSignal,
) => MaybePromise<Identity | null>;

/** The options of {@linkcode withLookup}. */
export interface LookupOptions {
  /** How long a look-up may take, in milliseconds above 0. @default 2000 */
  readonly timeout?: number;
  /** Where the time comes from. @default systemClock */
  readonly clock?: Clock;
}

/**
 * Has every identity that `authenticate` found looked up before it counts. Anonymous ones are let
 * through, since there is no user to look up. It is asked for each connection, each HTTP request and
 * each `authenticate`: here the application says who is banned, which token is revoked (the claim `jti`)
 * and which role holds now. For connections there are, see `hub.revoke` and `hub.setRole`.
 *
 * It fails closed. The authenticator throws what `authenticate` throws; {@linkcode HeddleError}
 * `unauthorized` where the look-up returns null or no identity; and `unavailable` where it throws or
 * takes too long. The identity it returns lives no longer than the credential: `expiresAt` can be
 * made earlier, not later.
 *
 * @throws {HeddleError} `option_invalid` for a `timeout` that is none, a misspelt option, or what is no
 * function.
 *
 * @example
 * ```ts
 * import { jwtAuth, withLookup } from "heddle";
 *
 * const users = new Map([["u1", { role: "admin" }]]);
 * const secret = "an example of 32 bytes, no secret";
 * const authenticate = withLookup(jwtAuth({ secret }), (identity) => {
 *   const user = users.get(identity.userId!);
 *   return user === undefined ? null : { ...identity, role: user.role };
 * });
 * ```
 */
export function withLookup(
  authenticate: Authenticate,
  lookup: Lookup,
  options: LookupOptions = {},
): Authenticate {
  checkType("withLookup: authenticate", authenticate ?? null, "function");
  checkType("withLookup: lookup", lookup ?? null, "function");
  checkNames("withLookup", options, ["timeout", "clock"]);
  const { timeout = 2000, clock = systemClock } = options;
  if (!Number.isFinite(timeout) || timeout <= 0) {
    throw new HeddleError("option_invalid", "timeout must be milliseconds above 0");
  }
  return byHead(async (request) => {
    const identity = await ask(authenticate, request);
    if (identity.userId === null) return identity;
    const found = await within(
      timeout,
      clock,
      (signal) => lookup(identity, wholeOf(request), signal),
    );
    if (found === null) throw new HeddleError("unauthorized", "the user is not known here");
    return noLonger(checkIdentity(found), identity);
  });
}

async function within<T>(
  timeout: number,
  clock: Clock,
  start: (signal: AbortSignal) => MaybePromise<T>,
): Promise<T> {
  const controller = new AbortController();
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(timeout, () => {
      const error = new Error(`no answer within ${timeout} ms`);
      controller.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([start(controller.signal), late]);
  } catch (cause) {
    throw new HeddleError("unavailable", "the user could not be looked up", { cause });
  } finally {
    cancel();
  }
}

function noLonger(found: Identity, { expiresAt, clockTolerance }: Identity): Identity {
  if (expiresAt === undefined) return found;
  return {
    ...found,
    expiresAt: Math.min(found.expiresAt ?? Infinity, expiresAt),
    ...(clockTolerance === undefined ? {} : { clockTolerance }),
  };
}
