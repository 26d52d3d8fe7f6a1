import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import {
  base64url,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { before, describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError, type HeddleErrorCode } from "../base/errors.ts";
import { jwtAuth, type JwtAuthOptions } from "./jwt.ts";
import { type Algorithm, ASYMMETRIC, type AsymmetricAlgorithm } from "./key.ts";

const SECRET = "0123456789abcdef".repeat(4);
const SHORT = SECRET.slice(0, 32);
const clock = manualClock();
const NOW = clock.wall() / 1000;
const utf8 = new TextEncoder();
type Pair = { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
const pairs = new Map<AsymmetricAlgorithm, Pair>();

before(async () => {
  for (const algorithm of ASYMMETRIC) {
    pairs.set(algorithm, await generateKeyPair(algorithm, { extractable: true }));
  }
});

function signed(
  claims: JWTPayload = {},
  alg: Algorithm = "HS256",
  key: CryptoKey | Uint8Array = utf8.encode(SECRET),
): Promise<string> {
  return new SignJWT({ sub: "u1", exp: NOW + 60, ...claims }).setProtectedHeader({ alg }).sign(key);
}

function asking(token: string): Request {
  return new Request(`http://localhost/ws?token=${encodeURIComponent(token)}`);
}

async function identify(token: string, options: JwtAuthOptions = { secret: SECRET }) {
  return await jwtAuth({ clock, ...options })(asking(token));
}

/** Refused by this code, without any part of the token in the error. */
async function refused(
  token: string,
  code: HeddleErrorCode,
  includes = "",
  options: JwtAuthOptions = { secret: SECRET },
): Promise<void> {
  const error = await assertRejects(() => identify(token, options), HeddleError, includes);
  assertEquals(error.code, code, error.message);
  for (const part of token.split(".")) {
    if (part.length > 8) assert(!`${error.stack}${error.cause}`.includes(part), error.message);
  }
}

function invalid(options: unknown, includes: string): void {
  const error = assertThrows(() => jwtAuth(options as JwtAuthOptions), HeddleError, includes);
  assertEquals(error.code, "option_invalid");
}

describe("jwtAuth() and its algorithms", () => {
  it("takes tokens of HS256, HS384 and HS512 by a secret of 64 bytes", async () => {
    for (const algorithm of ["HS256", "HS384", "HS512"] as const) {
      const { userId, expiresAt } = await identify(await signed({}, algorithm));
      assertEquals([userId, expiresAt], ["u1", NOW + 60]);
    }
  });

  it("takes a secret in bytes, which may change afterwards", async () => {
    const secret = utf8.encode(SECRET);
    const authenticate = jwtAuth({ secret, clock });
    secret.fill(0);
    assertEquals((await authenticate(asking(await signed()))).userId, "u1");
  });

  it("takes RS256, ES256 and EdDSA by a public key as PEM, JWK and CryptoKey", async () => {
    for (const [algorithm, { publicKey, privateKey }] of pairs) {
      const token = await signed({}, algorithm, privateKey);
      const pem = await exportSPKI(publicKey);
      const jwk = await exportJWK(publicKey);
      const named = { ...jwk, alg: algorithm, use: "sig", kid: "k" };
      for (const form of [pem, `\n${pem}\n\n`, jwk, named, publicKey]) {
        assertEquals((await identify(token, { publicKey: form })).userId, "u1", algorithm);
      }
    }
  });

  it("refuses a token of another key of the same kind", async () => {
    for (const [algorithm, { publicKey }] of pairs) {
      const { privateKey } = await generateKeyPair(algorithm);
      const token = await signed({}, algorithm, privateKey);
      await refused(token, "unauthorized", "signature", { publicKey });
    }
    const token = await signed({}, "HS256", utf8.encode(SECRET.toUpperCase()));
    await refused(token, "unauthorized", "signature");
  });

  it("refuses alg none, however it is written", async () => {
    const none = new UnsecuredJWT({ sub: "u1", exp: NOW + 60 }).encode();
    const [, payload] = none.split(".");
    const { publicKey } = pairs.get("RS256")!;
    for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
      const header = base64url.encode(JSON.stringify({ alg }));
      for (const token of [`${header}.${payload}.`, `${header}.${payload}.AAAA`]) {
        await refused(token, "unauthorized");
        await refused(token, "unauthorized", "", { publicKey });
      }
    }
    await refused(none, "unauthorized", "HS256");
  });

  it("refuses a token signed with a public key as if it were a secret", async () => {
    for (const [algorithm, { publicKey }] of pairs) {
      const pem = await exportSPKI(publicKey);
      const jwk = await exportJWK(publicKey);
      for (const secret of [pem, pem.trim(), JSON.stringify(jwk), `${jwk.x ?? jwk.n}`]) {
        for (const form of [pem, jwk, publicKey]) {
          const token = await signed({}, "HS256", utf8.encode(secret));
          await refused(token, "unauthorized", `not ${algorithm}`, { publicKey: form });
        }
      }
    }
  });

  it("refuses a key that the token brings along", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const token = await new SignJWT({ sub: "u1", exp: NOW + 60 })
      .setProtectedHeader({ alg: "ES256", jwk: await exportJWK(publicKey) })
      .sign(privateKey);
    await refused(token, "unauthorized", "signature", {
      publicKey: pairs.get("ES256")!.publicKey,
    });
  });

  it("takes only the algorithms it is told to", async () => {
    const options = { secret: SECRET, algorithms: ["HS384"] as const };
    assertEquals((await identify(await signed({}, "HS384"), options)).userId, "u1");
    await refused(await signed({}, "HS256"), "unauthorized", "not HS384", options);
  });

  it("takes of a short secret only the algorithms it is long enough for", async () => {
    const key = utf8.encode(SHORT);
    assertEquals((await identify(await signed({}, "HS256", key), { secret: SHORT })).userId, "u1");
    await refused(await signed({}, "HS384", key), "unauthorized", "not HS256", { secret: SHORT });
    invalid({ secret: SHORT, algorithms: ["HS512"] }, '"HS512" does not fit the key');
  });
});

