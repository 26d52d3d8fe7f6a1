/**
 * A token service of one's own, for applications without an identity provider.
 *
 * @module
 */
import { SignJWT } from "jose";
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkObject, optionInvalid } from "../base/option_checks.ts";
import { type Random, systemRandom, uuid } from "../base/random.ts";
import { isUserId, USER_ID_RULE } from "../protocol/names.ts";
import { type ClaimOptions, type Claims, verifier } from "./claims.ts";
import { checkRole } from "./identity.ts";
import { userIdFrom } from "./jwt.ts";
import {
  type Algorithm,
  asymmetricKey,
  type KeyMaterial,
  pickAlgorithms,
  publicPart,
  secretKey,
} from "./key.ts";
import { MAX_TOKEN } from "./token.ts";

/** The options of {@linkcode tokenIssuer}: exactly one of `secret` and `privateKey`, and more. */
export interface TokenIssuerOptions extends Pick<ClaimOptions, "clockTolerance"> {
  /** What issuer and hub share: 32 bytes or more for HS256, 48 for HS384, 64 for HS512. */
  readonly secret?: string | Uint8Array;
  /** A private key as PKCS #8 PEM, JWK or `CryptoKey`: RSA, EC P-256 or Ed25519. */
  readonly privateKey?: KeyMaterial;
  /** Needed beside a `privateKey` that may not be exported. @default taken from `privateKey` */
  readonly publicKey?: KeyMaterial;
  /** What tokens are signed with; it must fit the key. @default HS256, or the private key's own */
  readonly algorithm?: Algorithm;
  /** The `iss` of the tokens. @default none */
  readonly issuer?: string;
  /** The `aud` of the tokens. @default none */
  readonly audience?: string | readonly string[];
  /** How long a token holds, in whole seconds above 0. @default 7200 */
  readonly expiresIn?: number;
  /** Where the time comes from. @default systemClock */
  readonly clock?: Clock;
  /** Where the `jti` of each token comes from. @default systemRandom */
  readonly random?: Random;
}

/** What a token is to say. */
export interface TokenRequest {
  /** 1 to 255 characters without control characters: the token's `sub` and `user_id`. */
  readonly userId: string;
  /** The token's `role`. @default none, which a hub takes for "viewer" */
  readonly role?: string;
  /** Further claims, as JSON; none that the issuer writes itself. @default none */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** How long this token holds, in whole seconds above 0. @default that of the issuer */
  readonly expiresIn?: number;
}

/** Issues tokens, and checks those it issued. */
export interface TokenIssuer {
  /** @throws {HeddleError} `option_invalid` for a request or key that makes no token. */
  issue(request: TokenRequest): Promise<string>;
  /**
   * What a token says.
   *
   * @throws {HeddleError} `token_expired`, also without `exp`; `unauthorized` for any other fault.
   */
  verify(token: string): Promise<Claims>;
  /** Whose token it is, be it expired or not; null where it is not one of this issuer's. */
  userIdOf(token: string): Promise<string | null>;
}

const optionNames = Object.keys(
  {
    secret: true,
    privateKey: true,
    publicKey: true,
    algorithm: true,
    issuer: true,
    audience: true,
    expiresIn: true,
    clockTolerance: true,
    clock: true,
    random: true,
  } satisfies Record<keyof TokenIssuerOptions, true>,
);

const requestNames = Object.keys(
  {
    userId: true,
    role: true,
    claims: true,
    expiresIn: true,
  } satisfies Record<keyof TokenRequest, true>,
);

const OWN_CLAIMS = ["sub", "user_id", "role", "iss", "aud", "iat", "exp", "jti"];

/**
 * Makes a token service: what {@linkcode jwtAuth} with the same secret, or the public key to this
 * private one, lets in.
 *
 * @throws {HeddleError} `option_invalid` for no key or two, a short secret, an algorithm that does not
 * fit the key, or a misspelt option.
 *
 * @example
 * ```ts
 * import { tokenIssuer } from "heddle";
 *
 * const issuer = tokenIssuer({ secret: "an example of 32 bytes, no secret", issuer: "my-app" });
 * const token = await issuer.issue({ userId: "u1", role: "developer", expiresIn: 900 });
 * const claims = await issuer.verify(token);
 * if (claims.sub !== "u1" || claims.iss !== "my-app") throw new Error("not issued");
 * ```
 */
