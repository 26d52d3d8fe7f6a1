/**
 * What comes before a connection is open: refusals, subprotocols, requests that go away.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { tokenIssuer } from "../../guard/issuer.ts";
import { jwtAuth } from "../../guard/jwt.ts";
import { allowAnonymous, anonymousIdentity } from "../../guard/identity.ts";
import { Inbox, stage, until } from "../testing/stage.ts";
import { frame, goodHandshake, type HttpAnswer, opcodes, TcpClient } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

const secret = "a secret of the contract suite, 32 bytes";

/** Makes one request on a connection of its own. */
export async function handshake(
  port: number,
  target: string,
  headers: Readonly<Record<string, string>> = goodHandshake,
  method = "GET",
): Promise<HttpAnswer> {
  const client = new TcpClient(port);
  try {
    return await client.request(target, headers, { method });
  } finally {
    client.socket.destroy();
  }
}

/** A good handshake without these header fields, and with those. */
function but(
  left: readonly string[],
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = Object.entries(goodHandshake).filter(([name]) => !left.includes(name));
  return { ...Object.fromEntries(kept), ...added };
}

/** Holds an answer to the form that every refusal has. */
export function assertRefused(answer: HttpAnswer, status: number, error: string): void {
  assertEquals(answer.status, status, answer.body);
  assertMatch(answer.headers.get("content-type") ?? "", /^application\/json/);
  const body = JSON.parse(answer.body);
  assertEquals(body.error, error);
  assertEquals(typeof body.message, "string");
}

/** An authenticator that lets everybody in, each when the function is called that it puts into `judged`. */
function slowAuth() {
  const judged = new Inbox<() => void>();
  const auth = async () => {
    await new Promise<void>((resolve) => judged.put(resolve));
    return anonymousIdentity();
  };
  return { auth, judged };
}

