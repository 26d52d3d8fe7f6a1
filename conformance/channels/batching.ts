/**
 * Cases of PROTOCOL.md, "Batches".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import { encodeEnvelope, ENVELOPE } from "./envelope.ts";
import { granted, hello, offered } from "./features.ts";
import { expectEvents, offsets, pair, range } from "./places.ts";

export const cases: readonly Case[] = [
  watch("HDL-BAT-1", "not-asked", "no batch comes to one who did not ask", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    await publisher.publishMany(channel, 40);
    await client.events(channel, 40);
  }),
  watch(
    "HDL-BAT-2",
    "messages",
    "a batch holds messages, each as it would come alone",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const plain = await server.connect();
      await granted(client, "batch", { max_ms: 50, max_bytes: 20_000 });
      for (const one of [client, plain]) await one.subscribe(channel);
      await publisher.publishMany(channel, 40, (i) => ({ i }));
      const [batched, alone] = [await client.events(channel, 40), await plain.events(channel, 40)];
      expectSame(batched, alone, "the same events:");
    },
  ),
  check("HDL-BAT-2", "order", "in their order, answers too", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await granted(client, "batch", { max_ms: 30, max_bytes: 5_000 });
    await client.subscribe(channel);
    const publishing = publisher.publishMany(channel, 60);
    for (let i = 0; i < 10; i++) client.send({ type: "ping", correlation_id: String(i) });
    await publishing;
    await expectEvents(client, channel, range(1, 60));
    const pongs = client.received.filter(({ message }) => message.type === "pong")
      .map(({ message }) => message["correlation_id"]);
    expectSame(pongs, range(0, 9).map(String), "pongs");
  }),
  check("HDL-BAT-4", "alone", "a message does not wait for others for ever", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await granted(client, "batch", { max_ms: 20, max_bytes: 1_000_000 });
    await client.subscribe(channel);
    for (let i = 0; i < 3; i++) {
      await publisher.publish(channel);
      await client.event(channel);
    }
  }),
  check("HDL-BAT-5", "bytes", "a batch has at most max_bytes bytes", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const most = 2_000;
    await granted(client, "batch", { max_ms: 50, max_bytes: most });
    await client.subscribe(channel);
    await publisher.publishMany(channel, 40, (i) => `${i}`.padEnd(300));
    await publisher.publish(channel, "x".repeat(3_000));
    await publisher.publish(channel);
    await client.events(channel, 42);
    const batches = new Map<unknown, number>();
    for (const { how, message, batch } of client.received) {
      if (how !== "batch") continue;
      const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
      batches.set(batch, (batches.get(batch) ?? 0) + bytes);
    }
    for (const bytes of batches.values()) {
      expect(bytes <= most, `at most ${most} bytes in a batch`, `${bytes} bytes`);
    }
    const large = client.received.find(({ message }) => String(message["data"]).length === 3_000);
    expectSame(large?.how, "text", "the form of one larger message");
  }),
  check("HDL-BAT-6", "binary", "no binary message overtakes a batch", async (server) => {
    const { client, publisher, channel } = await pair(server);
    offered(client, "batch");
    offered(client, "binary");
    await hello(client, { batch: { max_ms: 100, max_bytes: 50_000 }, binary: {} });
    await client.subscribe(channel);
    for (let i = 0; i < 5; i++) {
      publisher.send({ type: "publish", channel, event_type: "kit", data: i });
      publisher.sendBytes(encodeEnvelope(ENVELOPE.image, { channel }, Uint8Array.of(i)));
    }
    const events = await client.events(channel, 10);
    expectSame(offsets(events), range(1, 10), "offsets");
  }),
];
