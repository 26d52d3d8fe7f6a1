/**
 * What stands round DEFLATE data: the header and trailer of gzip (RFC 1952) and zlib (RFC 1950), and
 * the checksums in them, which fflate does not look at.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";

/** The DEFLATE data of a container, and the check of what it inflates to. */
export interface Opened {
  readonly body: Uint8Array;
  /** Throws a {@linkcode HeddleError} `inflate_failed` where `output` is not what went in. */
  verify(output: Uint8Array): void;
}

const GZIP_TRAILER = 8;
const GZIP_FLAGS = { headerCrc: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 };

const ZLIB_TRAILER = 4;
const ZLIB_DICTIONARY = 0x20;

/** Opens one gzip member that ends where `bytes` end (RFC 1952 section 2.3). */
export function openGzip(bytes: Uint8Array): Opened {
  const start = gzipHeaderSize(bytes);
  const end = bytes.byteLength - GZIP_TRAILER;
  if (start > end) throw broken("gzip", "is cut short");
  const trailer = view(bytes.subarray(end));
  return {
    body: bytes.subarray(start, end),
    verify(output) {
      if (trailer.getUint32(4, true) !== output.byteLength % 2 ** 32) {
        throw broken("gzip", "tells another size than it inflates to");
      }
      if (trailer.getUint32(0, true) !== crc32(output)) {
        throw broken("gzip", "does not fit its CRC-32");
      }
    },
  };
}

/**
 * Opens zlib data that end where `bytes` end (RFC 1950 section 2.2).
 *
 * @param dictionary What they are to be compressed with; without it, they must be so without.
 */
export function openZlib(bytes: Uint8Array, dictionary?: Uint8Array): Opened {
  const start = dictionary === undefined ? 2 : 6;
  const end = bytes.byteLength - ZLIB_TRAILER;
  if (end < start) throw broken("zlib", "is cut short");
  const header = view(bytes).getUint16(0);
  const method = header >> 8 & 0x0f;
  const window = header >> 12;
  if (method !== 8 || window > 7 || header % 31 !== 0) {
    throw broken("zlib", "has a header that is not zlib's");
  }
  const asks = (header & ZLIB_DICTIONARY) !== 0;
  if (asks && dictionary === undefined) {
    throw broken("zlib", "asks for a dictionary; there is none");
  }
  if (dictionary !== undefined && (!asks || view(bytes).getUint32(2) !== adler32(dictionary))) {
    throw broken("zlib", "asks for another dictionary than was granted");
  }
  const trailer = view(bytes.subarray(end));
  return {
    body: bytes.subarray(start, end),
    verify(output) {
      if (trailer.getUint32(0) !== adler32(output)) {
        throw broken("zlib", "does not fit its Adler-32");
      }
    },
  };
}

function gzipHeaderSize(bytes: Uint8Array): number {
  const [id1, id2, method, flags] = bytes;
  if (id1 !== 0x1f || id2 !== 0x8b || method !== 8 || flags === undefined) {
    throw broken("gzip", "has a header that is not gzip's");
  }
  if (flags & GZIP_FLAGS.reserved) throw broken("gzip", "sets reserved flags in its header");
  // Where a field runs past the end, so does the size.
  let size = 10;
  if (flags & GZIP_FLAGS.extra) size += 2 + ((bytes[size] ?? 0) | (bytes[size + 1] ?? 0) << 8);
  if (flags & GZIP_FLAGS.name) size = endOfText(bytes, size);
  if (flags & GZIP_FLAGS.comment) size = endOfText(bytes, size);
  if (flags & GZIP_FLAGS.headerCrc) {
    const told = (bytes[size] ?? 0) | (bytes[size + 1] ?? 0) << 8;
    if (told !== (crc32(bytes.subarray(0, size)) & 0xffff)) {
      throw broken("gzip", "has a header that does not fit its CRC-16");
    }
    size += 2;
  }
  return size;
}

function endOfText(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(0, from);
  return end === -1 ? bytes.byteLength : end + 1;
}

function broken(container: string, what: string): HeddleError {
  return new HeddleError("inflate_failed", `the ${container} data ${what}`);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** The CRC-32 of gzip (RFC 1952 section 8). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = crcTable[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** The Adler-32 of zlib (RFC 1950 section 8.2). */
export function adler32(bytes: Uint8Array): number {
  const MODULUS = 65_521;
  // The most additions before `b` could pass 2^32 (zlib's NMAX).
  const RUN = 5552;
  let a = 1;
  let b = 0;
  for (let from = 0; from < bytes.length; from += RUN) {
    const to = Math.min(from + RUN, bytes.length);
    for (let i = from; i < to; i++) b += a += bytes[i]!;
    a %= MODULUS;
    b %= MODULUS;
  }
  return (b << 16 | a) >>> 0;
}
