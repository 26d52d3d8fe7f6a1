/**
 * Attacks with tokens, over real sockets: each is tried at every place where a token is taken.
 */
import { assert, assertEquals } from "@std/assert";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { channel } from "../channel/definition.ts";
import type { Authenticate } from "../guard/identity.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import { connectRefused } from "../testing/raw_client.ts";
import { clientsOf, type Target, target } from "./testing.ts";

const secret = "a secret of at least thirty-two bytes";
const issuer = "https://issuer.example";
const audience = "heddle";
const now = Math.floor(Date.now() / 1000);
/** What a token must say to be good. */
const good = { sub: "u1", role: "admin", iss: issuer, aud: audience, exp: now + 3_600 };

const part = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Makes a token by hand, of whatever head and claims. */
function forged(head: object, claims: unknown, key: string | undefined = secret): string {
  const signed = `${part(head)}.${part(claims)}`;
  const signature = key === undefined ? "" : createHmac("sha256", key).update(signed).digest();
  return `${signed}.${signature === "" ? "" : signature.toString("base64url")}`;
}

const hs256 = (claims: unknown) => forged({ alg: "HS256", typ: "JWT" }, claims);

function serveHubOf(name: string, auth: Authenticate, token: () => string): Promise<Target> {
  const hub = createHub({
    auth,
    channels: { open: channel(), secret: channel({ permissions: { admin: ["subscribe"] } }) },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const connect = clientsOf();
  return target(name, hub, (url) => connect(`${url}?token=${token()}`));
}

/** A refusal at the door, and on a connection. */
interface Refused {
  readonly status: number;
  readonly error: string;
  readonly code: string;
}

const unauthorized: Refused = { status: 401, error: "unauthorized", code: "unauthorized" };
const expired: Refused = { status: 401, error: "token_expired", code: "token_expired" };
const unavailable: Refused = { status: 503, error: "unavailable", code: "internal" };

describe("A hub whose tokens are attacked", () => {
  const open = clientsOf();
  const targets: Target[] = [];
  const pair = generateKeyPair("RS256", { extractable: true });
  let [shared, asymmetric, published, down, slow]: (Target | undefined)[] = [];
  let rsaToken: string;
  let pem: string;
  let jwk: string;
  let answer: RequestListener;
  const keys = createServer((request, response) => answer(request, response));

  async function add(name: string, auth: Authenticate, token: () => string): Promise<Target> {
    const added = await serveHubOf(name, auth, token);
    targets.push(added);
    return added;
  }

  const rsa = async (claims: JWTPayload, head: object = {}) =>
    await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "known", ...head })
      .sign((await pair).privateKey);

  before(async () => {
    const { publicKey } = await pair;
    pem = await exportSPKI(publicKey);
    const exported = { ...await exportJWK(publicKey), kid: "known", alg: "RS256" };
    jwk = JSON.stringify(exported);
    answer = (_request, response) => response.end(JSON.stringify({ keys: [exported] }));
    keys.listen(0, "127.0.0.1");
    await once(keys, "listening");
    const jwks = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/`;
    rsaToken = await rsa(good);
    const terms = { issuer, audience };
    const rsaOnly = () => rsaToken;
    shared = await add(
      "tokens of a shared secret",
      jwtAuth({ secret, ...terms }),
      () => hs256(good),
    );
    asymmetric = await add("tokens of a key", jwtAuth({ publicKey: pem, ...terms }), rsaOnly);
    published = await add("tokens of a key set", jwtAuth({ jwks, ...terms }), rsaOnly);
    // These ask each time, as a set does whose keys have grown old.
    const anew = { jwks, jwksMaxAge: 0, jwksCooldown: 0, ...terms };
    down = await add("a key set that is down", jwtAuth(anew), rsaOnly);
    slow = await add("a key set that is slow", jwtAuth({ ...anew, jwksTimeout: 200 }), rsaOnly);
  });
  after(async () => {
    for (const one of targets) await one.close();
    keys.closeAllConnections();
    keys.close();
  });

  /** A token is refused in the query, the header and the subprotocol, by REST and by `authenticate`. */
  async function refused(
    where: Target,
    token: string,
    how: Refused,
    client: string,
  ): Promise<void> {
    const living = await open(`${where.url}?token=${client}`);
    await living.json();
    await where.during(async () => {
      const headers = { Authorization: `Bearer ${token}` };
      const tries = [
        await connectRefused(`${where.url}?token=${encodeURIComponent(token)}`),
        await connectRefused(`${where.url}?auth_token=${encodeURIComponent(token)}`),
        await connectRefused(where.url, { headers }),
        await connectRefused(where.url, {
          headers: { "Sec-WebSocket-Protocol": `heddle.v1, jwt.${part(token)}` },
        }),
      ];
      const rest = await fetch(`${where.http}/api/v1/websocket/status`, { headers });
      tries.push({ status: rest.status, headers: {}, body: await rest.text() });
      for (const { status, body } of tries) {
        assertEquals([status, JSON.parse(body).error], [how.status, how.error], body);
        assert(!body.includes(token), body);
      }
      const error = await living.ask({ type: "authenticate", token });
      assertEquals([error["type"], error["code"]], ["error", how.code], JSON.stringify(error));
      assert(!JSON.stringify(error).includes(token));
      const subscribed = await living.ask({ type: "subscribe", channels: ["secret"] });
      assertEquals(subscribed["channels"], ["secret"], "the connection goes on as it was");
    });
    living.terminate();
  }

  it("takes the good tokens that the attacks are made from", async () => {
    for (
      const [where, token] of [[shared, hs256(good)], [asymmetric, rsaToken], [published, rsaToken]]
    ) {
      const client = await open(`${(where as Target).url}?token=${token as string}`);
      assertEquals((await client.json())["role"], "admin");
      assertEquals((await client.ask({ type: "authenticate", token }))["type"], "authenticated");
      client.terminate();
    }
  });

  for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
    it(`refuses alg "${alg}", without a signature and with one`, async () => {
      for (const key of [undefined, secret]) {
        await refused(shared!, forged({ alg, typ: "JWT" }, good, key), unauthorized, hs256(good));
      }
    });
  }

  it("refuses HS256 by the public key (key confusion)", async () => {
    for (const key of [pem, pem.trim(), jwk]) {
      for (const where of [asymmetric!, published!]) {
        await refused(
          where,
          forged({ alg: "HS256", kid: "known" }, good, key),
          unauthorized,
          rsaToken,
        );
      }
    }
  });

  it("refuses a key that the token brings along or points at", async () => {
    const own = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    for (const head of [{ jwk }, { jku: "http://127.0.0.1:1/" }, { x5u: "http://127.0.0.1:1/" }]) {
      const token = await new SignJWT(good)
        .setProtectedHeader({ alg: "RS256", kid: "known", ...head }).sign(own.privateKey);
      await refused(published!, token, unauthorized, rsaToken);
    }
  });

  const claims: readonly (readonly [string, object, Refused])[] = [
    ["a wrong issuer", { iss: "https://evil.example" }, unauthorized],
    ["an issuer that only starts like ours", { iss: `${issuer}.evil.example` }, unauthorized],
    ["no issuer", { iss: undefined }, unauthorized],
    ["a wrong audience", { aud: "another" }, unauthorized],
    ["no audience", { aud: undefined }, unauthorized],
    ["a time that is over", { exp: now - 60 }, expired],
    ["no end", { exp: undefined }, expired],
    ["an end that is no time", { exp: "tomorrow" }, unauthorized],
    ["a beginning that is to come", { nbf: now + 600 }, unauthorized],
    ["another use", { token_type: "refresh" }, unauthorized],
    ["nobody", { sub: undefined }, unauthorized],
    ["a user id of control characters", { sub: "u1\r\nX-Role: admin" }, unauthorized],
    ["a user id that is a list", { sub: ["u1"] }, unauthorized],
    ["a role that is an object", { role: { admin: true } }, unauthorized],
  ];
  for (const [title, changes, how] of claims) {
    it(`refuses a token of ${title}`, async () => {
      await refused(shared!, hs256({ ...good, ...changes }), how, hs256(good));
    });
  }

  it("refuses an unknown kid, and goes on with the known one", async () => {
    for (const kid of ["unknown", "../../known", "known' OR '1'='1", "__proto__"]) {
      await refused(published!, await rsa(good, { kid }), unauthorized, rsaToken);
    }
  });

  it("refuses a token that was changed, cut short or put together from two", async () => {
    const [head, , signature] = hs256(good).split(".");
    const more = part({ ...good, sub: "root" });
    for (
      const token of [`${head}.${more}.${signature}`, `${head}.${more}`, "a.b.c", "..", "null"]
    ) {
      await refused(shared!, token, unauthorized, hs256(good));
    }
  });

  it("refuses a huge token without a look at it", async () => {
    await refused(
      shared!,
      hs256({ ...good, filler: "x".repeat(6_200) }),
      unauthorized,
      hs256(good),
    );
    const client = await open(`${shared!.url}?token=${hs256(good)}`);
    const { code } = await client.ask({ type: "authenticate", token: "x".repeat(20_000) });
    assertEquals(code, "message_too_large");
    client.terminate();
  });

  it("refuses another user's token on a connection, and anybody's on nobody's", async () => {
    const client = await open(`${shared!.url}?token=${hs256(good)}`);
    const other = hs256({ ...good, sub: "u2" });
    assertEquals((await client.ask({ type: "authenticate", token: other }))["code"], "forbidden");
    assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
    client.terminate();
  });

  it("refuses everybody while the key set is down, and keeps who is connected", async () => {
    const answering = answer;
    const living = await open(`${down!.url}?token=${rsaToken}`);
    await living.json();
    await down!.during(async () => {
      answer = (request) => request.socket.destroy();
      try {
        const { status, body, headers } = await connectRefused(`${down!.url}?token=${rsaToken}`);
        assertEquals([status, JSON.parse(body).error], [unavailable.status, unavailable.error]);
        assert(Number(headers["retry-after"]) > 0);
        const error = await living.ask({ type: "authenticate", token: rsaToken });
        assertEquals([error["code"], error["retry_after"]], [unavailable.code, 5]);
        assertEquals((await living.ask({ type: "ping" }))["type"], "pong");
      } finally {
        answer = answering;
      }
    });
    living.terminate();
  });

  it("refuses after the time-out while the key set is slow, and answers others meanwhile", async () => {
    const answering = answer;
    await slow!.during(async () => {
      answer = () => {};
      try {
        const tries = Array.from(
          { length: 20 },
          () => connectRefused(`${slow!.url}?token=${rsaToken}`),
        );
        for (const { status } of await Promise.all(tries)) assertEquals(status, unavailable.status);
      } finally {
        answer = answering;
      }
    });
  });
});
