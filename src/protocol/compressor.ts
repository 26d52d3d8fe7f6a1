import { deflateSync, gzipSync, zlibSync } from "fflate";
import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import { assertNever } from "../base/exhaustive.ts";

/** A compression, by its name on the wire. */
export type CompressionAlgorithm =
  /** RFC 1952. */
  | "gzip"
  /** RFC 1950. */
  | "zlib"
  /** RFC 1951, without header or checksum. */
  | "deflate"
  /** As it is. */
  | "none";

/** Every algorithm. */
export const ALGORITHMS: readonly CompressionAlgorithm[] = ["gzip", "zlib", "deflate", "none"];

/** What is compressed, since it decides by what rule. */
export type Content = "text" | "json" | "binary";

/** How hard it tries: 1 is fastest, 9 smallest. */
export type CompressionLevel = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** How one kind of content is compressed. */
export interface CompressionRule {
  readonly algorithm: CompressionAlgorithm;
  readonly level: CompressionLevel;
  /** Fewer bytes than this are left as they are: an integer from 0. */
  readonly threshold: number;
}

/** What a {@linkcode Compressor} goes by. */
export interface CompressionOptions {
  /** @default { algorithm: "gzip", level: 6, threshold: 512 } */
  readonly text?: Partial<CompressionRule>;
  /** @default { algorithm: "zlib", level: 5, threshold: 1024 } */
  readonly json?: Partial<CompressionRule>;
  /** @default { algorithm: "zlib", level: 4, threshold: 2048 } */
  readonly binary?: Partial<CompressionRule>;
  /**
   * The part of the bytes it must save, from 0 to less than 1; else they are left as they are.
   * @default 0.1
   */
  readonly minimumSaving?: number;
  /**
   * What short messages are compressed with, for connections that ask for it: text or bytes, up to 32,768,
   * the likeliest last; false for none. @default made from the channels' events
   */
  readonly dictionary?: string | Uint8Array | false;
}

/** What a {@linkcode Compressor} has done so far. */
export interface CompressionStats {
  /** How often the compressed form was used. */
  readonly compressed: number;
  /** How often there were too few bytes to try. */
  readonly belowThreshold: number;
  /** How often it was tried and saved too little. */
  readonly notWorthwhile: number;
  /** The bytes of what was used, before. */
  readonly bytesIn: number;
  /** The bytes of what was used, after. */
  readonly bytesOut: number;
  /** `bytesOut / bytesIn`; 1 before anything was compressed. */
  readonly ratio: number;
}

/** Fewer bytes than this are left as they are although there is a dictionary. */
const DICTIONARY_THRESHOLD = 64;

const optionNames = Object.keys(
  {
    text: true,
    json: true,
    binary: true,
    minimumSaving: true,
    dictionary: true,
  } satisfies Record<keyof CompressionOptions, true>,
);

const DEFAULT_RULES: Readonly<Record<Content, CompressionRule>> = {
  text: { algorithm: "gzip", level: 6, threshold: 512 },
  json: { algorithm: "zlib", level: 5, threshold: 1024 },
  binary: { algorithm: "zlib", level: 4, threshold: 2048 },
};

/**
 * Compresses where it pays, and keeps count.
 *
 * @example
 * ```ts
 * import { Compressor } from "./compressor.ts";
 *
 * const compressor = new Compressor({ json: { level: 9 } });
 * const bytes = new TextEncoder().encode(JSON.stringify(Array(1000).fill("heddle")));
 * const smaller = compressor.compress(bytes, "json");
 * if (smaller === undefined || compressor.stats.ratio > 0.1) throw new Error("not compressed");
 * ```
 */
export class Compressor {
  readonly #rules: Readonly<Record<Content, CompressionRule>>;
  readonly #minimumSaving: number;
  #compressed = 0;
  #belowThreshold = 0;
  #notWorthwhile = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  /** @throws {HeddleError} `option_invalid` */
  constructor(options: CompressionOptions = {}) {
    checkNames("compression", options, optionNames);
    const { minimumSaving = 0.1 } = options;
    if (!(minimumSaving >= 0 && minimumSaving < 1)) {
      throw invalid("minimumSaving", minimumSaving, "a number from 0 to less than 1");
    }
    this.#minimumSaving = minimumSaving;
    this.#rules = {
      text: resolveRule("text", options.text),
      json: resolveRule("json", options.json),
      binary: resolveRule("binary", options.binary),
    };
  }

  /**
   * Compresses `bytes` by the rule for `content`, or gives undefined where they had better go as they
   * are: under the threshold, algorithm `none`, or too little saved.
   *
   * @param algorithm In place of the rule's, such as one agreed with the peer.
   * @param dictionary What the peer knows beforehand; then little need be there to be worth it.
   */
  compress(
    bytes: Uint8Array,
    content: Content,
    algorithm: CompressionAlgorithm = this.#rules[content].algorithm,
    dictionary?: Uint8Array,
  ): Uint8Array<ArrayBuffer> | undefined {
    if (algorithm === "none") return undefined;
    const { level, threshold } = this.#rules[content];
    const size = bytes.byteLength;
    if (size < (dictionary === undefined ? threshold : DICTIONARY_THRESHOLD)) {
      this.#belowThreshold++;
      return undefined;
    }
    const smaller = deflateBy(algorithm, bytes, level, dictionary);
    if (smaller.byteLength >= size || size - smaller.byteLength < size * this.#minimumSaving) {
      this.#notWorthwhile++;
      return undefined;
    }
    this.#compressed++;
    this.#bytesIn += size;
    this.#bytesOut += smaller.byteLength;
    return smaller;
  }

  /** What it has done so far. */
  get stats(): CompressionStats {
    return {
      compressed: this.#compressed,
      belowThreshold: this.#belowThreshold,
      notWorthwhile: this.#notWorthwhile,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      ratio: this.#bytesIn === 0 ? 1 : this.#bytesOut / this.#bytesIn,
    };
  }
}

function deflateBy(
  algorithm: Exclude<CompressionAlgorithm, "none">,
  bytes: Uint8Array,
  level: CompressionLevel,
  dictionary: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const options = dictionary === undefined ? { level } : { level, dictionary };
  switch (algorithm) {
    case "gzip":
      // No time in the header, so that the same bytes compress to the same bytes.
      return gzipSync(bytes, { level, mtime: 0 });
    case "zlib":
      return zlibSync(bytes, options);
    case "deflate":
      return deflateSync(bytes, options);
    default:
      return assertNever(algorithm);
  }
}

function resolveRule(content: Content, given: Partial<CompressionRule> = {}): CompressionRule {
  checkNames(`compression.${content}`, given, Object.keys(DEFAULT_RULES[content]));
  const rule = { ...DEFAULT_RULES[content], ...given };
  const { algorithm, level, threshold } = rule;
  if (!isAlgorithm(algorithm)) {
    throw invalid(`${content}.algorithm`, algorithm, `one of ${ALGORITHMS.join(", ")}`);
  }
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw invalid(`${content}.level`, level, "an integer from 1 to 9");
  }
  if (!isSize(threshold)) {
    throw invalid(`${content}.threshold`, threshold, "a number of bytes, an integer from 0");
  }
  return rule;
}

function invalid(field: string, found: unknown, allowed: string): HeddleError {
  return new HeddleError(
    "option_invalid",
    `compression: ${field} is ${String(found)}; it must be ${allowed}`,
  );
}

/** Whether `value` names an algorithm. */
export function isAlgorithm(value: unknown): value is CompressionAlgorithm {
  return ALGORITHMS.some((algorithm) => algorithm === value);
}

/** Whether `value` is a number of bytes. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
