import { FlateErrorCode, Gunzip } from "fflate";
import { assertNever } from "../base/exhaustive.ts";
import { HeddleError } from "../base/errors.ts";
import type { CompressionAlgorithm } from "./compressor.ts";
import { openGzip, openZlib } from "./container.ts";

/** DEFLATE makes at most 258 bytes of two bits, so at most this many of one byte. */
export const MAX_EXPANSION = 1032;

/** The fewest bytes inflated in one step; a step cannot be stopped. */
export const MIN_STEP = 512;

/** A gzip header without any field (RFC 1952 section 2.3.1). */
const HEADER = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** Room for a gzip trailer, which fflate skips unread, then the header of a member that never comes. */
const SENTINEL = new Uint8Array([...new Uint8Array(8), ...HEADER]);

/**
 * Inflates data of a peer, with bounds on memory and work.
 *
 * The data must be whole and alone: one gzip member, one zlib stream or one raw DEFLATE stream whose
 * last byte is the last of `bytes`. Several gzip members are refused, since a message is one piece and
 * what follows the first would only be a place to hide data; so is a preset dictionary, unless it is
 * given. Checksums and sizes in gzip and zlib are verified; raw DEFLATE has none, and fflate takes some
 * trees of codes there that zlib would refuse.
 *
 * It inflates in steps that each make at most `limit` bytes or 516 KiB, whichever is more, and stops
 * after the one that passes `limit`. Data larger than anything of `limit` bytes can need are refused
 * unread.
 *
 * @param algorithm `none` gives a copy.
 * @param limit The most bytes the result may have.
 * @param dictionary What the data are compressed with; only `zlib` and `deflate` can be.
 *
 * @throws {HeddleError} `too_large` where the result would pass `limit`, `inflate_failed` where the data
 * are malformed, cut short, followed by anything, or do not fit their checksum, `option_invalid` where
 * `limit` is negative or no number.
 */
export function inflate(
  bytes: Uint8Array,
  algorithm: CompressionAlgorithm,
  limit: number,
  dictionary?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (!(limit >= 0)) {
    throw new HeddleError("option_invalid", `limit is ${limit}; it must be 0 or more bytes`);
  }
  if (algorithm === "none") {
    if (bytes.byteLength > limit) {
      throw new HeddleError(
        "too_large",
        `${bytes.byteLength} bytes are more than ${limit} allowed`,
      );
    }
    return new Uint8Array(bytes);
  }
  if (bytes.byteLength > mostCompressed(limit)) {
    throw new HeddleError(
      "too_large",
      `${bytes.byteLength} compressed bytes are more than ${limit} inflated bytes can need`,
    );
  }
  const { body, verify } = open(bytes, algorithm, dictionary);
  const output = inflateBody(body, limit, dictionary);
  verify(output);
  return output;
}

/**
 * The most that compressing `size` bytes can make, generously: zlib's own bound for its worst settings is
 * an eighth and a 64th more. The kilobyte is for a gzip header with a file name.
 */
function mostCompressed(size: number): number {
  return size + size / 8 + size / 64 + 1024;
}

function open(
  bytes: Uint8Array,
  algorithm: Exclude<CompressionAlgorithm, "none">,
  dictionary: Uint8Array | undefined,
) {
  switch (algorithm) {
    case "gzip":
      return openGzip(bytes);
    case "zlib":
      return openZlib(bytes, dictionary);
    case "deflate":
      return { body: bytes, verify: () => {} };
    default:
      return assertNever(algorithm);
  }
}

/**
 * fflate's `Inflate` does not tell where the data ended, or whether they did. Its `Gunzip` does tell
 * where a second member starts: so the data are dressed as a member and followed by the header of
 * another, and are whole and alone if that is found where it was put.
 */
function inflateBody(
  body: Uint8Array,
  limit: number,
  dictionary: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let whole = false;
  const gunzip = new Gunzip(dictionary === undefined ? {} : { dictionary }, (chunk) => {
    chunks.push(chunk);
    size += chunk.byteLength;
  });
  gunzip.onmember = (offset) => {
    if (offset !== member.byteLength + 8) throw trailing();
    whole = true;
  };

  // The header goes with the first data: alone, fflate would take its window for full, of zeros.
  const member = concat([HEADER, body], HEADER.byteLength + body.byteLength);
  const step = Math.max(MIN_STEP, Math.floor(limit / MAX_EXPANSION));
  try {
    for (let at = 0; at < member.byteLength; at += step) {
      gunzip.push(member.subarray(at, at + step));
      if (size > limit) throw tooLarge(limit, size);
    }
  } catch (error) {
    throw refusal(error);
  }
  try {
    gunzip.push(SENTINEL);
  } catch (error) {
    // A cut is not to be told from a few bytes too many: the sentinel's may have ended the data.
    throw error instanceof HeddleError || isBadHeader(error) ? misplaced() : truncated();
  }
  if (!whole) throw truncated();
  return concat(chunks, size);
}

function refusal(error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  if (isBadHeader(error)) return trailing();
  const what = error instanceof Error ? error.message : String(error);
  return new HeddleError("inflate_failed", `the compressed data are malformed: ${what}`, {
    cause: error,
  });
}

/** Whether fflate looked for the header of another member: the first is ours, and good. */
function isBadHeader(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === FlateErrorCode.InvalidHeader;
}

function trailing(): HeddleError {
  return new HeddleError("inflate_failed", "bytes follow the end of the compressed data");
}

function misplaced(): HeddleError {
  const what = "the compressed data are cut short, or bytes follow their end";
  return new HeddleError("inflate_failed", what);
}

function truncated(): HeddleError {
  return new HeddleError("inflate_failed", "the compressed data are cut short");
}

function tooLarge(limit: number, made: number): HeddleError {
  return new HeddleError(
    "too_large",
    `the data inflate to more than the ${limit} bytes allowed (stopped at ${made})`,
  );
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
