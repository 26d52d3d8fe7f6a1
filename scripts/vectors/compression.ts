/**
 * How a vector of a compressed message is made.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { deflateRawSync, deflateSync } from "node:zlib";
import { envelope, hexParts, TYPES, type Vector } from "./bytes.ts";
import { gzip } from "./deflate.ts";

type Outcome = Vector["expect"][number];

/** The message that most of them carry. */
export const ping = '{"type":"ping"}';
/** What a server makes of it. */
export const taken: Outcome = { kind: "request", message: { type: "ping" } };
/** Refused as malformed. */
export const invalid: Outcome = { kind: "error", code: "invalid_message" };
/** Refused as too large. */
export const tooLarge: Outcome = { kind: "error", code: "message_too_large" };

/** The algorithms. */
export type Algorithm = "gzip" | "zlib" | "deflate" | "none";

/** How each compresses a text. */
export const compressors: Readonly<Record<Algorithm, (text: string) => Uint8Array>> = {
  gzip: (text) => gzip(text),
  zlib: (text) => deflateSync(text),
  deflate: (text) => deflateRawSync(text),
  none: (text) => Buffer.from(text),
};

/** Their names. */
export const algorithms = Object.keys(compressors) as Algorithm[];

/** What is not as usual in a vector. */
export interface Options {
  readonly requirements?: readonly string[];
  readonly from?: Vector["from"];
  readonly granted?: Algorithm;
  readonly expect?: Vector["expect"];
  /** In place of what the metadata should be; undefined leaves a field out. */
  readonly metadata?: Parameters<typeof envelope>[1] | { readonly [field: string]: unknown };
  /** The text that the sizes are told of. */
  readonly text?: string;
}

/** A vector whose envelope carries `payload`. */
export function vectorOf(
  id: string,
  about: string,
  algorithm: Algorithm,
  payload: Uint8Array,
  options: Options,
): Vector {
  const { requirements = ["HDL-CMP-5"], from = "client", granted, expect = [invalid] } = options;
  const { text = ping, metadata = {} } = options;
  const told = typeof metadata === "string" || metadata instanceof Uint8Array ? metadata : {
    compression: algorithm,
    original_size: Buffer.byteLength(text),
    compressed_size: payload.byteLength,
    ...metadata,
  };
  return {
    id: `compressed/${id}`,
    about,
    requirements,
    from,
    ...(granted === undefined ? {} : { granted }),
    hex: hexParts(envelope(TYPES.compressed, told, payload)),
    expect,
  };
}
