/**
 * Cases of PROTOCOL.md, "Events".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { bytesOf, equalBytes } from "../wire/bytes.ts";
import { check, expect, expectSame } from "./check.ts";
import { encodeEnvelope, ENVELOPE, type MediaKind } from "./envelope.ts";
import { hello } from "./features.ts";
import { pair } from "./places.ts";
import { isRecord } from "./shape.ts";

/** Kinds of media, each with bytes and what they are in base64. */
const MEDIA: readonly (readonly [MediaKind, readonly number[], string])[] = [
  ["image", [0xff, 0xd8, 0xff], "/9j/"],
  ["audio", [0xfb, 0xff], "+/8="],
  ["video", [], ""],
  ["binary", [0], "AA=="],
];

export const cases: readonly Case[] = [
  check("HDL-EVT-1", "event", "an event comes as the message event", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    const values = [null, true, 0, -1.5, "", "ü 😀", [], [1, [2]], {}, { a: { b: null } }];
    for (const value of values) {
      await publisher.publish(channel, value, { event_type: "kit.any thing" });
      const event = await client.event(channel);
      expectSame([event["event_type"], event["data"]], ["kit.any thing", value], "type and data");
    }
  }),
  check(
    "HDL-EVT-2",
    "the-same",
    "everybody gets the same, however it is written",
    async (server) => {
      const { name } = server.channel();
      const publisher = await server.connect();
      const asked = [
        {},
        { compression: { algorithm: "gzip" } },
        { compression: { algorithm: "deflate", compact: true } },
        { batch: { max_ms: 5, max_bytes: 50_000 } },
        { binary: {} },
      ];
      const clients = [];
      for (const features of asked) {
        const client = await server.connect();
        await hello(client, features);
        await client.subscribe(name);
        clients.push(client);
      }
      await publisher.publishMany(name, 3, (i) => ({ i, text: "hello ".repeat(400) }));
      const seen = [];
      for (const client of clients) {
        const events = await client.events(name, 3);
        seen.push(events.map(({ channel, event_type, timestamp, offset, data }) => ({
          channel,
          event_type,
          timestamp,
          offset,
          data,
        })));
      }
      for (const events of seen) expectSame(events, seen[0], "the same events:");
    },
  ),
  check("HDL-EVT-2", "media", "so it is of media, binary or as text", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const plain = await server.connect();
    await hello(client, { binary: {} });
    for (const one of [client, plain]) await one.subscribe(channel);
    const content = bytesOf("some bytes");
    const metadata = { channel, event_type: "shot", metadata: { width: 3 } };
    publisher.sendBytes(encodeEnvelope(ENVELOPE.image, metadata, content));
    const [binary, text] = [await client.event(channel), await plain.event(channel)];
    for (const field of ["channel", "event_type", "timestamp", "offset"]) {
      expectSame(binary[field], text[field], field);
    }
    const data = text["data"];
    const sent = isRecord(data) ? atob(String(data["content"])) : "";
    expectSame(sent, "some bytes", "content as text");
    const media = client.received.find(({ how }) => how === "media")?.content;
    if (media === undefined) return;
    expect(equalBytes(media, content), "the same bytes", `${media.length} others`);
  }),
  ...MEDIA.map(([kind, bytes, content]) =>
    check(
      "HDL-EVT-3",
      kind,
      `${kind} comes in base64 where binary is not granted`,
      async (server) => {
        const { client, publisher, channel } = await pair(server);
        await client.subscribe(channel);
        publisher.sendBytes(encodeEnvelope(ENVELOPE[kind], { channel }, Uint8Array.from(bytes)));
        const { data } = await client.event(channel);
        expectSame(data, { encoding: "base64", kind, content, metadata: {} }, "data");
      },
    )
  ),
];
