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
import { connectRaw, connectRefused } from "../../testing/raw_client.ts";
import { stage, until } from "../testing/stage.ts";
import { goodHandshake, TcpClient } from "../testing/tcp.ts";
import { assertRefused, handshake } from "./handshake.ts";
import type { Subject } from "./subject.ts";

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
          await until(() => hub.connections().length === 0);
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
  });
}
