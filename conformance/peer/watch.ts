/**
 * Rules for every frame that a server sends, watched over all cases, so that a server that breaks
 * one is blamed for it once and not in every case that reads a frame.
 *
 * @module
 */
import { decodeUtf8 } from "../wire/bytes.ts";
import { type Frame, OPCODE } from "../wire/frame.ts";

/** What a server must not do, each with the section of RFC 6455 that says so. */
export const WATCH_RULES = {
  "handshake": "4.2.2: an honest opening handshake gets a 101 that a client can accept",
  "masked": "5.1: a server MUST NOT mask any frames that it sends to the client",
  "rsv": "5.2: RSV1, RSV2, RSV3 MUST be 0 unless an extension is negotiated",
  "reserved-opcode": "5.2: opcodes 3–7 and B–F are reserved",
  "long-length": "5.2: the minimal number of bytes MUST be used to encode the length",
  "control-length": "5.5: all control frames MUST have a payload length of 125 bytes or less",
  "control-fragment": "5.5: all control frames MUST NOT be fragmented",
  "fragment-order": "5.4: the fragments of one message MUST NOT be interleaved",
  "text-utf8": "5.6: the payload of text is encoded as UTF-8",
  "close-body": "5.5.1: the body of a Close frame is empty, or a code and a reason in UTF-8",
  "close-code": "7.4: codes that MUST NOT be set in a Close frame",
  "after-close": "5.5.1: no data frames MUST be sent after sending a Close frame",
  "rsv1-place": "RFC 7692 6.1: RSV1 is set on the first fragment of data messages alone",
  "bad-deflate": "RFC 7692 7.2.1: a compressed message is DEFLATE without the last four bytes",
  "window-bits": "RFC 7692 7.1.2.1: no window larger than server_max_window_bits",
} as const;

/** The name of a rule. */
export type WatchRule = keyof typeof WATCH_RULES;

/** A numbered requirement of PROTOCOL.md, which is watched over messages: `HDL-SUB-3`. */
export type RequirementId = `HDL-${string}-${number}`;

/** A frame, or a message, that broke a rule. */
export interface Violation {
  readonly rule: WatchRule | RequirementId;
  readonly observed: string;
}

/** What the frames before tell about this one. */
export interface FrameContext {
  readonly deflate: boolean;
  readonly closed: boolean;
  /** A message is begun and not ended. */
  readonly open: boolean;
}

/** The rules that the head of a frame breaks. */
export function checkFrame(frame: Frame, context: FrameContext): WatchRule[] {
  const control = frame.opcode >= 8;
  const known = Object.values<number>(OPCODE).includes(frame.opcode);
  const starts = frame.opcode === OPCODE.text || frame.opcode === OPCODE.binary;
  const length = frame.payload.length;
  const minimal = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const checks: readonly (readonly [WatchRule, boolean])[] = [
    ["masked", frame.masked],
    ["rsv", frame.rsv2 || frame.rsv3 || (frame.rsv1 && !context.deflate)],
    ["rsv1-place", context.deflate && frame.rsv1 && !starts],
    ["reserved-opcode", !known],
    ["long-length", frame.lengthBytes !== minimal],
    ["control-length", control && length > 125],
    ["control-fragment", control && !frame.fin],
    ["fragment-order", frame.opcode === OPCODE.continuation && !context.open],
    ["fragment-order", starts && context.open],
    ["after-close", context.closed && !control],
    ...(frame.opcode === OPCODE.close ? checkClose(frame.payload) : []),
  ];
  return checks.filter(([, broken]) => broken).map(([rule]) => rule);
}

function checkClose(body: Uint8Array): (readonly [WatchRule, boolean])[] {
  const [high, low] = body;
  if (high === undefined) return [];
  if (low === undefined) return [["close-body", true]];
  const code = high * 256 + low;
  const unsent = code < 1000 || code >= 5000 || [1005, 1006, 1015].includes(code);
  return [["close-code", unsent], ["close-body", decodeUtf8(body.subarray(2)) === null]];
}
