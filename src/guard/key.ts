/**
 * The keys that tokens are signed and checked with, and which algorithms each of them fits.
 *
 * A key decides its algorithms, never the token: so no public key is ever used as an HMAC secret
 * (RFC 8725 section 3.1).
 *
 * @module
 */
import { exportJWK, importJWK, importPKCS8, importSPKI, type JWK } from "jose";
import { optionInvalid } from "../base/option_checks.ts";
import { type HmacKey, isHmac } from "./hmac.ts";

/** An algorithm of RFC 7518 section 3.1 or RFC 8037 section 3.1 that Heddle signs and checks with. */
export type Algorithm = "HS256" | "HS384" | "HS512" | AsymmetricAlgorithm;

/** An algorithm with a private key that signs and a public one that checks. */
export type AsymmetricAlgorithm = "RS256" | "ES256" | "EdDSA";

/** The algorithms of a set of public keys. */
export const ASYMMETRIC: readonly AsymmetricAlgorithm[] = ["RS256", "ES256", "EdDSA"];

/** The runtime's own `CryptoKey`, also for a project that has no types of browsers to name it. */
type WebCryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** A key as an application has it: PEM (SPKI or PKCS #8), a JWK, or a `CryptoKey`. */
export type KeyMaterial = string | JWK | WebCryptoKey;

/** A key whose algorithm is known at once, while the runtime imports it only later. */
export interface AsymmetricKey {
  readonly algorithm: AsymmetricAlgorithm;
  /** @throws {HeddleError} `option_invalid` where the runtime cannot import it. */
  load(): Promise<WebCryptoKey>;
}

/** A shared secret that is imported once for each algorithm, and not anew for each token. */
export interface SecretKey {
  /** Those that it is long enough for. */
  readonly algorithms: readonly Algorithm[];
  /** Its key for one of them. */
  load(algorithm: Algorithm): Promise<WebCryptoKey>;
  /** Whether a signature by one of them is of this text; it is told at once. */
  hasSigned(text: string, signature: Uint8Array, algorithm: Algorithm): boolean;
}

type KeyOption = "publicKey" | "privateKey";

/** The hash of each, and its length in bytes, which is the least a secret may have (RFC 7518 section 3.2). */
const HASHES = [["HS256", "sha256", 32], ["HS384", "sha384", 48], ["HS512", "sha512", 64]] as const;

/** Key type and parameter, as JWK (RFC 7518 section 6) and WebCrypto name them. */
const KINDS: ReadonlyMap<string, AsymmetricAlgorithm> = new Map([
  ["RSA", "RS256"],
  ["EC P-256", "ES256"],
  ["OKP Ed25519", "EdDSA"],
  ["RSASSA-PKCS1-v1_5 SHA-256", "RS256"],
  ["ECDSA P-256", "ES256"],
  ["Ed25519", "EdDSA"],
]);

/** The AlgorithmIdentifier in DER at the start of SPKI and PKCS #8 (RFC 3279, RFC 5480, RFC 8410). */
const DER = /^30(?:[0-7].|81..|82.{4})(?:020100|020101)?30..(.{10,40})/;
const IDENTIFIERS: readonly (readonly [der: string, algorithm: AsymmetricAlgorithm])[] = [
  ["06092a864886f70d010101", "RS256"],
  ["06072a8648ce3d020106082a8648ce3d030107", "ES256"],
  ["06032b6570", "EdDSA"],
];

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, 64));

/** Whether it is a public key or a certificate in PEM (RFC 7468). */
export function isPublicPem(text: string): boolean {
  return /^\s*-----BEGIN (?:[A-Z]+ )*(?:PUBLIC KEY|CERTIFICATE)-----/.test(text);
}

/** Checks a shared secret and tells which algorithms it is long enough for. */
export function secretKey(secret: string | Uint8Array): SecretKey {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw optionInvalid("secret must be a string or a Uint8Array");
  }
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret.slice();
  // What everybody knows signs nothing: tokens by it would be anybody's.
  if (isPublicPem(textOf(bytes))) {
    throw optionInvalid("secret is a public key: give that as publicKey");
  }
  const fitting = HASHES.filter(([, , least]) => bytes.length >= least);
  const hashes = new Map<Algorithm, HmacKey["hash"]>(fitting.map(([name, hash]) => [name, hash]));
  const algorithms = [...hashes.keys()];
  if (algorithms.length === 0) {
    throw optionInvalid(
      `secret has ${bytes.length} bytes: HS256 needs 32 or more, HS384 48, HS512 64 ` +
        "(RFC 7518 section 3.2)",
    );
  }
  const keys = new Map<Algorithm, Promise<WebCryptoKey>>();
  return {
    algorithms,
    load(algorithm) {
      const known = keys.get(algorithm);
      if (known !== undefined) return known;
      const hash = `SHA-${algorithm.slice(2)}`;
      const key = crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, [
        "sign",
        "verify",
      ]);
      keys.set(algorithm, key);
      return key;
    },
    hasSigned(text, signature, algorithm) {
      const hash = hashes.get(algorithm);
      return hash !== undefined && isHmac(signature, text, { secret: bytes, hash });
    },
  };
}

/** Checks which of `fitting` are asked for: all of them where nothing is asked. */
export function pickAlgorithms(
  wanted: readonly Algorithm[] | undefined,
  fitting: readonly Algorithm[],
): readonly Algorithm[] {
  if (wanted === undefined) return fitting;
  if (!Array.isArray(wanted) || wanted.length === 0) {
    throw optionInvalid(`algorithms must be a list of ${fitting.join(", ")}`);
  }
  for (const name of wanted) {
    if (!fitting.includes(name)) {
      throw optionInvalid(
        `algorithm ${JSON.stringify(name)} does not fit the key, which takes ${fitting.join(", ")}`,
      );
    }
  }
  return [...wanted];
}

