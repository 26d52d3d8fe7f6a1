import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, SignJWT } from "jose";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import { tokenIssuer, type TokenIssuerOptions, type TokenRequest } from "./issuer.ts";
import { jwtAuth } from "./jwt.ts";
import { ASYMMETRIC } from "./key.ts";

const SECRET = "0123456789abcdef".repeat(4);
const NOW = manualClock().wall() / 1000;

function issuerAt(options: Partial<TokenIssuerOptions> = {}) {
  const clock = manualClock();
  return { clock, ...tokenIssuer({ secret: SECRET, clock, ...options }) };
}

function asking(token: string): Request {
  return new Request(`http://localhost/ws?token=${token}`);
}

function invalid(options: unknown, includes: string): void {
  const make = () => tokenIssuer(options as TokenIssuerOptions);
  assertEquals(assertThrows(make, HeddleError, includes).code, "option_invalid");
}

describe("tokenIssuer().issue()", () => {
  it("signs with HS256 for two hours, and names the user as both older systems do", async () => {
    const { issue, verify } = issuerAt({ random: seededRandom(1) });
    const token = await issue({ userId: "u1" });
    assertEquals(decodeProtectedHeader(token), { alg: "HS256", typ: "JWT" });
    const { jti, ...claims } = await verify(token);
    assertEquals(claims, { sub: "u1", user_id: "u1", iat: NOW, exp: NOW + 7200 });
    assertEquals(typeof jti, "string");
    assert(token !== await issue({ userId: "u1" }), "two tokens are the same");
  });

  it("writes role, further claims, issuer, audience and life as told", async () => {
    const { issue, verify } = issuerAt({ issuer: "me", audience: ["a", "b"], expiresIn: 60 });
    const claims = { token_type: "access", nested: { a: [1] } };
    const token = await issue({ userId: "u1", role: "bot", claims });
    const { iss, aud, role, token_type, nested, exp } = await verify(token);
    assertEquals([iss, aud, role, token_type, nested, exp], [
      "me",
      ["a", "b"],
      "bot",
      "access",
      { a: [1] },
      NOW + 60,
    ]);
    assertEquals((await verify(await issue({ userId: "u1", expiresIn: 5 }))).exp, NOW + 5);
  });

  it("makes tokens that jwtAuth lets in, by every algorithm and form of key", async () => {
    for (const algorithm of ["HS256", "HS384", "HS512"] as const) {
      const { issue, clock } = issuerAt({ algorithm });
      const authenticate = jwtAuth({ secret: SECRET, algorithms: [algorithm], clock });
      const { userId, role } = await authenticate(asking(await issue({ userId: "u", role: "r" })));
      assertEquals([userId, role], ["u", "r"]);
    }
    for (const algorithm of ASYMMETRIC) {
      const pair = await generateKeyPair(algorithm, { extractable: true });
      const { publicKey } = pair;
      const pem = await exportPKCS8(pair.privateKey);
      for (const privateKey of [pair.privateKey, pem, await exportJWK(pair.privateKey)]) {
        const clock = manualClock();
        const { issue, verify, userIdOf } = tokenIssuer({ privateKey, clock });
        const token = await issue({ userId: "u1" });
        assertEquals(decodeProtectedHeader(token).alg, algorithm);
        assertEquals((await jwtAuth({ publicKey, clock })(asking(token))).userId, "u1");
        assertEquals((await verify(token)).sub, "u1");
        assertEquals(await userIdOf(token), "u1");
      }
    }
  });

  it("needs the public key beside a private one that may not be exported", async () => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA");
    invalid({ privateKey }, "publicKey is needed");
    const { issue, verify } = tokenIssuer({ privateKey, publicKey });
    assertEquals((await verify(await issue({ userId: "u1" }))).sub, "u1");
  });

  it("refuses a request that makes no token", async () => {
    const { issue } = issuerAt();
    const wrong: [unknown, string][] = [
      [{}, "userId"],
      [{ userId: "" }, "userId"],
      [{ userId: "a\nb" }, "userId"],
      [{ userId: "x".repeat(256) }, "userId"],
      [{ userId: 5 }, "userId"],
      [{ userId: "u", role: "" }, "role"],
      [{ userId: "u", role: 5 }, "role"],
      [{ userId: "u", expiresIn: 0 }, "expiresIn"],
      [{ userId: "u", expiresIn: -1 }, "expiresIn"],
      [{ userId: "u", expiresIn: 1.5 }, "expiresIn"],
      [{ userId: "u", expiresIn: Infinity }, "expiresIn"],
      [{ userId: "u", claims: { sub: "other" } }, '"sub"'],
      [{ userId: "u", claims: { exp: 1 } }, '"exp"'],
      [{ userId: "u", claims: { role: "admin" } }, '"role"'],
      [{ userId: "u", claims: { n: 1n } }, "cannot be written"],
      [{ userId: "u", claims: { f: () => 1 } }, "cannot be written"],
      [{ userId: "u", claims: { filler: "x".repeat(8000) } }, "8192 characters"],
    ];
    for (const [request, includes] of wrong) {
      const error = await assertRejects(
        () => issue(request as TokenRequest),
        HeddleError,
        includes,
      );
      assertEquals(error.code, "option_invalid");
    }
  });

  it("refuses options that make no issuer", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    invalid({}, "exactly one of secret and privateKey");
    invalid({ secret: SECRET, privateKey }, "exactly one of secret and privateKey");
    invalid({ secret: "short" }, "5 bytes");
    invalid({ secret: SECRET, algorithm: "RS256" }, '"RS256" does not fit');
    invalid({ secret: SECRET, algorithm: "none" }, '"none" does not fit');
    invalid({ secret: SECRET.slice(0, 32), algorithm: "HS512" }, '"HS512" does not fit');
    invalid({ privateKey, algorithm: "HS256" }, '"HS256" does not fit');
    invalid({ privateKey: publicKey }, "may not be used to sign");
    invalid({ privateKey: await exportJWK(publicKey) }, "public JWK");
    invalid({ privateKey, publicKey: (await generateKeyPair("EdDSA")).publicKey }, "EdDSA");
    invalid({ secret: SECRET, expiresIn: 0 }, "expiresIn");
    invalid({ secret: SECRET, issuer: "" }, "issuer");
  });
});

