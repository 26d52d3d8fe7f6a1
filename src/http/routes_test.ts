import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { Hono } from "hono";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import type { Server } from "../adapter/server.ts";
import { runtime, serveHere } from "../testing/serve.ts";
import { writeOn } from "../testing/write_on.ts";
import { routes } from "./routes.ts";
import { assertError, bearer, metrics, post, REST, testHub } from "./fixture.ts";

describe("GET /health", () => {
  it("is 200 while connections are taken and 503 while the hub drains", async () => {
    const hub = testHub();
    const app = routes(hub);
    const healthy = await app.request("/health");
    assertEquals(healthy.status, 200);
    assertEquals((await healthy.json()).status, "healthy");
    await hub.drain();
    const draining = await app.request("/health");
    assertEquals(draining.status, 503);
    assertEquals(draining.headers.get("retry-after"), "1");
    const body = await draining.json();
    assertEquals([body.status, body.error], ["draining", "draining"]);
  });
});

describe("Methods and paths", () => {
  const app = routes(testHub());
  const gets = [
    "/ws/config",
    "/health",
    ...["status", "channels", "channels/metrics"]
      .map((path) => `${REST}/${path}`),
  ];

  for (const path of gets) {
    it(`answer GET and HEAD on ${path} alike, and other methods with 405`, async () => {
      const head = await app.request(path, { method: "HEAD" });
      assertEquals([head.status, await head.text()], [200, ""]);
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"]) {
        const response = await assertError(
          app.request(path, { method }),
          405,
          "method_not_allowed",
          "GET, HEAD",
        );
        assertEquals(response.headers.get("allow"), "GET, HEAD");
      }
    });
  }

  it("take POST alone for a broadcast", async () => {
    for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
      const path = `${REST}/broadcast?channel=metrics`;
      const response = await assertError(
        app.request(path, { method }),
        405,
        "method_not_allowed",
      );
      assertEquals(response.headers.get("allow"), "POST");
    }
  });

  it("take GET alone for the WebSocket endpoint", async () => {
    let upgrades = 0;
    const upgrading = routes(testHub(), { upgrade: () => new Response(String(++upgrades)) });
    for (const method of ["HEAD", "POST", "OPTIONS"]) {
      const response = await upgrading.request("/ws", { method });
      assertEquals([response.status, response.headers.get("allow")], [405, "GET"]);
    }
    assertEquals(upgrades, 0);
    assertEquals(await (await upgrading.request("/ws")).text(), "1");
  });

  it("answer 426 where this server cannot upgrade", async () => {
    const response = await assertError(app.request("/ws"), 426, "upgrade_required");
    assertEquals(response.headers.get("upgrade"), "websocket");
  });

  it("hand the upgrade the request and the environment, and give its answer back as it is", async () => {
    const env = { some: "server" };
    const sent = new Request("http://localhost/live?token=x");
    const answered = new Response(null, { status: 204 });
    let seen: readonly unknown[] = [];
    const upgrading = routes(testHub(), {
      path: "/live",
      upgrade: (...given) => {
        seen = given;
        return answered;
      },
    });
    const response = await upgrading.fetch(sent, env);
    assert(response === answered);
    assert(seen[0] === sent && seen[1] === env);
  });

  it("are JSON 404 elsewhere, where these routes are the whole server", async () => {
    for (const path of ["/", "/nothing", "/ws/", "/ws/a", "/api", `${REST}`, "/WS"]) {
      await assertError(app.request(path), 404, "not_found");
    }
  });

  for (const path of ["", "ws", "/ws/", "//ws", "/ws?x", "/:room", "/*", "/a b", "/ws/{x}"]) {
    it(`refuse the option path "${path}"`, () => {
      const error = assertThrows(() => routes(testHub(), { path }), HeddleError);
      assertEquals(error.code, "option_invalid");
    });
  }
});

