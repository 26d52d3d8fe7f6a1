/**
 * Cases of PROTOCOL.md, "HTTP".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import type { HttpAnswer, HttpRequest } from "../wire/http.ts";
import { check, expect, expectSame } from "./check.ts";
import { goingDown } from "./going_down.ts";
import { expectRefusal, showAnswer } from "./refusing.ts";
import type { ConnectSpec, Server } from "./server.ts";
import { isRecord, type ServerMessage } from "./shape.ts";

const API = "/api/v1/websocket";

/** The configuration's path stands below the endpoint's. */
function configPath(server: Server): string {
  return `${server.path().split("?")[0]?.replace(/\/$/, "")}/config`;
}

/** The object at a path of fields. */
function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => isRecord(inner) ? inner[name] : undefined, value);
}

function expectOk(answer: HttpAnswer): void {
  expect(
    answer.status === 200 && isRecord(answer.json),
    "200 and a JSON object",
    showAnswer(answer),
  );
}

/** Who sees clients, and may broadcast. */
function admin(server: Server): ConnectSpec {
  return { role: server.offer.admin_role ?? "admin" };
}

/** Who is not. @throws Skipped where the kit's usual client is one who does */
function ordinary(server: Server): ConnectSpec {
  if (server.role === admin(server).role) throw new Skipped("the usual role is an administrator's");
  return {};
}

