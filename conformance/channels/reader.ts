/**
 * Reads what a server of Protocol 1 sends, alone, in batches or in envelopes, and tells where it may not
 * be sent so.
 *
 * @module
 */
import { Broken } from "../peer/finding.ts";
import type { Violation } from "../peer/watch.ts";
import { decodeUtf8, toHex } from "../wire/bytes.ts";
import { BadDeflate } from "../wire/inflate.ts";
import { BadEnvelope, decodeEnvelope, decompress, ENVELOPE } from "./envelope.ts";
import { checkShape, isRecord, parseMessage, type ServerMessage, showMessage } from "./shape.ts";
import { Stream } from "./stream.ts";

/** How a message came. */
export interface Received {
  readonly message: ServerMessage;
  /** `text` alone, in a `batch`, as an envelope of `media`, or `compressed` in one. */
  readonly how: "text" | "batch" | "media" | "compressed";
  /** The bytes of media. */
  readonly content?: Uint8Array;
  /** The metadata of the envelope it came in; null where they take no bytes. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  /** In which batch it came, counted from 1. */
  readonly batch?: number;
  /** Bytes of the WebSocket message. */
  readonly size: number;
}

/** Who is told of what was read. */
export interface ReaderContext {
  readonly note: (text: string) => void;
  readonly onViolation: (violation: Violation) => void;
  readonly onMessage: (message: ServerMessage) => void;
}

/** What was granted, by `welcome`. */
interface Grants {
  readonly binary?: unknown;
  readonly compression?: {
    readonly algorithm?: unknown;
    readonly compact?: unknown;
    readonly dictionary?: unknown;
  };
  readonly batch?: unknown;
}

/** The reading side of one connection: knows what was granted on it. */
export class Reader {
  /** Everything that came, in order. */
  readonly received: Received[] = [];
  /** The dictionaries that are known, by id. */
  readonly dictionaries = new Map<string, Uint8Array>();
  readonly #context: ReaderContext;
  readonly #stream: Stream;
  #grants: Grants = {};
  #dictionary: Uint8Array = new Uint8Array();
  #batches = 0;

  constructor(context: ReaderContext) {
    this.#context = context;
    this.#stream = new Stream(context.onViolation);
  }

  /** Takes a text message. */
  takeText(data: Uint8Array): void {
    this.#takeJson(decodeUtf8(data) ?? "", "text", data.length);
  }

  /** Takes a binary message, which must be an envelope. */
  takeBinary(data: Uint8Array): void {
    this.#context.note(`binary ${toHex(data, 48)}`);
    const { binary, compression } = this.#grants;
    try {
      const { type, metadata, payload } = decodeEnvelope(data);
      if (type === ENVELOPE.json) {
        if (compression === undefined) {
          const observed = "COMPRESSED_JSON where compression was not granted";
          this.#context.onViolation({ rule: "HDL-CMP-2", observed });
        }
        const algorithm = String(metadata?.["compression"] ?? compression?.algorithm);
        if (compression !== undefined && algorithm !== compression.algorithm) {
          const observed = `COMPRESSED_JSON by ${algorithm}, not ${compression.algorithm}`;
          this.#context.onViolation({ rule: "HDL-CMP-2", observed });
        }
        const text = decodeUtf8(decompress(payload, algorithm, this.#dictionary)) ?? "";
        this.#takeJson(text, "compressed", data.length);
        const last = this.received.at(-1);
        if (last !== undefined) this.received.splice(-1, 1, { ...last, metadata });
        return;
      }
      if (binary === undefined) {
        const observed = `an envelope of type ${type} where binary was not granted`;
        this.#context.onViolation({ rule: "HDL-BIN-7", observed });
      }
      const message = { type: "event", ...metadata } as ServerMessage;
      this.#put({ message, how: "media", content: payload, metadata, size: data.length });
    } catch (error) {
      if (!(error instanceof BadEnvelope) && !(error instanceof BadDeflate)) throw error;
      throw new Broken({ expected: "an envelope as PROTOCOL.md has it", observed: error.message });
    }
  }

  #takeJson(text: string, how: "text" | "compressed", size: number): void {
    this.#context.note(how === "text" ? text : `compressed ${text}`);
    const message = parseMessage(text);
    if (typeof message === "string") {
      return this.#context.onViolation({ rule: "HDL-MSG-1", observed: message });
    }
    if (message.type !== "batch") return this.#put({ message, how, size });
    if (this.#grants.batch === undefined) {
      this.#context.onViolation({ rule: "HDL-BAT-1", observed: showMessage(message) });
    }
    const { messages } = message;
    const batch = ++this.#batches;
    for (const one of Array.isArray(messages) ? messages : []) {
      const part = parseMessage(JSON.stringify(one));
      if (typeof part === "string") {
        this.#context.onViolation({ rule: "HDL-BAT-2", observed: part });
      } else this.#put({ message: part, how: "batch", batch, size });
    }
  }

  /** The bytes of the dictionary that was granted; none without one. */
  #granted(): Uint8Array {
    const dictionary = this.#grants.compression?.dictionary;
    if (!isRecord(dictionary)) return new Uint8Array();
    const { id, content } = dictionary;
    if (typeof content === "string") {
      this.dictionaries.set(String(id), Uint8Array.from(atob(content), (one) => one.charCodeAt(0)));
    }
    return this.dictionaries.get(String(id)) ?? new Uint8Array();
  }

  #put(received: Received): void {
    const { message, how } = received;
    this.received.push(received);
    if (how !== "media") {
      for (const violation of checkShape(message)) this.#context.onViolation(violation);
    }
    this.#stream.take(message);
    if (message.type === "welcome") {
      this.#grants = isRecord(message["features"]) ? message["features"] : {};
      this.#dictionary = this.#granted();
    }
    this.#context.onMessage(message);
  }
}