describe("The routes, mounted in an application", () => {
  const app = new Hono()
    .use(async (c, next) => {
      c.header("X-Application", "theirs");
      await next();
    })
    .route("/realtime", routes(testHub(), { path: "/socket" }))
    .get("/own", (c) => c.text("own"))
    .notFound((c) => c.text("their own 404", 404));

  it("leave every other path to it", async () => {
    for (const path of ["/nothing", "/realtime/nothing", "/health", "/realtime/ws"]) {
      const response = await app.request(path);
      assertEquals([response.status, await response.text()], [404, "their own 404"]);
    }
    assertEquals(await (await app.request("/own")).text(), "own");
  });

  it("tell the paths as they are mounted, and keep its headers", async () => {
    const config = await app.request("/realtime/socket/config");
    assertEquals(config.headers.get("x-application"), "theirs");
    const { websocket_config } = await config.json();
    assertEquals(websocket_config.endpoints, {
      websocket: "/realtime/socket",
      service_discovery: "/realtime/socket/config",
    });
    const status = await app.request(`/realtime${REST}/status`);
    assertEquals((await status.json()).websocket.endpoint, "/realtime/socket");
  });

  it("answer their own errors as JSON, with its headers", async () => {
    const response = await assertError(
      app.request(
        ...await post("", metrics).then(([path, init]) => [`/realtime${path}`, init] as const),
      ),
      400,
      "invalid_channel",
    );
    assertEquals(response.headers.get("x-application"), "theirs");
  });

  it("may have the WebSocket endpoint at the root", async () => {
    const root = routes(testHub(), { path: "/" });
    const { websocket_config } = await (await root.request("/config")).json();
    assertEquals(websocket_config.endpoints.websocket, "/");
    assertEquals((await root.request("/")).status, 426);
  });
});

describe("The routes over a real server", () => {
  const hub = testHub();
  let server: Server;
  before(async () => {
    server = await serveHere(hub);
  });
  after(async () => {
    await hub.drain();
    await server.close();
  });

  it("answer a body that is too large without taking it all", async () => {
    const { Authorization } = await bearer("admin");
    // Raw, so that nothing but what is written here decides when the body ends.
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(`${server.url}${REST}/broadcast?channel=metrics`, {
        method: "POST",
        headers: { Authorization, "Transfer-Encoding": "chunked" },
      }, (response) => {
        resolve(response.statusCode ?? 0);
        response.resume();
        sending.destroy();
      });
      sending.on("error", reject);
      // Never ended: only a server that counts while it reads can answer.
      sending.write(new Uint8Array(70_000).fill(0x20));
    });
    assertEquals(status, 413);
  });

  // RFC 9112 section 9.6: what is closed with something unread is reset, and the answer may be lost.
  const early = [
    ["admin", 413, "Content-Length: 400000", { after: 400_000 }],
    ["admin", 413, "Transfer-Encoding: chunked", { before: 80_000, after: 400_000 }],
    ["viewer", 403, "Content-Length: 400000", { after: 400_000 }],
    ["viewer", 403, "Transfer-Encoding: chunked", { after: 400_000 }],
  ] as const;
  for (const [role, status, size, amounts] of early) {
    it(`read on after they answered ${status} to ${size}, before they close as they were asked to`, async () => {
      const { Authorization } = await bearer(role);
      const head = [
        `POST ${REST}/broadcast?channel=metrics HTTP/1.1`,
        "Host: 127.0.0.1",
        `Authorization: ${Authorization}`,
        size,
        "Connection: close",
      ];
      const { answer, failed } = await writeOn(server.port, head, amounts);
      assertEquals([answer.split(" ")[1], failed], [String(status), undefined]);
      if (runtime !== "bun") assertMatch(answer, /\r\ncontent-length: \d+\r\n/i);
    });
  }

  it("survive those who go away while the rest is read", async () => {
    for (const isReset of [false, true]) {
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      const head = [
        "POST /health HTTP/1.1",
        "Host: a",
        "Content-Length: 9999",
        "Connection: close",
      ];
      socket.write([...head, "", "half"].join("\r\n"));
      await once(socket, "data");
      if (isReset) socket.resetAndDestroy();
      else socket.destroy();
    }
    assertEquals((await fetch(`${server.url}/ws/config`)).status, 200);
  });

  it("go on serving after every kind of refusal", async () => {
    const statuses = await Promise.all([
      fetch(`${server.url}/nothing`),
      fetch(`${server.url}/ws`),
      fetch(`${server.url}/ws`, { method: "POST", body: "x" }),
      fetch(`${server.url}${REST}/broadcast?channel=metrics`, { method: "POST", body: "x" }),
      fetch(`${server.url}${REST}/channels/${"x".repeat(10_240)}`),
      fetch(`${server.url}/health`),
    ].map(async (response) => {
      const { status } = await response;
      await (await response).body?.cancel();
      return status;
    }));
    assertEquals(statuses, [404, 426, 405, 401, 400, 200]);
  });
});
