/**
 * Identities from signed tokens (RFC 7519).
 *
 * @module
 */
import type { JWTVerifyGetKey } from "jose";
import { systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkType, optionInvalid } from "../base/option_checks.ts";
import { type CheckingKey, type ClaimOptions, type Claims, verifier } from "./claims.ts";
import {
  anonymousIdentity,
  type Authenticate,
  checkIdentity,
  checkRole,
  DEFAULT_ROLE,
  type Identity,
} from "./identity.ts";
import { type GoodTokenOptions, remembering } from "./good_tokens.ts";
import { type JwksOptions, remoteKeys } from "./jwks.ts";
import {
  type Algorithm,
  ASYMMETRIC,
  asymmetricKey,
  type KeyMaterial,
  pickAlgorithms,
  secretKey,
} from "./key.ts";
import { byHead } from "./request_head.ts";
import { tokenFrom } from "./token.ts";

/** Takes something from the claims; undefined where it is not there. */
export type FromClaims = (claims: Claims) => unknown;

/** The options of {@linkcode jwtAuth}: exactly one of `secret`, `publicKey` and `jwks`, and more. */
export interface JwtAuthOptions extends ClaimOptions, JwksOptions, GoodTokenOptions {
  /** What issuer and hub share: 32 bytes or more for HS256, 48 for HS384, 64 for HS512. */
  readonly secret?: string | Uint8Array;
  /** The issuer's public key, as SPKI PEM, JWK or `CryptoKey`: RSA, EC P-256 or Ed25519. */
  readonly publicKey?: KeyMaterial;
  /** Where the issuer publishes its keys; `http:` only inside a network you trust. */
  readonly jwks?: string | URL;
  /**
   * Which algorithms a token may be signed with; each must fit the key.
   *
   * @default all that fit it: those a secret is long enough for, the one of a public key, or RS256,
   * ES256 and EdDSA for a key set
   */
  readonly algorithms?: readonly Algorithm[];
  /** The claim that holds the role, or a function that finds it. @default "role" */
  readonly roleClaim?: string | FromClaims;
  /** The role of a token without one. @default "viewer" */
  readonly defaultRole?: string;
  /** The claim that holds the user id, or a function that finds it. @default `sub`, else `user_id` */
  readonly userIdClaim?: string | FromClaims;
  /** Whether a request without any token is let in, as nobody. A bad token never is. @default false */
  readonly anonymous?: boolean;
}

const optionNames = Object.keys(
  {
    secret: true,
    publicKey: true,
    jwks: true,
    algorithms: true,
    roleClaim: true,
    defaultRole: true,
    userIdClaim: true,
    anonymous: true,
    issuer: true,
    audience: true,
    clockTolerance: true,
    requireExpiry: true,
    clock: true,
    jwksTimeout: true,
    jwksCooldown: true,
    jwksMaxAge: true,
    rememberedTokens: true,
  } satisfies Record<keyof JwtAuthOptions, true>,
);

/**
 * Tells who makes a request by the JWT it carries, wherever {@linkcode tokenFrom} finds it.
 *
 * Checked are the signature, the algorithm, `exp` and `nbf` with the clock tolerance, `iss` and `aud`
 * where the options name them, `token_type` (where the claim is there it must be `access`: a refresh
 * token does not connect), the user id and the role. {@linkcode Identity.expiresAt} is `exp`, and a
 * connection lives as much longer as `clockTolerance` says. A token that was good by a
 * `publicKey` is remembered for a minute (`rememberedTokens`).
 *
 * The authenticator throws {@linkcode HeddleError} `unauthorized`; `token_expired`, also for a token
 * without `exp` unless `requireExpiry` is false; `unavailable` where the key set cannot be had; and
 * `option_invalid` where `publicKey` turns out to be no key. No message holds the token.
 *
 * @throws {HeddleError} `option_invalid` for no key or several, a short secret, or an algorithm that
 * does not fit the key.
 *
 * @example
 * ```ts
 * import { jwtAuth, tokenIssuer } from "heddle";
 *
 * const secret = "an example of 32 bytes, no secret";
 * const token = await tokenIssuer({ secret }).issue({ userId: "u1", role: "admin" });
 * const authenticate = jwtAuth({ secret });
 * const { userId, role } = await authenticate(new Request(`http://localhost/ws?token=${token}`));
 * if (userId !== "u1" || role !== "admin") throw new Error("not recognised");
 * ```
 */
