/**
 * Cases of PROTOCOL.md, "Binary messages".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { bytesOf, concat, equalBytes } from "../wire/bytes.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import { encodeEnvelope, ENVELOPE, type MediaKind } from "./envelope.ts";
import { granted } from "./features.ts";
import { expectNextIs, pair } from "./places.ts";
import { fresh } from "./server.ts";

const NOTHING = new Uint8Array();
const KINDS: readonly MediaKind[] = ["image", "audio", "video", "binary"];

const refused = (name: string, what: string, bytesOf: (channel: string) => Uint8Array): Case =>
  check("HDL-BIN-2", name, `${what} gets invalid_message`, async (server) => {
    const { name: channel } = server.channel();
    const client = await server.connect();
    await client.subscribe(channel);
    await client.refusedBytes(bytesOf(channel), "invalid_message", what);
    await expectNextIs(client, client, channel);
  });

export const cases: readonly Case[] = [
  check("HDL-BIN-1", "one", "two envelopes in a message are none", async (server) => {
    const { name } = server.channel();
    const client = await server.connect();
    await client.subscribe(name);
    const one = encodeEnvelope(ENVELOPE.image, { channel: name }, Uint8Array.of(1));
    await client.refusedBytes(concat([one, one]), "invalid_message", "two envelopes");
    await client.refusedBytes(concat([one, Uint8Array.of(0)]), "invalid_message", "one byte more");
    await expectNextIs(client, client, name);
  }),
  refused("empty", "no byte", () => NOTHING),
  refused("short", "less than a header", () => Uint8Array.of(1, 1, 0, 0, 0, 0, 0)),
  refused(
    "version-0",
    "the version 0",
    (channel) => encodeEnvelope(ENVELOPE.image, { channel }, NOTHING, { version: 0 }),
  ),
  refused(
    "version-2",
    "the version 2",
    (channel) => encodeEnvelope(ENVELOPE.image, { channel }, NOTHING, { version: 2 }),
  ),
  refused("type-0", "the type 0", (channel) => encodeEnvelope(0, { channel }, NOTHING)),
  refused("type-6", "the type 6", (channel) => encodeEnvelope(6, { channel }, NOTHING)),
  refused("type-255", "the type 255", (channel) => encodeEnvelope(255, { channel }, NOTHING)),
  refused(
    "payload-short",
    "a payload shorter than told",
    (channel) => encodeEnvelope(ENVELOPE.image, { channel }, NOTHING, { payloadLength: 1 }),
  ),
  refused(
    "payload-huge",
    "one of four gigabytes that is not there",
    (channel) =>
      encodeEnvelope(ENVELOPE.image, { channel }, NOTHING, { payloadLength: 0xffffffff }),
  ),
  refused(
    "metadata-long",
    "metadata that reach beyond the end",
    (channel) => encodeEnvelope(ENVELOPE.image, { channel }, NOTHING, { metadataLength: 0xffff }),
  ),
  refused(
    "metadata-no-json",
    "metadata that are no JSON",
    () => encodeEnvelope(ENVELOPE.image, bytesOf("kit"), NOTHING),
  ),
  refused(
    "metadata-no-object",
    "metadata that are no object",
    () => encodeEnvelope(ENVELOPE.image, [], NOTHING),
  ),
  refused("metadata-no-utf8", "metadata that are no UTF-8", (channel) =>
    encodeEnvelope(
      ENVELOPE.image,
      concat([bytesOf(`{"channel":"${channel}","x":"`), Uint8Array.of(0xff), bytesOf('"}')]),
      NOTHING,
    )),
  refused(
    "no-channel",
    "metadata without a channel",
    () => encodeEnvelope(ENVELOPE.image, {}, NOTHING),
  ),
  check("HDL-BIN-3", "fields", "its metadata are the fields of a publish", async (server) => {
    const { client, publisher, channel } = await pair(server);
    for (const one of [client, publisher]) await one.subscribe(channel);
    const fields = { channel, event_type: "shot", id: fresh(), echo: false, correlation_id: "kit" };
    for (const duplicate of [undefined, true]) {
      publisher.sendBytes(encodeEnvelope(ENVELOPE.image, fields, Uint8Array.of(1, 2)));
      const answer = await publisher.answer("kit", "an envelope");
      expectSame(
        [answer.type, answer["id"], answer["offset"]],
        ["published", fields.id, 1],
        "answer",
      );
      expectSame(answer["duplicate"], duplicate, "duplicate");
    }
    const event = await client.event(channel);
    expectSame(event["event_type"], "shot", "event_type");
    await expectNextIs(publisher, client, channel);
  }),
  check("HDL-BIN-3", "refused", "it is refused as a publish is", async (server) => {
    const client = await server.connect();
    const channel = server.unknownChannel();
    for (const [name, code] of [["no name", "invalid_channel"], [channel, "unknown_channel"]]) {
      const bytes = encodeEnvelope(ENVELOPE.image, { channel: name }, NOTHING);
      await client.refusedBytes(bytes, code ?? "");
    }
  }),
  ...KINDS.map((kind) =>
    check("HDL-BIN-4", kind, `the event type of ${kind} is its kind`, async (server) => {
      const { name } = server.channel({ echo: true });
      const client = await server.connect();
      await client.subscribe(name);
      client.sendBytes(encodeEnvelope(ENVELOPE[kind], { channel: name }, Uint8Array.of(1)));
      expectSame((await client.event(name))["event_type"], kind, "event_type");
    })
  ),
  ...KINDS.map((kind) =>
    check(
      "HDL-BIN-9",
      kind,
      `${kind} comes as an envelope where binary is granted`,
      async (server) => {
        const { client, publisher, channel } = await pair(server);
        await granted(client, "binary");
        await client.subscribe(channel);
        const content = server.peer.random.bytes(300);
        const metadata = { channel, event_type: "shot", metadata: { width: 3 } };
        publisher.sendBytes(encodeEnvelope(ENVELOPE[kind], metadata, content));
        await client.event(channel);
        const got = client.received.find(({ how }) => how === "media");
        expect(got?.content !== undefined, "an envelope", client.received.at(-1)?.message);
        expect(equalBytes(got.content, content), "the same bytes", `${got.content.length} others`);
        const { timestamp, ...rest } = got.metadata ?? {};
        expectSame(rest, { ...metadata, offset: 1 }, "metadata");
        expect(!Number.isNaN(Date.parse(String(timestamp))), "a timestamp", timestamp);
      },
    )
  ),
  check(
    "HDL-BIN-9",
    "acknowledged",
    "with ack_id and attempt where it has them",
    async (server) => {
      const { client, publisher, channel } = await pair(server, server.channel({ ack: true }).name);
      await granted(client, "binary");
      await client.subscribe(channel);
      publisher.sendBytes(encodeEnvelope(ENVELOPE.image, { channel }, Uint8Array.of(1)));
      const event = await client.event(channel);
      expect(typeof event["ack_id"] === "string", "an ack_id", event);
      const { interval_seconds = 5 } = server.offer.acknowledgement ?? {};
      const again = await client.event(channel, interval_seconds * 1000 + server.timeout);
      expectSame([again["ack_id"], again["attempt"]], [event["ack_id"], 2], "ack_id and attempt");
      expect(client.received.at(-1)?.how === "media", "an envelope again", again);
    },
  ),
  watch("HDL-BIN-7", "not-asked", "nothing binary comes to one who did not ask", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    publisher.sendBytes(encodeEnvelope(ENVELOPE.image, { channel }, new Uint8Array(5000)));
    await publisher.publish(channel, "x".repeat(5000));
    await client.events(channel, 2);
  }),
  check(
    "HDL-BIN-8",
    "metadata",
    "metadata of more than 61,440 bytes get payload_invalid",
    async (server) => {
      const { name } = server.channel();
      const client = await server.connect();
      await client.subscribe(name);
      const own = (bytes: number) => ({ x: "x".repeat(bytes - '{"x":""}'.length) });
      const envelope = (bytes: number) =>
        encodeEnvelope(ENVELOPE.image, { channel: name, metadata: own(bytes) }, NOTHING);
      await client.refusedBytes(envelope(61_441), "payload_invalid");
      client.sendBytes(envelope(61_440));
      await client.message("published");
    },
  ),
];
