/**
 * Readers that stand still: what waits for them is bounded, and nobody else waits with them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../../base/clock.ts";
import { closeTable } from "../../protocol/close.ts";
import { CLOSE_TIMEOUT, stage } from "../testing/stage.ts";
import { closeCode, closeFrame, frame, opcodes } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

const subscribe = frame(opcodes.text, '{"type":"subscribe","channels":["news"]}');

/** Declares the tests of back-pressure. */
export function pressureContract(subject: Subject): void {
  const { capabilities } = subject;

  describe(`${subject.name}: back-pressure`, () => {
    it("cuts a reader that stands still, and leaves others alone", () => {
      const clock = manualClock();
      const limits = { outbox: 262_144 };
      return stage(subject, { clock, limits }, async ({ hub, tcp, client, endings }) => {
        const reader = await client();
        await reader.ask({ type: "subscribe", channels: ["news"] });
        const still = await tcp();
        still.send(subscribe);
        assertEquals((await still.json())["type"], "subscribed");
        still.socket.pause();
        const fill = "x".repeat(65_536);
        let published = 0;
        while (hub.describe("news")!.subscribers === 2 && published < 2_000) {
          await hub.channel("news").publish("n", { fill });
          assertEquals((await reader.nextOf("event"))["offset"], ++published);
        }
        await hub.channel("news").publish("n", { fill: "too late" });
        published++;
        clock.advance(CLOSE_TIMEOUT);
        assertEquals((await endings.next()).code, 4503);
        still.socket.resume();
        let offset = 0;
        for (;;) {
          const next = await still.frame();
          if (next === undefined) break;
          if (next.opcode === opcodes.close) {
            assert(!capabilities.terminate, "it got a Close frame, so it was not cut");
            assertEquals(closeCode(next), 4503);
            still.socket.end(closeFrame(4503));
            continue;
          }
          const { type, offset: found } = JSON.parse(next.payload.toString());
          if (type !== "event") continue;
          assertEquals(found, ++offset); // whatever it still got has no hole
        }
        assert(offset < published, "it got what was published after it was cut");
        assertEquals((await reader.ask({ type: "ping" }))["type"], "pong");
      });
    });

    it("gives a reader a long answer although it had many short ones before", () =>
      stage(subject, { limits: { outbox: 500_000 } }, async ({ hub, client }) => {
        const reader = await client();
        for (let i = 0; i < 250; i++) {
          await hub.channel("news").publish("n", { fill: "x".repeat(1_000) });
        }
        for (let round = 0; round < 10; round++) {
          for (let i = 0; i < 500; i++) reader.send({ type: "ping" });
          for (let i = 0; i < 500; i++) await reader.nextOf("pong");
        }
        const { events } = await reader.ask({ type: "history", channel: "news", limit: 200 });
        assertEquals((events as unknown[]).length, 200);
        assertEquals((await reader.ask({ type: "ping" }))["type"], "pong");
      }));

    it("gives readers all that a tick brings in many channels, though it is more than may wait", () =>
      stage(subject, { limits: { outbox: 262_144 } }, async ({ hub, client, endings }) => {
        const rooms = Array.from({ length: 40 }, (_, i) => `room:${i}`);
        const readers = [await client(), await client()];
        for (const one of readers) await one.ask({ type: "subscribe", channels: rooms });
        const fill = "x".repeat(10_000);
        for (let i = 0; i < 20; i++) {
          for (const room of rooms) void hub.channel(room as "room:*").publish("n", { fill });
        }
        const cut = endings.next().then(({ code }) => assert(false, `ended with ${code}`));
        for (const one of readers) {
          for (let i = 0; i < 20 * rooms.length; i++) {
            await Promise.race([one.nextOf("event"), cut]);
          }
        }
      }));

    it("gives up a reader that stands still and is told to go, after 5 s", () => {
      const clock = manualClock();
      return stage(subject, { clock }, async ({ hub, tcp, endings, sockets, alive }) => {
        const client = await tcp();
        const socket = await sockets.next();
        client.send(subscribe);
        assertEquals((await client.json())["type"], "subscribed");
        client.socket.pause();
        const fill = "x".repeat(1_000_000);
        for (let i = 0; socket.bufferedAmount === 0 && i < 100; i++) {
          await hub.channel("news").publish("n", { fill });
          await new Promise((resolve) => setImmediate(resolve)); // what the kernel takes, it takes now
        }
        assert(socket.bufferedAmount > 0, "the kernel took 100 MB");
        hub.disconnect(hub.connections()[0]!.clientId, closeTable.service_restart);
        clock.advance(CLOSE_TIMEOUT);
        assertEquals((await endings.next()).code, 1012);
        assertEquals(hub.connections(), []);
        await alive();
        client.socket.resume();
        const code = await client.closeCode();
        assertEquals(code, capabilities.terminate ? undefined : 1012);
      });
    });
  });
}
