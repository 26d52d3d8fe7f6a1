/**
 * The sending half of a connection: frames with any field set, messages fragmented and compressed.
 *
 * @module
 */
import type { Random } from "../random.ts";
import { bytesOf, concat, equalBytes } from "../wire/bytes.ts";
import { type Agreement, type DeflateOptions, MessageDeflater } from "../wire/deflate.ts";
import { encodeFrame, fragments, type FrameSpec, OPCODE } from "../wire/frame.ts";
import type { Wire } from "../wire/socket.ts";
import type { Message } from "./incoming.ts";

/** A message to send: text or bytes, and how. */
export interface SendOptions {
  /** Lengths of the fragments before the last. @default one frame */
  readonly split?: readonly number[];
  /** Compress it (where permessage-deflate is agreed). @default false */
  readonly compress?: boolean | DeflateOptions;
}

/** A text message. */
export function textMessage(content: string | Uint8Array): Message {
  return { type: "text", data: bytesOf(content) };
}

/** A binary message. */
export function binaryMessage(content: string | Uint8Array): Message {
  return { type: "binary", data: bytesOf(content) };
}

/** Writes frames to a wire, as a client does: masked, each with a key of its own. */
export class Sender {
  /** The bytes below: half close, reset, pause. */
  readonly wire: Wire;
  /** What was agreed about compression; null for none. */
  readonly agreement: Agreement | null;
  readonly #random: Random;
  readonly #deflater: MessageDeflater | null;
  #sentClose = false;
  readonly #illegalPings: Uint8Array[] = [];
  #framesSent = 0;

  constructor(wire: Wire, agreement: Agreement | null, random: Random) {
    this.wire = wire;
    this.agreement = agreement;
    this.#random = random;
    this.#deflater = agreement === null ? null : new MessageDeflater(agreement);
  }

  /** Whether a Close frame was sent. */
  get sentClose(): boolean {
    return this.#sentClose;
  }

  /**
   * Whether a Pong with this payload, or with what of it a Pong can hold, answers a Ping that was too
   * long or not final (section 5.5).
   */
  answersIllegalPing(payload: Uint8Array): boolean {
    return payload.length > 0 &&
      this.#illegalPings.some((sent) =>
        equalBytes(sent, payload) || equalBytes(sent.subarray(0, 125), payload)
      );
  }

  /** How many frames were encoded to be sent. */
  get framesSent(): number {
    return this.#framesSent;
  }

  /** The bytes that frames are sent as. */
  encode(...frames: readonly (FrameSpec | Uint8Array)[]): Uint8Array {
    return concat(frames.map((frame) => {
      if (frame instanceof Uint8Array) return frame;
      this.#framesSent++;
      if (frame.opcode === OPCODE.close) this.#sentClose = true;
      if (frame.opcode === OPCODE.ping && (frame.fin === false || frame.payload.length > 125)) {
        this.#illegalPings.push(frame.payload);
      }
      return encodeFrame(frame, this.#random.bytes(4));
    }));
  }

  /** Sends frames, or bytes as they are, all in one write. */
  send(...frames: readonly (FrameSpec | Uint8Array)[]): void {
    this.wire.write(this.encode(...frames));
  }

  /** Sends frames in TCP segments of `size` bytes. */
  async sendInPieces(size: number, ...frames: readonly (FrameSpec | Uint8Array)[]): Promise<void> {
    await this.wire.writePieces(this.encode(...frames), size);
  }

  /** The frames of a message; compressing carries the window on, so send what this returns. */
  framesOf(message: Message, options: SendOptions = {}): FrameSpec[] {
    const { split = [], compress = false } = options;
    const opcode = message.type === "text" ? OPCODE.text : OPCODE.binary;
    if (compress === false || this.#deflater === null) {
      return fragments(opcode, message.data, split);
    }
    const payload = this.compress(message.data, compress === true ? {} : compress);
    return fragments(opcode, payload, split, { rsv1: true });
  }

  /** Sends a message. */
  sendMessage(message: Message, options?: SendOptions): void {
    this.send(...this.framesOf(message, options));
  }

  /** The compressed payload of a message, to send in frames of one's own making with RSV1. */
  compress(data: string | Uint8Array, options?: DeflateOptions): Uint8Array {
    if (this.#deflater === null) throw new TypeError("permessage-deflate is not agreed");
    return this.#deflater.compress(bytesOf(data), options);
  }
}
