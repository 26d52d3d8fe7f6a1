/**
 * Readers that stand still: what waits for them is bounded, and nobody else waits with them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { z } from "zod";
import { manualClock } from "../../base/clock.ts";
import type { Socket } from "../../channel/socket.ts";
import { message } from "../../hub/message.ts";
import { closeTable } from "../../protocol/close.ts";
import type { RawClient } from "../../testing/raw_client.ts";
import { CLOSE_TIMEOUT, stage } from "../testing/stage.ts";
import { closeCode, closeFrame, frame, opcodes } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

const subscribe = frame(opcodes.text, '{"type":"subscribe","channels":["news"]}');

/** As much of a stream of Node's as tells what waits in it. */
interface NodeStream {
  readonly _writableState: { getBuffer(): readonly { readonly chunk: Buffer }[] };
  _write(chunk: Buffer, ...rest: unknown[]): void;
  _writev(chunks: readonly { readonly chunk: Buffer }[], ...rest: unknown[]): void;
}

/**
 * What is held, from now on, for what waits on a socket, in bytes: of an array in Node's pool that is all of
 * the pool's. Undefined where the runtime keeps it to itself.
 */
function heldBy(socket: Socket): (() => number) | undefined {
  const { stream } = socket as { readonly stream?: NodeStream };
  if (stream === undefined) return undefined;
  let underWay: readonly Buffer[] = [];
  const { _write: write, _writev: writev } = stream;
  stream._write = (chunk, ...rest) => {
    underWay = [chunk];
    write.call(stream, chunk, ...rest);
  };
  stream._writev = (chunks, ...rest) => {
    underWay = chunks.map(({ chunk }) => chunk);
    writev.call(stream, chunks, ...rest);
  };
  return () => {
    const chunks = underWay.concat(stream._writableState.getBuffer().map(({ chunk }) => chunk));
    const arrays = new Set(chunks.map(({ buffer }) => buffer));
    return [...arrays].reduce((sum, { byteLength }) => sum + byteLength, 0);
  };
}

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

    it("holds no more for a reader that stands still than may wait, whatever others get meanwhile", () => {
      const limits = { outbox: 1_048_576, lag: 100_000 };
      const messages = {
        // More than Node takes for its pool at a time, and none of it out of the pool.
        tell: message(z.unknown(), ({ reply }) => {
          for (let i = 0; i < 3; i++) reply("told", "x".repeat(3_000));
        }),
      };
      return stage(subject, { limits, messages }, async ({ hub, tcp, client, sockets }) => {
        const still = await tcp();
        const socket = await sockets.next();
        still.send(subscribe);
        assertEquals((await still.json())["type"], "subscribed");
        const reader = await client();
        await reader.ask({ type: "subscribe", channels: ["news"] });
        const held = heldBy(socket);
        still.socket.pause();
        let published = 0;
        const publish = async (fill: string) => {
          await hub.channel("news").publish("n", { fill });
          assertEquals((await reader.nextOf("event"))["offset"], ++published);
        };
        while (socket.bufferedAmount === 0 && published < 500) await publish("x".repeat(65_000));
        assert(socket.bufferedAmount > 0, "the kernel took 32 MB");
        for (let i = 0; i < 1_200; i++) {
          await publish("");
          reader.send({ type: "tell" });
          for (let j = 0; j < 3; j++) await reader.nextOf("told");
        }
        assert(socket.bufferedAmount <= limits.outbox, `${socket.bufferedAmount} bytes wait`);
        const bytes = held?.() ?? 0;
        assert(bytes <= limits.outbox, `${bytes} bytes are held`);
        still.socket.resume();
        for (let offset = 0; offset < published;) {
          assertEquals((await still.json())["offset"], ++offset);
        }
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

    it("gives readers events that are almost as large as what may wait, live and after the fact", () =>
      stage(subject, { limits: { outbox: 262_144 } }, async ({ hub, client, endings }) => {
        const cut = endings.next().then(({ code }) => assert(false, `ended with ${code}`));
        const largest = 262_144 - 4_096 - 2;
        const sizes = [9, 100_000, 9, largest, 9, 140_000, 140_000, largest, largest, 100_000, 9];
        const check = async (reader: RawClient) => {
          const found: number[] = [];
          while (found.length < sizes.length) {
            const message = await Promise.race([reader.json(), cut]);
            const events = message!["type"] === "batch" ? message!["messages"] : [message];
            for (const { type, data } of events as { type: string; data: string }[]) {
              if (type === "event") found.push(data.length);
            }
          }
          assertEquals(found, sizes);
        };
        const [plain, batched, late] = [await client(), await client(), await client()];
        const batch = { max_ms: 10, max_bytes: 9_000 };
        await batched.ask({ type: "hello", features: { batch } });
        for (const reader of [plain, batched]) {
          await reader.ask({ type: "subscribe", channels: ["news"] });
        }
        for (const size of sizes) void hub.channel("news").publish("n", "x".repeat(size));
        await check(plain);
        await check(batched);
        await late.ask({ type: "subscribe", channels: ["news"], last: sizes.length });
        await check(late);
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
        assertEquals(hub.stats().connections, 0);
        await alive();
        client.socket.resume();
        const code = await client.closeCode();
        assertEquals(code, capabilities.terminate ? undefined : 1012);
      });
    });
  });
}
