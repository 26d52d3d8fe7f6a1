/**
 * Attacks by what is sent on a connection that is open.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { closeFrame, frame, opcodes, type TcpClient } from "../../adapter/testing/tcp.ts";
import type { RawClient } from "../../testing/raw_client.ts";
import type { Attack, Field } from "./field.ts";

const text = (message: unknown) =>
  frame(opcodes.text, typeof message === "string" ? message : JSON.stringify(message));

/** A COMPRESSED_JSON envelope. */
function compressed(payload: Uint8Array, compression: string, original_size: number): Buffer {
  const metadata = Buffer.from(
    JSON.stringify({ compression, original_size, compressed_size: payload.length }),
  );
  const head = Buffer.alloc(8);
  head.set([1, 5]);
  head.writeUInt16BE(metadata.length, 2);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, metadata, payload]);
}

/** Sends and takes the error that it is answered with; the connection must live. */
async function refusedWith(
  client: RawClient,
  message: string | Uint8Array,
  code: string,
): Promise<void> {
  if (typeof message === "string") client.send(message);
  else client.sendBytes(message);
  const error = await client.nextOf("error");
  assertEquals(error["code"], code, JSON.stringify(error));
  assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
}

/** Sends what comes far too often, and waits for the connection's end, which must be for abuse. */
async function closedForAbuse(field: Field, client: TcpClient, flood: Buffer): Promise<void> {
  const { abuse } = (await field.stats()).rateLimited;
  client.send(flood);
  // Deno waits for the answer to its Close frame; other runtimes cut whoever gives none.
  client.nextOf(opcodes.close).then(() => client.send(closeFrame(4429)), () => {});
  await client.ended;
  client.socket.destroy();
  await field.until(({ rateLimited }) => rateLimited.abuse > abuse);
}

/** Messages that come too often: of each the answer is `rate_limited`, and then the connection's end. */
function flood(name: string, amount: readonly [number, number], message: (i: number) => unknown) {
  return {
    name,
    async run(field) {
      const client = await field.tcp("/ws?user=flooder");
      const count = field.count(...amount);
      const frames = Array.from({ length: count }, (_, i) => text(message(i)));
      await closedForAbuse(field, client, Buffer.concat(frames));
      return "rate_limited, then 4429";
    },
  } satisfies Attack;
}

/** What inflates to so many bytes, made once. */
const bombs = new Map<number, readonly (readonly [string, Buffer])[]>();
function bombOf(size: number): readonly (readonly [string, Buffer])[] {
  const known = bombs.get(size);
  if (known !== undefined) return known;
  const zeros = Buffer.alloc(size, " ");
  const made = [
    ["gzip", gzipSync(zeros)],
    ["zlib", deflateSync(zeros)],
    ["deflate", deflateRawSync(zeros)],
  ] as const;
  bombs.set(size, made);
  return made;
}

