import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { Hono } from "hono";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import { HeddleError } from "../base/errors.ts";
import { memoryBroker } from "../broker/memory.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import type { Server } from "../adapter/server.ts";
import type { HubOptions } from "../hub/options.ts";
import type { Logger } from "../hub/logger.ts";
import { stockChannels } from "../hub/stock.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { routes } from "./routes.ts";

const REST = "/api/v1/websocket";
const ROLES = ["admin", "developer", "viewer", "bot", "anonymous"] as const;
const secret = "a secret of at least thirty-two bytes";
const issuer = tokenIssuer({ secret });
const metrics = {
  event_type: "system_metrics",
  data: { cpu_percent: 45.2, memory_mb: 1024, events_per_sec: 5000 },
};

type Channels = ReturnType<typeof testChannels>;

function testChannels() {
  return {
    ...stockChannels(),
    "room/*": channel({ description: "rooms", permissions: { "*": ["subscribe", "broadcast"] } }),
    throwing: channel({
      permissions: { admin: ["broadcast"] },
      events: {
        any: z.unknown().refine(() => {
          throw new Error("secret detail");
        }),
      },
    }),
  };
}

function testHub(options: Partial<HubOptions<Channels, Record<never, never>>> = {}) {
  return createHub({
    auth: jwtAuth({ secret, anonymous: true }),
    channels: testChannels(),
    logger: quiet,
    ...options,
  });
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function tokenFor(role: string): Promise<string> {
  return issuer.issue({ userId: `the ${role}`, role });
}

async function bearer(role: string): Promise<Record<string, string>> {
  // Anonymous is who has no token.
  if (role === "anonymous") return {};
  return { Authorization: `Bearer ${await tokenFor(role)}` };
}

/** A POST to the broadcast route by a role; a body that is no string is sent as JSON. */
async function post(query: string, body: unknown, role = "admin"): Promise<[string, RequestInit]> {
  return [`${REST}/broadcast${query}`, {
    method: "POST",
    headers: await bearer(role),
    body: typeof body === "string" ? body : JSON.stringify(body),
  }];
}

async function assertError(
  response: Response | Promise<Response>,
  status: number,
  error: string,
  includes = "",
): Promise<Response> {
  const answered = await response;
  const body = await answered.json();
  assertEquals([answered.status, body.error], [status, error], JSON.stringify(body));
  assertEquals(Object.keys(body).sort(), ["error", "message"]);
  assert(typeof body.message === "string" && body.message.length > 0);
  assertStringIncludes(body.message, includes);
  assertStringIncludes(answered.headers.get("content-type") ?? "", "application/json");
  return answered;
}

describe("GET /ws/config", () => {
  it("tells what is in force and nothing else", async () => {
    const hub = testHub({ heartbeat: { interval: 1234 }, limits: { text: 2048 } });
    const response = await routes(hub).request("/ws/config");
    assertEquals(response.status, 200);
    assertEquals(await response.json(), {
      websocket_config: {
        version: "1.0",
        features: {
          json_first: true,
          auth_required: false,
          heartbeat_supported: true,
          reconnection_supported: true,
          rate_limiting: true,
          message_queuing: true,
        },
        endpoints: { websocket: "/ws", service_discovery: "/ws/config" },
        connection_limits: {
          max_message_size: 2048,
          max_subscriptions: 256,
          max_connections_per_user: 5,
          heartbeat_interval: 1234,
        },
        server_status: "healthy",
      },
      status: "success",
    });
  });

  it("tells whether a credential is required by asking the authenticator, once", async () => {
    let asked = 0;
    const hub = testHub({
      auth: (request) => {
        asked++;
        assertEquals(request.headers.get("authorization"), null);
        throw new HeddleError("unauthorized", "no");
      },
    });
    const app = routes(hub);
    for (let i = 0; i < 3; i++) {
      const response = await app.request("/ws/config?token=x", { headers: { Authorization: "y" } });
      const { websocket_config } = await response.json();
      assertEquals(websocket_config.features.auth_required, true);
    }
    assertEquals(asked, 1);
  });

  it("says yes, and asks again, while the authenticator cannot tell", async () => {
    let isUp = false;
    const open = allowAnonymous();
    const app = routes(testHub({
      auth: (request) => {
        if (!isUp) throw new HeddleError("unavailable", "the database is down");
        return open(request);
      },
    }));
    const required = async () => {
      const { websocket_config } = await (await app.request("/ws/config")).json();
      return websocket_config.features.auth_required;
    };
    assertEquals(await required(), true);
    isUp = true;
    assertEquals(await required(), false);
  });
});

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

describe("The REST routes", () => {
  it("show counts to whoever may connect, and ids to admins alone", async () => {
    const hub = testHub();
    const server = await serveHere(hub);
    const socketUrl = `${server.url.replace(/^http/, "ws")}/ws?token=${await tokenFor("bot")}`;
    const client = await connectRaw(socketUrl);
    const { client_id } = await client.json();
    await client.ask({ type: "subscribe", channels: ["metrics", "room/a"] });
    for (const data of [1, 2]) await hub.channel("room/a").publish("chat", data);
    for (const role of ROLES) {
      const headers = await bearer(role);
      const status = await fetch(`${server.url}${REST}/status`, { headers });
      const { websocket, ...rest } = await status.json();
      const { clients, ...counts } = websocket;
      assertEquals(rest, { status: "ok" });
      assertEquals(counts, {
        endpoint: "/ws",
        protocol: "ws",
        total_connections: 1,
        total_channels: 2,
        total_subscriptions: 2,
        buffered_events: 2,
      });
      const shown = await fetch(`${server.url}${REST}/channels/metrics`, { headers });
      const { subscriber_ids, description, ...info } = await shown.json();
      assertEquals(info, { channel: "metrics", subscribers: 1 });
      assertStringIncludes(description, "CPU");
      if (role === "admin") {
        assertEquals(subscriber_ids, [client_id]);
        const [{ connected_at, last_heartbeat, ...known }] = clients;
        assertEquals(known, { client_id, user_id: "the bot", channels: ["metrics", "room/a"] });
        assert(Date.parse(connected_at) <= Date.parse(last_heartbeat));
      } else {
        assertEquals([clients, subscriber_ids], [undefined, undefined]);
      }
    }
    await client.close();
    await hub.drain();
    await server.close();
  });

  it("show ids to the roles that the options name", async () => {
    const app = routes(testHub(), { adminRoles: ["operator"] });
    for (const role of ["operator", "admin"]) {
      const response = await app.request(`${REST}/status`, { headers: await bearer(role) });
      const { websocket } = await response.json();
      assertEquals(websocket.clients, role === "operator" ? [] : undefined);
    }
  });

  it("list the channels that are declared, with their descriptions", async () => {
    const response = await routes(testHub()).request(`${REST}/channels`);
    const { channels, descriptions } = await response.json();
    assertEquals(channels, Object.keys(testChannels()));
    assertEquals(Object.keys(descriptions), channels);
    assertEquals(descriptions["room/*"], "rooms");
  });

  it("refuse whoever may not connect, and challenge", async () => {
    const app = routes(testHub({ auth: jwtAuth({ secret }) }));
    const gets = ["status", "channels", "channels/metrics"].map((path) => `${REST}/${path}`);
    for (const path of gets) {
      const response = await assertError(app.request(path), 401, "unauthorized");
      assertStringIncludes(response.headers.get("www-authenticate") ?? "", "Bearer");
      const forged = { headers: { Authorization: "Bearer a.b.c" } };
      await assertError(app.request(path, forged), 401, "unauthorized");
    }
    const posted = app.request(...await post("?channel=metrics", metrics, "anonymous"));
    const response = await assertError(posted, 401, "unauthorized");
    assertStringIncludes(response.headers.get("www-authenticate") ?? "", "Bearer");
  });
});

describe("Channel names in a path", () => {
  const app = routes(testHub());
  const cases: readonly (readonly [name: string, status: number, error: string])[] = [
    ["nothing", 404, "unknown_channel"],
    ["__proto__", 404, "unknown_channel"],
    ["constructor", 404, "unknown_channel"],
    ["toString", 404, "unknown_channel"],
    ["room%2F", 404, "unknown_channel"],
    ["..%2F..%2Fstatus", 404, "unknown_channel"],
    ["room%252Fa", 400, "invalid_channel"],
    ["room%2F*", 400, "invalid_channel"],
    ["metrics%00", 400, "invalid_channel"],
    ["metrics%20", 400, "invalid_channel"],
    ["m%C3%A9trics", 400, "invalid_channel"],
    ["%zz", 400, "invalid_channel"],
    ["%E0%A4", 400, "invalid_channel"],
    ["@all", 400, "invalid_channel"],
    ["@user:the%20admin", 400, "invalid_channel"],
    ["x".repeat(200), 404, "unknown_channel"],
    ["x".repeat(201), 400, "invalid_channel"],
    ["x".repeat(10_240), 400, "invalid_channel"],
    ["", 404, "not_found"],
    ["..", 404, "not_found"],
    ["%2e%2e", 404, "not_found"],
    ["metrics/more", 404, "not_found"],
  ];
  for (const [name, status, error] of cases) {
    const shown = name.length > 40 ? `${name.slice(0, 8)}… (${name.length})` : name;
    it(`answer "${shown}" with ${status} ${error}`, async () => {
      await assertError(app.request(`${REST}/channels/${name}`), status, error);
    });
    if (error === "not_found") continue;
    it(`answer "${shown}" in the query of a broadcast with ${status} ${error}`, async () => {
      // In a query the percent sign that stands for nothing is kept, as in a path.
      await assertError(app.request(...await post(`?channel=${name}`, metrics)), status, error);
    });
  }

  it("may hold an encoded slash", async () => {
    const response = await app.request(`${REST}/channels/room%2Fa`);
    assertEquals([response.status, (await response.json()).channel], [200, "room/a"]);
  });
});

describe("POST /api/v1/websocket/broadcast", () => {
  const may = { admin: 200, developer: 403, viewer: 403, bot: 403, anonymous: 401 } as const;
  const events = {
    metrics,
    signals: { event_type: "signal.buy", data: {} },
    actions: { event_type: "action.executed", data: { action: "a", status: "s" } },
    logs: { event_type: "log.info", data: { level: "info", message: "m" } },
    status: {
      event_type: "status.started",
      data: { status: "started", uptime_seconds: 1, version: "1" },
    },
    connections: {
      event_type: "client.connected",
      data: { client_id: "c", user_id: null, role: "r", connections: 1 },
    },
  } as const;
  for (const [name, event] of Object.entries(events)) {
    for (const role of ROLES) {
      it(`answers ${role} with ${may[role]} on ${name}`, async () => {
        const hub = testHub();
        const response = await routes(hub).request(...await post(`?channel=${name}`, event, role));
        assertEquals(response.status, may[role], await response.clone().text());
        assertEquals(hub.stats().eventsPublished, role === "admin" ? 1 : 0);
        if (role === "anonymous") {
          assertStringIncludes(response.headers.get("www-authenticate") ?? "", "Bearer");
        }
      });
    }
  }

  it("is for admins alone, though the channel lets others publish over the socket", async () => {
    const event = { event_type: "note", data: null };
    const statuses: number[] = [];
    for (const role of ["anonymous", "developer", "admin"]) {
      const request = await post("?channel=room%2Fa", event, role);
      statuses.push((await routes(testHub()).request(...request)).status);
    }
    assertEquals(statuses, [401, 403, 200]);
  });

  it("is for the roles that the application says are admins", async () => {
    const request = await post("?channel=room%2Fa", { event_type: "note", data: 1 }, "developer");
    const app = routes(testHub(), { adminRoles: ["developer"] });
    assertEquals((await app.request(...request)).status, 200);
  });

  it("reaches the subscribers of the channel in the query, whatever the body says", async () => {
    const hub = testHub();
    const server = await serveHere(hub);
    const client = await connectRaw(
      `${server.url.replace(/^http/, "ws")}/ws?token=${await tokenFor("developer")}`,
    );
    await client.nextOf("connected");
    await client.ask({ type: "subscribe", channels: ["metrics", "logs"] });
    const [path, init] = await post("?channel=metrics", {
      ...metrics,
      channel: "logs",
      type: "error",
      offset: 99,
      ["__proto__"]: { polluted: true },
    });
    const response = await fetch(server.url + path, init);
    const { epoch, ...answer } = await response.json();
    assertEquals(answer, {
      status: "ok",
      channel: "metrics",
      subscribers: 1,
      message_sent: true,
      offset: 1,
    });
    const { timestamp: _, ...event } = await client.json();
    assertEquals(event, { type: "event", channel: "metrics", ...metrics, offset: 1 });
    assert(typeof epoch === "string");
    assertEquals(Reflect.get({}, "polluted"), undefined);
    await client.close();
    await hub.drain();
    await server.close();
  });

  const misfits: readonly (readonly [what: string, body: string, error: string, named: string])[] =
    [
      ["an empty body", "", "invalid_json", "JSON"],
      ["what is not JSON", "{nope", "invalid_json", "JSON"],
      ["an array", "[]", "invalid_message", "object"],
      ["null", "null", "invalid_message", "object"],
      ["a string", '"x"', "invalid_message", "object"],
      ["no event_type", '{"data":{}}', "invalid_message", "event_type"],
      ["an event_type that is none", '{"event_type":7,"data":{}}', "invalid_message", "event_type"],
      ["an empty event_type", '{"event_type":"","data":{}}', "invalid_message", "event_type"],
      ["no data", '{"event_type":"system_metrics"}', "invalid_message", "data"],
      ["nesting too deep", "[".repeat(10_000) + "]".repeat(10_000), "invalid_message", "nest"],
      ["a number out of range", '{"event_type":"x","data":1e999}', "invalid_message", "number"],
      ["an event of another kind", '{"event_type":"x","data":{}}', "payload_invalid", "x"],
      [
        "data that does not fit",
        JSON.stringify({ ...metrics, data: { ...metrics.data, cpu_percent: "a lot" } }),
        "payload_invalid",
        "cpu_percent",
      ],
    ];
  for (const [what, body, error, named] of misfits) {
    it(`answers ${what} with 400 ${error}`, async () => {
      const hub = testHub();
      const response = routes(hub).request(...await post("?channel=metrics", body));
      await assertError(response, 400, error, named);
      assertEquals(hub.stats().eventsPublished, 0);
    });
  }

  it("answers bytes that are not UTF-8 with 400", async () => {
    const [path, init] = await post("?channel=metrics", "");
    const body = new Uint8Array([0x22, 0xff, 0x22]);
    await assertError(routes(testHub()).request(path, { ...init, body }), 400, "invalid_json");
  });

  for (const query of ["", "?channel=", "?channel=metrics&channel=logs", "?Channel=metrics"]) {
    it(`answers the query "${query}" with 400`, async () => {
      const response = routes(testHub()).request(...await post(query, metrics));
      await assertError(response, 400, "invalid_channel", "?channel=NAME");
    });
  }

  it("takes a body of 64 KiB and no byte more", async () => {
    const app = routes(testHub());
    const event = (padding: number) =>
      JSON.stringify({ event_type: "signal.x", data: { padding: "x".repeat(padding) } });
    const most = 65_536 - event(0).length;
    const fits = await app.request(...await post("?channel=signals", event(most)));
    assertEquals(fits.status, 200);
    const over = app.request(...await post("?channel=signals", event(most + 1)));
    await assertError(over, 413, "message_too_large", "65536");
  });

  it("stops to read a body that goes on for ever, whatever its Content-Length says", async () => {
    for (const length of [undefined, "10"]) {
      let pulled = 0;
      let isCancelled = false;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(1024).fill(++pulled && 0x20)),
        cancel: () => void (isCancelled = true),
      });
      const headers = { ...await bearer("admin"), ...(length && { "Content-Length": length }) };
      const init = { method: "POST", headers, body, duplex: "half" } as const;
      const response = routes(testHub()).request(`${REST}/broadcast?channel=metrics`, init);
      await assertError(response, 413, "message_too_large");
      assert(isCancelled);
      assert(pulled < 80, `${pulled} KiB were read`);
    }
  });

  it("does not read the body of whoever may not publish", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: () => void pulled++,
    }, { highWaterMark: 0 });
    const init = { method: "POST", headers: await bearer("viewer"), body, duplex: "half" } as const;
    const response = routes(testHub()).request(`${REST}/broadcast?channel=metrics`, init);
    await assertError(response, 403, "forbidden", "viewer");
    assertEquals(pulled, 0);
  });

  it("answers 503 where the broker fails, and where the hub has drained", async () => {
    const broker = changedBroker(memoryBroker(), {
      publish: () => Promise.reject(new HeddleError("broker_unavailable", "10.0.0.7 refused")),
    });
    const failing = routes(testHub({ broker })).request(...await post("?channel=metrics", metrics));
    const response = await assertError(failing, 503, "broker_unavailable", "try again");
    assertEquals(response.headers.get("retry-after"), "5");
    const hub = testHub();
    await hub.drain();
    const drained = routes(hub).request(...await post("?channel=metrics", metrics));
    await assertError(drained, 503, "draining", "come back");
  });

  it("answers what nobody foresaw with 500, logs it, and tells the peer nothing", async () => {
    const logged: unknown[] = [];
    const logger: Logger = {
      ...quiet,
      error: (_message, fields) => void logged.push(fields?.["error"]),
    };
    const app = routes(testHub({ logger }));
    const event = { event_type: "any", data: 1 };
    const response = app.request(...await post("?channel=throwing", event));
    await assertError(response, 500, "internal", "the server failed");
    assertEquals(logged.map(String), ["Error: secret detail"]);
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
