/**
 * Who is let in: origins, proxies, and how many.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import {
  allowedOrigins,
  friendlyOrigins,
  hostileOrigins,
} from "../../guard/testing/hostile_origins.ts";
import type { Identity } from "../../guard/identity.ts";
import { connectRaw, connectRefused } from "../../testing/raw_client.ts";
import { stage, until } from "../testing/stage.ts";
import { goodHandshake, TcpClient } from "../testing/tcp.ts";
import { assertRefused, handshake } from "./handshake.ts";
import type { Subject } from "./subject.ts";

/** Whoever the query says, or nobody. */
function auth(request: Request): Identity {
  const userId = new URL(request.url).searchParams.get("user") || null;
  return { userId, role: "viewer", claims: {} };
}

async function handshakeThatStays(
  port: number,
  target: string,
  headers: Readonly<Record<string, string>>,
): Promise<TcpClient> {
  const client = new TcpClient(port);
  const { status, body } = await client.request(target, headers);
  assertEquals(status, 101, body);
  await client.json();
  return client;
}

/** Declares the tests of who is let in. */
export function doorsContract(subject: Subject): void {
  describe(`${subject.name}: doors`, () => {
    it("answers hostile origins 403, and lets in those that are named", () =>
      stage(subject, { origin: { allow: allowedOrigins } }, async ({ server, hub, alive }) => {
        for (const [attack, origin] of hostileOrigins) {
          // An empty field is none to some runtimes: no browser sends it.
          if (origin === "") continue;
          const answer = await handshake(server.port, "/ws", { ...goodHandshake, Origin: origin });
          assertEquals(answer.status, 403, attack);
          assertRefused(answer, 403, "origin_not_allowed");
        }
        assertEquals(hub.stats().refused, hostileOrigins.length - 1);
        for (const origin of friendlyOrigins) {
          const answer = await handshake(server.port, "/ws", { ...goodHandshake, Origin: origin });
          assertEquals(answer.status, 101, origin);
        }
        await alive();
      }));

    it("lets in its own host alone where no origins are named", () =>
      stage(subject, {}, async ({ server, url, alive }) => {
        const own = await connectRaw(`${url}/ws`, { origin: server.url });
        assertEquals((await own.json())["type"], "connected");
        own.terminate();
        for (const origin of ["https://evil.com", "null", `${server.url}0`, "http://127.0.0.1"]) {
          const { status, body } = await connectRefused(`${url}/ws`, { origin });
          assertEquals([status, JSON.parse(body).error], [403, "origin_not_allowed"], origin);
        }
        await alive();
      }));

    it("answers two Origin fields 403, though both are named", () =>
      stage(subject, { origin: { allow: allowedOrigins } }, async ({ server, alive }) => {
        const client = new TcpClient(server.port);
        const headers = {
          ...goodHandshake,
          Origin: "https://app.example.com\r\nOrigin: https://app.example.com",
        };
        const { status } = await client.request("/ws", headers);
        assertEquals(status, 403);
        client.reset();
        await alive();
      }));

    it("believes X-Forwarded-For and Forwarded of a proxy that is named", () =>
      stage(subject, { proxies: { trusted: ["127.0.0.0/8"] } }, async ({ hub, server }) => {
        for (
          const [name, value] of [
            ["X-Forwarded-For", "1.1.1.1, 203.0.113.7, 127.0.0.9"],
            ["Forwarded", 'for=1.1.1.1, for="203.0.113.7:4711"'],
          ] as const
        ) {
          const client = new TcpClient(server.port);
          await client.request("/ws", { ...goodHandshake, [name]: value });
          await client.json();
          assertEquals(hub.connections().map(({ address }) => address), ["203.0.113.7"], name);
          hub.disconnect(hub.connections()[0]!.clientId);
          client.reset();
          await client.ended;
          await until(() => hub.stats().connections === 0);
        }
        const headers = { ...goodHandshake, "X-Forwarded-For": "evil, \u00ff, ,;" };
        const client = new TcpClient(server.port);
        assertEquals((await client.request("/ws", headers)).status, 101);
        await client.json();
        assertEquals(hub.connections().map(({ address }) => address), ["127.0.0.1"]);
        client.reset();
      }));

    it("knows its own host by the word of a proxy that is named", () =>
      stage(subject, { proxies: { trusted: ["127.0.0.1"] } }, async ({ url, alive }) => {
        const headers = { "X-Forwarded-Host": "chat.example.com", "X-Forwarded-Proto": "https" };
        const options = (origin: string) => ({ origin, headers });
        const client = await connectRaw(`${url}/ws`, options("https://chat.example.com"));
        assertEquals((await client.json())["type"], "connected");
        client.terminate();
        for (const origin of ["http://chat.example.com", "https://evil.com"]) {
          assertEquals((await connectRefused(`${url}/ws`, options(origin))).status, 403);
        }
        await alive();
      }));

    it("believes nobody else about the client's address and its own host", () =>
      stage(subject, { proxies: { trusted: ["10.0.0.0/8"] } }, async ({ hub, url }) => {
        const headers = {
          "X-Forwarded-For": "203.0.113.7",
          Forwarded: "for=203.0.113.7;host=evil.com",
          "X-Forwarded-Host": "evil.com",
        };
        const client = await connectRaw(`${url}/ws`, { headers });
        await client.json();
        assertEquals(hub.connections().map(({ address }) => address), ["127.0.0.1"]);
        client.terminate();
        const refused = await connectRefused(`${url}/ws`, { headers, origin: "https://evil.com" });
        assertEquals(refused.status, 403);
      }));

    it("closes a user's oldest connection for one over their number, and nobody else's", () =>
      stage(subject, { auth, limits: { connectionsPerUser: 2 } }, async ({ hub, client }) => {
        const others = await client("/ws?user=bob");
        const [first, second, third] = [
          await client("/ws?user=ann"),
          await client("/ws?user=ann"),
          await client("/ws?user=ann"),
        ];
        await third.ask({ type: "subscribe", channels: ["news"] });
        assertEquals(await first.closed, { code: 4409, reason: "replaced" });
        assertEquals((await first.nextOf("disconnected"))["reconnection_token"], undefined);
        for (const one of [others, second, third]) {
          assertEquals((await one.ask({ type: "ping" }))["type"], "pong");
        }
        assertEquals(hub.stats().evicted, 1);
      }));

    for (const by of ["message", "query"] as const) {
      for (const userLimitPolicy of ["close-oldest", "refuse"] as const) {
        it(`closes none but the one whose session is resumed by ${by}, with ${userLimitPolicy}`, () => {
          const limits = { connectionsPerUser: 2 };
          return stage(subject, { auth, limits, userLimitPolicy }, async ({ hub, client }) => {
            const oldest = await client("/ws?user=ann");
            const former = await client("/ws?user=ann");
            const { reconnection_token: token, client_id } = await former.nextOf("connected");
            const said = userLimitPolicy === "refuse" ? `&resumes=${client_id}` : "";
            const query = by === "query" ? `&reconnection_token=${token}` : said;
            const next = await client(`/ws?user=ann${query}`);
            if (by === "message") {
              const { type } = await next.ask({ type: "resume", reconnection_token: token });
              assertEquals(type, "resumed");
            }
            assertEquals((await former.closed).code, 4409);
            assertEquals((await next.ask({ type: "ping" }))["type"], "pong");
            assertEquals((await oldest.ask({ type: "ping" }))["type"], "pong");
            await until(() => hub.connections({ userId: "ann" }).length === 2);
            assertEquals(hub.stats().evicted, 0);
          });
        });
      }
    }

    it("closes one that was let in to resume and does not, where the policy is to refuse", () => {
      const options = {
        auth,
        limits: { connectionsPerUser: 1 },
        userLimitPolicy: "refuse",
      } as const;
      return stage(subject, options, async ({ client }) => {
        const first = await client("/ws?user=ann");
        const { client_id } = await first.nextOf("connected");
        const second = await client(`/ws?user=ann&resumes=${client_id}`);
        second.send({ type: "subscribe", channels: ["news"] });
        assertEquals((await second.nextOf("disconnected"))["retry_after"], 5);
        assertEquals((await second.closed).code, 1013);
        assertEquals((await first.ask({ type: "ping" }))["type"], "pong");
      });
    });

    it("answers 429 to a user who has enough, where the policy says so", () => {
      const limits = { connectionsPerUser: 1 };
      const options = { auth, limits, userLimitPolicy: "refuse" } as const;
      return stage(subject, options, async ({ hub, server, client, endings, alive }) => {
        const first = await client("/ws?user=ann");
        const others = await client("/ws?user=eve");
        const { client_id } = await others.nextOf("connected");
        for (const query of ["", "&resumes=nobody", `&resumes=${client_id}`]) {
          const answer = await handshake(server.port, `/ws?user=ann${query}`);
          assertRefused(answer, 429, "too_many_of_user");
          assertEquals(answer.headers.get("retry-after"), "5");
        }
        others.terminate();
        await endings.next();
        await alive("/ws?user=bob");
        await endings.next();
        first.terminate();
        await endings.next();
        await alive("/ws?user=ann");
        assertEquals(hub.stats().refusals, { too_many_of_user: 3 });
      });
    });

    it("answers 429 to an address that has enough, whoever it is", () => {
      const limits = { connectionsPerAddress: 2 };
      const proxies = { trusted: ["127.0.0.1"] };
      return stage(subject, { auth, limits, proxies }, async ({ server, url, endings }) => {
        const from = (address: string, user: string) => {
          const headers = { ...goodHandshake, "X-Forwarded-For": address };
          return handshakeThatStays(server.port, `/ws?user=${user}`, headers);
        };
        const first = await from("203.0.113.7", "ann");
        const second = await from("203.0.113.7", "");
        const refused = await connectRefused(`${url}/ws?user=eve`, {
          headers: { "X-Forwarded-For": "203.0.113.7" },
        });
        assertEquals([refused.status, JSON.parse(refused.body).error], [
          429,
          "too_many_of_address",
        ]);
        const neighbour = await from("203.0.113.8", "");
        second.reset();
        await endings.next();
        const third = await from("203.0.113.7", "");
        for (const one of [first, neighbour, third]) one.reset();
      });
    });

    it("answers 503 to one that comes back all the time, and lets in others", () => {
      const accept = {
        all: { capacity: 200, perSecond: 0.001 },
        address: { capacity: 10, perSecond: 0.001 },
      };
      const proxies = { trusted: ["127.0.0.1"] };
      return stage(subject, { accept, proxies }, async ({ hub, server, url }) => {
        const from = (address: string) => ({ ...goodHandshake, "X-Forwarded-For": address });
        const settled = await connectRaw(`${url}/ws`, { headers: from("203.0.113.1") });
        let refused = 0;
        for (let i = 0; i < 150; i++) {
          const answer = await handshake(server.port, "/ws", from("203.0.113.7"));
          if (answer.status === 101) continue;
          refused++;
          assertRefused(answer, 503, "busy");
          assertEquals(Number(answer.headers.get("retry-after")) > 0, true);
        }
        assertEquals(refused, 50);
        assertEquals((await settled.ask({ type: "ping" }))["type"], "pong");
        settled.terminate();
        const other = await handshake(server.port, "/ws", from("203.0.113.8"));
        assertEquals(other.status, 101);
        assertEquals(hub.stats().refusals, { busy: refused });
      });
    });
  });
}