export function tokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  checkNames("tokenIssuer", options, optionNames);
  const { algorithm, signing, checking } = keysOf(options);
  const { issuer, audience, clock = systemClock, random = systemRandom } = options;
  const verify = verifier({ find: checking }, [algorithm], options);
  const usual = checkLife(options.expiresIn ?? 7200);

  function claimsOf(request: TokenRequest): Claims {
    checkNames("issue", request, requestNames);
    const { userId, role, claims = {}, expiresIn = usual } = request;
    checkObject("issue.claims", claims);
    if (typeof userId !== "string" || !isUserId(userId)) {
      throw optionInvalid(`userId must have ${USER_ID_RULE}`);
    }
    if (role !== undefined) checkRole("role", role);
    for (const name of OWN_CLAIMS) {
      if (Object.hasOwn(claims, name)) throw optionInvalid(`the issuer writes "${name}" itself`);
    }
    const iat = Math.floor(clock.wall() / 1000);
    return {
      ...claims,
      sub: userId,
      user_id: userId,
      ...(role === undefined ? {} : { role }),
      ...(issuer === undefined ? {} : { iss: issuer }),
      ...(audience === undefined ? {} : { aud: audience }),
      iat,
      exp: iat + checkLife(expiresIn),
      jti: uuid(random),
    };
  }

  return {
    async issue(request) {
      const claims = claimsOf(request);
      const key = await signing();
      const token = await sign(claims, key, algorithm);
      if (token.length <= MAX_TOKEN) return token;
      throw optionInvalid(`these claims make a token of more than ${MAX_TOKEN} characters`);
    },
    async verify(token) {
      return await verify(token);
    },
    async userIdOf(token) {
      try {
        const userId = userIdFrom(await verify(token, "any time"));
        return typeof userId === "string" ? userId : null;
      } catch (error) {
        if (error instanceof HeddleError && error.code !== "option_invalid") return null;
        throw error;
      }
    },
  };
}

async function sign(
  claims: Claims,
  key: CryptoKey,
  algorithm: Algorithm,
): Promise<string> {
  try {
    return await new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: "JWT" }).sign(key);
  } catch (cause) {
    throw optionInvalid("these claims cannot be written as a token", { cause });
  }
}

function checkLife(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw optionInvalid("expiresIn must be a whole number of seconds above 0");
}

interface Keys {
  readonly algorithm: Algorithm;
  readonly signing: () => Promise<CryptoKey>;
  readonly checking: () => Promise<CryptoKey>;
}

function keysOf({ secret, privateKey, publicKey, algorithm }: TokenIssuerOptions): Keys {
  if ((secret === undefined) === (privateKey === undefined)) {
    throw optionInvalid("tokenIssuer needs exactly one of secret and privateKey");
  }
  const wanted = algorithm === undefined ? undefined : [algorithm];
  if (privateKey === undefined) {
    const { algorithms, load } = secretKey(secret!);
    const name = pickAlgorithms(wanted, algorithms)[0]!;
    return { algorithm: name, signing: () => load(name), checking: () => load(name) };
  }
  const own = asymmetricKey("privateKey", privateKey);
  pickAlgorithms(wanted, [own.algorithm]);
  if (publicKey !== undefined) {
    const other = asymmetricKey("publicKey", publicKey);
    pickAlgorithms([other.algorithm], [own.algorithm]);
    return { algorithm: own.algorithm, signing: own.load, checking: other.load };
  }
  if (privateKey instanceof CryptoKey && !privateKey.extractable) {
    throw optionInvalid("publicKey is needed beside a privateKey that may not be exported");
  }
  let checking: Promise<CryptoKey> | undefined;
  return {
    algorithm: own.algorithm,
    signing: own.load,
    checking: () => checking ??= own.load().then((key) => publicPart(key, own.algorithm)),
  };
}
