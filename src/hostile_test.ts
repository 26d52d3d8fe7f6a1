/**
 * Bad input over real sockets: each gets its error, the connection lives, and so does the hub.
 */
import { after, before, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Server } from "./adapter/server.ts";
import { channel } from "./channel/definition.ts";
import { createHub } from "./hub/hub.ts";
import { message } from "./hub/message.ts";
import { connectRaw, type RawClient } from "./testing/raw_client.ts";
import { raisedRates } from "./testing/raised_rates.ts";
import { serveHere } from "./testing/serve.ts";
import { z } from "zod";

/** A text that is refused, and with which code. */
const texts: readonly (readonly [title: string, text: string, code: string])[] = [
  ["no JSON", "{nonsense", "invalid_json"],
  ["an empty text", "", "invalid_json"],
  ["an array", "[1,2,3]", "invalid_message"],
  ["a string", '"subscribe"', "invalid_message"],
  ["null", "null", "invalid_message"],
  ["no type", '{"channels":["open"]}', "invalid_message"],
  ["a type that is a number", '{"type":7}', "invalid_message"],
  ["a type nobody knows", '{"type":"dance"}', "unknown_type"],
  ["the type __proto__", '{"type":"__proto__"}', "unknown_type"],
  ["the type constructor", '{"type":"constructor"}', "unknown_type"],
  ["channels that are a string", '{"type":"subscribe","channels":"open"}', "invalid_message"],
  ["no channels", '{"type":"subscribe","channels":[]}', "invalid_message"],
  ["channels that are numbers", '{"type":"subscribe","channels":[1]}', "invalid_message"],
  [
    "101 channels",
    JSON.stringify({ type: "subscribe", channels: Array.from({ length: 101 }, String) }),
    "invalid_message",
  ],
  ["nesting 5,000 deep", "[".repeat(5_000) + "]".repeat(5_000), "invalid_message"],
  [
    "channels nested 10,000 deep",
    `{"type":"subscribe","channels":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
    "invalid_message",
  ],
  [
    "objects nested 10,000 deep",
    `{"type":"resume","reconnection_token":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`,
    "invalid_message",
  ],
  ...[-1, 0.5, 2 ** 53, "1", null].map((offset) =>
    [
      `the offset ${JSON.stringify(offset)}`,
      JSON.stringify({
        type: "subscribe",
        channels: ["open"],
        positions: { open: { epoch: "e", offset } },
      }),
      "invalid_message",
    ] as const
  ),
  [
    "an offset beyond any double",
    '{"type":"history","channel":"open","since":{"epoch":"e","offset":1e400}}',
    "invalid_message",
  ],
  ["a negative last", '{"type":"subscribe","channels":["open"],"last":-1}', "invalid_message"],
  ["a last of 1,001", '{"type":"subscribe","channels":["open"],"last":1001}', "invalid_message"],
  ["a limit of 0", '{"type":"history","channel":"open","limit":0}', "invalid_message"],
  ["a limit of 1,001", '{"type":"history","channel":"open","limit":1001}', "invalid_message"],
  [
    "a correlation id that is an object",
    '{"type":"ping","correlation_id":{"__proto__":1}}',
    "invalid_message",
  ],
  [
    "nesting inside the data",
    `{"type":"publish","channel":"open","event_type":"e","data":${"[".repeat(100)}${
      "]".repeat(100)
    }}`,
    "invalid_message",
  ],
  [
    "a number that no double holds",
    '{"type":"publish","channel":"open","event_type":"e","data":1e400}',
    "invalid_message",
  ],
  ["a correlation id that is a number", '{"type":"ping","correlation_id":1}', "invalid_message"],
  [
    "a correlation id of 129 characters",
    JSON.stringify({ type: "ping", correlation_id: "x".repeat(129) }),
    "invalid_message",
  ],
  [
    "an event for another's own channel",
    '{"type":"publish","channel":"@user:1","event_type":"e","data":1}',
    "forbidden",
  ],
  [
    "an event for a channel named __proto__",
    '{"type":"publish","channel":"__proto__","event_type":"e","data":1}',
    "unknown_channel",
  ],
  [
    "an event for a channel named constructor",
    '{"type":"publish","channel":"constructor","event_type":"e","data":1}',
    "unknown_channel",
  ],
  [
    "an event for a channel of 9 KB",
    JSON.stringify({ type: "publish", channel: "x".repeat(9_000), event_type: "e", data: 1 }),
    "invalid_channel",
  ],
  [
    "a type of 9 KB",
    JSON.stringify({ type: "x".repeat(9_000) }),
    "unknown_type",
  ],
  ["a type that is a lone surrogate", '{"type":"\\ud800"}', "unknown_type"],
  [
    "an event that may not be published",
    '{"type":"publish","channel":"closed","event_type":"e","data":1}',
    "forbidden",
  ],
  [
    "an event without data",
    '{"type":"publish","channel":"open","event_type":"e"}',
    "invalid_message",
  ],
  [
    "an event that fails its schema",
    '{"type":"publish","channel":"typed","event_type":"count","data":{"n":"one"}}',
    "payload_invalid",
  ],
  ["a payload that fails its schema", '{"type":"greet","payload":{}}', "payload_invalid"],
  ["a message whose handler throws", '{"type":"fail"}', "internal"],
  ["a text over the limit", JSON.stringify({ type: "x".repeat(11_000) }), "message_too_large"],
];

/** A legal envelope, cut short at every byte below. */
const envelope = (() => {
  const metadata = new TextEncoder().encode('{"channel":"open"}');
  const bytes = new Uint8Array(8 + metadata.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, 4);
  view.setUint16(2, metadata.length);
  view.setUint32(4, 4);
  bytes.set(metadata, 8);
  return bytes;
})();

function altered(change: (bytes: Uint8Array<ArrayBuffer>) => void): Uint8Array<ArrayBuffer> {
  const bytes = envelope.slice();
  change(bytes);
  return bytes;
}

describe("A hub that is sent bad input", () => {
  const hub = createHub({
    auth: () => ({ userId: "__proto__", role: "constructor", claims: {} }),
    channels: {
      open: channel({ permissions: { "*": ["subscribe", "broadcast"] } }),
      closed: channel(),
      typed: channel({
        events: { count: z.object({ n: z.number() }) },
        permissions: { "*": ["broadcast"] },
      }),
    },
    messages: {
      greet: message(z.object({ name: z.string() }), ({ reply }) => void reply("greeting")),
      fail: message(z.unknown(), () => {
        throw new Error("the application's own mistake");
      }),
    },
    rates: raisedRates,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  let server: Server;
  let client: RawClient;
  before(async () => {
    server = await serveHere(hub);
    client = await connectRaw(server.url.replace(/^http/, "ws") + "/ws");
    const connected = await client.json();
    assertEquals(connected["user_id"], "__proto__");
  });
  after(async () => {
    await hub.drain();
    await server.close();
  });

  async function expectError(code: string): Promise<void> {
    const answer = await client.json();
    assertEquals([answer["type"], answer["code"]], ["error", code], JSON.stringify(answer));
    assertEquals(typeof answer["help"], "string");
    assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
  }

  for (const [title, text, code] of texts) {
    it(`answers ${title} with ${code}, and lives`, async () => {
      client.send(text);
      await expectError(code);
    });
  }

  it("answers an envelope cut short at any byte with invalid_message, and lives", async () => {
    for (let length = 0; length < envelope.length; length++) {
      client.sendBytes(envelope.subarray(0, length));
      await expectError("invalid_message");
    }
  });

  it("answers an envelope with a wrong head with invalid_message, and lives", async () => {
    for (
      const bytes of [
        altered((bytes) => bytes[0] = 2),
        altered((bytes) => bytes[1] = 0),
        altered((bytes) => bytes[1] = 6),
        altered((bytes) => bytes[3] = 255),
        altered((bytes) => bytes[7] = 3),
        altered((bytes) => bytes[7] = 5),
        altered((bytes) => bytes[4] = 255),
        altered((bytes) => bytes[8] = 0x5b),
        altered((bytes) => bytes[10] = 0xff),
      ]
    ) {
      client.sendBytes(bytes);
      await expectError("invalid_message");
    }
  });

  it("rejects a bad name alone, and keeps the good one", async () => {
    const names = ["open", "__proto__", "constructor", "@all", "a b", "x".repeat(10_000), "\ud800"];
    const answer = await client.ask({ type: "subscribe", channels: names });
    assertEquals(answer["channels"], ["open"]);
    const rejected = answer["rejected"] as { channel: string; code: string }[];
    assertEquals(rejected.map(({ code }) => code).sort(), [
      "forbidden",
      "invalid_channel",
      "invalid_channel",
      "invalid_channel",
      "unknown_channel",
      "unknown_channel",
    ]);
  });

  it("gives lone surrogates and __proto__ inside data back as they came", async () => {
    const data = JSON.parse('{"__proto__":{"polluted":true},"lone":"\\ud800"}');
    client.send(
      `{"type":"publish","channel":"open","event_type":"e","data":${JSON.stringify(data)}}`,
    );
    const event = await client.nextOf("event");
    assertEquals(JSON.stringify(event["data"]), JSON.stringify(data));
    assert(!("polluted" in {}), "Object.prototype was changed");
    await client.nextOf("published");
  });

  it("repeats any string as a correlation id", async () => {
    for (const id of ["__proto__", "constructor", "\ud800", ""]) {
      client.send({ type: "ping", correlation_id: id });
      assertEquals((await client.json())["correlation_id"], id);
    }
  });

  it("takes an event with the id __proto__ once, and another's of the same event type", async () => {
    for (const id of ["__proto__", "constructor"]) {
      const event = { type: "publish", channel: "open", event_type: "__proto__", data: 1, id };
      assertEquals((await client.ask(event))["duplicate"], undefined);
      assertEquals((await client.ask(event))["duplicate"], true);
    }
  });
});
