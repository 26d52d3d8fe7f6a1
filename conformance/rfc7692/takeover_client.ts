/**
 * RFC 7692 section 7.2.2: the server decompresses with what earlier messages left in the window,
 * unless both sides agreed that the client starts anew.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { Skipped } from "../peer/finding.ts";
import type { Message } from "../peer/incoming.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, type SendOptions, textMessage } from "../peer/sender.ts";
import { fromHex } from "../wire/bytes.ts";
import { ping, text } from "../wire/frame.ts";
import { agree } from "./offer.ts";

const sameWindow = must(
  "RFC 7692",
  "7.2.2",
  'If the "agreed parameters" contain the "client_no_context_takeover" extension parameter, the ' +
    "server MAY decompress each new message with an empty LZ77 sliding window. Otherwise, the server " +
    "MUST decompress each new message using the LZ77 sliding window used to process the last " +
    "compressed message.",
);

const onlyAHint = must(
  "RFC 7692",
  "7.2.2",
  'Note that even if the client has included the "client_no_context_takeover" extension parameter in ' +
    "its offer, the server MUST decompress each new message using the LZ77 sliding window used to " +
    'process the last compressed message if the "agreed parameters" don\'t contain the ' +
    '"client_no_context_takeover" extension parameter.',
);

const decompress = must(
  "RFC 7692",
  "7.2.2",
  "An endpoint uses the following algorithm to decompress a message. 1. Append 4 octets of 0x00 0x00 " +
    "0xff 0xff to the tail end of the payload of the message. 2. Decompress the resulting data using " +
    "DEFLATE. … the server MUST decompress each new message using the LZ77 sliding window used to " +
    "process the last compressed message.",
);

const HELLO = textMessage("Hello");
const LINE = textMessage("the quick brown fox jumps over the lazy dog, and back again");

async function withTakeover(peer: Peer, offer: boolean | string = true): Promise<Connection> {
  const connection = await peer.connect({ deflate: offer });
  if (connection.agreement?.clientNoContextTakeover !== true) return connection;
  throw new Skipped("the server answered client_no_context_takeover");
}

const compress: SendOptions = { compress: true };

/** Name, title, the messages and how each is sent. */
const SEQUENCES:
  readonly (readonly [string, string, readonly (readonly [Message, SendOptions])[]])[] = [
    ["same-message-again", "a message that is one reference to the one before", [
      [LINE, compress],
      [LINE, compress],
      [LINE, compress],
    ]],
    ["binary-after-text", "a binary message that refers to a text", [
      [LINE, compress],
      [binaryMessage(LINE.data), compress],
      [LINE, compress],
    ]],
    ["over-uncompressed-message", "a reference over an uncompressed message between", [
      [LINE, compress],
      [textMessage("not compressed"), {}],
      [LINE, compress],
    ]],
    ["over-empty-message", "a reference over an empty compressed message between", [
      [LINE, compress],
      [textMessage(""), compress],
      [LINE, compress],
    ]],
    ["over-stored-block", "a reference to a message that came in stored blocks", [
      [LINE, { compress: { blocks: "stored" } }],
      [LINE, compress],
    ]],
    ["over-dynamic-block", "a reference to a message that came in a block of zlib's", [
      [textMessage("abcdefgh12345678".repeat(40)), { compress: { blocks: "zlib" } }],
      [textMessage("12345678abcdefgh".repeat(40)), compress],
    ]],
    ["into-fragments", "a message in fragments that refers to one in fragments", [
      [LINE, { compress: true, split: [1, 1, 0, 5] }],
      [LINE, { compress: true, split: [1, 1, 0] }],
    ]],
    ["ten-messages-back", "a reference to ten messages ago", [
      [LINE, compress],
      ...Array.from({ length: 10 }, (_, i) => [textMessage(`${i}`.repeat(8)), compress] as const),
      [LINE, compress],
    ]],
  ];

/** The cases of this section. */
export const cases: readonly Case[] = [
  {
    id: "rfc7692/7.2.2/shared-window-example",
    title: 'the specification\'s example: "Hello" again, as a reference to the first (7.2.3.2)',
    requirement: sameWindow,
    needs: ["deflate"],
    async run(peer) {
      const connection = await withTakeover(peer);
      connection.send(text(fromHex("f2 48 cd c9 c9 07 00"), { rsv1: true }));
      await connection.expectDelivered(HELLO);
      connection.send(text(fromHex("f2 00 11 00 00"), { rsv1: true }));
      await connection.expectDelivered(HELLO);
    },
  },
  ...SEQUENCES.map(([name, title, messages]): Case => ({
    id: `rfc7692/7.2.2/takeover-${name}`,
    title: `${title} is decompressed`,
    requirement: sameWindow,
    needs: ["deflate"],
    async run(peer) {
      const connection = await withTakeover(peer);
      for (const [message, options] of messages) await connection.exchange(message, options);
    },
  })),
  {
    id: "rfc7692/7.2.2/takeover-whole-window",
    title: "a reference over the whole window of the client, message after message",
    requirement: sameWindow,
    needs: ["deflate"],
    async run(peer) {
      const connection = await withTakeover(peer);
      const window = 2 ** (connection.agreement?.clientMaxWindowBits ?? 15);
      const noise = binaryMessage(peer.random.bytes(window));
      for (let i = 0; i < 3; i++) await connection.exchange(noise, { compress: true });
    },
  },
  {
    id: "rfc7692/7.2.2/takeover-pipelined",
    title: "messages sent at once, each referring to the one before, are decompressed in order",
    requirement: sameWindow,
    needs: ["deflate"],
    async run(peer) {
      const connection = await withTakeover(peer);
      const messages = Array.from(
        { length: 20 },
        (_, i) => textMessage(`message ${i} of them all`),
      );
      const frames = messages.flatMap((message) => connection.framesOf(message, compress));
      connection.send(...frames.flatMap((frame) => [frame, ping("between")]));
      await connection.expectDelivered(...messages);
    },
  },
  {
    id: "rfc7692/7.2.2/takeover-hint-is-no-agreement",
    title: "client_no_context_takeover was offered and not answered: the window is kept",
    requirement: onlyAHint,
    needs: ["deflate"],
    async run(peer) {
      const connection = await withTakeover(peer, "permessage-deflate; client_no_context_takeover");
      await connection.exchange(LINE, compress);
      await connection.exchange(LINE, compress);
    },
  },
  {
    id: "rfc7692/7.2.2/no-takeover-as-agreed",
    title: "client_no_context_takeover was agreed to: messages that refer to none are decompressed",
    requirement: decompress,
    needs: ["deflate"],
    async run(peer) {
      const { connection } = await agree(peer, "permessage-deflate; client_no_context_takeover");
      if (connection.agreement?.clientNoContextTakeover !== true) {
        throw new Skipped("the server did not answer client_no_context_takeover");
      }
      for (let i = 0; i < 3; i++) await connection.exchange(LINE, compress);
    },
  },
];
