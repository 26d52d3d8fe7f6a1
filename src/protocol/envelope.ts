/**
 * The binary envelope: what goes into a binary WebSocket message.
 *
 * ```text
 *  0        1        2                 4                                   8
 * ┌────────┬────────┬─────────────────┬───────────────────────────────────┬──────────┬─────────┐
 * │version │ type   │ metadata length │ payload length                    │ metadata │ payload │
 * │u8 = 1  │ u8     │ u16             │ u32                               │ JSON     │ bytes   │
 * └────────┴────────┴─────────────────┴───────────────────────────────────┴──────────┴─────────┘
 * ```
 *
 * Lengths are in bytes, big-endian. Metadata is one JSON object in UTF-8; length 0 means `{}`. A frame
 * is one envelope, whole, with nothing after it.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import { isObject } from "../base/is_object.ts";
import { type Failure, failure, isFailure } from "./errors.ts";
import { parseJson } from "./json.ts";

/** What the bytes of a media envelope are. The name is also the event type where none is given. */
export type MediaKind = (typeof MEDIA_KINDS)[number];

export const MEDIA_KINDS = ["image", "audio", "video", "binary"] as const;

/** What an envelope carries: media, or a message as compressed JSON. */
export type EnvelopeKind = MediaKind | "compressed_json";

/** One binary message. */
export interface Envelope {
  readonly kind: EnvelopeKind;
  /** A JSON object, at most {@linkcode MAX_METADATA} bytes when written. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** At most 2^32 − 1 bytes. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The only version there is. */
export const ENVELOPE_VERSION = 1;

/** The size of the header in bytes. */
const HEADER_SIZE = 8;

/** The most metadata the header can tell of, in bytes. */
export const MAX_METADATA = 0xffff;

const MAX_PAYLOAD = 0xffff_ffff;

const typeOf: Readonly<Record<EnvelopeKind, number>> = {
  image: 0x01,
  audio: 0x02,
  video: 0x03,
  binary: 0x04,
  compressed_json: 0x05,
};

const kindOf = new Map(
  Object.entries(typeOf).map(([kind, type]) => [type, kind as EnvelopeKind]),
);

const encoder = new TextEncoder();
// A byte order mark is kept, so that JSON refuses it (RFC 8259 section 8.1).
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Writes an envelope. Metadata without a field takes no bytes.
 *
 * @throws {HeddleError} `too_large` where the metadata has more than 65,535 bytes or the payload more
 * than 2^32 − 1.
 *
 * @example
 * ```ts
 * import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";
 *
 * const frame = encodeEnvelope({
 *   kind: "image",
 *   metadata: { channel: "camera" },
 *   payload: new Uint8Array([0xff, 0xd8, 0xff]),
 * });
 * const envelope = decodeEnvelope(frame);
 * if (!("kind" in envelope) || envelope.kind !== "image") throw new Error("not an image");
 * ```
 */
export function encodeEnvelope({ kind, metadata, payload }: Envelope): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify(metadata);
  const head = json === "{}" ? new Uint8Array() : encoder.encode(json);
  if (head.byteLength > MAX_METADATA) throw tooLarge("metadata", head.byteLength, MAX_METADATA);
  if (payload.byteLength > MAX_PAYLOAD) throw tooLarge("payload", payload.byteLength, MAX_PAYLOAD);

  const frame = new Uint8Array(HEADER_SIZE + head.byteLength + payload.byteLength);
  const header = new DataView(frame.buffer);
  header.setUint8(0, ENVELOPE_VERSION);
  header.setUint8(1, typeOf[kind]);
  header.setUint16(2, head.byteLength);
  header.setUint32(4, payload.byteLength);
  frame.set(head, HEADER_SIZE);
  frame.set(payload, HEADER_SIZE + head.byteLength);
  return frame;
}

/**
 * Reads the envelope of a peer. Never throws: whatever is wrong comes back as `invalid_message`.
 *
 * The payload is a copy, so the frame's memory may be used again.
 */
export function decodeEnvelope(frame: Uint8Array): Envelope | Failure {
  if (frame.byteLength < HEADER_SIZE) {
    return malformed(`has ${frame.byteLength} bytes; its header alone has ${HEADER_SIZE}`);
  }
  const header = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const version = header.getUint8(0);
  if (version !== ENVELOPE_VERSION) {
    return malformed(`has version ${version}; only ${ENVELOPE_VERSION} is known`);
  }
  const type = header.getUint8(1);
  const kind = kindOf.get(type);
  if (kind === undefined) return malformed(`has type ${hex(type)}; allowed are ${allowedTypes()}`);

  const payloadAt = HEADER_SIZE + header.getUint16(2);
  const end = payloadAt + header.getUint32(4);
  if (frame.byteLength !== end) {
    const how = frame.byteLength < end ? "is cut short" : "has bytes after its end";
    return malformed(`${how}: its header tells of ${end} bytes, the frame has ${frame.byteLength}`);
  }
  const metadata = decodeMetadata(frame.subarray(HEADER_SIZE, payloadAt));
  if (isFailure(metadata)) return metadata;
  // `slice` of a Node Buffer would not copy.
  return { kind, metadata: metadata.value, payload: new Uint8Array(frame.subarray(payloadAt)) };
}

function decodeMetadata(
  bytes: Uint8Array,
): { readonly value: Readonly<Record<string, unknown>> } | Failure {
  if (bytes.byteLength === 0) return { value: {} };
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return malformed("has metadata that is not UTF-8");
  }
  const parsed = parseJson(text);
  if (isFailure(parsed)) return malformed(`has bad metadata: ${parsed.message}`);
  const { value } = parsed;
  return isObject(value) ? { value } : malformed("has metadata that is not a JSON object");
}

function malformed(what: string): Failure {
  return failure("invalid_message", `the envelope ${what}`);
}

function tooLarge(part: string, size: number, allowed: number): HeddleError {
  return new HeddleError(
    "too_large",
    `the envelope's ${part} has ${size} bytes; at most ${allowed} are allowed`,
  );
}

function allowedTypes(): string {
  return Array.from(kindOf, ([type, kind]) => `${hex(type)} (${kind})`).join(", ");
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
