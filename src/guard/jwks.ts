/**
 * Public keys that an issuer publishes by URL and changes when it likes (RFC 7517).
 *
 * @module
 */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { optionInvalid } from "../base/option_checks.ts";

/** How the key set is asked for; all times are milliseconds of the machine's own clock. */
export interface JwksOptions {
  /** How long one request may take. @default 5000 */
  readonly jwksTimeout?: number;
  /** How long after a request an unknown key is not asked for again. @default 30_000 */
  readonly jwksCooldown?: number;
  /** How long known keys are used without asking again. @default 600_000 */
  readonly jwksMaxAge?: number;
}

/** After a request that failed, nothing is asked for so many milliseconds, whatever tokens come. */
const REST = 1000;

/**
 * Finds the key of a token in the set at `url`.
 *
 * It throws {@linkcode HeddleError} `unavailable` where the set cannot be had, and what `jose` throws
 * where it was had and no key of it is the token's.
 */
export function remoteKeys(
  url: string | URL,
  options: JwksOptions,
  clock: Clock,
): JWTVerifyGetKey {
  const { jwksTimeout = 5000, jwksCooldown = 30_000, jwksMaxAge = 600_000 } = options;
  for (const [name, value] of Object.entries({ jwksTimeout, jwksCooldown, jwksMaxAge })) {
    if (!Number.isInteger(value) || value < 0) {
      throw optionInvalid(`${name} must be a whole number of milliseconds, 0 or more`);
    }
  }
  let restsUntil = -Infinity;
  const keys = createRemoteJWKSet(checkUrl(url), {
    timeoutDuration: jwksTimeout,
    cooldownDuration: jwksCooldown,
    cacheMaxAge: jwksMaxAge,
    [customFetch]: (address, init) =>
      clock.now() < restsUntil
        ? Promise.reject(new Error("the key set could not be had a moment ago"))
        : fetch(address, init),
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (
        cause instanceof errors.JWKSNoMatchingKey ||
        cause instanceof errors.JWKSMultipleMatchingKeys
      ) throw cause;
      // A refusal to ask must not prolong the rest, or steady traffic would never let it end.
      if (clock.now() >= restsUntil) restsUntil = clock.now() + REST;
      throw new HeddleError("unavailable", "the keys to check tokens with cannot be had", {
        cause,
      });
    }
  };
}

function checkUrl(url: string | URL): URL {
  if (!URL.canParse(url)) throw optionInvalid("jwks must be a URL");
  const parsed = new URL(url);
  if (!/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.password !== "") {
    throw optionInvalid("jwks must be an https: or http: URL without user and password");
  }
  return parsed;
}