/** Declares the tests of the opening handshake. */
export function handshakeContract(subject: Subject): void {
  describe(`${subject.name}: handshake`, () => {
    it("answers a request without an Upgrade header 426", () =>
      stage(subject, {}, async ({ server, alive }) => {
        const answer = await handshake(server.port, "/ws", {});
        assertRefused(answer, 426, "upgrade_required");
        assertEquals(answer.headers.get("upgrade"), "websocket");
        await alive();
      }));

    it("answers another version 426 and names its own", () =>
      stage(subject, {}, async ({ server, alive }) => {
        for (const version of ["8", "14", "13, 8", "x"]) {
          const headers = { ...goodHandshake, "Sec-WebSocket-Version": version };
          const answer = await handshake(server.port, "/ws", headers);
          assertRefused(answer, 426, "unsupported_version");
          assertEquals(answer.headers.get("sec-websocket-version"), "13");
        }
        const missing = await handshake(server.port, "/ws", but(["Sec-WebSocket-Version"]));
        assertRefused(missing, 426, "unsupported_version");
        await alive();
      }));

    it("answers a bad key 400", () =>
      stage(subject, {}, async ({ server, alive }) => {
        for (const key of ["short", "", "dGhlIHNhbXBsZSBub25jZQ", "!".repeat(24)]) {
          const headers = { ...goodHandshake, "Sec-WebSocket-Key": key };
          assertRefused(await handshake(server.port, "/ws", headers), 400, "bad_handshake");
        }
        const missing = await handshake(server.port, "/ws", but(["Sec-WebSocket-Key"]));
        assertRefused(missing, 400, "bad_handshake");
        await alive();
      }));

    it("answers what is no handshake in another way 400", () =>
      stage(subject, {}, async ({ server, alive }) => {
        for (
          const headers of [
            { "Sec-WebSocket-Protocol": "heddle.v1, a b" },
            { "Sec-WebSocket-Extensions": "permessage-deflate, x; =1" },
          ]
        ) {
          const answer = await handshake(server.port, "/ws", { ...goodHandshake, ...headers });
          assertRefused(answer, 400, "bad_handshake");
        }
        // Deno.serve refuses these by itself: a second Host, and what would be taken for frames.
        for (const headers of [{ Host: "a.example" }, { "Content-Length": "5" }]) {
          const client = new TcpClient(server.port);
          const after = Buffer.from("hello");
          const answer = await client.request("/ws", { ...goodHandshake, ...headers }, { after });
          assertEquals(answer.status, 400);
          client.reset();
        }
        await alive();
      }));

    it("answers another method 405", () =>
      stage(subject, {}, async ({ server, alive }) => {
        for (const headers of [goodHandshake, {}]) {
          const answer = await handshake(server.port, "/ws", headers, "POST");
          assertRefused(answer, 405, "method_not_allowed");
          assertEquals(answer.headers.get("allow"), "GET");
        }
        await alive();
      }));

    it("answers another path 404", () =>
      stage(subject, {}, async ({ server, alive }) => {
        assertRefused(await handshake(server.port, "/other"), 404, "not_found");
        assertRefused(await handshake(server.port, "/ws/"), 404, "not_found");
        assertRefused(await handshake(server.port, "/w%73x"), 404, "not_found");
        await alive();
      }));

    it("answers a credential that does not hold 401, with a challenge", () =>
      stage(subject, { auth: jwtAuth({ secret }) }, async ({ server, alive }) => {
        const token = await tokenIssuer({ secret }).issue({ userId: "u1", role: "viewer" });
        const other = await tokenIssuer({ secret: secret.toUpperCase() }).issue({ userId: "u1" });
        for (const target of ["/ws", "/ws?token=x", `/ws?token=${other}`, `/ws?token=${token}x`]) {
          const answer = await handshake(server.port, target);
          assertRefused(answer, 401, "unauthorized");
          assertMatch(answer.headers.get("www-authenticate") ?? "", /^Bearer realm="heddle"/);
          assert(!answer.body.includes(token), "the token is in the answer");
        }
        await alive(`/ws?token=${token}`);
      }));

    it("answers 401 to a token where none is needed and none can be checked", () =>
      stage(subject, { auth: allowAnonymous() }, async ({ server, alive }) => {
        assertRefused(await handshake(server.port, "/ws?token=a.b.c"), 401, "unauthorized");
        await alive();
      }));

    it("answers 401 where the application's authenticator throws, and tells nothing of it", () => {
      const auth = () => {
        throw new Error("the database's password is 1234");
      };
      return stage(subject, { auth }, async ({ server }) => {
        for (let i = 0; i < 3; i++) {
          const answer = await handshake(server.port, "/ws");
          assertRefused(answer, 401, "unauthorized");
          assert(!answer.body.includes("1234"));
        }
      });
    });

    it("answers 503 over the limit of connections, and takes one when one has gone", () =>
      stage(subject, { limits: { connections: 1 } }, async ({ server, client, endings, alive }) => {
        const first = await client();
        const answer = await handshake(server.port, "/ws");
        assertRefused(answer, 503, "too_many_connections");
        assertMatch(answer.headers.get("retry-after") ?? "", /^\d+$/);
        await first.close();
        await endings.next();
        await alive();
      }));

    it("answers 503 while the hub drains", () =>
      stage(subject, {}, async ({ hub, server, tcp }) => {
        await tcp(); // does not answer the Close frame, so the hub stays at it
        const drained = hub.drain({ within: 50 });
        const answer = await handshake(server.port, "/ws");
        assertRefused(answer, 503, "draining");
        assertMatch(answer.headers.get("retry-after") ?? "", /^\d+$/);
        await drained;
        assertRefused(await handshake(server.port, "/ws"), 503, "draining");
      }));

    it("answers 503 to whom it still judges when the hub begins to drain", () => {
      const { auth, judged } = slowAuth();
      return stage(subject, { auth }, async ({ hub, server }) => {
        const answer = handshake(server.port, "/ws");
        const judge = await judged.next();
        const drained = hub.drain();
        judge();
        assertRefused(await answer, 503, "draining");
        await drained;
      });
    });

    it("lets nobody in whom it still judges when its server closes: answers 503, or ends", () => {
      const { auth, judged } = slowAuth();
      return stage(subject, { auth }, async ({ hub, server }) => {
        const client = new TcpClient(server.port);
        const answer = client.request("/ws").catch(() => undefined);
        const judge = await judged.next();
        const closed = server.close();
        judge();
        await client.ended;
        const refusal = await answer;
        if (refusal !== undefined) assertRefused(refusal, 503, "draining");
        await closed;
        assertEquals(hub.stats().totalConnections, 0);
        client.socket.destroy();
      });
    });

    for (
      const [offer, selected] of [
        [undefined, null],
        ["chat", null],
        ["chat, superchat", null],
        ["heddle.v1", "heddle.v1"],
        ["chat, heddle.v1", "heddle.v1"],
        ["chat,heddle.v1", "heddle.v1"],
        ["jwt-auth, jwt.TOKEN", "jwt-auth"],
        ["jwt.TOKEN", "jwt.TOKEN"],
        ["heddle.v1, jwt.TOKEN", "heddle.v1"],
      ] as const
    ) {
      it(`selects ${selected ?? "nothing"} of the subprotocols ${offer ?? "none"}`, () => {
        const auth = offer?.includes("TOKEN") ? jwtAuth({ secret }) : allowAnonymous();
        return stage(subject, { auth }, async ({ server, endings }) => {
          const token = await tokenIssuer({ secret }).issue({ userId: "u1", role: "viewer" });
          const client = new TcpClient(server.port);
          const { status, headers, body } = await client.request("/ws", {
            ...goodHandshake,
            ...(offer === undefined
              ? {}
              : { "Sec-WebSocket-Protocol": offer.replace("TOKEN", token) }),
          });
          assertEquals(status, 101, body);
          const expected = selected?.replace("TOKEN", token) ?? null;
          assertEquals(headers.get("sec-websocket-protocol"), expected);
          assertEquals(headers.get("sec-websocket-extensions"), null);
          const greeting = await client.json();
          assertEquals(greeting["type"], "connected");
          assertEquals(greeting["user_id"], offer?.includes("TOKEN") ? "u1" : null);
          client.reset();
          await endings.next();
        });
      });
    }

    it("offers no extension though the client does", () =>
      stage(subject, {}, async ({ server }) => {
        const extensions = { "Sec-WebSocket-Extensions": "permessage-deflate" };
        const answer = await handshake(server.port, "/ws", { ...goodHandshake, ...extensions });
        assertEquals(answer.status, 101);
        assertEquals(answer.headers.get("sec-websocket-extensions"), null);
      }));

    it("keeps frames that came in one write with the handshake", () =>
      stage(subject, {}, async ({ server }) => {
        const client = new TcpClient(server.port);
        const after = Buffer.concat([
          frame(opcodes.text, '{"type":"ping","correlation_id":"1"}'),
          frame(opcodes.text, '{"type":"ping","correlation_id":"2"}'),
        ]);
        const { status } = await client.request("/ws", goodHandshake, { after });
        assertEquals(status, 101);
        assertEquals((await client.json())["type"], "connected");
        assertEquals((await client.json())["correlation_id"], "1");
        assertEquals((await client.json())["correlation_id"], "2");
        client.reset();
      }));

    it("survives requests that go away while they are judged", () => {
      const { auth, judged } = slowAuth();
      return stage(subject, { auth }, async ({ hub, server, url }) => {
        const gone: TcpClient[] = [];
        for (let i = 0; i < 6; i++) {
          const client = new TcpClient(server.port);
          void client.request("/ws").catch(() => {});
          gone.push(client);
        }
        const judging = await Promise.all(gone.map(() => judged.next()));
        gone.forEach((client, i) => i % 2 === 0 ? client.reset() : client.socket.end());
        await Promise.all(gone.map((client, i) => i % 2 === 0 ? client.ended : undefined));
        for (const judge of judging) judge();
        for (const client of gone) client.socket.destroy();
        await until(() => hub.stats().connections === 0);
        const waiting = new TcpClient(server.port);
        const answer = waiting.request("/ws");
        (await judged.next())();
        assertEquals((await answer).status, 101, url);
        assertEquals((await waiting.json())["type"], "connected");
        assertEquals(hub.connections().length, 1);
        waiting.reset();
      });
    });

    it("tells the hub the peer's address", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const connection = await client();
        await connection.nextOf("connected");
        assertEquals(hub.connections().map(({ address }) => address), ["127.0.0.1"]);
      }));

    it("survives bytes that are no HTTP", () =>
      stage(subject, {}, async ({ server, alive }) => {
        for (
          const bytes of ["\r\n\r\n", "GET /ws HTTP/9.9\r\n\r\n", "\u0000\u0001\u0002\r\n\r\n"]
        ) {
          const client = new TcpClient(server.port);
          client.send(Buffer.from(bytes, "latin1"));
          await alive();
          client.reset();
        }
        const client = new TcpClient(server.port);
        client.send(Buffer.from("GET /ws HTTP/1.1\r\nHost: a b/c\r\nUpgrade: websocket\r\n"));
        client.send(Buffer.from("Connection: Upgrade\r\n\r\n"));
        await alive();
        client.reset();
      }));
  });
}
