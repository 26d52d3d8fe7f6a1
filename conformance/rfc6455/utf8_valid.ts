/**
 * RFC 6455 section 5.6: text that is UTF-8, though it looks odd, is delivered as it is.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOf, fromHex } from "../wire/bytes.ts";
import { continuation, fragments, OPCODE, ping, text } from "../wire/frame.ts";

const delivered = must(
  "RFC 6455",
  "5.6",
  'The "Payload data" is text data encoded as UTF-8. Note that a particular text frame might ' +
    "include a partial UTF-8 sequence; however, the whole message MUST contain valid UTF-8. … (5.4) " +
    "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
);

const arbitrary = must(
  "RFC 6455",
  "5.6",
  'The "Payload data" is arbitrary binary data whose interpretation is solely up to the ' +
    "application layer. … (5.4) Clients and servers MUST support receiving both fragmented and " +
    "unfragmented messages.",
);

const TEXTS: Readonly<Record<string, string>> = {
  "ascii": "Hello, world!",
  "nul": "00",
  "nul-inside": "61 00 62",
  "control-characters": "01 08 0b 0c 0e 1f 7f",
  "line-ends": "0d 0a 0a 0d",
  "first-of-2-bytes": "c2 80",
  "last-of-2-bytes": "df bf",
  "first-of-3-bytes": "e0 a0 80",
  "before-the-surrogates": "ed 9f bf",
  "after-the-surrogates": "ee 80 80",
  "replacement-character": "ef bf bd",
  "noncharacter-fffe": "ef bf be",
  "noncharacter-ffff": "ef bf bf",
  "noncharacter-fdd0": "ef b7 90",
  "byte-order-mark-at-start": "ef bb bf 48 69",
  "byte-order-mark-alone": "ef bb bf",
  "byte-order-mark-inside": "48 ef bb bf 69",
  "first-of-4-bytes": "f0 90 80 80",
  "last-of-all": "f4 8f bf bf",
  "noncharacter-1fffe": "f0 9f bf be",
  "noncharacter-10fffe": "f4 8f bf be",
  "combining-marks": "65 cc 81 cc a7",
  "joined-emoji": "f0 9f 91 a9 e2 80 8d f0 9f 92 bb",
  "decomposed-and-composed": "61 cc 88 c3 a4",
  "greek": "ce ba e1 bd b9 cf 83 ce bc ce b5",
};

const bytesNamed = (name: string, content: string) =>
  name === "ascii" ? bytesOf(content) : fromHex(content);

/** A code point of each plane. */
const PLANES = Array.from(
  { length: 17 },
  (_, plane) => String.fromCodePoint(plane * 0x10000 + 0x41),
);

/** Code points that Unicode sets apart from characters; UTF-8 has them all the same. */
const NONCHARACTERS = [
  ...Array.from({ length: 32 }, (_, i) => 0xfdd0 + i),
  ...Array.from({ length: 17 }, (_, plane) => [plane * 0x10000 + 0xfffe, plane * 0x10000 + 0xffff]),
].flat();

/** Characters of each length, to be cut inside. */
const CUT = "aß水𝄞";

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(TEXTS).map(([name, content]): Case => ({
    id: `rfc6455/5.6/text-of-${name}`,
    title: `text of ${name.replaceAll("-", " ")} is delivered as it is`,
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage(bytesNamed(name, content)));
      await connection.expectAlive();
    },
  })),
  {
    id: "rfc6455/5.6/text-of-all-planes",
    title: "text with a character of each of the 17 planes is delivered",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      for (const character of PLANES) connection.sendMessage(textMessage(character));
      await connection.expectDelivered(...PLANES.map((character) => textMessage(character)));
      await connection.exchange(textMessage(PLANES.join("")));
    },
  },
  {
    id: "rfc6455/5.6/text-of-every-noncharacter",
    title: "text of each of the 66 noncharacters is delivered",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      const messages = NONCHARACTERS.map((point) => textMessage(String.fromCodePoint(point)));
      for (const message of messages) connection.sendMessage(message);
      await connection.expectDelivered(...messages);
    },
  },
  {
    id: "rfc6455/5.6/text-of-every-code-point",
    title: "text of every code point of the first plane but the surrogates is delivered",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      const points = Array.from({ length: 0x10000 }, (_, point) => point)
        .filter((point) => point < 0xd800 || point > 0xdfff);
      for (let at = 0; at < points.length; at += 0x1000) {
        const part = String.fromCodePoint(...points.slice(at, at + 0x1000));
        await connection.exchange(textMessage(part));
      }
    },
  },
  {
    id: "rfc6455/5.6/text-in-utf8",
    title: "text with characters of one to four bytes is delivered",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage(CUT), { split: [2, 3, 2] });
    },
  },
  ...Array.from({ length: bytesOf(CUT).length - 1 }, (_, i): Case => ({
    id: `rfc6455/5.6/text-cut-after-byte-${i + 1}`,
    title: `text of two fragments, cut after byte ${i + 1} of ${CUT}, is delivered`,
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage(CUT), { split: [i + 1] });
    },
  })),
  {
    id: "rfc6455/5.6/text-in-fragments-of-one-byte",
    title: "text in fragments of one byte, with an empty one after each, is delivered",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      const split = Array.from(bytesOf(CUT)).flatMap(() => [1, 0]);
      await connection.exchange(textMessage(CUT), { split });
    },
  },
  {
    id: "rfc6455/5.6/text-cut-inside-a-character-by-pings",
    title: "a Ping between two fragments that share a character leaves it whole",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      const parts = fragments(OPCODE.text, CUT, [2, 3, 2]);
      connection.send(...parts.flatMap((part) => [ping("é"), part]));
      await connection.expectDelivered(textMessage(CUT));
    },
  },
  ...[1, 2, 3].map((size): Case => ({
    id: `rfc6455/5.6/text-in-segments-of-${size}`,
    title: `text that TCP cuts into segments of ${size} bytes is delivered`,
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      await connection.sendInPieces(size, text(CUT), text(CUT));
      await connection.expectDelivered(textMessage(CUT), textMessage(CUT));
    },
  })),
  {
    id: "rfc6455/5.6/text-begun-inside-a-character",
    title: "a fragment that ends inside a character is no fault while the message goes on",
    requirement: delivered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text(fromHex("e2 82"), { fin: false }));
      await connection.expectAlive();
      connection.send(continuation(fromHex("ac")));
      await connection.expectDelivered(textMessage("€"));
    },
  },
  ...Object.entries({ "bad-utf8": "c0 af ed a0 80 ff", "all-bytes": "" }).map((
    [name, hex],
  ): Case => ({
    id: `rfc6455/5.6/binary-of-${name}`,
    title: `a binary message of ${name.replaceAll("-", " ")} is delivered`,
    requirement: arbitrary,
    async run(peer) {
      const connection = await peer.connect();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const message = binaryMessage(hex === "" ? all : fromHex(hex));
      await connection.exchange(message);
      await connection.exchange(message, { split: [3] });
    },
  })),
];
