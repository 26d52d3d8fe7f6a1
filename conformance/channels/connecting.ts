/**
 * Cases of PROTOCOL.md, "Connecting".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import { expectRefusal, field, showAnswer } from "./refusing.ts";
import type { Server } from "./server.ts";
import { isRecord } from "./shape.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The subprotocol that is selected where these are offered; null for none. */
async function selected(server: Server, ...subprotocols: readonly string[]) {
  const handshake = await server.handshake({ subprotocols });
  await server.client(handshake).greet();
  return handshake.values("Sec-WebSocket-Protocol")[0] ?? null;
}

/** A token in the form of a subprotocol, beside which others are offered. */
async function selectedBeside(server: Server, prefix: string, ...others: readonly string[]) {
  const token = await server.token({ sub: server.user(), role: server.role });
  const carrier = `${prefix}.${token}`;
  const handshake = await server.handshake({ token: "", subprotocols: [...others, carrier] });
  await server.client(handshake).greet();
  return { carrier, protocol: handshake.values("Sec-WebSocket-Protocol")[0] ?? null };
}

const refused = (
  name: string,
  what: string,
  [status, error]: readonly [number, string],
  fields: Readonly<Record<string, string | null>>,
  header: Readonly<Record<string, string>> = {},
  method = "GET",
): Case =>
  check("HDL-CON-6", name, `${what} is refused with ${status} ${error}`, async (server) => {
    const answer = await server.request({}, fields, method);
    expectRefusal(answer, status, error);
    for (const [key, value] of Object.entries(header)) {
      const found = field(answer, key);
      expect(found?.toLowerCase() === value.toLowerCase(), `${key}: ${value}`, String(found));
    }
  });

