/**
 * What comes from the server, read into messages and control frames.
 *
 * @module
 */
import { bytesOf, concat, decodeUtf8, equalBytes, show, toHex } from "../wire/bytes.ts";
import { type Agreement, type InflatedMessage, MessageInflater } from "../wire/deflate.ts";
import { decodeFrame, type Frame, OPCODE, Unreadable } from "../wire/frame.ts";
import { BadDeflate } from "../wire/inflate.ts";
import type { Ending, Wire } from "../wire/socket.ts";
import { checkFrame, type Violation } from "./watch.ts";

const HTTP = bytesOf("HTTP/1.");

/** A message, as the API of a WebSocket sees it. */
export interface Message {
  readonly type: "text" | "binary";
  readonly data: Uint8Array;
}

/** Something that came. */
export type Incoming =
  | {
    readonly kind: "message";
    readonly message: Message;
    /** The frames it came in. */
    readonly frames: readonly Frame[];
    /** What decompressing it showed; null where it came uncompressed. */
    readonly inflated: InflatedMessage | null;
  }
  | { readonly kind: "ping" | "pong"; readonly payload: Uint8Array; readonly frame: Frame }
  | {
    readonly kind: "close";
    readonly code: number | null;
    readonly reason: Uint8Array;
    readonly frame: Frame;
  }
  | { readonly kind: "end"; readonly how: Ending }
  | { readonly kind: "garbage"; readonly observed: string };

/** A message that came. */
export type IncomingMessage = Incoming & { readonly kind: "message" };

/** Reads a wire whose opening handshake is done. */
export class Reader {
  readonly #wire: Wire;
  readonly #inflater: MessageInflater | null;
  readonly #windowBits: number;
  readonly #violations: (violation: Violation) => void;
  #fragments: Frame[] = [];
  #closed = false;
  #garbage: string | null = null;

  constructor(
    wire: Wire,
    agreement: Agreement | null,
    violations: (violation: Violation) => void,
  ) {
    this.#wire = wire;
    this.#inflater = agreement === null ? null : new MessageInflater(agreement);
    this.#windowBits = agreement?.serverMaxWindowBits ?? 15;
    this.#violations = violations;
  }

  /** What came next, or undefined while nothing whole has. */
  next(): Incoming | undefined {
    for (;;) {
      if (this.#garbage !== null) return { kind: "garbage", observed: this.#garbage };
      const frame = this.#frame();
      if (frame === undefined && this.#garbage !== null) continue;
      if (frame === undefined) break;
      const incoming = this.#incoming(frame);
      if (incoming !== undefined) return incoming;
    }
    const { ending } = this.#wire;
    return ending === null || this.#garbage !== null ? undefined : { kind: "end", how: ending };
  }

  #frame(): Frame | undefined {
    try {
      const bytes = this.#wire.peek();
      // What would be frames by chance alone breaks no rule of theirs.
      if (equalBytes(bytes.subarray(0, HTTP.length), HTTP)) {
        this.#garbage = `a response of HTTP where a frame must be: ${show(bytes.subarray(0, 12))}`;
        return undefined;
      }
      const frame = decodeFrame(bytes);
      if (frame !== undefined) this.#wire.take(frame.raw.length);
      return frame;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#garbage = error.message;
      return undefined;
    }
  }

  #incoming(frame: Frame): Incoming | undefined {
    const context = {
      deflate: this.#inflater !== null,
      closed: this.#closed,
      open: this.#fragments.length > 0,
    };
    const observed = `the frame ${toHex(frame.raw, 16)}`;
    for (const rule of checkFrame(frame, context)) this.#violations({ rule, observed });
    const { opcode, payload } = frame;
    switch (opcode) {
      case OPCODE.ping:
        return { kind: "ping", payload, frame };
      case OPCODE.pong:
        return { kind: "pong", payload, frame };
      case OPCODE.close: {
        this.#closed = true;
        const [high, low] = payload;
        const code = high === undefined || low === undefined ? null : high * 256 + low;
        return { kind: "close", code, reason: payload.subarray(2), frame };
      }
      case OPCODE.text:
      case OPCODE.binary:
        this.#fragments = [frame];
        return this.#message(frame);
      case OPCODE.continuation:
        if (this.#fragments.length === 0) return undefined;
        this.#fragments.push(frame);
        return this.#message(frame);
      default:
        this.#garbage = `${observed}, whose opcode is ${opcode}`;
        return { kind: "garbage", observed: this.#garbage };
    }
  }

  #message(last: Frame): Incoming | undefined {
    const [first] = this.#fragments;
    if (!last.fin || first === undefined) return undefined;
    const frames = this.#fragments;
    this.#fragments = [];
    const payload = concat(frames.map((frame) => frame.payload));
    const type = first.opcode === OPCODE.text ? "text" : "binary";
    let inflated: InflatedMessage | null = null;
    if (first.rsv1 && this.#inflater !== null) {
      try {
        inflated = this.#inflater.decompress(payload);
      } catch (error) {
        if (!(error instanceof BadDeflate)) throw error;
        this.#violations({ rule: "bad-deflate", observed: error.message });
        this.#garbage = `a compressed message that is no DEFLATE: ${error.message}`;
        return { kind: "garbage", observed: this.#garbage };
      }
      if (inflated.farthest > 2 ** this.#windowBits) {
        const observed = `a distance of ${inflated.farthest} bytes`;
        this.#violations({ rule: "window-bits", observed });
      }
    }
    const data = inflated?.data ?? payload;
    if (type === "text" && decodeUtf8(data) === null) {
      this.#violations({ rule: "text-utf8", observed: `the text ${show(data)}` });
    }
    return { kind: "message", message: { type, data }, frames, inflated };
  }
}

/** A message in few words, for a report. */
export function showMessage({ type, data }: Message): string {
  return `${type} of ${data.length} bytes ${show(data)}`;
}

/** Anything that came, in few words. */
export function showIncoming(incoming: Incoming): string {
  switch (incoming.kind) {
    case "message":
      return `the message ${showMessage(incoming.message)}`;
    case "ping":
    case "pong":
      return `a ${incoming.kind === "ping" ? "Ping" : "Pong"} ${show(incoming.payload)}`;
    case "close":
      return `a Close frame ${incoming.code ?? "without a code"} ${show(incoming.reason)}`;
    case "end":
      return incoming.how === "fin"
        ? "the end of the TCP connection (FIN)"
        : "a reset TCP connection (RST)";
    case "garbage":
      return incoming.observed;
  }
}