const broadcast = (channel: string | null, body: unknown): HttpRequest => ({
  method: "POST",
  path: `${API}/broadcast${channel === null ? "" : `?channel=${encodeURIComponent(channel)}`}`,
  headers: { "Content-Type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

const EVENT = { event_type: "kit", data: { from: "http" } };

/** A channel where an administrator may broadcast. */
function adminChannel(server: Server, want: { readonly events?: boolean } = {}) {
  return server.channel({ role: server.offer.admin_role ?? "admin", ...want });
}

const bad = (
  name: string,
  what: string,
  status: number,
  requestOf: (server: Server) => HttpRequest,
): Case =>
  check("HDL-REST-9", name, `${what} gets ${status}`, async (server) => {
    expectRefusal(await server.http(requestOf(server), admin(server)), status);
  });

export const cases: readonly Case[] = [
  check("HDL-REST-1", "body", "every error says what was wrong", async (server) => {
    const answers = [
      await server.http({ path: `${API}/channels/${server.unknownChannel()}` }),
      await server.http({ path: `${API}/channels/no%20name` }),
      await server.http(broadcast(null, EVENT), admin(server)),
      await server.http({ path: `${API}/status` }, { token: "no.such.token" }),
    ];
    for (const answer of answers) {
      const { json } = answer;
      const right = answer.status >= 400 && isRecord(json) &&
        typeof json["error"] === "string" && typeof json["message"] === "string";
      expect(right, 'an error with {"error", "message"}', showAnswer(answer));
    }
  }),
  check(
    "HDL-REST-2",
    "identity",
    "routes that need an identity answer 401 without",
    async (server) => {
      for (const path of ["status", "channels", "channels/kit"]) {
        expectRefusal(
          await server.http({ path: `${API}/${path}` }, { token: "no.such.token" }),
          401,
        );
        const nobody = await server.http({ path: `${API}/${path}` }, { token: "" });
        expect(
          (nobody.status === 401) === (server.offer.anonymous === false),
          "the rule of connections",
          showAnswer(nobody),
        );
      }
    },
  ),
  check(
    "HDL-REST-3",
    "config",
    "/ws/config tells of the server without a credential",
    async (server) => {
      const answer = await server.http({ path: configPath(server) }, { token: "" });
      expectOk(answer);
      const config = at(answer.json, "websocket_config");
      expectSame(
        [at(answer.json, "status"), at(config, "version")],
        ["success", "1.0"],
        "status, version",
      );
      const features = [
        "json_first",
        "auth_required",
        "heartbeat_supported",
        "reconnection_supported",
        "rate_limiting",
        "message_queuing",
      ];
      for (const name of features) {
        expect(
          typeof at(config, "features", name) === "boolean",
          `features.${name}, a boolean`,
          config,
        );
      }
      for (const name of ["websocket", "service_discovery"]) {
        expect(typeof at(config, "endpoints", name) === "string", `endpoints.${name}`, config);
      }
      const { greeting } = await server.connect();
      expectSame(
        at(config, "connection_limits", "heartbeat_interval"),
        Number(greeting["heartbeat_interval"]) * 1000,
        "heartbeat_interval in milliseconds",
      );
      expectSame(at(config, "server_status"), "healthy", "server_status");
      expectSame(
        at(config, "features", "auth_required"),
        server.offer.anonymous === false,
        "auth_required",
      );
    },
  ),
  check("HDL-REST-4", "healthy", "/health answers 200 without a credential", async (server) => {
    const answer = await server.http({ path: "/health" }, { token: "" });
    expectOk(answer);
    expectSame(at(answer.json, "status"), "healthy", "status");
    expect(typeof at(answer.json, "uptime_seconds") === "number", "uptime_seconds", answer.json);
  }),
  check("HDL-REST-4", "draining", "and 503 when it goes down", async (server) => {
    const { health } = await goingDown(server);
    if (health === null) throw new Skipped("the target takes no connection once it goes down");
    expectSame([health.status, at(health.json, "status")], [503, "draining"], "status");
  }),
  check("HDL-REST-5", "status", "clients are listed for an administrator alone", async (server) => {
    const client = await server.connect();
    const answer = await server.http({ path: `${API}/status` }, admin(server));
    expectOk(answer);
    const clients = at(answer.json, "websocket", "clients");
    expect(Array.isArray(clients), "a list of clients", showAnswer(answer));
    const own = clients.find((one) => at(one, "client_id") === client.id);
    for (const name of ["user_id", "connected_at", "channels", "last_heartbeat"]) {
      expect(isRecord(own) && Object.hasOwn(own, name), `${name} of the client`, own);
    }
    const other = await server.http({ path: `${API}/status` }, ordinary(server));
    expectOk(other);
    const websocket = at(other.json, "websocket");
    expect(
      isRecord(websocket) && !Object.hasOwn(websocket, "clients"),
      "no clients",
      showAnswer(other),
    );
    for (
      const name of [
        "total_connections",
        "total_channels",
        "total_subscriptions",
        "buffered_events",
      ]
    ) {
      expect(typeof at(websocket, name) === "number", `${name}, a number`, showAnswer(other));
    }
  }),
  check("HDL-REST-5", "channel", "so are a channel's subscribers", async (server) => {
    const { name } = server.channel();
    const client = await server.connect();
    await client.subscribe(name);
    const path = `${API}/channels/${encodeURIComponent(name)}`;
    const answer = await server.http({ path }, admin(server));
    expectOk(answer);
    expectSame(at(answer.json, "subscriber_ids"), [client.id], "subscriber_ids");
    expectSame([at(answer.json, "channel"), at(answer.json, "subscribers")], [name, 1], "channel");
    const other = await server.http({ path }, ordinary(server));
    expectOk(other);
    expect(!Object.hasOwn(Object(other.json), "subscriber_ids"), "no ids", showAnswer(other));
  }),
  check("HDL-REST-6", "unknown", "a name of no channel gets 404", async (server) => {
    expectRefusal(await server.http({ path: `${API}/channels/${server.unknownChannel()}` }), 404);
  }),
  check("HDL-REST-6", "no-name", "any other name 400", async (server) => {
    for (const name of ["no%20name", "%C3%BC", "@all", "x".repeat(201)]) {
      expectRefusal(await server.http({ path: `${API}/channels/${name}` }), 400);
    }
  }),
  check(
    "HDL-REST-7",
    "broadcast",
    "an event is published to the channel of the query",
    async (server) => {
      const [{ name }, other] = [adminChannel(server), adminChannel(server).name];
      const client = await server.connect();
      await client.subscribe([name, other]);
      const answer = await server.http(
        broadcast(name, { ...EVENT, channel: other }),
        admin(server),
      );
      expectOk(answer);
      const isTheirs = ({ channel }: ServerMessage) => channel === name || channel === other;
      const event = await client.next(isTheirs, "the event");
      const { channel, event_type, data, offset } = event;
      expectSame({ channel, event_type, data }, { channel: name, ...EVENT }, "the event");
      expectSame(
        [at(answer.json, "channel"), at(answer.json, "offset"), at(answer.json, "message_sent")],
        [name, offset, true],
        "channel, offset and message_sent",
      );
    },
  ),
  check("HDL-REST-8", "role", "who is no administrator gets 403", async (server) => {
    const { name } = adminChannel(server);
    expectRefusal(await server.http(broadcast(name, EVENT), ordinary(server)), 403);
  }),
  check("HDL-REST-8", "nobody", "and nobody 401", async (server) => {
    const { name } = adminChannel(server);
    expectRefusal(await server.http(broadcast(name, EVENT), { token: "" }), 401);
  }),
  bad("no-channel", "no channel", 400, () => broadcast(null, EVENT)),
  bad("no-name", "what is no name", 400, () => broadcast("no name", EVENT)),
  bad(
    "unknown",
    "a name of no channel",
    404,
    (server) => broadcast(server.unknownChannel(), EVENT),
  ),
  bad(
    "no-json",
    "a body that is no JSON",
    400,
    (server) => broadcast(adminChannel(server).name, "{"),
  ),
  bad(
    "no-event",
    "a body that is no event",
    400,
    (server) => broadcast(adminChannel(server).name, { data: 1 }),
  ),
  bad("schema", "an event that the schema does not take", 400, (server) => {
    const { name, offer } = adminChannel(server, { events: true });
    const [event_type = "", examples] = Object.entries(offer.events ?? {})[0] ?? [];
    return broadcast(name, { event_type, data: examples?.invalid[0] });
  }),
  bad(
    "too-large",
    "a body of more than 65,536 bytes",
    413,
    (server) =>
      broadcast(adminChannel(server).name, { event_type: "kit", data: "x".repeat(65_536) }),
  ),
  check(
    "HDL-REST-10",
    "in-force",
    "/ws/config names only limits that are in force",
    async (server) => {
      const answer = await server.http({ path: configPath(server) }, { token: "" });
      const limits = at(answer.json, "websocket_config", "connection_limits");
      const client = await server.connect();
      expectSame(at(limits, "max_message_size"), client.limit("text_bytes", 0), "max_message_size");
      expectSame(
        at(limits, "max_subscriptions"),
        client.limit("subscriptions", 0),
        "max_subscriptions",
      );
      for (
        const [name, own] of [["max_connections_per_user", "connections_per_user"], [
          "max_message_rate",
          "messages_per_minute",
        ]] as const
      ) {
        const told = at(limits, name);
        const known = client.limit(own, -1);
        expectSame(told ?? -1, known, name);
      }
    },
  ),
];
