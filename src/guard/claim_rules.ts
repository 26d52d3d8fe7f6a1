import type { Claims } from "./claims.ts";
import { CLOCK_TOLERANCE } from "./identity.ts";

/** What the claims of a token are judged by, as `jose` has it. */
export interface ClaimRules {
  readonly currentDate: Date;
  /** In seconds. */
  readonly clockTolerance: number;
  readonly issuer?: string[];
  readonly audience?: string[];
}

/** Whether what a token says of its times holds, in the seconds that `jose` goes by. */
export function isTimely(
  { exp, nbf }: Claims,
  wall: number,
  clockTolerance: number = CLOCK_TOLERANCE,
): boolean {
  const now = Math.floor(wall / 1000);
  return (exp === undefined || exp > now - clockTolerance) &&
    (nbf === undefined || nbf <= now + clockTolerance);
}

/** Whether claims are as the rules ask. Of those that are not, `jose` says why. */
export function isByRules(claims: Claims, rules: ClaimRules): boolean {
  const { issuer, audience, currentDate, clockTolerance } = rules;
  const { exp, nbf, iat, iss, aud } = claims;
  return isTime(exp) && isTime(nbf) && isTime(iat) &&
    isTimely(claims, currentDate.getTime(), clockTolerance) &&
    (issuer === undefined || isAmong(issuer, iss)) &&
    (audience === undefined ||
      (Array.isArray(aud) ? aud : [aud]).some((one) => isAmong(audience, one)));
}

function isTime(value: unknown): boolean {
  return value === undefined || typeof value === "number";
}

function isAmong(names: readonly string[], value: unknown): boolean {
  return typeof value === "string" && names.includes(value);
}
