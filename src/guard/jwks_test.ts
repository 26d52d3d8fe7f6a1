import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError, type HeddleErrorCode } from "../base/errors.ts";
import { jwtAuth, type JwtAuthOptions } from "./jwt.ts";
import { ASYMMETRIC, type AsymmetricAlgorithm } from "./key.ts";

const clock = manualClock();
const EXP = clock.wall() / 1000 + 60;

let server: Server;
let url: string;
let asked: number;
let answer: RequestListener;

function publishing(...keys: readonly object[]): RequestListener {
  return (_request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ keys }));
  };
}

async function keyOf(algorithm: AsymmetricAlgorithm, kid?: string) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const id = kid === undefined ? {} : { kid };
  const jwk = { ...await exportJWK(publicKey), ...id };
  const token = await new SignJWT({ sub: "u1", exp: EXP })
    .setProtectedHeader({ alg: algorithm, ...id })
    .sign(privateKey);
  return { jwk, token };
}

function asking(token: string): Request {
  return new Request("http://localhost/ws", { headers: { Authorization: `Bearer ${token}` } });
}

function auth(options: Partial<JwtAuthOptions> = {}) {
  const authenticate = jwtAuth({ jwks: url, clock, ...options });
  return async (token: string) => await authenticate(asking(token));
}

async function refused(
  authenticate: (token: string) => Promise<unknown>,
  token: string,
  code: HeddleErrorCode,
): Promise<HeddleError> {
  const error = await assertRejects(() => authenticate(token), HeddleError);
  assertEquals(error.code, code, error.message);
  return error;
}

