/**
 * Servers: where they listen, how they close, and hubs in an application that is there already.
 *
 * @module
 */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { freePort } from "../../../conformance/target/port.ts";
import { allowAnonymous } from "../../guard/identity.ts";
import { REST_PATH } from "../../http/rest.ts";
import { createHub } from "../../hub/hub.ts";
import { connectRaw } from "../../testing/raw_client.ts";
import { writeOn } from "../../testing/write_on.ts";
import { goodHandshake, TcpClient } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

const newHub = () => createHub({ auth: allowAnonymous() });

/** Declares the tests of servers. */
export function serverContract(subject: Subject): void {
  describe(`${subject.name}: server`, () => {
    it("tells where it listens, and serves the routes beside the WebSocket", async () => {
      await using hub = newHub();
      const server = await subject.serve(hub, { port: 0 });
      assertEquals(server.url, `http://127.0.0.1:${server.port}`);
      assertEquals(server.hostname, "127.0.0.1");
      assertNotEquals(server.port, 0);
      const health = await fetch(`${server.url}/health`);
      assertEquals(health.status, 200);
      await health.body?.cancel();
      const config = await fetch(`${server.url}/ws/config`);
      assertEquals((await config.json()).websocket_config.endpoints.websocket, "/ws");
      await server.close();
    });

    it("takes connections at the path it is told, and nowhere else", async () => {
      await using hub = newHub();
      const server = await subject.serve(hub, { port: 0, path: "/a/b" });
      const client = await connectRaw(`ws://127.0.0.1:${server.port}/a/b?x=1`);
      assertEquals((await client.json())["type"], "connected");
      const tcp = new TcpClient(server.port);
      assertEquals((await tcp.request("/ws")).status, 404);
      tcp.reset();
      client.terminate();
      await server.close();
    });

    it("closes: cuts what is open and frees the port", async () => {
      await using hub = newHub();
      const server = await subject.serve(hub, { port: await freePort() });
      const client = await connectRaw(`ws://127.0.0.1:${server.port}/ws`);
      const idle = new TcpClient(server.port);
      await idle.request("/health", {});
      const closed = server.close();
      assertEquals(server.close(), closed);
      await closed;
      await client.closed;
      await assertRejects(() => connectRaw(`ws://127.0.0.1:${server.port}/ws`));
      idle.reset();
      const next = await subject.serve(hub, { port: server.port });
      const again = await connectRaw(`ws://127.0.0.1:${server.port}/ws`);
      assertEquals((await again.json())["type"], "connected");
      again.terminate();
      await next.close();
    });

    it("closes when its signal is aborted", async () => {
      await using hub = newHub();
      const controller = new AbortController();
      const server = await subject.serve(hub, { port: 0, signal: controller.signal });
      controller.abort();
      await server.close();
      await assertRejects(() => connectRaw(`ws://127.0.0.1:${server.port}/ws`));
      await assertRejects(() => subject.serve(hub, { port: 0, signal: controller.signal }));
    });

    it("rejects where the port is taken", async () => {
      await using hub = newHub();
      const server = await subject.serve(hub, { port: 0 });
      await assertRejects(() => subject.serve(hub, { port: server.port }));
      await server.close();
    });

    it("reads on after early answers in an application, before it closes as it was asked to", async () => {
      await using hub = newHub();
      const server = await subject.serveApp({ "/one": hub });
      const early = [["/health", 405], ["/ws", 405], [`${REST_PATH}/broadcast`, 400]] as const;
      for (const [path, status] of early) {
        const head = [
          `POST /one${path} HTTP/1.1`,
          "Host: 127.0.0.1",
          "Content-Length: 400000",
          "Connection: close",
        ];
        const { answer, failed } = await writeOn(server.port, head, { after: 400_000 });
        assertEquals([answer.split(" ")[1], failed], [String(status), undefined], path);
      }
      await server.close();
    });

    it("serves two hubs in one application, each apart, and the application too", async () => {
      await using one = newHub();
      await using two = newHub();
      const server = await subject.serveApp({ "/one": one, "/deep/two": two });
      const page = await fetch(`${server.url}/`);
      assertEquals(await page.text(), "home");
      const url = server.url.replace(/^http/, "ws");
      const first = await connectRaw(`${url}/one/ws`);
      const second = await connectRaw(`${url}/deep/two/ws`);
      const third = await connectRaw(`${url}/deep/two/ws`);
      for (const client of [first, second, third]) await client.nextOf("connected");
      assertEquals([one.connections().length, two.connections().length], [1, 2]);
      await one.everyone().publish("hello", { to: "one" });
      await two.everyone().publish("hello", { to: "two" });
      assertEquals((await first.nextOf("event"))["data"], { to: "one" });
      assertEquals((await second.nextOf("event"))["data"], { to: "two" });
      for (
        const [target, status] of [["/one/health", 200], ["/deep/two/ws/config", 200]] as const
      ) {
        const answer = await fetch(server.url + target);
        assertEquals(answer.status, status);
        await answer.body?.cancel();
      }
      const refused = new TcpClient(server.port);
      const { status, headers } = await refused.request("/one/ws", {
        ...goodHandshake,
        "Sec-WebSocket-Version": "7",
      });
      assertEquals(status, 426);
      assertMatch(headers.get("content-type") ?? "", /json/);
      refused.reset();
      const elsewhere = new TcpClient(server.port);
      assertEquals((await elsewhere.request("/ws")).status, 404);
      elsewhere.reset();
      const again = await fetch(`${server.url}/`);
      assertEquals(await again.text(), "home");
      for (const client of [first, second, third]) client.terminate();
      await server.close();
    });
  });
}
