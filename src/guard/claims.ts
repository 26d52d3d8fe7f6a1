/**
 * From a token to its claims: signature, algorithm, issuer, audience and times.
 *
 * @module
 */
import { errors, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions } from "jose";
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkType, optionInvalid } from "../base/option_checks.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import { CLOCK_TOLERANCE } from "./identity.ts";
import { type Algorithm, type SecretKey } from "./key.ts";
import { signedBySecret } from "./signed_by_secret.ts";
import { checkTokenLength } from "./token.ts";

/** What a token says, once its signature holds. `exp`, `nbf` and `iat` are seconds since 1970. */
export interface Claims extends Readonly<Record<string, unknown>> {
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
}

/** What a token must say to be good. */
export interface ClaimOptions {
  /** Who may have issued it: its `iss` must be one of these. @default anyone who has the key */
  readonly issuer?: string | readonly string[];
  /** Whom it must be meant for: its `aud` must name one of these. @default anyone */
  readonly audience?: string | readonly string[];
  /** By how many seconds the issuer's clock and this one may differ, 0 or more. @default 5 */
  readonly clockTolerance?: number;
  /** Whether a token that never expires is refused, as if it had. @default true */
  readonly requireExpiry?: boolean;
  /** Where the time comes from. @default systemClock */
  readonly clock?: Clock;
}

/** Checks a token; the time is the clock's unless given. What it refuses it may do so at once, by a throw. */
export type Verify = (token: string, anyTime?: "any time") => MaybePromise<Claims>;

/** What a signature is checked with. */
export interface CheckingKey {
  readonly find: JWTVerifyGetKey;
  /** The secret itself, where it is one that issuer and hub share. */
  readonly secret?: SecretKey | undefined;
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["iss", 'its issuer ("iss") is not one this server takes'],
  ["aud", 'it is not meant for this server ("aud")'],
  ["nbf", 'it is not valid yet ("nbf")'],
]);

/**
 * Makes the check of tokens signed with one of `algorithms`. Its refusals are HeddleErrors:
 * `token_expired`; `unauthorized`; `unavailable` where it could not be told. None holds the token.
 */
export function verifier(
  key: CheckingKey,
  algorithms: readonly Algorithm[],
  options: ClaimOptions,
): Verify {
  const { clockTolerance = CLOCK_TOLERANCE, requireExpiry = true, clock = systemClock } = options;
  checkType("requireExpiry", requireExpiry, "boolean");
  if (!Number.isFinite(clockTolerance) || clockTolerance < 0) {
    throw optionInvalid("clockTolerance must be a number of seconds, 0 or more");
  }
  const fixed = {
    algorithms: [...algorithms],
    ...names("issuer", options.issuer),
    ...names("audience", options.audience),
  };
  const atOnce = key.secret && signedBySecret(key.secret, algorithms);

  /** @throws {HeddleError} where it is missing or no time. */
  function withExpiry(claims: Claims): Claims {
    if (claims.exp === undefined) {
      if (requireExpiry) throw new HeddleError("token_expired", 'the token has no "exp" claim');
    } else if (!Number.isFinite(claims.exp)) {
      throw refuse('its "exp" claim is no time');
    }
    return claims;
  }

  async function verify(token: string, rules: JWTVerifyOptions): Promise<Claims> {
    try {
      return withExpiry(await check(token, key.find, rules));
    } catch (error) {
      throw refusal(error, algorithms);
    }
  }

  return (token, anyTime) => {
    if (typeof token !== "string") throw refuse("it is no string");
    checkTokenLength(token);
    if (!JWT.test(token)) throw refuse("it is no JWT: three base64url parts joined by dots");
    const rules = {
      ...fixed,
      currentDate: new Date(clock.wall()),
      clockTolerance: anyTime === undefined ? clockTolerance : Number.MAX_SAFE_INTEGER,
    };
    const claims = atOnce?.(token, rules);
    return claims === undefined ? verify(token, rules) : withExpiry(claims);
  };
}

function names<O extends "issuer" | "audience">(
  option: O,
  value: string | readonly string[] | undefined,
): { readonly [option in O]?: string[] } {
  if (value === undefined) return {};
  const list = typeof value === "string" ? [value] : value;
  if (
    !Array.isArray(list) || list.length === 0 ||
    !list.every((name) => typeof name === "string" && name !== "")
  ) throw optionInvalid(`${option} must be a non-empty string or a list of them`);
  return { [option]: [...list] } as { readonly [option in O]: string[] };
}

async function check(
  token: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<Claims> {
  try {
    return (await jwtVerify(token, key, options)).payload as Claims;
  } catch (several) {
    if (!(several instanceof errors.JWKSMultipleMatchingKeys)) throw several;
    // A set may hold keys without ids, most of all while it rotates: any of them may have signed.
    for await (const one of several) {
      try {
        return (await jwtVerify(token, one, options)).payload as Claims;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** What `jose` threw, without its `cause`: that holds the claims, which belong in no log. */
function refusal(error: unknown, algorithms: readonly Algorithm[]): HeddleError {
  if (error instanceof HeddleError) return error;
  if (error instanceof errors.JWTExpired) {
    return new HeddleError("token_expired", "the token has expired");
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refuse(PROBLEMS.get(error.claim) ?? `its "${error.claim}" claim is not as it must be`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refuse(`its algorithm is not ${algorithms.join(" or ")}`);
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey
  ) return refuse("its signature is by no key this server knows");
  if (error instanceof errors.JOSEError) return refuse("it is no signed JWT");
  return new HeddleError("unavailable", "the token could not be checked", { cause: error });
}

function refuse(problem: string): HeddleError {
  return new HeddleError("unauthorized", `the token is refused: ${problem}`);
}
