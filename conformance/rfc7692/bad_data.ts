/**
 * RFC 7692 section 7.2.2: payloads that are no DEFLATE, and messages that are no UTF-8 once they are
 * decompressed.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOf, concat, equalBytes, fromHex } from "../wire/bytes.ts";
import { binary, ping } from "../wire/frame.ts";

const decompress = must(
  "RFC 7692",
  "7.2.2",
  "An endpoint uses the following algorithm to decompress a message. … 2. Decompress the resulting " +
    "data using DEFLATE. … (RFC 6455, 10.7) Incoming data MUST always be validated by both clients and " +
    "servers.",
);

const pong = must(
  "RFC 6455",
  "5.5.2",
  "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already " +
    "received a Close frame.",
);

const constraints = must(
  "RFC 7692",
  "6.1",
  "At the receiver, the payload data portion after decompression is subject to the constraints for " +
    "the original data type again. … (RFC 6455, 8.1) When an endpoint is to interpret a byte stream as " +
    "UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST " +
    "_Fail the WebSocket Connection_.",
);

/** Bytes of a stream of bits, the first of which is the lowest of the first byte. */
function bits(stream: string): Uint8Array {
  const digits = stream.replaceAll(" ", "");
  return Uint8Array.from(
    digits.match(/.{1,8}/g) ?? [],
    (eight) => parseInt(eight.split("").reverse().join("").padStart(8, "0"), 2),
  );
}

/** Payloads that RFC 1951 gives no meaning to. */
const INVALID: readonly (readonly [string, string, Uint8Array])[] = [
  ["reserved-block-type", "a block of the reserved type 3", fromHex("07 01 02 03")],
  [
    "reserved-type-after-good-block",
    "a good block and one of the reserved type",
    concat([
      fromHex("f2 48 cd c9 c9 07 00 00 00 ff ff"),
      fromHex("06 00"),
    ]),
  ],
  [
    "stored-length-not-confirmed",
    "a stored block whose NLEN is not the complement of LEN",
    fromHex("00 05 00 fa fe 48 65 6c 6c 6f 00"),
  ],
  [
    "distance-before-the-start",
    "a match that reaches before the first byte",
    bits("0 10 10010001 0000001 00001 0000000"),
  ],
  [
    "distance-without-any-data",
    "a match where nothing was yet",
    fromHex("f2 00 11 00 00"),
  ],
  ["reserved-length-286", "the length symbol 286", bits("0 10 10010001 11000110 00000 0000000")],
  ["reserved-length-287", "the length symbol 287", bits("0 10 10010001 11000111 00000 0000000")],
  ["reserved-distance-30", "the distance symbol 30", bits("0 10 10010001 0000001 11110 0000000")],
  ["reserved-distance-31", "the distance symbol 31", bits("0 10 10010001 0000001 11111 0000000")],
  [
    "too-many-length-codes",
    "a dynamic block that declares 288 literal and length codes",
    bits(`0 01 11111 00000 0000 ${"100 ".repeat(2)} ${"000 ".repeat(20)}`),
  ],
  [
    "code-lengths-oversubscribed",
    "a dynamic block with four code length codes of one bit",
    bits(`0 01 00000 00000 0000 100 100 100 100 ${"0".repeat(64)}`),
  ],
  [
    "repeat-of-nothing",
    "a dynamic block whose first code length repeats the one before",
    bits(`0 01 00000 00000 0000 100 000 000 100 1 00 ${"0".repeat(64)}`),
  ],
  [
    "literal-codes-oversubscribed",
    "a dynamic block with four literal codes of one bit",
    bits(
      `0 01 00000 00000 0111 ${"000 000 100"} ${"000 ".repeat(14)} 100 ` +
        `0 0 0 1 1111111 1 0001011 0 0 ${"0".repeat(32)}`,
    ),
  ],
];