/** Recognises a public or private key. Private ones are imported so that {@linkcode publicPart} works. */
export function asymmetricKey(option: KeyOption, material: KeyMaterial): AsymmetricKey {
  if (typeof material === "string") return fromPem(option, material.trim());
  if (material instanceof CryptoKey) return fromCryptoKey(option, material);
  if (typeof material === "object" && material !== null && typeof material.kty === "string") {
    return fromJwk(option, material);
  }
  throw optionInvalid(`${option} must be a key in PEM, a JWK or a CryptoKey`);
}

/** The public key that checks what an extractable private one signs. */
export async function publicPart(
  privateKey: WebCryptoKey,
  algorithm: AsymmetricAlgorithm,
): Promise<WebCryptoKey> {
  const { kty, crv, x, y, n, e } = await exportJWK(privateKey) as Record<string, string>;
  const parts = Object.entries({ kty, crv, x, y, n, e }).filter(([, part]) => part !== undefined);
  return await fromParts(Object.fromEntries(parts) as unknown as JWK, algorithm);
}

async function fromParts(jwk: JWK, algorithm: AsymmetricAlgorithm): Promise<WebCryptoKey> {
  const key = await importJWK(jwk, algorithm);
  if (key instanceof Uint8Array) throw new TypeError("a secret is no public or private key");
  return key;
}

function fromPem(option: KeyOption, pem: string): AsymmetricKey {
  const label = option === "publicKey" ? "PUBLIC KEY" : "PRIVATE KEY";
  const form = option === "publicKey" ? "SPKI" : "PKCS #8";
  const body = pem.split(`-----BEGIN ${label}-----`)[1]?.split(`-----END ${label}-----`)[0];
  if (body === undefined || !pem.startsWith("-----BEGIN")) {
    throw optionInvalid(`${option} is no ${form} PEM, which starts with -----BEGIN ${label}-----`);
  }
  const identifier = DER.exec(hex(option, body))?.[1] ?? "";
  const algorithm = IDENTIFIERS.find(([der]) => identifier.startsWith(der))?.[1];
  return importedOnce(
    option,
    checkKind(option, algorithm),
    option === "publicKey"
      ? (name) => importSPKI(pem, name)
      : (name) => importPKCS8(pem, name, { extractable: true }),
  );
}

function hex(option: KeyOption, base64: string): string {
  try {
    return Array.from(atob(base64), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  } catch {
    throw optionInvalid(`${option} is no PEM: there is no base64 between its lines`);
  }
}

function fromJwk(option: KeyOption, jwk: JWK): AsymmetricKey {
  const { kty, crv, d, alg } = jwk as Partial<Record<string, string>>;
  const algorithm = checkKind(option, KINDS.get(crv === undefined ? `${kty}` : `${kty} ${crv}`));
  if ((d === undefined) !== (option === "publicKey")) {
    throw optionInvalid(`${option} is a ${d === undefined ? "public" : "private"} JWK`);
  }
  // RFC 9864 calls Ed25519 what RFC 8037 called EdDSA.
  if (alg !== undefined && alg !== algorithm && !(alg === "Ed25519" && algorithm === "EdDSA")) {
    throw optionInvalid(`${option} is a JWK for ${alg}: ${ASYMMETRIC.join(", ")} are supported`);
  }
  return importedOnce(option, algorithm, (name) => fromParts({ ...jwk, ext: true }, name));
}

function fromCryptoKey(option: KeyOption, key: WebCryptoKey): AsymmetricKey {
  const { name, hash, namedCurve } = key.algorithm as KeyAlgorithm & {
    readonly hash?: KeyAlgorithm;
    readonly namedCurve?: string;
  };
  const parameter = hash?.name ?? namedCurve;
  const algorithm = KINDS.get(parameter === undefined ? name : `${name} ${parameter}`);
  checkUse(option, key);
  return { algorithm: checkKind(option, algorithm), load: () => Promise.resolve(key) };
}

function checkKind(
  option: KeyOption,
  algorithm: AsymmetricAlgorithm | undefined,
): AsymmetricAlgorithm {
  if (algorithm !== undefined) return algorithm;
  throw optionInvalid(
    `${option} is of no supported kind: RSA (RS256), EC P-256 (ES256) and Ed25519 (EdDSA) are`,
  );
}

function checkUse(option: KeyOption, key: WebCryptoKey): void {
  const use = option === "publicKey" ? "verify" : "sign";
  if (!key.usages.includes(use)) throw optionInvalid(`${option} may not be used to ${use}`);
  const { modulusLength } = key.algorithm as Partial<RsaKeyAlgorithm>;
  // RFC 7518 section 3.3.
  if (modulusLength !== undefined && modulusLength < 2048) {
    throw optionInvalid(`${option} has ${modulusLength} bits: RS256 needs 2048 or more`);
  }
}

function importedOnce(
  option: KeyOption,
  algorithm: AsymmetricAlgorithm,
  load: (algorithm: AsymmetricAlgorithm) => Promise<WebCryptoKey>,
): AsymmetricKey {
  let loaded: Promise<WebCryptoKey> | undefined;
  async function once(): Promise<WebCryptoKey> {
    let key;
    try {
      key = await load(algorithm);
    } catch (cause) {
      throw optionInvalid(`${option} cannot be imported as a key for ${algorithm}`, { cause });
    }
    checkUse(option, key);
    return key;
  }
  return { algorithm, load: () => loaded ??= once() };
}