before(async () => {
  server = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
});
beforeEach(() => {
  asked = 0;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

describe("jwtAuth() with a key set by URL", () => {
  it("takes tokens of each kind of key in the set, and asks for it once", async () => {
    const keys = await Promise.all(ASYMMETRIC.map((algorithm) => keyOf(algorithm, algorithm)));
    answer = publishing(...keys.map(({ jwk }) => jwk));
    const authenticate = auth();
    for (const { token } of keys) assertEquals((await authenticate(token)).userId, "u1");
    assertEquals(asked, 1);
  });

  it("refuses a key id it does not know, and asks again for it only after the cooldown", async () => {
    const [known, unknown] = [await keyOf("ES256", "a"), await keyOf("ES256", "b")];
    answer = publishing(known.jwk);
    const cooling = auth();
    for (let i = 0; i < 5; i++) await refused(cooling, unknown.token, "unauthorized");
    assertEquals(asked, 1);
    await cooling(known.token);
    const hot = auth({ jwksCooldown: 0 });
    await hot(known.token);
    await refused(hot, unknown.token, "unauthorized");
    assertEquals(asked, 3);
  });

  it("finds a new key after the set was rotated, and forgets the old one", async () => {
    const [old, next] = [await keyOf("ES256", "old"), await keyOf("ES256", "next")];
    answer = publishing(old.jwk);
    const authenticate = auth({ jwksCooldown: 0 });
    await authenticate(old.token);
    answer = publishing(next.jwk);
    assertEquals((await authenticate(next.token)).userId, "u1");
    await refused(authenticate, old.token, "unauthorized");
  });

  it("tries every key that fits where keys have no id", async () => {
    const [one, two, three] = [await keyOf("ES256"), await keyOf("ES256"), await keyOf("ES256")];
    answer = publishing(one.jwk, two.jwk);
    const authenticate = auth();
    for (const { token } of [one, two]) assertEquals((await authenticate(token)).userId, "u1");
    await refused(authenticate, three.token, "unauthorized");
  });

  it("refuses another key under a known id, and an HMAC made with the public key", async () => {
    const [real, forged] = [await keyOf("RS256", "a"), await keyOf("RS256", "a")];
    answer = publishing(real.jwk);
    const authenticate = auth();
    await refused(authenticate, forged.token, "unauthorized");
    const token = await new SignJWT({ sub: "u1", exp: EXP })
      .setProtectedHeader({ alg: "HS256", kid: "a" })
      .sign(new TextEncoder().encode(JSON.stringify(real.jwk)));
    const error = await refused(authenticate, token, "unauthorized");
    assertEquals(error.message.includes("RS256 or ES256 or EdDSA"), true);
  });

  it("does not ask for keys for what is no token or of no algorithm it takes", async () => {
    const authenticate = auth({ algorithms: ["EdDSA"] });
    await refused(authenticate, "a.b", "unauthorized");
    await refused(authenticate, (await keyOf("ES256", "a")).token, "unauthorized");
    assertEquals(asked, 0);
  });

  it("is unavailable while the server errs, answers no key set, or redirects", async () => {
    const { token } = await keyOf("ES256", "a");
    const answers: RequestListener[] = [
      (_request, response) => response.writeHead(500).end(),
      (_request, response) => response.writeHead(302, { Location: url }).end(),
      (_request, response) => response.end("<html>"),
      (_request, response) => response.end("[]"),
      (request) => request.socket.destroy(),
    ];
    for (const bad of answers) {
      answer = bad;
      const error = await refused(auth(), token, "unavailable");
      assertEquals(error.cause instanceof Error, true);
      assertEquals(`${error.stack}`.includes(token), false);
    }
  });

  it("is unavailable where nobody listens", async () => {
    const { token } = await keyOf("ES256", "a");
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, "close");
    await refused(auth({ jwks: new URL(`http://127.0.0.1:${port}/`) }), token, "unavailable");
  });

  it("is unavailable where the server keeps silent for longer than the time-out", async () => {
    const { token } = await keyOf("ES256", "a");
    const { promise, release } = gate();
    answer = (_request, response) => void promise.then(() => response.end());
    // Until it struck after the server was asked, and not on the way there.
    for (let jwksTimeout = 50; asked === 0; jwksTimeout *= 2) {
      await refused(auth({ jwksTimeout }), token, "unavailable");
    }
    release();
  });

  it("is unavailable where the key of the token is damaged", async () => {
    const { jwk, token } = await keyOf("ES256", "a");
    answer = publishing({ ...jwk, x: undefined });
    await refused(auth(), token, "unavailable");
  });

  it("rests after a failure, whatever tokens come, and recovers by itself", async () => {
    const { jwk, token } = await keyOf("ES256", "a");
    const moving = manualClock();
    const authenticate = auth({ clock: moving });
    answer = (_request, response) => response.writeHead(503).end();
    for (let i = 0; i < 5; i++) await refused(authenticate, token, "unavailable");
    assertEquals(asked, 1);
    answer = publishing(jwk);
    moving.advance(999);
    await refused(authenticate, token, "unavailable");
    moving.advance(1);
    assertEquals((await authenticate(token)).userId, "u1");
    assertEquals(asked, 2);
  });

  it("goes on with the keys it has while the server is down", async () => {
    const { jwk, token } = await keyOf("ES256", "a");
    const other = await keyOf("ES256", "b");
    answer = publishing(jwk);
    const authenticate = auth({ jwksCooldown: 0 });
    await authenticate(token);
    answer = (_request, response) => response.writeHead(503).end();
    await refused(authenticate, other.token, "unavailable");
    assertEquals((await authenticate(token)).userId, "u1");
  });

  it("refuses a token that was good as soon as its key has left the set", async () => {
    const { jwk, token } = await keyOf("ES256", "a");
    const next = await keyOf("ES256", "b");
    answer = publishing(jwk);
    const authenticate = auth({ jwksMaxAge: 0, jwksCooldown: 0 });
    await authenticate(token);
    answer = publishing(next.jwk);
    await refused(authenticate, token, "unauthorized");
  });

  it("asks once for many tokens at a time", async () => {
    const { jwk, token } = await keyOf("ES256", "a");
    const { promise, release } = gate();
    answer = (request, response) => void promise.then(() => publishing(jwk)(request, response));
    const authenticate = auth();
    const all = Array.from({ length: 20 }, () => authenticate(token));
    release();
    for (const identity of await Promise.all(all)) assertEquals(identity.userId, "u1");
    assertEquals(asked, 1);
  });

  it("refuses URLs and times that are none", () => {
    const wrong: Partial<JwtAuthOptions>[] = [
      { jwks: "" },
      { jwks: "/jwks" },
      { jwks: "file:///etc/passwd" },
      { jwks: "data:application/json,{}" },
      { jwks: "https://user:password@localhost/" },
      { jwksTimeout: -1 },
      { jwksTimeout: 0.5 },
      { jwksCooldown: NaN },
      { jwksMaxAge: -1 },
    ];
    for (const options of wrong) {
      const error = assertThrows(() => auth(options), HeddleError, "jwks");
      assertEquals(error.code, "option_invalid");
      assertEquals(error.message.includes("password@"), false);
    }
  });
});

function gate(): { readonly promise: Promise<void>; readonly release: () => void } {
  let release = (): void => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}
