/**
 * RFC 7692 sections 7.2.1 and 7.2.2: whatever blocks a message is compressed in, it is decompressed.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { bytesOf, concat, fromHex } from "../wire/bytes.ts";
import { storedBlocks, withoutTail, zlibBlocks, type ZlibOptions } from "../wire/deflate.ts";
import { continuation, text } from "../wire/frame.ts";

const decompress = must(
  "RFC 7692",
  "7.2.2",
  "An endpoint uses the following algorithm to decompress a message. 1. Append 4 octets of 0x00 0x00 " +
    "0xff 0xff to the tail end of the payload of the message. 2. Decompress the resulting data using " +
    "DEFLATE. … the server MUST decompress each new message using the LZ77 sliding window used to " +
    "process the last compressed message.",
);

const finalBlocks = must(
  "RFC 7692",
  "7.2.1",
  'An endpoint MAY use both DEFLATE blocks with the "BFINAL" bit set to 0 and DEFLATE blocks with the ' +
    '"BFINAL" bit set to 1. … (7.2.2) Decompress the resulting data using DEFLATE. … the server MUST ' +
    "decompress each new message using the LZ77 sliding window used to process the last compressed " +
    "message.",
);

/** Enough of different words for zlib to make dynamic blocks of it. */
const PROSE = Array.from(
  { length: 60 },
  (_, i) => `Act ${i}: ${(i * i * 7919) % 10007} men and ${(i * 613) % 499} women merely players.`,
).join(" ");
const DATA = bytesOf(PROSE);
const THIRD = Math.floor(DATA.length / 3);
const PARTS = [DATA.subarray(0, THIRD), DATA.subarray(THIRD, 2 * THIRD), DATA.subarray(2 * THIRD)];
const [FIRST = DATA, SECOND = DATA, LAST = DATA] = PARTS;

/** An octet whose first three bits begin an empty stored block: what a message ends with. */
const END = Uint8Array.of(0);

const FIXED: ZlibOptions = { strategy: "fixed" };
const FINAL: ZlibOptions = { end: "final" };

/** Compressed payloads that all hold {@link PROSE}. */
const PAYLOADS: readonly (readonly [string, string, Uint8Array])[] = [
  ...[0, 1, 4, 6, 9].map((level) =>
    [
      `zlib-level-${level}`,
      `zlib's blocks of level ${level}`,
      withoutTail(zlibBlocks(DATA, { level })),
    ] as const
  ),
  [
    "zlib-huffman-only",
    "a block without matches",
    withoutTail(zlibBlocks(DATA, { strategy: "huffman-only" })),
  ],
  [
    "zlib-run-length",
    "a block with matches of distance 1 alone",
    withoutTail(zlibBlocks(DATA, { strategy: "run-length" })),
  ],
  [
    "zlib-window-of-9-bits",
    "a block of a small window",
    withoutTail(zlibBlocks(DATA, { windowBits: 9 })),
  ],
  [
    "full-flush",
    "a block and a full flush",
    withoutTail(zlibBlocks(DATA, { end: "full" })),
  ],
  ["stored-blocks-of-1-byte", "a stored block a byte", concat([storedBlocks(DATA, 1), END])],
  ["stored-blocks-of-7-bytes", "stored blocks of 7 bytes", concat([storedBlocks(DATA, 7), END])],
  ["stored-block-larger", "one stored block of all", concat([storedBlocks(DATA, 65535), END])],
  [
    "empty-stored-blocks",
    "empty stored blocks before, between and behind",
    concat([
      storedBlocks(new Uint8Array(), 1),
      zlibBlocks(FIRST),
      storedBlocks(new Uint8Array(), 1),
      zlibBlocks(concat([SECOND, LAST])),
      storedBlocks(new Uint8Array(), 1),
      END,
    ]),
  ],
  [
    "blocks-of-all-types",
    "a stored, a fixed and a dynamic block",
    withoutTail(concat([
      storedBlocks(FIRST, 65535),
      zlibBlocks(SECOND, FIXED),
      zlibBlocks(LAST),
    ])),
  ],
  [
    "ten-flushes",
    "a block and a flush every 80 bytes",
    withoutTail(concat(
      Array.from(
        { length: Math.ceil(DATA.length / 80) },
        (_, i) => zlibBlocks(DATA.subarray(i * 80, i * 80 + 80)),
      ),
    )),
  ],
];

