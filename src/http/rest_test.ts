import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { memoryBroker } from "../broker/memory.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { anonymousIdentity } from "../guard/identity.ts";
import { jwtAuth } from "../guard/jwt.ts";
import type { Logger } from "../hub/logger.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { routes } from "./routes.ts";
import {
  assertError,
  bearer,
  metrics,
  post,
  quiet,
  REST,
  ROLES,
  secret,
  testChannels,
  testHub,
  tokenFor,
} from "./fixture.ts";

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

  it("count and list the same connections: those whose close nobody has begun", async () => {
    const hub = testHub();
    const admission = { identity: anonymousIdentity(), address: "192.0.2.1" };
    const [left, dismissed, stays] = [1, 2, 3].map(() => hub.accept(new FakeSocket(), admission));
    left!.closing(1001, "");
    hub.disconnect(dismissed!.clientId);
    for (const role of ["admin", "viewer"]) {
      const headers = await bearer(role);
      const { websocket } = await (await routes(hub).request(`${REST}/status`, { headers })).json();
      assertEquals(websocket.total_connections, 1, role);
      const ids = websocket.clients?.map((one: { client_id: string }) => one.client_id);
      assertEquals(ids, role === "admin" ? [stays!.clientId] : undefined);
    }
    for (const peer of [left!, dismissed!, stays!]) peer.closed(1000, "");
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

describe("POST …/broadcast from a peer that goes while it sends", () => {
  it("is 400, and no failure of the server's for its log", async () => {
    const errors: string[] = [];
    const hub = testHub({ logger: { ...quiet, error: (message) => void errors.push(message) } });
    const [path, init] = await post("?channel=metrics", "");
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"event_type": ')),
      pull: (controller) => controller.error(new Error("The connection was closed.")),
    });
    const duplex = { duplex: "half" }; // which Node asks for, and no type knows
    const request = new Request(`http://localhost${path}`, { ...init, ...duplex, body });
    await assertError(routes(hub).fetch(request), 400, "invalid_json", "did not come whole");
    assertEquals([errors, hub.stats().eventsPublished], [[], 0]);
  });
});
