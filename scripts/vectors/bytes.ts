/**
 * What the vectors of binary messages are put together from, byte by byte and with nothing of the
 * project's codecs: a vector that a codec wrote would only say that the codec agrees with itself.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Bytes as a vector has them: hex, with long runs of one byte written once. */
export type HexParts =
  | string
  | readonly (string | { readonly repeat: string; readonly times: number })[];

/** A vector, as it stands in a file. */
export interface Vector {
  readonly id: string;
  readonly about: string;
  readonly requirements: readonly string[];
  readonly from: "client" | "server" | "either";
  readonly granted?: string;
  readonly hex: HexParts;
  readonly expect: readonly Readonly<Record<string, unknown>>[];
}

/** The numbers of the types in the header. */
export const TYPES = { image: 1, audio: 2, video: 3, binary: 4, compressed: 5 } as const;

/** Fields of the header, where they shall not be what they should. */
export interface Header {
  readonly version?: number;
  readonly metadataLength?: number;
  readonly payloadLength?: number;
}

/** An envelope as PROTOCOL.md draws it. Metadata that are a string stand there as they are. */
export function envelope(
  type: number,
  metadata: Uint8Array | string | Readonly<Record<string, unknown>>,
  payload: Uint8Array | string,
  { version = 1, metadataLength, payloadLength }: Header = {},
): Buffer {
  const isText = typeof metadata === "string";
  const head = metadata instanceof Uint8Array
    ? Buffer.from(metadata)
    : Buffer.from(isText ? metadata : JSON.stringify(metadata));
  const body = typeof payload === "string" ? Buffer.from(payload, "hex") : payload;
  const header = Buffer.alloc(8);
  header.writeUInt8(version, 0);
  header.writeUInt8(type, 1);
  header.writeUInt16BE(metadataLength ?? head.byteLength, 2);
  header.writeUInt32BE(payloadLength ?? body.byteLength, 4);
  return Buffer.concat([header, head, body]);
}

/** Writes runs of 32 and more of one byte once. */
export function hexParts(bytes: Uint8Array): HexParts {
  const parts: (string | { repeat: string; times: number })[] = [];
  let plain = 0;
  const hex = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString("hex");
  for (let at = 0; at < bytes.length;) {
    let end = at;
    while (end < bytes.length && bytes[end] === bytes[at]) end++;
    if (end - at >= 32) {
      if (plain < at) parts.push(hex(plain, at));
      parts.push({ repeat: hex(at, at + 1), times: end - at });
      plain = end;
    }
    at = end;
  }
  if (parts.length === 0) return hex(0, bytes.length);
  if (plain < bytes.length) parts.push(hex(plain, bytes.length));
  return parts;
}