/** Payloads with blocks whose BFINAL is set (section 7.2.3.4). */
const FINALS: readonly (readonly [string, string, Uint8Array])[] = [
  ["fixed", "a fixed block", concat([zlibBlocks(DATA, { ...FIXED, ...FINAL }), END])],
  ["dynamic", "a dynamic block", concat([zlibBlocks(DATA, FINAL), END])],
  ["stored", "a stored block", concat([storedBlocks(DATA, 65535, true), END])],
  ["last-of-many", "the last of many stored blocks", concat([storedBlocks(DATA, 50, true), END])],
  [
    "after-others",
    "the last of two blocks",
    concat([zlibBlocks(FIRST), zlibBlocks(concat([SECOND, LAST]), FINAL), END]),
  ],
  [
    "first",
    "the first of two blocks",
    withoutTail(concat([zlibBlocks(FIRST, FINAL), zlibBlocks(concat([SECOND, LAST]))])),
  ],
  [
    "every-block",
    "each of three blocks",
    concat([
      zlibBlocks(FIRST, FINAL),
      zlibBlocks(SECOND, { ...FIXED, ...FINAL }),
      storedBlocks(LAST, 65535, true),
      END,
    ]),
  ],
];

/** The examples of section 7.2.3, all of which hold "Hello". */
const EXAMPLES: readonly (readonly [string, string, string])[] = [
  ["one-block", "one fixed block (7.2.3.1)", "f2 48 cd c9 c9 07 00"],
  ["no-compression", "a stored block (7.2.3.3)", "00 05 00 fa ff 48 65 6c 6c 6f 00"],
  ["bfinal", "a block with BFINAL (7.2.3.4)", "f3 48 cd c9 c9 07 00 00"],
  ["two-blocks", "two blocks (7.2.3.5)", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"],
];

/** Payloads that hold nothing (section 7.2.3.6). */
const EMPTY: readonly (readonly [string, string, string])[] = [
  ["stored", "0x00, an empty stored block", "00"],
  ["fixed", "an empty fixed block", "02 00"],
  ["two-stored", "two empty stored blocks", "00 00 00 ff ff 00"],
  ["bfinal", "an empty fixed block with BFINAL", "03 00 00"],
];

function delivers(name: string, title: string, payload: Uint8Array, content: string): Case {
  const requirement = name.includes("bfinal") ? finalBlocks : decompress;
  return {
    id: `rfc7692/${requirement.section}/${name}`,
    title: `a message compressed into ${title} is delivered`,
    requirement,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      for (let i = 0; i < 2; i++) {
        connection.send(text(payload, { rsv1: true }));
        await connection.expectDelivered(textMessage(content));
      }
      connection.send(text(payload.subarray(0, 1), { rsv1: true, fin: false }));
      connection.send(continuation(payload.subarray(1)));
      await connection.expectDelivered(textMessage(content));
    },
  };
}

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...(["matching", "zlib", "fixed", "stored"] as const).map((blocks): Case => ({
    id: `rfc7692/7.2.2/${blocks}-block`,
    title: `a message in a ${blocks} block is decompressed`,
    requirement: decompress,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const message = textMessage("the quick brown fox jumps over the lazy dog. ".repeat(20));
      await connection.exchange(message, { compress: { blocks } });
      await connection.exchange(message, { compress: { blocks } });
    },
  })),
  ...PAYLOADS.map(([name, title, bytes]) => delivers(name, title, bytes, PROSE)),
  ...FINALS.map(([name, title, bytes]) =>
    delivers(`bfinal-${name}`, `blocks, BFINAL set in ${title},`, bytes, PROSE)
  ),
  ...EXAMPLES.map(([name, title, hex]) =>
    delivers(`example-${name}`, title, fromHex(hex), "Hello")
  ),
  ...EMPTY.map(([name, title, hex]) => delivers(`empty-${name}`, title, fromHex(hex), "")),
];
