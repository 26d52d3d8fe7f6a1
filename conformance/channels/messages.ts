/**
 * Cases of PROTOCOL.md, "Messages": what is no message, and what each message must answer.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import type { Client } from "./client.ts";
import { cases as fields } from "./messages_fields.ts";
import { ANSWERS, CLIENT_MESSAGES, SERVER_MESSAGES } from "./protocol.ts";
import { fresh, type Server } from "./server.ts";

/** Arrays in arrays: a value that nests so many levels deep. */
function nested(levels: number): string {
  return "[".repeat(levels) + "]".repeat(levels);
}

/** A bit of everything that a server says. */
async function chat(server: Server): Promise<Client> {
  const { name } = server.channel();
  const client = await server.connect();
  await client.subscribe(name);
  await client.publish(name, { hello: "world" });
  await client.event(name);
  await client.ok({ type: "history", channel: name });
  await client.ok({ type: "get_subscriptions" });
  await client.ok({ type: "hello", features: {} });
  await client.refusedText("{", "invalid_json");
  await client.ok({ type: "unsubscribe", channels: [name] });
  return client;
}

const invalid = (name: string, what: string, ...texts: readonly string[]): Case =>
  check("HDL-MSG-3", name, `${what} gets invalid_message`, async (server) => {
    const client = await server.connect();
    for (const text of texts) await client.refusedText(text, "invalid_message");
    await client.alive();
  });