describe("jwtAuth() and its options", () => {
  it("refuses an option that is none, which would leave open what was meant to be checked", () => {
    const options = { secret: "s".repeat(32), isuer: "https://issuer.example" };
    const { code, message } = assertThrows(() => jwtAuth(options), HeddleError);
    assertEquals(code, "option_invalid");
    assertStringIncludes(message, 'no option "jwtAuth.isuer"');
  });

  it("refuses a public key as the secret, in text and in bytes", async () => {
    const { publicKey } = await generateKeyPair("ES256", { extractable: true });
    const pem = await exportSPKI(publicKey);
    for (const secret of [pem, new TextEncoder().encode(pem)]) {
      const { message } = assertThrows(() => jwtAuth({ secret }), HeddleError);
      assertStringIncludes(message, "publicKey");
    }
  });

  it("needs exactly one key", () => {
    invalid({}, "exactly one of secret, publicKey and jwks, and was given 0");
    invalid({ secret: undefined }, "was given 0");
    invalid({ secret: SECRET, jwks: "https://localhost/jwks" }, "was given 2");
  });

  it("refuses a secret that is none or too short, and does not tell it", () => {
    const error = assertThrows(() => jwtAuth({ secret: "hunter2" }), HeddleError, "7 bytes");
    assert(!error.message.includes("hunter2"));
    invalid({ secret: SHORT.slice(1) }, "31 bytes");
    invalid({ secret: "" }, "0 bytes");
    invalid({ secret: 5 }, "must be a string");
    invalid({ secret: null }, "must be a string");
  });

  it("refuses algorithms that do not fit the kind of key", async () => {
    const { publicKey } = pairs.get("RS256")!;
    const publicPem = await exportSPKI(publicKey);
    invalid({ publicKey, algorithms: ["HS256"] }, '"HS256" does not fit the key');
    invalid({ publicKey: publicPem, algorithms: ["RS256", "HS256"] }, '"HS256" does not fit');
    invalid({ publicKey: publicPem, algorithms: ["ES256"] }, "takes RS256");
    invalid({ secret: SECRET, algorithms: ["RS256"] }, '"RS256" does not fit the key');
    invalid({ jwks: "https://localhost/", algorithms: ["HS256"] }, '"HS256" does not fit');
    for (const algorithms of [["none"], ["HS1"], [], "HS256", [null]]) {
      invalid({ secret: SECRET, algorithms }, "algorithm");
    }
  });

  it("refuses as a public key what is none", async () => {
    const { privateKey } = pairs.get("ES256")!;
    invalid({ publicKey: privateKey }, "may not be used to verify");
    invalid({ publicKey: await exportPKCS8(privateKey) }, "no SPKI PEM");
    invalid({ publicKey: await exportJWK(privateKey) }, "private JWK");
    invalid({ publicKey: { kty: "oct", k: base64url.encode(SECRET) } }, "no supported kind");
    invalid({ publicKey: { kty: "EC", crv: "P-384", x: "", y: "" } }, "no supported kind");
    invalid({ publicKey: { kty: "constructor" } }, "no supported kind");
    invalid({ publicKey: { ...await exportJWK(pairs.get("RS256")!.publicKey), alg: "PS256" } }, "");
    invalid({ publicKey: SECRET }, "no SPKI PEM");
    invalid({ publicKey: "-----BEGIN PUBLIC KEY-----\n%%\n-----END PUBLIC KEY-----" }, "base64");
    invalid({ publicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----" }, "kind");
    invalid({ publicKey: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----" }, "SPKI PEM");
    invalid({ publicKey: 5 }, "must be a key in PEM, a JWK or a CryptoKey");
    invalid({ publicKey: null }, "must be a key in PEM, a JWK or a CryptoKey");
    const { publicKey: other } = await generateKeyPair("ES384");
    invalid({ publicKey: other }, "no supported kind");
  });

  it("refuses an RSA key of fewer than 2048 bits", async () => {
    const { publicKey } = await crypto.subtle.generateKey(
      {
        name: "RSASSA-PKCS1-v1_5",
        hash: "SHA-256",
        modulusLength: 1024,
        publicExponent: new Uint8Array([1, 0, 1]),
      },
      true,
      ["sign", "verify"],
    );
    invalid({ publicKey }, "1024 bits");
    const token = await signed({}, "RS256", pairs.get("RS256")!.privateKey);
    await refused(token, "option_invalid", "1024 bits", { publicKey: await exportSPKI(publicKey) });
  });

  it("tells of a key that cannot be imported as soon as one is needed", async () => {
    const pem = await exportSPKI(pairs.get("ES256")!.publicKey);
    const lines = pem.split("\n");
    const cut = [lines[0], lines[1]!.slice(0, 60), ...lines.slice(3)].join("\n");
    const token = await signed({}, "ES256", pairs.get("ES256")!.privateKey);
    const options = { publicKey: cut };
    await refused(token, "option_invalid", "cannot be imported as a key for ES256", options);
  });

  it("refuses every other option that is not what it may be", () => {
    const wrong: [string, unknown[]][] = [
      ["issuer", ["", [], [""], 5, null]],
      ["audience", ["", [], [5]]],
      ["clockTolerance", [-1, NaN, Infinity, "5 s"]],
      ["roleClaim", ["", 5]],
      ["userIdClaim", ["", 5]],
      ["defaultRole", ["", 5]],
    ];
    for (const [name, values] of wrong) {
      for (const value of values) invalid({ secret: SECRET, [name]: value }, name);
    }
  });
});

describe("jwtAuth() and the claims", () => {
  it("gives the identity user id, role, claims and expiry", async () => {
    assertEquals(await identify(await signed({ role: "admin", team: 7 })), {
      userId: "u1",
      role: "admin",
      claims: { sub: "u1", exp: NOW + 60, role: "admin", team: 7 },
      expiresAt: NOW + 60,
    });
  });

  it("takes tokens of the issuer and the audience that the options name", async () => {
    const options = { secret: SECRET, issuer: ["me", "you"], audience: "hub" };
    const good = [{ iss: "me", aud: "hub" }, { iss: "you", aud: ["other", "hub"] }];
    for (const claims of good) {
      assertEquals((await identify(await signed(claims), options)).userId, "u1");
    }
    for (const iss of ["other", undefined, 5, ["me"]]) {
      const token = await signed({ iss, aud: "hub" } as JWTPayload);
      await refused(token, "unauthorized", '"iss"', options);
    }
    for (const aud of ["other", undefined, [], ["huh"]]) {
      const token = await signed({ iss: "me", aud } as JWTPayload);
      await refused(token, "unauthorized", '"aud"', options);
    }
  });

  it("takes a token that expired within the tolerance, and refuses one beyond it", async () => {
    assertEquals((await identify(await signed({ exp: NOW - 4 }))).expiresAt, NOW - 4);
    await refused(await signed({ exp: NOW - 5 }), "token_expired", "has expired");
    const exact = { secret: SECRET, clockTolerance: 0 };
    assertEquals((await identify(await signed({ exp: NOW + 1 }), exact)).userId, "u1");
    await refused(await signed({ exp: NOW }), "token_expired", "", exact);
  });

  it("goes by the clock it is given", async () => {
    const moving = manualClock();
    const authenticate = jwtAuth({ secret: SECRET, clock: moving });
    const token = await signed();
    await authenticate(asking(token));
    moving.advance(65_000);
    const error = await assertRejects(async () => await authenticate(asking(token)), HeddleError);
    assertEquals(error.code, "token_expired");
  });

  it("does not say that a forged token has expired", async () => {
    const forged = await signed({ exp: NOW - 100 }, "HS256", utf8.encode(SHORT));
    await refused(forged, "unauthorized", "signature");
  });

  it("refuses a token before its time, but for the tolerance", async () => {
    assertEquals((await identify(await signed({ nbf: NOW + 5 }))).userId, "u1");
    await refused(await signed({ nbf: NOW + 6 }), "unauthorized", '"nbf"');
  });

  it("counts a token without expiry as expired, unless the options let it live", async () => {
    const token = await new SignJWT({ sub: "u1" })
      .setProtectedHeader({ alg: "HS256" }).sign(utf8.encode(SECRET));
    await refused(token, "token_expired", 'no "exp"');
    const identity = await identify(token, { secret: SECRET, requireExpiry: false });
    assertEquals(identity, { userId: "u1", role: "viewer", claims: { sub: "u1" } });
  });

  it("refuses times that are none", async () => {
    for (const name of ["exp", "nbf", "iat"]) {
      for (const value of [`"${NOW + 60}"`, "null", "{}", "true"]) {
        await refused(
          await raw(`{"sub":"u1","exp":${NOW + 60},"${name}":${value}}`),
          "unauthorized",
        );
      }
    }
    await refused(await raw('{"sub":"u1","exp":1e999}'), "unauthorized", '"exp"');
  });

  it("takes the user id of sub, else of user_id", async () => {
    const ids: [JWTPayload, string][] = [
      [{ sub: "a", user_id: "b" }, "a"],
      [{ sub: undefined, user_id: "b" } as unknown as JWTPayload, "b"],
    ];
    for (const [claims, userId] of ids) {
      assertEquals((await identify(await signed(claims))).userId, userId);
    }
  });

  it("takes the user id and the role from where the options say", async () => {
    const token = await signed({ uid: "x", scopes: ["admin"], group: "bot" });
    const named = { secret: SECRET, userIdClaim: "uid", roleClaim: "group" };
    const byName = await identify(token, named);
    assertEquals([byName.userId, byName.role], ["x", "bot"]);
    const found = await identify(token, {
      secret: SECRET,
      userIdClaim: (claims) => `n-${claims["uid"]}`,
      roleClaim: (claims) => (claims["scopes"] as string[])[0],
    });
    assertEquals([found.userId, found.role], ["n-x", "admin"]);
  });

  it("refuses a token that names no user, or names one as no user may be called", async () => {
    for (const sub of [undefined, null]) {
      await refused(await signed({ sub } as unknown as JWTPayload), "unauthorized", "no user");
    }
    for (const sub of ["", "x".repeat(256), "a\nb", "a\u0000", "\u0085", 5, {}, ["u1"], true]) {
      const token = await signed({ sub } as unknown as JWTPayload);
      await refused(token, "unauthorized", "user id must be");
    }
    const missing = { secret: SECRET, userIdClaim: "constructor" };
    await refused(await signed(), "unauthorized", "no user", missing);
  });

  it("takes user ids that look like parts of an object for what they are", async () => {
    for (const sub of ["__proto__", "constructor", "x".repeat(255), "ünï 👍", "@all"]) {
      assertEquals((await identify(await signed({ sub }))).userId, sub);
    }
    const polluting = await raw(`{"sub":"u1","exp":${NOW + 60},"__proto__":{"role":"admin"}}`);
    assertEquals((await identify(polluting)).role, "viewer");
  });

  it("gives a token without a role the default one, and refuses a role that is no string", async () => {
    assertEquals((await identify(await signed())).role, "viewer");
    const options = { secret: SECRET, defaultRole: "guest", roleClaim: "toString" };
    assertEquals((await identify(await signed(), options)).role, "guest");
    for (const role of ["", 5, ["admin"], {}, false]) {
      await refused(await signed({ role }), "unauthorized", "a role must be");
    }
  });

  it("refuses a refresh token", async () => {
    assertEquals((await identify(await signed({ token_type: "access" }))).userId, "u1");
    for (const token_type of ["refresh", "", null, 5, "ACCESS"]) {
      await refused(await signed({ token_type }), "unauthorized", "token_type");
    }
  });
});

describe("jwtAuth() and the request", () => {
  it("refuses a request without a token, and says where one goes", async () => {
    const authenticate = jwtAuth({ secret: SECRET });
    const bare = new Request("http://localhost/ws");
    const error = await assertRejects(async () => await authenticate(bare), HeddleError, "Bearer");
    assertEquals(error.code, "unauthorized");
  });

  it("lets a request without a token in where anonymous is on, never one with a bad token", async () => {
    const options = { secret: SECRET, anonymous: true };
    const authenticate = jwtAuth(options);
    for (const query of ["", "?token="]) {
      const identity = await authenticate(new Request(`http://localhost/ws${query}`));
      assertEquals(identity, { userId: null, role: "anonymous", claims: {} });
    }
    await refused("x", "unauthorized", "", options);
    await refused(await signed({ exp: NOW - 60 }), "token_expired", "", options);
    const two = new Request("http://localhost/ws?token=a&token=b");
    await assertRejects(async () => await authenticate(two), HeddleError, "different tokens");
  });

  it("takes the token from the header and from a base64url subprotocol", async () => {
    const token = await signed();
    const places = [
      { Authorization: `Bearer ${token}` },
      { "Sec-WebSocket-Protocol": `jwt-auth, jwt.${base64url.encode(token)}` },
      { "Sec-WebSocket-Protocol": `jwt.${token}` },
    ];
    for (const headers of places) {
      const request = new Request("http://localhost/ws", { headers });
      assertEquals((await jwtAuth({ secret: SECRET, clock })(request)).userId, "u1");
    }
  });

  it("refuses a token above 8 KiB, though its signature holds", async () => {
    const token = await signed({ filler: "x".repeat(7000) });
    await refused(token, "unauthorized", "8192 characters at most");
  });

  it("refuses what is no signed JWT", async () => {
    const [header, payload, signature] = (await signed()).split(".");
    const encoded = (value: unknown) => base64url.encode(JSON.stringify(value));
    const shapes = [
      "x",
      "..",
      ".a.",
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}.${signature}.a.b`,
      ` ${header}.${payload}.${signature}`,
      `${header}.${payload}.${signature}=`,
      `${payload}.${header}.${signature}`,
      `${encoded([])}.${payload}.${signature}`,
      `${encoded({ alg: ["HS256"] })}.${payload}.${signature}`,
      `${encoded({ alg: "HS256", crit: ["exp"], exp: 1 })}.${payload}.${signature}`,
      `${encoded({ alg: "HS256", crit: ["b64"], b64: false })}.${payload}.${signature}`,
      `${encoded({ alg: "dir", enc: "A256GCM" })}..a.a.a`,
      await raw("[]"),
      await raw("null"),
      await raw("{"),
    ];
    for (const shape of shapes) await refused(shape, "unauthorized");
  });

  it("answers any string, and any change to a token, with a refusal alone", async () => {
    const authenticate = jwtAuth({ secret: SECRET, clock });
    const good = await signed();
    const part = fc.oneof(
      fc.string(),
      fc.json().map((text) => base64url.encode(text)),
      fc.uint8Array().map((bytes) => base64url.encode(bytes)),
      fc.constantFrom(...good.split(".")),
    );
    const token = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join(".")),
    ).filter((text) => text !== "" && text !== good);
    await fc.assert(fc.asyncProperty(token, async (text) => {
      const error = await assertRejects(async () => await authenticate(asking(text)), HeddleError);
      assert(error.code === "unauthorized" || error.code === "token_expired", error.code);
    }));
  });
});

/** Signs a payload that need not be a claims set. */
async function raw(payload: string): Promise<string> {
  const input = `${base64url.encode('{"alg":"HS256"}')}.${base64url.encode(payload)}`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(SECRET), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, utf8.encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}
