/**
 * permessage-deflate (RFC 7692) on the kit's side of a connection: parameters, and messages
 * compressed and decompressed with the window carried over.
 *
 * @module
 */
import { constants, deflateRawSync } from "node:zlib";
import { concat } from "./bytes.ts";
import { type Block, inflate } from "./inflate.ts";
import { deflateMatching } from "./matching.ts";

/** What client and server agreed on (RFC 7692 section 7.1). */
export interface Agreement {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** 8 … 15 */
  readonly serverMaxWindowBits: number;
  /** 8 … 15 */
  readonly clientMaxWindowBits: number;
}

/** How one message is compressed. */
export interface DeflateOptions {
  /**
   * `matching`: a fixed block whose matches reach into earlier messages, where that is agreed; the
   * others do not reach back: `zlib` what zlib finds best (dynamic for all but short data), `fixed`,
   * `stored`. @default "matching"
   */
  readonly blocks?: "matching" | "zlib" | "fixed" | "stored";
  /** Of zlib, 0 … 9 @default 6 */
  readonly level?: number;
  /** Of `matching`: the greatest distance of a match, in bytes. @default the window agreed on */
  readonly reach?: number;
}

/** The four bytes that end a flushed message and are not sent (section 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

const WINDOW = 32 * 1024;

/** Compresses the messages of one connection. */
export class MessageDeflater {
  readonly #takeover: boolean;
  readonly #bits: number;
  #window = new Uint8Array();

  constructor(agreement: Agreement) {
    this.#takeover = !agreement.clientNoContextTakeover;
    this.#bits = agreement.clientMaxWindowBits;
  }

  /** The payload to send for `data`: sync-flushed, without {@link TAIL}. */
  compress(data: Uint8Array, options: DeflateOptions = {}): Uint8Array {
    const { blocks = "matching" } = options;
    const whole = blocks === "matching"
      ? deflateMatching(data, this.#window, Math.min(options.reach ?? Infinity, 2 ** this.#bits))
      : compressAlone(data, blocks, options.level ?? 6, this.#bits);
    if (this.#takeover) this.#window = concat([this.#window, data]).slice(-WINDOW);
    return withoutTail(whole);
  }
}

/** Data compressed without a window before it, ended by a sync flush. */
function compressAlone(
  data: Uint8Array,
  blocks: "zlib" | "fixed" | "stored",
  level: number,
  bits: number,
): Uint8Array {
  // zlib has no raw window of 8 bits.
  if (bits === 8 && blocks !== "stored") return deflateMatching(data, new Uint8Array(), 256);
  return zlibBlocks(data, {
    level: blocks === "stored" ? 0 : level,
    strategy: blocks === "fixed" ? "fixed" : "default",
    windowBits: Math.max(9, bits),
  });
}

/** How zlib is to compress. */
export interface ZlibOptions {
  /** 0 … 9 @default 6 */
  readonly level?: number;
  /** @default "default" */
  readonly strategy?: keyof typeof STRATEGIES;
  /** 9 … 15 @default 15 */
  readonly windowBits?: number;
  /** How the data ends: flushed to a byte border, or in a block with BFINAL. @default "sync" */
  readonly end?: keyof typeof ENDS;
}

const STRATEGIES = {
  "default": constants.Z_DEFAULT_STRATEGY,
  "fixed": constants.Z_FIXED,
  "huffman-only": constants.Z_HUFFMAN_ONLY,
  "run-length": constants.Z_RLE,
} as const;

const ENDS = {
  sync: constants.Z_SYNC_FLUSH,
  full: constants.Z_FULL_FLUSH,
  final: constants.Z_FINISH,
} as const;

/** The blocks that zlib makes of `data`, with nothing before it. */
export function zlibBlocks(data: Uint8Array, options: ZlibOptions = {}): Uint8Array {
  const { level = 6, strategy = "default", windowBits = 15, end = "sync" } = options;
  return deflateRawSync(data, {
    level,
    windowBits,
    strategy: STRATEGIES[strategy],
    finishFlush: ENDS[end],
  });
}

/** `bytes` less the flush's last four; where they do not end so, an empty stored block's header is added. */
export function withoutTail(bytes: Uint8Array): Uint8Array {
  const tail = bytes.subarray(-4);
  const flushed = tail.length === 4 && TAIL.every((byte, i) => byte === tail[i]);
  return flushed ? bytes.subarray(0, -4) : concat([bytes, Uint8Array.of(0)]);
}

/** Stored blocks (RFC 1951 section 3.2.4) of at most `size` bytes each, byte for byte. */
export function storedBlocks(data: Uint8Array, size: number, final = false): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < data.length || at === 0; at += size) {
    const part = data.subarray(at, at + size);
    const last = at + size >= data.length;
    const [low, high] = [part.length & 0xff, part.length >> 8];
    parts.push(Uint8Array.of(final && last ? 1 : 0, low, high, low ^ 0xff, high ^ 0xff), part);
  }
  return concat(parts);
}

/** What a compressed message of the server held. */
export interface InflatedMessage {
  readonly data: Uint8Array;
  readonly blocks: readonly Block[];
  /** The greatest distance of a match, in bytes. */
  readonly farthest: number;
}

/** The largest message the kit decompresses, in bytes. */
const LARGEST = 256 * 1024 * 1024;

/** Decompresses the messages of one server. */
export class MessageInflater {
  readonly #takeover: boolean;
  #window = new Uint8Array();

