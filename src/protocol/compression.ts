/**
 * Compression of messages: `COMPRESSED_JSON` envelopes, and what they are made and opened with.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import {
  ALGORITHMS,
  type CompressionAlgorithm,
  type Compressor,
  isAlgorithm,
  isSize,
} from "./compressor.ts";
import type { Dictionary } from "./dictionary.ts";
import { encodeEnvelope, type Envelope } from "./envelope.ts";
import { type Failure, failure } from "./errors.ts";
import { inflate } from "./inflate.ts";

export {
  ALGORITHMS,
  type CompressionAlgorithm,
  type CompressionLevel,
  type CompressionOptions,
  type CompressionRule,
  type CompressionStats,
  Compressor,
  type Content,
} from "./compressor.ts";
export { Dictionary } from "./dictionary.ts";
export { inflate } from "./inflate.ts";

/** How a message becomes a `COMPRESSED_JSON` envelope. */
export interface CompressedJsonOptions {
  readonly compressor: Compressor;
  readonly algorithm: CompressionAlgorithm;
  /** Leaves the metadata empty, for a peer that asked for it. @default false */
  readonly compact?: boolean;
  /** What the peer was granted to know beforehand. */
  readonly dictionary?: Dictionary | undefined;
}

const encoder = new TextEncoder();
// A byte order mark is kept, so that JSON refuses it (RFC 8259 section 8.1).
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes a `COMPRESSED_JSON` envelope of `json`, or undefined where text serves as well. */
export function encodeCompressedJson(
  json: string,
  { compressor, algorithm, compact = false, dictionary }: CompressedJsonOptions,
): Uint8Array<ArrayBuffer> | undefined {
  const bytes = encoder.encode(json);
  const payload = compressor.compress(bytes, "json", algorithm, dictionary?.bytes);
  if (payload === undefined) return undefined;
  const metadata = compact ? {} : {
    compression: algorithm,
    ...(dictionary === undefined ? {} : { dictionary: dictionary.id }),
    original_size: bytes.byteLength,
    compressed_size: payload.byteLength,
  };
  return encodeEnvelope({ kind: "compressed_json", metadata, payload });
}

/** What is known before a `COMPRESSED_JSON` envelope of a peer is opened. */
export interface OpenOptions {
  /** The most bytes the message may have, inflated. */
  readonly limit: number;
  /** The algorithm agreed on, which empty metadata stand for. */
  readonly granted?: CompressionAlgorithm;
  /** The dictionary agreed on. */
  readonly dictionary?: Dictionary | undefined;
}

/**
 * Opens a `COMPRESSED_JSON` envelope of a peer and gives the JSON text in it, unparsed.
 *
 * Never throws: a message over the limit comes back as `message_too_large`, anything else that is wrong
 * as `invalid_message`. What the metadata claim is checked and bounds nothing: see {@linkcode inflate}.
 */
export function decodeCompressedJson(
  { kind, metadata, payload }: Envelope,
  { limit, granted, dictionary }: OpenOptions,
): string | Failure {
  if (kind !== "compressed_json") return malformed(`the envelope's type is ${kind}`);
  const isCompact = Object.keys(metadata).length === 0;
  const algorithm = isCompact ? granted : metadata["compression"];
  if (algorithm === undefined && isCompact) {
    return malformed('metadata may be empty only after "hello" granted a compression');
  }
  if (!isAlgorithm(algorithm)) {
    return malformed(`compression must be one of ${ALGORITHMS.join(", ")}`);
  }
  const { original_size: original, compressed_size: compressed } = metadata;
  if (!isCompact) {
    if (!isSize(original)) return malformed("original_size must be a number of bytes");
    if (compressed !== payload.byteLength) {
      return malformed(`compressed_size must be the payload's size, ${payload.byteLength}`);
    }
    if (original > limit) return tooLarge(limit);
  }
  const named = isCompact ? dictionary?.id : metadata["dictionary"];
  if (named !== undefined && named !== dictionary?.id) {
    return malformed("it is compressed with a dictionary that was not granted");
  }
  try {
    const bytes = inflate(
      payload,
      algorithm,
      limit,
      named === undefined ? undefined : dictionary?.bytes,
    );
    if (!isCompact && bytes.byteLength !== original) {
      return malformed(`original_size is ${original}, the message has ${bytes.byteLength} bytes`);
    }
    return decoder.decode(bytes);
  } catch (error) {
    if (!(error instanceof HeddleError)) return malformed("the message is not UTF-8");
    return error.code === "too_large" ? tooLarge(limit) : malformed(error.message);
  }
}

function malformed(what: string): Failure {
  return failure("invalid_message", `compressed JSON: ${what}`);
}

function tooLarge(limit: number): Failure {
  return failure("message_too_large", `the message inflates to more than ${limit} bytes`);
}
