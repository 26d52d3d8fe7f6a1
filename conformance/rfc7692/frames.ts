/**
 * RFC 7692 section 6: the bit that says that a message is compressed, and compressed messages in
 * frames.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken } from "../peer/finding.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import {
  binary,
  close,
  continuation,
  type FrameFields,
  type FrameSpec,
  OPCODE,
  ping,
  pong,
  text,
} from "../wire/frame.ts";
import { fromHex } from "../wire/bytes.ts";

const wrongFrames = must(
  "RFC 7692",
  "6.1",
  'An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first ' +
    "fragments of a data message. An endpoint receiving such a frame MUST _Fail the WebSocket " +
    "Connection_.",
);

const reserved = must(
  "RFC 6455",
  "5.2",
  "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a " +
    "nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
);

const perMessage = must(
  "RFC 7692",
  "6",
  "On a WebSocket connection where a PMCE is in use, this bit indicates whether a message is " +
    "compressed or not. … (7.2.2) the server MUST decompress each new message using the LZ77 sliding " +
    "window used to process the last compressed message.",
);

/** "Hello" as section 7.2.3.1 compresses it. */
const HELLO = fromHex("f2 48 cd c9 c9 07 00");
const rsv1 = true;

/** Frames with the bit where it must not be; the last is the wrong one. */
const WRONG: readonly (readonly [string, string, readonly FrameSpec[]])[] = [
  ["ping", "a Ping", [ping("Hello", { rsv1 })]],
  ["empty-ping", "an empty Ping", [ping("", { rsv1 })]],
  ["compressed-ping", "a Ping whose payload is compressed", [ping(HELLO, { rsv1 })]],
  ["pong", "a Pong", [pong("Hello", { rsv1 })]],
  ["ping-between-fragments", "a Ping inside a compressed message", [
    text(HELLO.subarray(0, 3), { rsv1, fin: false }),
    ping("Hello", { rsv1 }),
  ]],
  ["last-fragment", "the last fragment of a compressed message", [
    text(HELLO.subarray(0, 3), { rsv1, fin: false }),
    continuation(HELLO.subarray(3), { rsv1 }),
  ]],
  ["middle-fragment", "a middle fragment of a compressed message", [
    text(HELLO.subarray(0, 2), { rsv1, fin: false }),
    continuation(HELLO.subarray(2, 4), { rsv1, fin: false }),
    continuation(HELLO.subarray(4)),
  ]],
  ["fragment-of-plain-text", "a continuation of an uncompressed text", [
    text("Hel", { fin: false }),
    continuation("lo", { rsv1 }),
  ]],
  ["fragment-of-plain-binary", "a continuation of an uncompressed binary message", [
    binary("Hel", { fin: false }),
    continuation(HELLO, { rsv1 }),
  ]],
  ["empty-last-fragment", "an empty last fragment", [
    text(HELLO, { rsv1, fin: false }),
    continuation("", { rsv1 }),
  ]],
];

/** Bits that permessage-deflate gives no meaning to. */
const MEANINGLESS: readonly (readonly [string, FrameFields])[] = [
  ["rsv2", { rsv2: true }],
  ["rsv3", { rsv3: true }],
  ["rsv1-and-rsv2", { rsv1, rsv2: true }],
  ["rsv1-and-rsv3", { rsv1, rsv3: true }],
  ["all-three", { rsv1, rsv2: true, rsv3: true }],
];

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...WRONG.map(([name, what, frames]): Case => ({
    id: `rfc7692/6.1/rsv1-on-${name}`,
    title: `RSV1 on ${what} fails the connection`,
    requirement: wrongFrames,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      connection.send(...frames);
      // A server may take no binary messages at all (RFC 6455 section 7.4.1).
      const binary = frames.some(({ opcode }) => opcode === OPCODE.binary);
      await connection.expectFailed(binary ? [1002, 1003] : [1002]);
    },
  })),
  {
    id: "rfc7692/6.1/rsv1-on-close",
    title: "RSV1 on a Close frame fails the connection, and is not answered as a Close frame",
    requirement: wrongFrames,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      connection.send(close(4321, "", { rsv1 }));
      await connection.expectFailed([1002]);
      if (peer.closings.at(-1)?.code !== 4321) return;
      throw new Broken({ expected: "a Close frame with 1002", observed: "its own code 4321 back" });
    },
  },
  ...MEANINGLESS.map(([name, bits]): Case => ({
    id: `rfc6455/5.2/${name}-beside-deflate`,
    title: `${name.replaceAll("-", " ")} on a text fails the connection, deflate agreed to or not`,
    requirement: reserved,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      connection.send(text(bits.rsv1 ? HELLO : "Hello", bits));
      await connection.expectFailed([1002]);
    },
  })),
  {
    id: "rfc6455/5.2/compressed-binary-without-deflate",
    title: "a compressed binary message fails a connection where no extension was agreed to",
    requirement: reserved,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(binary(HELLO, { rsv1 }));
      await connection.expectFailed([1002]);
    },
  },
  {
    id: "rfc7692/6/plain-and-compressed-in-turn",
    title: "compressed and uncompressed messages in turn are told apart by their bit",
    requirement: perMessage,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      for (const compress of [false, true, true, false, false, true, false]) {
        await connection.exchange(textMessage("Hello, hello, hello"), { compress });
        await connection.exchange(binaryMessage(HELLO), { compress });
      }
    },
  },
  {
    id: "rfc7692/6/plain-message-that-looks-compressed",
    title: "an uncompressed message is taken as it is, though its bytes are DEFLATE",
    requirement: perMessage,
    needs: ["deflate", "echo"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      await connection.exchange(binaryMessage(HELLO));
      connection.send(
        binary(HELLO.subarray(0, 4), { fin: false }),
        continuation(HELLO.subarray(4)),
      );
      await connection.expectDelivered(binaryMessage(HELLO));
    },
  },
  ...[1, 2, 3, 7].map((size): Case => ({
    id: `rfc7692/6/compressed-in-fragments-of-${size}`,
    title: `a compressed message in fragments of ${size} bytes, a Ping after each, is delivered`,
    requirement: perMessage,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const message = textMessage("fragments of compressed data, and of the tail of it");
      const split = Array<number>(20).fill(size);
      const frames = connection.framesOf(message, { compress: true, split });
      connection.send(...frames.flatMap((frame) => [frame, ping("between"), pong("")]));
      await connection.expectDelivered(message);
    },
  })),
  {
    id: "rfc7692/6/compressed-with-empty-fragments",
    title: "a compressed message with empty fragments first, between and last is delivered",
    requirement: perMessage,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const more = { fin: false };
      connection.send(text("", { rsv1, ...more }), continuation(HELLO.subarray(0, 4), more));
      connection.send(continuation("", more), continuation(HELLO.subarray(4), more));
      connection.send(continuation(""));
      await connection.expectDelivered(textMessage("Hello"));
    },
  },
  ...[1, 3].map((size): Case => ({
    id: `rfc7692/6/compressed-in-segments-of-${size}`,
    title: `compressed messages in TCP segments of ${size} bytes are delivered`,
    requirement: perMessage,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const messages = ["Hello", "Hello, hello", "again Hello"].map((one) => textMessage(one));
      const frames = messages.flatMap((one) =>
        connection.framesOf(one, { compress: true, split: [4] })
      );
      await connection.sendInPieces(size, ...frames);
      await connection.expectDelivered(...messages);
    },
  })),
];
