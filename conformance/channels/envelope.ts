/**
 * Binary messages: the envelope, and JSON compressed in one.
 *
 * @module
 */
import { gzipSync, zlibSync } from "fflate";
import { bytesOf, concat, decodeUtf8 } from "../wire/bytes.ts";
import { zlibBlocks } from "../wire/deflate.ts";
import { inflate } from "../wire/inflate.ts";

/** The types of envelopes, by name. */
export const ENVELOPE = { image: 1, audio: 2, video: 3, binary: 4, json: 5 } as const;

/** A kind of media. */
export type MediaKind = "image" | "audio" | "video" | "binary";

/** How JSON is compressed. */
export type Algorithm = "gzip" | "zlib" | "deflate" | "none";

/** An envelope taken apart. */
export interface Envelope {
  readonly type: number;
  /** Null where its length is 0. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly payload: Uint8Array;
}

/** What is set otherwise than the content asks for. */
export interface EnvelopeFields {
  readonly version?: number;
  readonly metadataLength?: number;
  readonly payloadLength?: number;
}

/** Data that is no envelope. */
export class BadEnvelope extends Error {
  override readonly name = "BadEnvelope";
}

/** The bytes of an envelope; metadata that are null take no bytes. */
export function encodeEnvelope(
  type: number,
  metadata: unknown,
  payload: Uint8Array,
  fields: EnvelopeFields = {},
): Uint8Array {
  const words = metadata === null
    ? new Uint8Array()
    : metadata instanceof Uint8Array
    ? metadata
    : bytesOf(JSON.stringify(metadata));
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint8(0, fields.version ?? 1);
  view.setUint8(1, type);
  view.setUint16(2, fields.metadataLength ?? words.length);
  view.setUint32(4, fields.payloadLength ?? payload.length);
  return concat([head, words, payload]);
}

/** Takes an envelope apart. @throws BadEnvelope */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length < 8) throw new BadEnvelope(`${bytes.length} bytes, less than a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, type] = [view.getUint8(0), view.getUint8(1)];
  const [length, size] = [view.getUint16(2), view.getUint32(4)];
  if (version !== 1) throw new BadEnvelope(`the version ${version}`);
  if (8 + length + size !== bytes.length) {
    throw new BadEnvelope(`${bytes.length} bytes where its header tells ${8 + length + size}`);
  }
  const words = bytes.subarray(8, 8 + length);
  return {
    type,
    metadata: length === 0 ? null : readMetadata(words),
    payload: bytes.subarray(8 + length),
  };
}

/** The text of a message, compressed. */
export function compress(text: string | Uint8Array, algorithm: Algorithm): Uint8Array {
  const bytes = bytesOf(text);
  switch (algorithm) {
    case "gzip":
      return gzipSync(bytes);
    case "zlib":
      return zlibSync(bytes);
    case "deflate":
      return zlibBlocks(bytes, { end: "final" });
    case "none":
      return bytes;
  }
}

/** What comes of one message at most; no server has more to say. */
const LIMIT = 1 << 24;

/** What was compressed, by a preset dictionary where there is one. @throws BadDeflate, BadEnvelope */
export function decompress(
  payload: Uint8Array,
  algorithm: string,
  dictionary: Uint8Array = new Uint8Array(),
): Uint8Array {
  const raw = (from: number, trailer: number) =>
    inflate(payload.subarray(from, payload.length - trailer), dictionary, LIMIT).data;
  switch (algorithm) {
    case "gzip":
      return raw(gzipHead(payload), 8);
    case "zlib":
      // The bit FDICT says that the dictionary's checksum follows (RFC 1950 section 2.2).
      return raw(((payload[1] ?? 0) & 0x20) === 0 ? 2 : 6, 4);
    case "deflate":
      return raw(0, 0);
    case "none":
      return payload;
  }
  throw new BadEnvelope(`the algorithm ${JSON.stringify(algorithm)}`);
}

/** A `COMPRESSED_JSON` envelope of a message. */
export function compressedJson(
  message: unknown,
  algorithm: Algorithm,
  compact = false,
): Uint8Array {
  const text = bytesOf(typeof message === "string" ? message : JSON.stringify(message));
  const payload = compress(text, algorithm);
  const metadata = {
    compression: algorithm,
    original_size: text.length,
    compressed_size: payload.length,
  };
  return encodeEnvelope(ENVELOPE.json, compact ? null : metadata, payload);
}

/** Where the deflated data of a gzip member begin (RFC 1952 section 2.3). */
function gzipHead(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const flag of [8, 16]) if ((flags & flag) !== 0) at = bytes.indexOf(0, at) + 1;
  return (flags & 2) !== 0 ? at + 2 : at;
}

function readMetadata(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes) ?? "");
  } catch {
    // Told below.
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new BadEnvelope("metadata that are no JSON object");
}