export const messageAttacks: readonly Attack[] = [
  {
    name: "compression bombs",
    async run(field) {
      const size = field.count(100_000_000, 20_000_000);
      const algorithms = bombOf(size);
      const nested = gzipSync(gzipSync(Buffer.alloc(1_000_000)));
      const client = await field.connect();
      for (const [algorithm, bomb] of algorithms) {
        for (const said of [size, 100, 10_240]) {
          await refusedWith(client, compressed(bomb, algorithm, said), "message_too_large");
        }
      }
      // A bomb in a bomb is no message, and not as long as it says.
      await refusedWith(client, compressed(nested, "gzip", 100), "invalid_message");
      return "message_too_large";
    },
  },
  {
    name: "a compression bomb below WebSocket",
    async run(field) {
      const headers = { ...field.nextAddress(), "Sec-WebSocket-Extensions": "permessage-deflate" };
      const { client, answer } = await field.request("/ws", headers);
      assertEquals(answer.headers.get("sec-websocket-extensions"), null);
      await client.json();
      const bomb = frame(opcodes.text, deflateRawSync(Buffer.alloc(1_000_000, " ")));
      bomb[0]! |= 0x40; // RSV1
      client.send(bomb);
      const code = await client.closeCode();
      assert(code === 1002 || code === undefined, `closed with ${code}`);
      return code === undefined ? "cut" : "closed with 1002";
    },
  },
  {
    name: "nesting 100,000 deep",
    async run(field) {
      const client = await field.connect();
      const lists = "[".repeat(100_000) + "]".repeat(100_000);
      const objects = `${'{"a":'.repeat(40_000)}1${"}".repeat(40_000)}`;
      for (
        const message of [
          `{"type":"subscribe","channels":${lists}}`,
          `{"type":"subscribe","channels":["open"],"metadata":${objects}}`,
        ]
      ) {
        await refusedWith(client, message, "invalid_message");
      }
      // Whoever does not say what it is may have no more than an ordinary message.
      const open = `{"type":"subscribe","channels":${"[".repeat(100_000)}`;
      await refusedWith(client, open, "message_too_large");
      await refusedWith(client, lists, "message_too_large");
      const squeezed = compressed(gzipSync(lists), "gzip", lists.length);
      await refusedWith(client, squeezed, "message_too_large");
      const body = `{"event_type":"e","data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
      const sent = await fetch(`${field.http}/api/v1/websocket/broadcast?channel=open`, {
        method: "POST",
        body,
      });
      assert(sent.status >= 400 && sent.status < 500, `${sent.status}`);
      await sent.body?.cancel();
      return "invalid_message, message_too_large";
    },
  },
  {
    name: "10 MB messages",
    async run(field) {
      const huge = Buffer.alloc(10_000_000, "x");
      const endings = new Set<number | undefined>();
      for (let i = 0; i < field.count(20, 1); i++) {
        for (const opcode of [opcodes.text, opcodes.binary]) {
          const client = await field.tcp();
          client.send(frame(opcode, huge));
          endings.add(await client.closeCode());
          client.socket.destroy();
        }
        const client = await field.tcp();
        const half = huge.subarray(0, 5_000_000);
        client.send(frame(opcodes.text, half, { isFinal: false }), frame(0, half));
        endings.add(await client.closeCode());
        client.socket.destroy();
      }
      // With bytes of it still unread, the system may cut the connection before the Close frame arrives.
      endings.delete(undefined);
      assert([...endings].every((code) => code === 1009), `closed with ${[...endings]}`);
      return "closed with 1009";
    },
  },
  {
    name: "a message in a million fragments of a byte, and one that never ends",
    async run(field) {
      const client = await field.tcp();
      const one = frame(0, "x", { isFinal: false });
      const none = frame(0, "", { isFinal: false });
      const count = field.count(1_500_000, 50_000);
      client.send(frame(opcodes.text, "x", { isFinal: false }));
      const parts = [one, none].map((part) => Buffer.alloc(count / 2 * part.length, part));
      client.send(...parts);
      const other = await field.tcp();
      other.send(text({ type: "ping" }));
      assertEquals((await other.json())["type"], "pong");
      return "ended, or held within its limit";
    },
  },
  flood("100,000 tiny messages", [100_000, 5_000], () => ({ type: "ping" })),
  flood("100,000 messages that are none", [100_000, 5_000], () => "{"),
  flood("100,000 empty messages", [100_000, 5_000], () => ""),
  flood(
    "subscribing and unsubscribing without end",
    [100_000, 5_000],
    (i) => ({ type: i % 2 === 0 ? "subscribe" : "unsubscribe", channels: ["open"] }),
  ),
  flood(
    "coming to a room and leaving it without end",
    [100_000, 5_000],
    (i) => ({ type: i % 2 === 0 ? "subscribe" : "unsubscribe", channels: [`room:${i >> 1}`] }),
  ),
  flood(
    "100,000 acknowledgements of what was never sent",
    [100_000, 5_000],
    (i) => ({ type: "ack", ack_ids: [`${i}`, "__proto__"] }),
  ),
  flood(
    "100,000 guesses of a reconnection token",
    [100_000, 5_000],
    (i) => ({ type: "resume", reconnection_token: `${i}`.padStart(43, "A") }),
  ),
  flood(
    "100,000 changes of what was agreed on",
    [100_000, 5_000],
    () => ({ type: "hello", features: { batch: {}, compression: { algorithm: "gzip" } } }),
  ),
  {
    name: "correlation ids that are none, or long",
    async run(field) {
      const client = await field.connect();
      for (const id of ["x".repeat(129), "x".repeat(9_000), 1, {}, [], null, true]) {
        const message = JSON.stringify({ type: "get_presence", correlation_id: id });
        await refusedWith(client, message, "invalid_message");
      }
      const long = "\u0000".repeat(128);
      client.send({ type: "ping", correlation_id: long });
      assertEquals((await client.nextOf("pong"))["correlation_id"], long);
      return "invalid_message";
    },
  },
  {
    name: "very many channels of one user",
    async run(field) {
      const user = "/ws?user=hoarder";
      const before = (await field.stats()).channels;
      const refused = new Set<unknown>();
      const clients: RawClient[] = [];
      for (let i = 0; i < 5; i++) {
        const client = await field.connect("?user=hoarder");
        clients.push(client);
        for (let batch = 0; batch < field.count(30, 4); batch++) {
          const channels = Array.from({ length: 100 }, (_, n) => `room:${i}-${batch}-${n}`);
          const answer = await client.ask({ type: "subscribe", channels });
          for (const { code } of (answer["rejected"] ?? []) as { code: string }[]) {
            refused.add(code);
          }
        }
      }
      assertEquals([...refused], ["too_many_subscriptions"], user);
      const { channels } = await field.stats();
      assert(channels <= before + 5 * 256, `${channels} channels`);
      for (const client of clients) await client.close(3000);
      return "too_many_subscriptions";
    },
  },
];
