/**
 * A client whose tokens run out, on a hub whose time stands still until the test moves it.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { afterEach, describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { channel } from "../channel/definition.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import { answerTo, endAll, greeting, next, promised, serveHub, serveScript } from "./fixture.ts";
import { type ClientOptions, createClient, RefusedError } from "./mod.ts";

const secret = "a secret of at least thirty-two bytes";
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function setup(options: Partial<ClientOptions> = {}) {
  const clock = manualClock();
  const issuer = tokenIssuer({ secret, clock });
  const hub = createHub({
    auth: jwtAuth({ secret, clock }),
    channels: { news: channel(), secret: channel({ permissions: { admin: ["subscribe"] } }) },
    heartbeat: { interval: 10_000_000 },
    clock,
    logger: quiet,
  });
  const { url } = await serveHub(hub);
  let issued = 0;
  const issue = (expiresIn: number, role = "admin", userId = "u1") =>
    issuer.issue({ userId, role, expiresIn });
  const token = () => {
    issued++;
    return issue(300);
  };
  const client = createClient<typeof hub>({
    url,
    token,
    reconnect: { initialDelay: 1, maxDelay: 1 },
    ...options,
  });
  return { clock, hub, url, client, issue, issued: () => issued };
}

describe("A client whose token runs out", () => {
  afterEach(endAll);

  it("is told, gets another from its function, and stays connected", async () => {
    const { clock, hub, client, issued } = await setup();
    await client.connect();
    const { clientId } = client;
    for (let i = 1; i <= 3; i++) {
      const [expiring, renewed] = [next(client, "token_expiring"), next(client, "authenticated")];
      clock.advance(240_100);
      assertEquals(await expiring, { expiresIn: 60 });
      assertEquals(await renewed, { userId: "u1", role: "admin", expiresIn: 300 });
      assertEquals([issued(), client.clientId], [1 + i, clientId]);
    }
    assertEquals(hub.stats().connections, 1);
    await client.disconnect();
  });

  it("comes back with a new one where it was closed for the old", async () => {
    const { hub, client, issued } = await setup();
    await client.connect();
    await client.subscribe("news", () => {});
    const [disconnected, connected] = [next(client, "disconnected"), next(client, "connected")];
    const tokenId = String(hub.connections()[0]?.claims["jti"]);
    assertEquals(await hub.revoke({ tokenId }), 1);
    const { code, willReconnect } = await disconnected;
    assertEquals([code, willReconnect], [4401, true]);
    assertEquals((await connected).resumed, true);
    assertEquals(issued(), 2);
    await client.disconnect();
  });

  it("stays away after 4401 where it has only the one", async () => {
    const { url, issue, clock } = await setup();
    const alone = createClient({ url, token: await issue(30) });
    await alone.connect();
    const [expiring, disconnected] = [next(alone, "token_expiring"), next(alone, "disconnected")];
    clock.advance(200);
    assertEquals((await expiring).expiresIn, 30);
    clock.advance(35_000);
    const { code, willReconnect } = await disconnected;
    assertEquals([code, willReconnect, alone.status], [4401, false, "closed"]);
  });

  it("says where its function fails, and goes on as long as the old token holds", async () => {
    let asked = 0;
    const { clock, client, issue } = await setup({
      token: () => asked++ === 0 ? issue(90) : Promise.reject(new Error("no token today")),
    });
    await client.connect();
    const failed = next(client, "error");
    clock.advance(30_100);
    const error = await failed;
    assert(error instanceof HeddleError && error.code === "unauthorized", error.message);
    assertEquals(client.status, "connected");
    await client.disconnect();
  });

  it("does not ask without end for tokens that last no longer than the warning", async () => {
    let asked = 0;
    const twice = promised<void>();
    const served = await serveScript((peer) => {
      peer.send(greeting({ token_expires_in: 10 }));
      const expiring = {
        type: "token_expiring",
        token_expires_in: 10,
        timestamp: "2024-12-29T12:00:00Z",
      };
      peer.send(expiring);
      peer.onMessage((message) => {
        if (message["type"] === "ping") return peer.send(answerTo(message, { type: "pong" }));
        assertEquals([message["type"], message["token"]], ["authenticate", `token ${asked}`]);
        const fields = {
          type: "authenticated",
          user_id: null,
          role: "viewer",
          token_expires_in: 10,
        };
        peer.send(answerTo(message, fields));
        peer.send(expiring);
        if (asked === 3) twice.resolve();
      });
    });
    const clock = manualClock();
    const client = createClient({ url: served.url, token: () => `token ${++asked}`, clock });
    const authenticated = next(client, "authenticated");
    await client.connect();
    await authenticated;
    await client.ping();
    assertEquals(asked, 2);
    clock.advance(4_999);
    await client.ping();
    assertEquals(asked, 2);
    clock.advance(1);
    await twice.promise;
    await client.disconnect();
  });
});

describe("Client.authenticate()", () => {
  afterEach(endAll);

  it("changes the role, and tells what it no longer permits", async () => {
    const { client, issue } = await setup();
    await client.connect();
    await client.subscribe("secret", () => {});
    const lost = next(client, "unsubscribed");
    const { role } = await client.authenticate(await issue(600, "viewer"));
    assertEquals(role, "viewer");
    const { channels, code } = await lost;
    assertEquals([channels, code], [["secret"], "forbidden"]);
    await client.disconnect();
  });

  it("is what a client comes back with that has no function", async () => {
    const { hub, url, issue } = await setup();
    const client = createClient({ url, token: await issue(90, "viewer") });
    await client.connect();
    await client.authenticate(await issue(600, "admin"));
    await client.disconnect();
    await client.connect();
    assertEquals(hub.connections()[0]?.role, "admin");
    await client.disconnect();
  });

  it("rejects where the server refuses, without the token in the error", async () => {
    const { client, issue } = await setup();
    await client.connect();
    const other = await issue(600, "admin", "u2");
    for (const [token, reason] of [["nonsense-token", "unauthorized"], [other, "forbidden"]]) {
      const error = await assertRejects(() => client.authenticate(token), RefusedError);
      assertEquals(error.reason, reason!);
      assert(!`${error.stack}`.includes(token!), error.message);
    }
    assertEquals(client.status, "connected");
    await client.disconnect();
  });

  it("needs a token and a connection", async () => {
    const { client } = await setup({ token: () => undefined });
    const error = await assertRejects(() => client.authenticate(), HeddleError);
    assertEquals(error.code, "option_invalid");
    assertEquals((await assertRejects(() => client.authenticate("t"), HeddleError)).code, "closed");
  });
});
