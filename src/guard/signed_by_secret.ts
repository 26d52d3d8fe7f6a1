import { base64url, decodeJwt, decodeProtectedHeader } from "jose";
import { type ClaimRules, isByRules } from "./claim_rules.ts";
import type { Claims } from "./claims.ts";
import type { Algorithm, SecretKey } from "./key.ts";

/** Headers as most issuers write them, encoded, by which the algorithm is known without a parser. */
function usualHeaders(algorithms: readonly Algorithm[]): ReadonlyMap<string, Algorithm> {
  return new Map(
    algorithms.flatMap((alg) =>
      [{ alg }, { alg, typ: "JWT" }, { typ: "JWT", alg }].map((header) =>
        [base64url.encode(JSON.stringify(header)), alg] as const
      )
    ),
  );
}

/**
 * Makes a check that takes a token at once whose signature by a shared secret holds, and whose claims do by
 * the rules of `jose`. It refuses none: what it gives nothing for is to be judged by `jwtVerify`, which
 * says what is wrong, or knows better. What it takes `jwtVerify` takes.
 *
 * WebCrypto, by which `jose` checks, has another thread compute a signature: that takes ten times as long.
 */
export function signedBySecret(
  secret: SecretKey,
  algorithms: readonly Algorithm[],
): (token: string, rules: ClaimRules) => Claims | undefined {
  const usual = usualHeaders(algorithms);

  function algorithmOf(token: string): Algorithm | undefined {
    const { alg, crit } = decodeProtectedHeader(token);
    // Extensions may change what is signed.
    return crit === undefined ? algorithms.find((name) => name === alg) : undefined;
  }

  return (token, rules) => {
    try {
      const algorithm = usual.get(token.slice(0, token.indexOf("."))) ?? algorithmOf(token);
      if (algorithm === undefined) return undefined;
      const signatureAt = token.lastIndexOf(".") + 1;
      const signature = base64url.decode(token.slice(signatureAt));
      if (!secret.hasSigned(token.slice(0, signatureAt - 1), signature, algorithm)) {
        return undefined;
      }
      const claims: Claims = decodeJwt(token);
      return isByRules(claims, rules) ? claims : undefined;
    } catch {
      return undefined;
    }
  };
}
