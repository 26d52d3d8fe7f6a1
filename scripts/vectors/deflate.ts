/**
 * DEFLATE data written bit by bit (RFC 1951), for what no compressor writes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32, deflateRawSync } from "node:zlib";

/** A stored block (RFC 1951 section 3.2.4), at a byte boundary. */
export function stored(text: string | Uint8Array, isLast: boolean): Buffer {
  const data = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.writeUInt8(isLast ? 1 : 0, 0);
  head.writeUInt16LE(data.length, 1);
  head.writeUInt16LE(~data.length & 0xffff, 3);
  return Buffer.concat([head, data]);
}

/** A block of the fixed Huffman codes (section 3.2.6) from literals, below 144 all, and matches. */
export function fixed(
  symbols: readonly (number | { readonly length: 3; readonly distance: 1 | 2 | 3 | 4 })[],
  isLast: boolean,
): Buffer {
  let bits = isLast ? "1" : "0";
  bits += "10";
  for (const symbol of symbols) {
    if (typeof symbol === "number") bits += (0x30 + symbol).toString(2).padStart(8, "0");
    // Length 3 is code 257, and distances to 4 are their own codes, without extra bits.
    else bits += "0000001" + (symbol.distance - 1).toString(2).padStart(5, "0");
  }
  bits += "0000000";
  return packed(bits);
}

/** Bits in the order in which they are read, the last byte filled with 0. */
export function packed(bits: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of [...bits].entries()) if (bit === "1") bytes[at >> 3]! |= 1 << (at & 7);
  return bytes;
}

/** A gzip member (RFC 1952 section 2.3) with the optional fields of its header asked for. */
export function gzip(
  text: string,
  { flags = 0, extra = Buffer.alloc(0), crc, size, headerCrc }: {
    readonly flags?: number;
    /** What stands between the fixed part of the header and its CRC-16. */
    readonly extra?: Uint8Array;
    readonly crc?: number;
    readonly size?: number;
    readonly headerCrc?: number;
  } = {},
): Buffer {
  const data = Buffer.from(text);
  let head: Buffer = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0xff]),
    extra,
  ]);
  if (flags & 2) {
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE(headerCrc ?? crc32(head) & 0xffff);
    head = Buffer.concat([head, sum]);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc ?? crc32(data), 0);
  trailer.writeUInt32LE(size ?? data.length, 4);
  return Buffer.concat([head, deflateRawSync(data), trailer]);
}