/** Payloads that end too early: the four octets of the tail may be read as their end. */
const CUT_OFF: readonly (readonly [string, string, Uint8Array])[] = [
  ["empty", "no payload at all", new Uint8Array()],
  ["fixed", "a fixed block cut off", fromHex("f2 48")],
  ["stored", "a stored block cut off", fromHex("00 50 00 af ff 48 65")],
  ["dynamic-header", "a dynamic block cut off in its header", fromHex("05 c1 81")],
  [
    "no-octet-of-the-next-block",
    "a block with BFINAL, and nothing of the next",
    fromHex("f3 48 cd c9 c9 07 00"),
  ],
];

/** Texts that are no UTF-8. */
const BAD_TEXTS: readonly (readonly [string, Uint8Array])[] = [
  ["invalid-byte", fromHex("48 65 ff 6c 6f")],
  ["overlong", fromHex("48 c0 af")],
  ["surrogate", fromHex("ed a0 80")],
  ["above-unicode", fromHex("f4 90 80 80")],
  ["cut-off-at-the-end", concat([bytesOf("a long text that ends ".repeat(30)), fromHex("e2 82")])],
  ["lone-continuation", fromHex("80")],
];

/** Either the connection is failed, or it goes on and answers: it does not hang. */
async function survives(connection: Connection): Promise<void> {
  const payload = bytesOf("still there?");
  connection.send(ping(payload));
  for (;;) {
    const got = await connection.next("a Pong, or the end of the connection");
    if (got.kind === "pong" && equalBytes(got.payload, payload)) return;
    if (got.kind === "close" || got.kind === "end") return;
  }
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...INVALID.map(([name, what, payload]): Case => ({
    id: `rfc7692/7.2.2/${name}`,
    title: `nothing is delivered of ${what}, and the connection is failed`,
    requirement: decompress,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      connection.send(binary(payload, { rsv1: true }));
      await connection.expectFailed([1002, 1003, 1007, 1008, 1011], { mayGoOn: true });
    },
  })),
  ...CUT_OFF.map(([name, what, payload]): Case => ({
    id: `rfc6455/5.5.2/pong-after-deflate-cut-off-${name}`,
    title: `${what}: the server fails the connection or goes on, and answers a Ping`,
    requirement: pong,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      connection.send(binary(payload, { rsv1: true }));
      await survives(connection);
    },
  })),
  ...BAD_TEXTS.map(([name, data]): Case => ({
    id: `rfc7692/6.1/not-utf8-${name}`,
    title: `a compressed text that is no UTF-8 (${name.replaceAll("-", " ")}) fails the connection`,
    requirement: constraints,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      await connection.exchange(textMessage("Hello"), { compress: true });
      connection.sendMessage(textMessage(data), { compress: true });
      // A server may take no messages of this size at all.
      await connection.expectFailed(data.length > 125 ? [1007, 1009] : [1007]);
    },
  })),
  {
    id: "rfc7692/6.1/not-utf8-in-fragments",
    title: "a compressed text in fragments that is no UTF-8 fails the connection",
    requirement: constraints,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const message = textMessage(concat([bytesOf("Hello "), fromHex("c3 28"), bytesOf(" Hello")]));
      connection.sendMessage(message, { compress: true, split: [2, 3, 0, 4] });
      await connection.expectFailed([1007]);
    },
  },
  {
    id: "rfc7692/6.1/not-utf8-out-of-the-window",
    title: "a text whose bad bytes come from a binary message before fails the connection",
    requirement: constraints,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const data = fromHex("ff fe fd fc fb fa f9 f8");
      await connection.exchange(binaryMessage(data), { compress: true });
      connection.sendMessage(textMessage(data), { compress: true });
      await connection.expectFailed([1007]);
    },
  },
  {
    id: "rfc7692/6.1/characters-over-fragments",
    title: "characters cut by fragments, blocks and messages' borders in DEFLATE are whole again",
    requirement: constraints,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const message = textMessage("κόσμε €uro 𐍈 ".repeat(12));
      for (const split of [[1, 1, 1], [5, 0, 7], []]) {
        await connection.exchange(message, { compress: true, split });
        await connection.exchange(message, { compress: { blocks: "zlib" }, split });
        await connection.exchange(message, { compress: { blocks: "stored" }, split });
      }
    },
  },
];