export const cases: readonly Case[] = [
  check("HDL-CON-12", "get", "the endpoint takes a connection by GET", async (server) => {
    await (await server.connect()).alive();
  }),
  check("HDL-CON-12", "room", "so does the path a segment below it", async (server) => {
    const prefix = server.rooms;
    const client = await server.connect({ room: "kit-lobby" });
    const had = client.greeting["channels"];
    expect(
      Array.isArray(had) && had.includes(`${prefix}kit-lobby`),
      `${prefix}kit-lobby joined`,
      had,
    );
  }),
  check(
    "HDL-CON-2",
    "no-subprotocol",
    "without a subprotocol the same messages come and are taken",
    async (server) => {
      const { name } = server.channel();
      const shapes = [];
      for (const subprotocols of [["heddle.v1"], []]) {
        const client = await server.connect({ subprotocols });
        const answer = await client.subscribe(name);
        await client.publish(name);
        const { connected, event } = {
          connected: client.greeting,
          event: await client.event(name),
        };
        shapes.push([connected, answer, event].map((message) => Object.keys(message).sort()));
      }
      expectSame(shapes[1], shapes[0], "the same fields");
    },
  ),
  check("HDL-CON-3", "alone", "heddle.v1, offered alone, is selected", async (server) => {
    expectSame(await selected(server, "heddle.v1"), "heddle.v1", "the subprotocol");
  }),
  check("HDL-CON-3", "among-others", "heddle.v1 is selected wherever it stands", async (server) => {
    const protocol = await selected(server, "chat", "heddle.v1", "graphql-ws");
    expectSame(protocol, "heddle.v1", "the subprotocol");
  }),
  check("HDL-CON-3", "beside-a-token", "so it is beside a token", async (server) => {
    const { protocol } = await selectedBeside(server, "jwt", "heddle.v1", "jwt-auth");
    expectSame(protocol, "heddle.v1", "the subprotocol");
  }),
  check("HDL-CON-4", "unknown", "what the server does not know is not selected", async (server) => {
    expectSame(await selected(server, "chat", "superchat"), null, "the subprotocol");
  }),
  check("HDL-CON-4", "nothing", "where nothing is offered nothing is selected", async (server) => {
    expectSame(await selected(server), null, "the subprotocol");
  }),
  check("HDL-CON-5", "jwt-auth", "jwt-auth is selected beside a token", async (server) => {
    const { protocol } = await selectedBeside(server, "jwt", "jwt-auth");
    expectSame(protocol, "jwt-auth", "the subprotocol");
  }),
  check("HDL-CON-5", "token-alone", "the token, where it is offered alone", async (server) => {
    const { carrier, protocol } = await selectedBeside(server, "jwt");
    expect(protocol === carrier, "the offered subprotocol that carries the token", "another");
  }),
  refused("no-upgrade", "a plain GET", [426, "upgrade_required"], {
    Upgrade: null,
    Connection: "close",
  }, { Upgrade: "websocket" }),
  refused("bad-version", "another version", [426, "unsupported_version"], {
    "Sec-WebSocket-Version": "8",
  }, { "Sec-WebSocket-Version": "13", Upgrade: "websocket" }),
  refused("no-key", "a request without a key", [400, "bad_handshake"], {
    "Sec-WebSocket-Key": null,
  }),
  refused("short-key", "a key that is too short", [400, "bad_handshake"], {
    "Sec-WebSocket-Key": "c2hvcnQ=",
  }),
  refused(
    "post",
    "a POST",
    [405, "method_not_allowed"],
    {
      "Content-Length": "0",
      // With these some runtimes answer by themselves.
      Upgrade: null,
      Connection: "close",
    },
    { Allow: "GET" },
    "POST",
  ),
  check(
    "HDL-CON-6",
    "no-room",
    "a path below is refused where there are no rooms",
    async (server) => {
      if (server.offer.rooms !== undefined) {
        const answer = await server.request({ room: "config/deeper" });
        return expect(answer.status === 404, "404 for two segments more", showAnswer(answer));
      }
      expectRefusal(await server.request({ room: "kit-lobby" }), 404, "not_found");
    },
  ),
  check(
    "HDL-CON-7",
    "body",
    "a refusal says what was wrong, by name and in words",
    async (server) => {
      const answer = await server.request({}, { "Sec-WebSocket-Version": "12" });
      const body = answer.json;
      const right = isRecord(body) && typeof body["error"] === "string" &&
        typeof body["message"] === "string" && body["message"] !== "";
      expect(right, 'the JSON {"error", "message"}', showAnswer(answer));
      const type = field(answer, "Content-Type") ?? "none";
      expect(/^application\/json\b/.test(type), "Content-Type: application/json", type);
    },
  ),
  check("HDL-CON-8", "first", "the first message is connected", async (server) => {
    await server.connect();
  }),
  check(
    "HDL-CON-8",
    "before-answers",
    "it is the first also where the client spoke before it",
    async (server) => {
      const client = await server.open();
      for (let i = 0; i < 3; i++) client.send({ type: "ping" });
      await client.greet();
      await client.message("pong");
    },
  ),
  check("HDL-CON-13", "uuid", "each connection has a random UUID of its own", async (server) => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await server.connect()).id);
    for (const id of ids) expect(UUID.test(id), "a random UUID in lower case (RFC 9562)", id);
    expect(new Set(ids).size === 3, "three different ids", ids);
  }),
  check(
    "HDL-CON-10",
    "early",
    "what is sent before connected is answered after it",
    async (server) => {
      const { name } = server.channel({ may: ["subscribe"] });
      const client = await server.open();
      client.send({ type: "subscribe", channels: [name], correlation_id: "early" });
      await client.greet();
      const answer = await client.answer("early", "subscribe");
      expectSame(answer["channels"], [name], "channels");
    },
  ),
  check(
    "HDL-CON-14",
    "foreign-origin",
    "a page of a foreign origin is refused with 403 origin_not_allowed",
    async (server) => {
      const origin = "https://kit.invalid";
      const answer = await server.request({}, { Origin: origin });
      expectRefusal(answer, 403, "origin_not_allowed");
    },
  ),
  check(
    "HDL-CON-14",
    "own-origin",
    "and one of the server's own host is let in",
    async (server) => {
      if (server.offer.origins !== undefined) {
        for (const origin of server.offer.origins) {
          await server.connect({ headers: { Origin: origin } });
        }
        return;
      }
      const { authority, secure } = server.peer.target;
      const origin = `${secure ? "https" : "http"}://${authority}`;
      await (await server.connect({ headers: { Origin: origin } })).alive();
    },
  ),
  check(
    "HDL-CON-15",
    "forwarded-host",
    "an origin is not held against a host that a header field of proxies names",
    async (server) => {
      const answer = await server.request({}, {
        Origin: "https://kit.invalid",
        "X-Forwarded-Host": "kit.invalid",
        "X-Forwarded-Proto": "https",
        Forwarded: 'host="kit.invalid";proto=https',
      });
      expectRefusal(answer, 403, "origin_not_allowed");
    },
  ),
];