export const cases: readonly Case[] = [
  watch(
    "HDL-MSG-1",
    "text",
    "what the server sends as text is one JSON object with a type",
    async (server) => {
      await chat(server);
    },
  ),
  check("HDL-MSG-2", "not-json", "text that is not JSON gets invalid_json", async (server) => {
    const client = await server.connect();
    const texts = [
      "",
      "hello",
      "{",
      '{"type":"ping"',
      "{'type':'ping'}",
      '{"type":"ping"}}',
      "NaN",
    ];
    for (const text of texts) await client.refusedText(text, "invalid_json");
    await client.alive();
  }),
  invalid("no-object", "JSON that is no object", "[]", '["ping"]', "null", "5", '"ping"', "true"),
  invalid("no-type", "an object without a type", "{}", '{"Type":"ping"}', '{"message":"ping"}'),
  invalid(
    "type-no-string",
    "a type that is no string",
    '{"type":5}',
    '{"type":null}',
    '{"type":{}}',
  ),
  ...fields,
  check("HDL-MSG-5", "unknown", "a type that nobody declared gets unknown_type", async (server) => {
    const client = await server.connect();
    for (const type of [`kit.${fresh()}`, "", "PING", "ping ", "subscribe\u0000"]) {
      await client.refused({ type }, "unknown_type");
    }
  }),
  ...[...SERVER_MESSAGES.keys()].filter((type) => !CLIENT_MESSAGES.has(type)).map((type) =>
    check("HDL-MSG-6", type.replaceAll("_", "-"), `${type} gets unknown_type`, async (server) => {
      const client = await server.connect();
      await client.refused({ type }, "unknown_type");
    })
  ),
  check("HDL-MSG-7", "unknown-fields", "fields that nobody knows are ignored", async (server) => {
    const { name } = server.channel();
    const client = await server.connect();
    const odd = { kit: { deep: [1] }, payload: 5, timestamp: "yesterday" };
    await client.subscribe(name, odd);
    await client.publish(name, {}, odd);
    await client.ok({ type: "ping", ...odd });
    await client.ok({ type: "hello", features: {}, ...odd });
  }),
  check("HDL-MSG-10", "repeated", "each answer repeats the correlation_id", async (server) => {
    const client = await server.connect();
    for (const id of ["1", "x".repeat(128), "ü 😀 \n", "__proto__"]) {
      client.send({ type: "ping", correlation_id: id });
      expectSame((await client.message("pong"))["correlation_id"], id, "correlation_id");
      client.send({ type: "kit.nobody", correlation_id: id });
      expectSame((await client.message("error"))["correlation_id"], id, "correlation_id");
    }
  }),
  check("HDL-MSG-10", "none", "an answer to a message without one has none", async (server) => {
    const client = await server.connect();
    client.send({ type: "ping" });
    client.send({ type: "kit.nobody" });
    client.sendText("no JSON");
    for (const type of ["pong", "error", "error"]) {
      const answer = await client.message(type);
      expect(!Object.hasOwn(answer, "correlation_id"), "no correlation_id", answer);
    }
  }),
  check(
    "HDL-MSG-10",
    "in-errors",
    "so does the error to a message whose other fields are wrong",
    async (server) => {
      const client = await server.connect();
      await client.refused({ type: "subscribe", channels: "news" }, "invalid_message");
      await client.refused({ type: "publish" }, "invalid_message");
    },
  ),
  watch(
    "HDL-MSG-18",
    "timestamp",
    "every message has its time, RFC 3339 with Z",
    async (server) => {
      await chat(server);
    },
  ),
  watch("HDL-MSG-20", "fields", "every message has the fields of the table", async (server) => {
    await chat(server);
  }),
  check(
    "HDL-MSG-19",
    "once",
    "each request is answered once, by what the table names",
    async (server) => {
      const { name } = server.channel();
      const client = await server.connect();
      const fieldsOf: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
        hello: { features: {} },
        subscribe: { channels: [name] },
        publish: { channel: name, event_type: "kit", data: null },
        history: { channel: name },
        presence: { channel: name },
        resume: { reconnection_token: "nothing" },
        authenticate: { token: "nothing" },
        unsubscribe: { channels: [name] },
      };
      const order = [...ANSWERS.keys()].filter((type) => type !== "ack" && type !== "unsubscribe");
      for (const type of [...order, "unsubscribe"]) {
        client.send({ type, correlation_id: type, ...fieldsOf[type] });
      }
      const all = [];
      for (let i = 0; i <= order.length; i++) all.push(await client.nextAnswer("an answer"));
      all.push(...(await client.fence()).filter((one) => one["correlation_id"] !== undefined));
      for (const type of [...order, "unsubscribe"]) {
        const answers = all.filter((one) => one["correlation_id"] === type);
        const [answer] = answers;
        const right = answers.length === 1 &&
          (answer?.type === ANSWERS.get(type) || answer?.type === "error");
        expect(right, `one ${ANSWERS.get(type)} or error to ${type}`, answers);
      }
    },
  ),
  check("HDL-MSG-19", "ack", "an ack has no answer", async (server) => {
    const client = await server.connect();
    client.send({ type: "ack", ack_ids: ["kit"], correlation_id: "ack" });
    await client.nothing((one) => one["correlation_id"] === "ack", "an ack has no answer");
  }),
  check("HDL-MSG-13", "too-deep", "65 levels get invalid_message", async (server) => {
    const client = await server.connect();
    await client.refusedText(`{"type":"ping","x":${nested(64)}}`, "invalid_message");
    await client.refusedText(`{"type":"ping","x":${nested(4000)}}`, "invalid_message");
    client.sendText(`{"type":"ping","x":${nested(63)}}`);
    await client.message("pong");
  }),
  check("HDL-MSG-14", "1e400", "a number beyond binary64 gets invalid_message", async (server) => {
    const client = await server.connect();
    for (const number of ["1e400", "-1e400", `1${"0".repeat(400)}`]) {
      await client.refusedText(`{"type":"ping","x":[${number}]}`, "invalid_message");
    }
    await client.alive();
  }),
  check("HDL-MSG-16", "in-data", "__proto__ and its like pass through data", async (server) => {
    const { name } = server.channel();
    const client = await server.connect();
    await client.subscribe(name);
    const data =
      '{"__proto__":{"a":1},"constructor":{"prototype":2},"toString":3,"hasOwnProperty":4}';
    client.sendText(
      `{"type":"publish","channel":"${name}","event_type":"__proto__","data":${data}}`,
    );
    const event = await client.event(name);
    expectSame(event["event_type"], "__proto__", "event_type");
    expectSame(event["data"], JSON.parse(data), "data");
  }),
  check("HDL-MSG-16", "as-type", "as types they are unknown like any other", async (server) => {
    const client = await server.connect();
    for (const type of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
      await client.refused({ type }, "unknown_type");
    }
  }),
  check("HDL-MSG-16", "as-channel", "so they are as channels and features", async (server) => {
    const client = await server.connect();
    for (const name of ["__proto__", "constructor", "toString"]) {
      const { rejected } = await client.ok({ type: "subscribe", channels: [name] });
      expect(Array.isArray(rejected) && rejected.length === 1, `${name} rejected`, rejected);
    }
    client.sendText(
      '{"type":"hello","features":{"__proto__":{},"constructor":{}},"correlation_id":"h"}',
    );
    const { features } = await client.answer("h", "hello");
    expectSame(features, {}, "features");
  }),
  check(
    "HDL-MSG-17",
    "garbage",
    "no message ends the server or another connection",
    async (server) => {
      const [other, client] = [await server.connect(), await server.connect()];
      const texts = ["\u0000", "[".repeat(5000), '{"type":"__proto__","__proto__":null}', '{"a":'];
      for (const text of texts) client.sendText(text);
      for (const bytes of [[], [0], [1, 5, 0xff, 0xff], [1, 5, 0, 0, 0, 0, 0, 0]]) {
        client.sendBytes(Uint8Array.from(bytes));
      }
      await client.alive();
      await other.alive();
      await (await server.connect()).alive();
    },
  ),
];