export function jwtAuth(options: JwtAuthOptions): Authenticate {
  checkNames("jwtAuth", options, optionNames);
  const { key, algorithms } = keyOf(options);
  const check = verifier(key, pickAlgorithms(options.algorithms, algorithms), options);
  // To check by a secret takes microseconds. A set may lose a key at any time, or not be there to ask: then
  // nothing stands for what it said.
  const verify = options.publicKey === undefined ? check : remembering(check, options);
  const { defaultRole = DEFAULT_ROLE, anonymous = false, clockTolerance } = options;
  checkRole("defaultRole", defaultRole);
  checkType("anonymous", anonymous, "boolean");
  const roleOf = finder("roleClaim", options.roleClaim, (claims) => own(claims, "role"));
  const userIdOf = finder("userIdClaim", options.userIdClaim, userIdFrom);

  function identify(claims: Claims): Identity {
    const type = own(claims, "token_type");
    if (type !== undefined && type !== "access") {
      throw new HeddleError("unauthorized", 'only a token of "token_type" access may connect');
    }
    const userId = userIdOf(claims) ?? null;
    if (userId === null) throw new HeddleError("unauthorized", "the token names no user");
    return checkIdentity({
      userId: userId as string,
      role: (roleOf(claims) ?? defaultRole) as string,
      claims,
      ...(claims.exp === undefined ? {} : { expiresAt: claims.exp }),
      ...(clockTolerance === undefined ? {} : { clockTolerance }),
    });
  }

  const nobody = anonymousIdentity();
  return byHead((request) => {
    const found = tokenFrom(request);
    if (found !== undefined) {
      const claims = verify(found.token);
      return claims instanceof Promise ? claims.then(identify) : identify(claims);
    }
    if (anonymous) return nobody;
    throw new HeddleError(
      "unauthorized",
      "a token is needed: in Authorization: Bearer, in ?token=, or as the subprotocol jwt.TOKEN",
    );
  });
}

/** The user id by the claims of the older systems: `sub`, else `user_id`. */
export function userIdFrom(claims: Claims): unknown {
  return own(claims, "sub") ?? own(claims, "user_id");
}

function keyOf(
  options: JwtAuthOptions,
): { readonly key: CheckingKey; readonly algorithms: readonly Algorithm[] } {
  const { secret, publicKey, jwks, clock = systemClock } = options;
  const given = [secret, publicKey, jwks].filter((key) => key !== undefined);
  if (given.length !== 1) {
    throw optionInvalid(
      `jwtAuth needs exactly one of secret, publicKey and jwks, and was given ${given.length}`,
    );
  }
  if (secret !== undefined) {
    const key = secretKey(secret);
    // Which algorithm the token names was judged before its key is asked for.
    const find: JWTVerifyGetKey = ({ alg }) => key.load(alg as Algorithm);
    return { key: { find, secret: key }, algorithms: key.algorithms };
  }
  if (publicKey !== undefined) {
    const { algorithm, load } = asymmetricKey("publicKey", publicKey);
    return { key: { find: load }, algorithms: [algorithm] };
  }
  return { key: { find: remoteKeys(jwks!, options, clock) }, algorithms: ASYMMETRIC };
}

function finder(
  option: "roleClaim" | "userIdClaim",
  claim: string | FromClaims | undefined,
  otherwise: FromClaims,
): FromClaims {
  if (claim === undefined) return otherwise;
  if (typeof claim === "function") return claim;
  if (typeof claim === "string" && claim !== "") return (claims) => own(claims, claim);
  throw optionInvalid(`${option} must be the name of a claim or a function`);
}

/** A claim called `constructor` is there only where the token has it. */
function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}
