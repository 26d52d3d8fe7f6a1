import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { base64url } from "jose";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { type ClaimOptions, type Claims, verifier, type Verify } from "./claims.ts";
import { type Algorithm, secretKey } from "./key.ts";
import { signedBySecret } from "./signed_by_secret.ts";

const SECRET = "0123456789abcdef".repeat(4);
const clock = manualClock();
const NOW = clock.wall() / 1000;
const key = secretKey(SECRET);
const rules = { currentDate: new Date(clock.wall()), clockTolerance: 5 };
const header = (alg: unknown, more: object = {}) => JSON.stringify({ alg, ...more });
const claims = (more: object = {}) => JSON.stringify({ sub: "u1", exp: NOW + 60, ...more });

function unsigned(head: string, payload: string): string {
  return `${base64url.encode(head)}.${base64url.encode(payload)}`;
}

function signed(head: string, payload: string, hash = "sha256", secret = SECRET): string {
  return withSignature(unsigned(head, payload), hash, secret);
}

function withSignature(input: string, hash: string, secret: string): string {
  return `${input}.${base64url.encode(createHmac(hash, secret).update(input).digest())}`;
}

/** What a check says of a token: the claims, or the refusal's code and words. */
async function said(verify: Verify, token: string, anyTime?: "any time"): Promise<unknown> {
  try {
    return await verify(token, anyTime);
  } catch (error) {
    assert(error instanceof HeddleError, `${error}`);
    return [error.code, error.message];
  }
}