  constructor(agreement: Agreement) {
    this.#takeover = !agreement.serverNoContextTakeover;
  }

  /** @throws BadDeflate */
  decompress(payload: Uint8Array): InflatedMessage {
    const inflated = inflate(concat([payload, TAIL]), this.#window, LARGEST);
    if (this.#takeover) this.#window = concat([this.#window, inflated.data]).slice(-WINDOW);
    return inflated;
  }
}

/** One element of a Sec-WebSocket-Extensions header (RFC 6455 section 9.1). */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

const CHAR = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const TOKEN = `${CHAR}+`;
// "the value after quoted-string unescaping MUST conform to the 'token' ABNF"
const VALUE = `(?:${TOKEN}|"(?:\\\\?${CHAR})+")`;
const ELEMENT = new RegExp(
  `^\\s*(${TOKEN})\\s*((?:;\\s*${TOKEN}(?:\\s*=\\s*${VALUE})?\\s*)*)$`,
);

/** The extensions that a header names, or null where it is not well-formed. */
export function parseExtensions(header: string): Extension[] | null {
  const found: Extension[] = [];
  // No token holds a quote, so none can be escaped either: they come in pairs.
  if (header.split('"').length % 2 === 0) return null;
  for (const element of header.match(/(?:"[^"]*"|[^,"])+/g) ?? []) {
    if (element.trim() === "") continue;
    const match = ELEMENT.exec(element);
    if (match === null) return null;
    const [, name = "", tail = ""] = match;
    const parameters = tail.split(";").map((part) => part.trim()).filter((part) => part !== "")
      .map((part): readonly [string, string | true] => {
        const [key = "", value] = part.split("=").map((side) => side.trim());
        return [
          key,
          value === undefined ? true : value.replace(/^"(.*)"$/, "$1").replaceAll("\\", ""),
        ];
      });
    found.push({ name, parameters });
  }
  return found;
}

const NAMES = [
  "server_no_context_takeover",
  "client_no_context_takeover",
  "server_max_window_bits",
  "client_max_window_bits",
];

/** What a server's answer of permessage-deflate agrees to, or what is wrong with it. */
export function agreementOf({ parameters }: Extension): Agreement | string {
  const given = new Map(parameters);
  if (given.size !== parameters.length) return "a parameter stands twice";
  for (const [name, value] of parameters) {
    if (!NAMES.includes(name)) return `the parameter ${name} is unknown`;
    const bits = name.endsWith("_bits");
    if (bits && (value === true || !/^([89]|1[0-5])$/.test(value))) return `${name}=${value}`;
    if (!bits && value !== true) return `${name} has the value ${value}`;
  }
  const bitsOf = (name: string) => Number(given.get(name) ?? 15);
  return {
    serverNoContextTakeover: given.has("server_no_context_takeover"),
    clientNoContextTakeover: given.has("client_no_context_takeover"),
    serverMaxWindowBits: bitsOf("server_max_window_bits"),
    clientMaxWindowBits: bitsOf("client_max_window_bits"),
  };
}
