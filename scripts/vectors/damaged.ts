/**
 * The vectors of compressed data, whole and damaged: gzip, zlib and DEFLATE byte by byte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { Vector } from "./bytes.ts";
import { type Algorithm, invalid, ping, taken, vectorOf } from "./compression.ts";
import { fixed, gzip, packed, stored } from "./deflate.ts";

const vectors: Vector[] = [];

function add(...args: Parameters<typeof vectorOf>): void {
  vectors.push(vectorOf(...args));
}

const z = deflateSync(ping);
const said = {
  type: "publish",
  channel: "a",
  event_type: "said",
  data: "weft and warp ".repeat(60),
};
const words = JSON.stringify(said);

// gzip (RFC 1952).
const header = (id: string, about: string, options: Parameters<typeof gzip>[1], expect = taken) =>
  add(`gzip-${id}`, about, "gzip", gzip(ping, options), { expect: [expect] });
header("name", "a file name in the header", { flags: 8, extra: Buffer.from("ping.json\0") });
header("comment", "a comment in the header", { flags: 16, extra: Buffer.from("a comment\0") });
header("extra", "an extra field in the header", {
  flags: 4,
  extra: Buffer.from("0400415000ff", "hex"),
});
header("header-crc", "a checksum of the header", { flags: 2 });
header("all-fields", "every field of the header", {
  flags: 30,
  extra: Buffer.from("\x04\x00AB\x00\x00n\0c\0", "latin1"),
});
header("crc-wrong", "its CRC-32 is wrong", { crc: 0 }, invalid);
header("size-wrong", "its own size is wrong", { size: 16 }, invalid);
header(
  "header-crc-wrong",
  "the checksum of its header is wrong",
  { flags: 2, headerCrc: 0 },
  invalid,
);
header(
  "reserved-flag",
  "a reserved flag is set (RFC 1952 section 2.3.1.2)",
  { flags: 32 },
  invalid,
);
header(
  "name-endless",
  "a file name that never ends",
  { flags: 8, extra: Buffer.from("x") },
  invalid,
);
const g = gzip(ping);
const broken = (id: string, about: string, algorithm: Algorithm, payload: Uint8Array) =>
  add(id, about, algorithm, payload, {});
for (const at of [0, 1, 2, 9, 10, 12, g.length - 8, g.length - 4, g.length - 1]) {
  broken(`gzip-cut-${at}`, `${at} of ${g.length} bytes`, "gzip", g.subarray(0, at));
}
broken("gzip-trailing", "a byte too many", "gzip", Buffer.concat([g, Buffer.from([0])]));
add("gzip-two-members", "a second member", "gzip", Buffer.concat([g, g]), { text: ping + ping });
broken("gzip-magic", "no gzip", "gzip", Buffer.concat([Buffer.from([0x1f, 0x8c]), g.subarray(2)]));
broken(
  "gzip-method",
  "another method",
  "gzip",
  Buffer.concat([g.subarray(0, 2), Buffer.from([7]), g.subarray(3)]),
);

// zlib (RFC 1950).
for (const at of [0, 1, 2, 4, z.length - 4, z.length - 1]) {
  broken(`zlib-cut-${at}`, `${at} of ${z.length} bytes`, "zlib", z.subarray(0, at));
}
broken("zlib-trailing", "a byte too many", "zlib", Buffer.concat([z, Buffer.from([0])]));
const adler = Buffer.from(z);
adler.writeUInt32BE(1, z.length - 4);
broken("zlib-adler-wrong", "its Adler-32 is wrong", "zlib", adler);
const zlibHeaders = { method: "7701", window: "8804", check: "789d", dictionary: "78bb" };
for (const [id, hex] of Object.entries(zlibHeaders)) {
  broken(
    `zlib-${id}`,
    `a wrong header: ${id}`,
    "zlib",
    Buffer.concat([Buffer.from(hex, "hex"), z.subarray(2)]),
  );
}
for (const level of [0, 1, 6, 9]) {
  add(`zlib-level-${level}`, `as level ${level} writes it`, "zlib", deflateSync(words, { level }), {
    requirements: ["HDL-CMP-1"],
    text: words,
    expect: [{ kind: "request", message: said }],
  });
}
add("gzip-level-9", "as level 9 writes it", "gzip", gzipSync(words, { level: 9 }), {
  requirements: ["HDL-CMP-1"],
  text: words,
  expect: [{ kind: "request", message: said }],
});

// DEFLATE (RFC 1951), block by block.
const raw = (id: string, about: string, payload: Uint8Array, expect = invalid, text = ping) =>
  add(`deflate-${id}`, about, "deflate", payload, { expect: [expect], text });
const codes = [...Buffer.from(ping)];
const [first, second] = [ping.slice(0, 7), ping.slice(7)];
raw("stored", "one stored block", stored(ping, true), taken);
raw("fixed", "one block of the fixed codes", fixed(codes, true), taken);
raw(
  "two-blocks",
  "two stored blocks",
  Buffer.concat([stored(first, false), stored(second, true)]),
  taken,
);
raw(
  "stored-then-fixed",
  "a stored block and one of the fixed codes",
  Buffer.concat([stored(first, false), fixed([...Buffer.from(second)], true)]),
  taken,
);
raw(
  "empty-last",
  "an empty block at the end",
  Buffer.concat([stored(ping, false), stored("", true)]),
  taken,
);
raw(
  "empty-first",
  "empty blocks at the beginning",
  Buffer.concat([
    stored("", false),
    stored("", false),
    stored(ping, true),
  ]),
  taken,
);
const aaa = '{"type":"ping","correlation_id":"aaaa"}';
const upTo = [...Buffer.from(aaa.slice(0, -5))];
raw(
  "match",
  "a match that overlaps what it writes",
  fixed([...upTo, { length: 3, distance: 1 }, 0x22, 0x7d], true),
  { kind: "request", message: { type: "ping", correlation_id: "aaaa" } },
  aaa,
);
raw("empty", "no data at all", Buffer.alloc(0));
raw("not-last", "the last block does not say that it is", stored(ping, false));
raw("not-last-fixed", "nor does this one", fixed(codes, false));
raw("trailing", "a byte too many", Buffer.concat([stored(ping, true), Buffer.from([0])]));
raw(
  "trailing-block",
  "a block after the last",
  Buffer.concat([stored(ping, true), stored("", true)]),
);
raw(
  "trailing-flush",
  "the tail of a sync flush (RFC 7692) after the last block",
  Buffer.concat([
    deflateRawSync(ping),
    Buffer.from("0000ffff", "hex"),
  ]),
);
raw("block-type-3", "a block of the reserved type", Buffer.from([7]));
const complement = Buffer.from(stored(ping, true));
complement.writeUInt16LE(0, 3);
add(
  "deflate-stored-complement",
  "LEN and NLEN do not fit, which a decoder may look at",
  "deflate",
  complement,
  {
    expect: [invalid, taken],
  },
);
raw("stored-cut", "a stored block that ends early", stored(ping, true).subarray(0, 12));
raw("stored-header-cut", "a stored block without its length", Buffer.from([1, 15, 0]));
raw("fixed-cut", "a block of the fixed codes that ends early", fixed(codes, true).subarray(0, 8));
raw(
  "too-far-back",
  "a match before the beginning",
  fixed([0x7b, { length: 3, distance: 2 }], true),
);
raw("no-such-length", "length code 286, which there is none of", packed("110" + "11000110"));
raw(
  "no-such-distance",
  "distance code 30, which there is none of",
  packed(
    "110" + (0x30 + 0x7b).toString(2).padStart(8, "0") + "0000001" + "11110" + "0000000",
  ),
);
raw("dynamic-cut", "codes of its own that end early", deflateRawSync(words).subarray(0, 20));
raw(
  "dynamic-no-codes",
  "code lengths that make no code",
  packed("101" + "00000" + "00000" + "0000" + "0".repeat(40)),
);

/** All of them. */
export const damaged: readonly Vector[] = vectors;
