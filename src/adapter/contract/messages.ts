/**
 * Messages both ways: sizes, order, and what breaks RFC 6455.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { z } from "zod";
import { message } from "../../hub/message.ts";
import { Media } from "../../protocol/event.ts";
import type { Received } from "../../testing/raw_client.ts";
import { transportLimit } from "../server.ts";
import { stage, until } from "../testing/stage.ts";
import { closeFrame, frame, opcodes, type TcpClient } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

const ping = (id: string) => JSON.stringify({ type: "ping", correlation_id: id });

async function assertAnswered(client: TcpClient, id: string): Promise<void> {
  client.send(frame(opcodes.text, ping(id)));
  const { type, correlation_id } = await client.json();
  assertEquals({ type, correlation_id }, { type: "pong", correlation_id: id });
}

/** The offset of an event, be it text or an envelope. */
function offsetOf(event: Received): unknown {
  if (!(event instanceof Uint8Array)) return event["offset"];
  const envelope = Buffer.from(event);
  return JSON.parse(envelope.toString("utf8", 8, 8 + envelope.readUInt16BE(2))).offset;
}

/** Declares the tests of messages. */
export function messagesContract(subject: Subject): void {
  describe(`${subject.name}: messages`, () => {
    it("answers a text over the hub's limit message_too_large, and the connection lives", () =>
      stage(subject, {}, async ({ hub, tcp }) => {
        const client = await tcp();
        for (const text of ["x".repeat(hub.limits.text + 1), "é".repeat(hub.limits.text / 2 + 1)]) {
          client.send(frame(opcodes.text, text));
          assertEquals((await client.json())["code"], "message_too_large");
        }
        client.send(frame(opcodes.text, "x".repeat(hub.limits.text)));
        assertEquals((await client.json())["code"], "invalid_json");
        await assertAnswered(client, "after");
      }));

    it("answers bytes over the hub's limit message_too_large, and the connection lives", () =>
      stage(subject, {}, async ({ hub, tcp }) => {
        const client = await tcp();
        client.send(frame(opcodes.binary, Buffer.alloc(hub.limits.binary + 1)));
        assertEquals((await client.json())["code"], "message_too_large");
        client.send(frame(opcodes.binary, Buffer.alloc(hub.limits.binary)));
        assertEquals((await client.json())["code"], "invalid_message");
        client.send(frame(opcodes.binary, Buffer.alloc(transportLimit(hub))));
        assertEquals((await client.json())["code"], "message_too_large");
        await assertAnswered(client, "after");
      }));

    for (const kind of ["text", "binary"] as const) {
      it(`closes with 1009 for ${kind} over the transport's limit`, () =>
        stage(subject, { limits: { binary: 100_000 } }, async ({ hub, tcp, endings, alive }) => {
          const client = await tcp();
          client.send(frame(opcodes[kind], Buffer.alloc(transportLimit(hub) + 1, "x")));
          assertEquals(await client.closeCode(), 1009);
          client.socket.end(closeFrame(1009));
          assertEquals((await endings.next()).code, 1009);
          await alive();
        }));
    }

    it("takes a limit from what the fragments of a message come to", () =>
      stage(subject, { limits: { binary: 100_000 } }, async ({ hub, tcp, endings, alive }) => {
        const client = await tcp();
        const half = Buffer.alloc(transportLimit(hub) / 2 + 1);
        client.send(
          frame(opcodes.binary, half, { isFinal: false }),
          frame(0, half, { isFinal: true }),
        );
        assertEquals(await client.closeCode(), 1009);
        client.socket.end(closeFrame(1009));
        assertEquals((await endings.next()).code, 1009);
        await alive();
      }));

    it("ends a connection whose frame says it has 8 EiB", () =>
      stage(subject, {}, async ({ tcp, endings, alive }) => {
        const client = await tcp();
        client.send(Buffer.from([0x82, 0xff, 0x7f, ...Buffer.alloc(7, 255), 0, 0, 0, 0]));
        await client.ended;
        client.socket.end();
        const { code } = await endings.next();
        assert(code === 1009 || code === 1006 || code === 1002, `the code was ${code}`);
        await alive();
      }));

    it("joins fragments, and answers a Ping between them", () =>
      stage(subject, {}, async ({ tcp }) => {
        const client = await tcp();
        const text = Buffer.from('{"type":"ping","correlation_id":"é"}');
        const cut = text.indexOf(0xc3) + 1; // within a character
        client.send(
          frame(opcodes.text, text.subarray(0, cut), { isFinal: false }),
          frame(opcodes.ping, "there?"),
          frame(0, text.subarray(cut, cut + 1), { isFinal: false }),
          frame(0, text.subarray(cut + 1)),
        );
        const pong = await client.frame();
        assertEquals(pong?.opcode, opcodes.pong);
        assertEquals(pong?.payload.toString(), "there?");
        assertEquals((await client.json())["correlation_id"], "é");
      }));

    for (
      const [what, code, bytes] of [
        ["text that is not UTF-8", 1007, frame(opcodes.text, Buffer.from([0xff, 0xfe]))],
        ["a reserved bit", 1002, frame(opcodes.text | 0x40, "x")],
        ["a reserved opcode", 1002, frame(3, "x")],
        ["a Ping of 126 bytes", 1002, frame(opcodes.ping, "x".repeat(126))],
        ["a fragmented Ping", 1002, frame(opcodes.ping, "x", { isFinal: false })],
        ["a continuation of nothing", 1002, frame(0, "x")],
        ["a Close frame of one byte", 1002, frame(opcodes.close, "x")],
        ["a Close frame with 1005", 1002, closeFrame(1005)],
        [
          "a text within a text",
          1002,
          Buffer.concat([
            frame(opcodes.text, "x", { isFinal: false }),
            frame(opcodes.text, "x"),
          ]),
        ],
      ] as const
    ) {
      it(`ends a connection for ${what}, and no other`, () =>
        stage(subject, {}, async ({ tcp, client, endings, alive }) => {
          const bystander = await client();
          await bystander.nextOf("connected");
          const peer = await tcp();
          peer.send(bytes);
          const closed = await peer.closeCode();
          peer.socket.end();
          await peer.ended;
          if (subject.violations === "told") assertEquals(closed, code);
          assertEquals((await endings.next()).code, subject.violations === "told" ? code : 1006);
          assertEquals((await bystander.ask({ type: "ping" }))["type"], "pong");
          await alive();
        }));
    }

    it(`${subject.unmasked === "violation" ? "ends a connection for" : "accepts"} a frame without a mask`, () =>
      stage(subject, {}, async ({ tcp, endings, alive }) => {
        const peer = await tcp();
        peer.send(frame(opcodes.text, ping("bare"), { isMasked: false }));
        if (subject.unmasked === "violation") {
          assertEquals(await peer.closeCode(), 1002);
          peer.socket.end();
          assertEquals((await endings.next()).code, 1002);
        } else {
          assertEquals((await peer.json())["correlation_id"], "bare");
        }
        await alive();
      }));

    it("answers a thousand tiny messages that come in one write, in order", () =>
      stage(subject, {}, async ({ tcp }) => {
        const client = await tcp();
        const ids = Array.from({ length: 1000 }, (_, i) => String(i));
        client.send(...ids.map((id) => frame(opcodes.text, ping(id))));
        const answered: unknown[] = [];
        while (answered.length < ids.length) answered.push((await client.json())["correlation_id"]);
        assertEquals(answered, ids);
      }));

    it("answers what came in the same write as a Close frame, then closes", () =>
      stage(subject, {}, async ({ tcp }) => {
        const client = await tcp();
        const texts = ["1", "2"].map((id) => frame(opcodes.text, ping(id)));
        client.send(...texts, closeFrame(1000));
        assertEquals((await client.json())["correlation_id"], "1");
        assertEquals((await client.json())["correlation_id"], "2");
        assertEquals((await client.frame())?.opcode, opcodes.close);
        client.socket.end();
        await client.ended;
      }));

    it("answers what came in the same write before a violation", () =>
      stage(subject, {}, async ({ tcp }) => {
        const client = await tcp();
        client.send(frame(opcodes.text, ping("1")), frame(opcodes.text | 0x40, "x"));
        assertEquals((await client.json())["correlation_id"], "1");
        assertEquals(await client.closeCode(), subject.violations === "told" ? 1002 : undefined);
        client.socket.end();
        await client.ended;
      }));

    it("takes a handshake's and a message's bytes one at a time", () =>
      stage(subject, {}, async ({ tcp }) => {
        const client = await tcp();
        client.socket.setNoDelay(true);
        for (const byte of frame(opcodes.text, ping("slow"))) {
          await new Promise<void>((resolve) =>
            client.socket.write(Buffer.from([byte]), () => resolve())
          );
        }
        assertEquals((await client.json())["correlation_id"], "slow");
      }));

    it("delivers ten thousand events in order, text and binary", () =>
      stage(subject, { limits: { outbox: 64 * 1_048_576 } }, async ({ hub, client }) => {
        const reader = await client();
        await reader.ask({ type: "hello", features: { binary: {} } });
        await reader.ask({ type: "subscribe", channels: ["news"] });
        for (let i = 0; i < 10_000; i++) {
          const content = new Uint8Array(i % 97 === 0 ? 20_000 : 20);
          await hub.channel("news").publish(
            "n",
            i % 3 === 0 ? new Media("image", content, { i }) : { i, fill: "x".repeat(i % 500) },
          );
        }
        for (let i = 0; i < 10_000; i++) assertEquals(offsetOf(await reader.next()), i + 1);
      }));

    it("gives each of those who come back at once what it has missed, text and binary", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const { epoch } = await hub.channel("news").publish("n", 1);
        for (let i = 2; i <= 500; i++) {
          const media = new Media("image", new Uint8Array(i % 97 === 0 ? 20_000 : 20), { i });
          await hub.channel("news").publish("n", i % 3 === 0 ? media : { i, fill: "é".repeat(i) });
        }
        const clients = await Promise.all([0, 0, 1, 130, 499].map(async (offset, i) => {
          const reader = await client();
          await reader.ask({ type: "hello", features: i % 2 === 0 ? {} : { binary: {} } });
          return { reader, offset };
        }));
        for (const { reader, offset } of clients) {
          const positions = { news: { epoch, offset } };
          reader.send({ type: "subscribe", channels: ["news"], positions });
        }
        for (const { reader, offset } of clients) {
          assertEquals((await reader.nextOf("subscribed"))["recovered"], { news: true });
          for (let i = offset + 1; i <= 500; i++) assertEquals(offsetOf(await reader.next()), i);
        }
        await hub.channel("news").publish("n", "live");
        for (const { reader } of clients) assertEquals(offsetOf(await reader.next()), 501);
      }));

    it("sends what a handler says before it ends the connection, and then the end", () => {
      const messages = {
        bye: message(z.object({}), ({ connection, reply }) => {
          for (let i = 0; i < 20; i++) reply("last_words", { i, fill: "x".repeat(10_000) });
          end(connection.clientId);
        }),
      };
      let end = (_clientId: string): void => {};
      return stage(subject, { messages }, async ({ hub, client }) => {
        const connection = await client();
        end = (clientId) => void hub.disconnect(clientId, { code: 4000, reason: "as asked" });
        connection.send({ type: "bye", payload: {} });
        for (let i = 0; i < 20; i++) {
          const { payload } = await connection.nextOf("last_words");
          assertEquals((payload as { i: number }).i, i);
        }
        assertEquals(await connection.closed, { code: 4000, reason: "as asked" });
      });
    });

    it("outlives a handler, an onConnect and an onDisconnect that throw", () => {
      const fail = () => {
        throw new Error("the application's mistake");
      };
      const messages = {
        boom: message(z.object({}), fail),
        later: message(z.object({}), () => Promise.reject(new Error("the application's mistake"))),
      };
      const options = { messages, onConnect: fail, onDisconnect: fail };
      return stage(subject, options, async ({ tcp, endings, alive }) => {
        const client = await tcp();
        for (const type of ["boom", "later"]) {
          client.send(frame(opcodes.text, JSON.stringify({ type, payload: {} })));
          const { type: kind, code } = await client.json();
          assertEquals({ kind, code }, { kind: "error", code: "internal" });
        }
        await assertAnswered(client, "after");
        client.reset();
        assertEquals((await endings.next()).code, 1006);
        await alive();
      });
    });

    it("does nothing and throws nothing when a socket that has gone is used", () =>
      stage(subject, {}, async ({ hub, tcp, sockets }) => {
        const client = await tcp();
        const socket = await sockets.next();
        client.reset();
        await until(() => hub.stats().connections === 0);
        socket.send("text");
        socket.send(new Uint8Array(10));
        socket.ping();
        socket.close(1012, "service restart");
        socket.close(1000, "");
        socket.terminate();
        socket.terminate();
        assertEquals(typeof socket.bufferedAmount, "number");
      }));
  });
}