describe("tokenIssuer().verify()", () => {
  it("refuses a token when its time is over, by the tolerance of 5 s", async () => {
    const { issue, verify, clock } = issuerAt();
    const token = await issue({ userId: "u1", expiresIn: 10 });
    clock.advance(14_000);
    await verify(token);
    clock.advance(1000);
    const error = await assertRejects(() => verify(token), HeddleError);
    assertEquals(error.code, "token_expired");
    assert(!error.message.includes(token));
  });

  it("refuses tokens of another secret, issuer, audience or algorithm, and no tokens", async () => {
    const { verify } = issuerAt({ issuer: "me", audience: "hub" });
    const others = [
      issuerAt({ issuer: "me", audience: "hub", secret: SECRET.toUpperCase() }),
      issuerAt({ issuer: "you", audience: "hub" }),
      issuerAt({ issuer: "me", audience: "other" }),
      issuerAt({ issuer: "me", audience: "hub", algorithm: "HS512" }),
      issuerAt(),
    ];
    const bad = await Promise.all(others.map(({ issue }) => issue({ userId: "u1" })));
    for (const token of [...bad, "", "x", "a.b.c", undefined as unknown as string]) {
      const error = await assertRejects(() => verify(token), HeddleError);
      assertEquals(error.code, "unauthorized");
    }
  });
});

describe("tokenIssuer() and a token above 8 KiB", () => {
  it("refuses it, though its signature holds", async () => {
    const { verify, userIdOf } = issuerAt();
    const token = await new SignJWT({ sub: "u1", exp: NOW + 60, filler: "x".repeat(7000) })
      .setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET));
    await assertRejects(() => verify(token), HeddleError, "8192 characters");
    assertEquals(await userIdOf(token), null);
  });
});

describe("tokenIssuer().userIdOf()", () => {
  it("tells the user of a token, expired or not", async () => {
    const { issue, userIdOf, clock } = issuerAt();
    const token = await issue({ userId: "u1", expiresIn: 10 });
    assertEquals(await userIdOf(token), "u1");
    clock.advance(100 * 365 * 86_400_000);
    assertEquals(await userIdOf(token), "u1");
  });

  it("tells the user of a token by user_id alone", async () => {
    const token = await new SignJWT({ user_id: "u2", exp: NOW - 1000 })
      .setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET));
    assertEquals(await issuerAt().userIdOf(token), "u2");
  });

  it("tells null for a token that is not its own, though it had been expired", async () => {
    const stranger = issuerAt({ secret: SECRET.toUpperCase() });
    const token = await stranger.issue({ userId: "u1", expiresIn: 1 });
    const { userIdOf, clock } = issuerAt();
    assertEquals(await userIdOf(token), null);
    clock.advance(60_000);
    assertEquals(await userIdOf(token), null);
  });

  it("tells null for any other string", async () => {
    const { userIdOf } = issuerAt();
    await fc.assert(fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
      assertEquals(await userIdOf(text), null);
    }));
  });
});
