/**
 * Frames (RFC 6455 section 5.2) with every field in the hand of whoever writes them.
 *
 * @module
 */
import { bytesOf, concat } from "./bytes.ts";

/** The opcodes that RFC 6455 gives a meaning. */
export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** A frame to send. What is left out is as an honest client has it. */
export interface FrameSpec {
  readonly opcode: number;
  readonly payload: Uint8Array;
  /** @default true */
  readonly fin?: boolean;
  readonly rsv1?: boolean;
  readonly rsv2?: boolean;
  readonly rsv3?: boolean;
  /** The four bytes of the masking key, or false to send the frame unmasked. @default random */
  readonly mask?: Uint8Array | false;
  /** Bytes of extended length: 0 (7 bits), 2 or 8. @default as few as hold the length */
  readonly lengthBytes?: 0 | 2 | 8;
  /** The length to declare, whatever is really sent. @default the payload's */
  readonly declaredLength?: number | bigint;
}

/** Fields of a {@link FrameSpec} to set otherwise. */
export type FrameFields = Partial<Omit<FrameSpec, "opcode" | "payload">>;

/** A frame received, with its bytes as they came. */
export interface Frame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  readonly lengthBytes: 0 | 2 | 8;
  /** The payload, unmasked where it was masked. */
  readonly payload: Uint8Array;
  readonly raw: Uint8Array;
}

type Content = string | Uint8Array;

/** Any frame. */
export function frame(opcode: number, payload: Content = "", fields: FrameFields = {}): FrameSpec {
  return { opcode, payload: bytesOf(payload), ...fields };
}

/** A text frame; `{ fin: false }` makes it the first fragment of a message. */
export function text(payload: Content, fields?: FrameFields): FrameSpec {
  return frame(OPCODE.text, payload, fields);
}

/** A binary frame. */
export function binary(payload: Content, fields?: FrameFields): FrameSpec {
  return frame(OPCODE.binary, payload, fields);
}

/** A continuation frame; final unless `{ fin: false }`. */
export function continuation(payload: Content, fields?: FrameFields): FrameSpec {
  return frame(OPCODE.continuation, payload, fields);
}

/** A Ping. */
export function ping(payload: Content = "", fields?: FrameFields): FrameSpec {
  return frame(OPCODE.ping, payload, fields);
}

/** A Pong. */
export function pong(payload: Content = "", fields?: FrameFields): FrameSpec {
  return frame(OPCODE.pong, payload, fields);
}

/** A Close frame: a code with a reason, or with null an empty body. */
export function close(
  code: number | null = 1000,
  reason: Content = "",
  fields?: FrameFields,
): FrameSpec {
  return frame(OPCODE.close, closeBody(code, reason), fields);
}

/** The body of a Close frame (section 5.5.1). */
export function closeBody(code: number | null, reason: Content = ""): Uint8Array {
  if (code === null) return bytesOf(reason);
  return concat([Uint8Array.of(code >> 8, code & 0xff), bytesOf(reason)]);
}

/**
 * A message in fragments of the given lengths; what the lengths leave over is one fragment more.
 *
 * @example
 * ```ts
 * import { fragments, OPCODE } from "./frame.ts";
 *
 * fragments(OPCODE.text, "Hello", [2, 0]); // "He", "", "llo"
 * ```
 */
export function fragments(
  opcode: number,
  payload: Content,
  lengths: readonly number[],
  first: FrameFields = {},
): FrameSpec[] {
  const bytes = bytesOf(payload);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) parts.push(bytes.subarray(at, at += length));
  if (at < bytes.length || parts.length === 0) parts.push(bytes.subarray(at));
  return parts.map((part, i) => {
    const fin = i === parts.length - 1;
    return i === 0 ? frame(opcode, part, { ...first, fin }) : continuation(part, { fin });
  });
}

/** The bytes of a frame; `key` masks it where the frame does not say how itself. */
export function encodeFrame(spec: FrameSpec, key: Uint8Array): Uint8Array {
  const mask = spec.mask ?? key;
  const length = BigInt(spec.declaredLength ?? spec.payload.length);
  const lengthBytes = spec.lengthBytes ?? (length < 126n ? 0 : length < 65536n ? 2 : 8);
  const marker = lengthBytes === 0 ? Number(length & 0x7fn) : lengthBytes === 2 ? 126 : 127;
  const head = new Uint8Array(2 + lengthBytes);
  head[0] = (spec.fin === false ? 0 : 0x80) | (spec.rsv1 ? 0x40 : 0) | (spec.rsv2 ? 0x20 : 0) |
    (spec.rsv3 ? 0x10 : 0) | (spec.opcode & 0x0f);
  head[1] = (mask === false ? 0 : 0x80) | marker;
  const view = new DataView(head.buffer);
  if (lengthBytes === 2) view.setUint16(2, Number(length & 0xffffn));
  if (lengthBytes === 8) view.setBigUint64(2, BigInt.asUintN(64, length));
  return mask === false
    ? concat([head, spec.payload])
    : concat([head, mask, applyMask(spec.payload, mask)]);
}

/** The payload with the key XORed over it (section 5.3); masks and unmasks. */
export function applyMask(payload: Uint8Array, key: Uint8Array): Uint8Array {
  const masked = new Uint8Array(payload.length);
  for (let i = 0; i < payload.length; i++) {
    masked[i] = (payload[i] ?? 0) ^ (key[i & 3] ?? 0);
  }
  return masked;
}

/** Bytes that are no frame that could be read on from. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/** The largest frame the kit takes from a server, in bytes. */
const LARGEST = 256 * 1024 * 1024;

/** The frame at the front of `bytes`, or undefined while it is not all there. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const masked = (second & 0x80) !== 0;
  const marker = second & 0x7f;
  const lengthBytes = marker === 126 ? 2 : marker === 127 ? 8 : 0;
  const head = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < head) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = lengthBytes === 0
    ? BigInt(marker)
    : lengthBytes === 2
    ? BigInt(view.getUint16(2))
    : view.getBigUint64(2);
  if (length > BigInt(LARGEST)) throw new Unreadable(`a frame that declares ${length} bytes`);
  const end = head + Number(length);
  if (bytes.length < end) return undefined;
  const raw = bytes.slice(0, end);
  const body = raw.subarray(head);
  return {
    fin: (first & 0x80) !== 0,
    rsv1: (first & 0x40) !== 0,
    rsv2: (first & 0x20) !== 0,
    rsv3: (first & 0x10) !== 0,
    opcode: first & 0x0f,
    masked,
    lengthBytes,
    payload: masked ? applyMask(body, raw.subarray(head - 4, head)) : body,
    raw,
  };
}