describe("signedBySecret()", () => {
  const atOnce = signedBySecret(key, key.algorithms);

  it("takes tokens of HS256, HS384 and HS512, with whatever else their header says", () => {
    for (const bits of [256, 384, 512]) {
      for (const more of [{}, { typ: "JWT" }, { kid: "k", cty: "x", b64: false }]) {
        const token = signed(header(`HS${bits}`, more), claims(), `sha${bits}`);
        assertEquals(atOnce(token, rules)?.["sub"], "u1", token);
      }
    }
  });

  it("leaves to others what is forged, unsigned, of another algorithm, or extended", () => {
    const good = signed(header("HS256"), claims());
    const [head, payload, signature] = good.split(".") as [string, string, string];
    const left = [
      "",
      "..",
      `${head}.${payload}`,
      `${head}.${payload}.`,
      `${head}.${payload}.${signature}.`,
      `${head}.${payload}.${signature}.a.b`,
      `${head}.${payload}.${signature.slice(0, -4)}`,
      `${head}.${base64url.encode(claims({ role: "admin" }))}.${signature}`,
      `${base64url.encode(header("HS384"))}.${payload}.${signature}`,
      signed(header("HS256"), claims(), "sha256", `${SECRET}.`),
      signed(header("HS256"), claims(), "sha512"),
      signed(header("none"), claims()),
      signed(header(["HS256"]), claims()),
      signed(header("RS256"), claims()),
      signed(header("HS256", { crit: ["b64"], b64: true }), claims()),
      signed(header("HS256", { crit: [] }), claims()),
      signed(header("HS256"), "[]"),
      signed(header("HS256"), "{"),
      signed(header("HS256"), claims({ exp: NOW - 5 })),
      signed(header("HS256"), claims({ nbf: NOW + 6 })),
      signed(header("HS256"), claims({ exp: "soon" })),
    ];
    for (const token of left) assertEquals(atOnce(token, rules), undefined, token);
    assertEquals(signedBySecret(key, ["HS512"])(good, rules), undefined);
  });

  it("says of no token anything else than jose does", async () => {
    const jsonValue = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.integer(), fc.string());
    const time = fc.oneof(
      fc.integer({ min: NOW - 10, max: NOW + 10 }),
      fc.constantFrom(NOW + 60, NOW - 60, "1", null, 1e308, -1),
      jsonValue,
    );
    const maybe = { requiredKeys: [] };
    const payload = fc.oneof(
      {
        arbitrary: fc.record({
          sub: fc.string(),
          exp: time,
          nbf: time,
          iat: time,
          iss: name(),
          aud: names(),
        }, maybe).map((value) => JSON.stringify(value)),
        weight: 8,
      },
      { arbitrary: fc.constant(claims({ iss: "me", aud: "hub" })), weight: 4 },
      fc.json(),
      fc.string(),
    );
    const alg = fc.constantFrom("HS256", "HS384", "HS512", "none", "RS256", "hs256", "", 5, null);
    const head = fc.oneof(
      { arbitrary: fc.constantFrom(header("HS256"), header("HS512", { typ: "JWT" })), weight: 6 },
      {
        arbitrary: fc.record(
          {
            alg,
            typ: jsonValue,
            crit: fc.oneof(
              fc.constantFrom(["b64"], [], ["exp"], null, false, ["b64", "b64"]),
              jsonValue,
            ),
            b64: fc.oneof(fc.boolean(), jsonValue),
            zip: jsonValue,
          },
          maybe,
        ).map((value) => JSON.stringify(value)),
        weight: 3,
      },
      fc.json(),
      fc.constantFrom(
        '{"alg":"none","alg":"HS256"}',
        '{"alg":"HS256","__proto__":{"crit":[]}}',
        '\ufeff{"alg":"HS256"}',
      ),
    );
    const hash = fc.constantFrom("sha256", "sha256", "sha384", "sha512");
    const secret = fc.oneof(
      { arbitrary: fc.constant(SECRET), weight: 6 },
      fc.constant(`${SECRET}x`),
    );
    const change = fc.oneof(
      { arbitrary: fc.constant((token: string) => token), weight: 8 },
      fc.tuple(fc.nat(), fc.constantFrom("", "A", "_", "=", ".", "+", " ", "é")).map(
        ([at, by]) => (token: string) =>
          token.slice(0, at % token.length) + by + token.slice(at % token.length + 1),
      ),
      fc.nat(4).map((last) => (token: string) => token.slice(0, token.length - last)),
      fc.constantFrom(..."AEIMQUYcgkosw048BFJ").map((last) => (token: string) =>
        token.slice(0, -1) + last
      ),
    );
    const options: fc.Arbitrary<ClaimOptions> = fc.record({
      issuer: fc.constantFrom("me", ["me", "you"]),
      audience: fc.constantFrom("hub", ["hub", "huh"]),
      clockTolerance: fc.constantFrom(0, 5),
      requireExpiry: fc.boolean(),
    }, maybe);
    const algorithms: fc.Arbitrary<readonly Algorithm[]> = fc.constantFrom(key.algorithms, [
      "HS256",
    ], ["HS512", "HS384"]);
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          head,
          payload,
          hash,
          secret,
          changes: fc.tuple(change, change),
          options,
          algorithms,
          anyTime: fc.constantFrom(undefined, "any time" as const),
        }),
        async ({ head, payload, hash, secret, changes, options, algorithms, anyTime }) => {
          // What is signed may be written in no usual way too.
          const input = changes[0](unsigned(head, payload));
          const token = changes[1](withSignature(input, hash, secret));
          const find = ({ alg }: { readonly alg?: string }) => key.load(alg as Algorithm);
          const all = { ...options, clock };
          const byJose = await said(verifier({ find }, algorithms, all), token, anyTime);
          assertEquals(
            await said(verifier({ find, secret: key }, algorithms, all), token, anyTime),
            byJose,
          );
          const found: Claims | undefined = signedBySecret(key, algorithms)(token, rules);
          if (found !== undefined) taken++;
        },
      ),
      { numRuns: 400 },
    );
    assert(taken > 0, "no token was taken: the test tells nothing");
  });
});

function name() {
  return fc.oneof(fc.constantFrom("me", "you", "hub"), fc.jsonValue({ maxDepth: 1 }));
}

function names() {
  return fc.oneof(fc.constantFrom("hub", ["hub"], ["x", "hub"], []), fc.jsonValue({ maxDepth: 1 }));
}
