import { toBase64 } from "../base/base64.ts";
import { HeddleError } from "../base/errors.ts";
import { adler32, crc32 } from "./container.ts";

/** The most bytes of a dictionary: what DEFLATE can refer back to (RFC 1951 section 2). */
const MAX_DICTIONARY = 32_768;

/**
 * What both sides of a connection know before anything is compressed, so that a short message becomes
 * references into it (RFC 1950 section 2.2). What is likeliest stands last.
 *
 * @example
 * ```ts
 * import { Dictionary } from "./dictionary.ts";
 *
 * const dictionary = new Dictionary('{"type":"event","channel":"metrics"');
 * if (dictionary.id.length !== 16) throw new Error(dictionary.id);
 * ```
 */
export class Dictionary {
  /** Stands for these bytes and no others: 16 hexadecimal digits. */
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  #content: string | undefined;

  /** @throws {HeddleError} `option_invalid` where it is empty or over {@linkcode MAX_DICTIONARY}. */
  constructor(content: string | Uint8Array) {
    this.bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : new Uint8Array(content);
    const size = this.bytes.byteLength;
    if (size === 0 || size > MAX_DICTIONARY) {
      throw new HeddleError(
        "option_invalid",
        `compression: dictionary has ${size} bytes; it must have 1 to ${MAX_DICTIONARY}`,
      );
    }
    this.id = [crc32(this.bytes), adler32(this.bytes)]
      .map((sum) => sum.toString(16).padStart(8, "0")).join("");
  }

  /** The bytes in base64, as they are told to clients. */
  get content(): string {
    return this.#content ??= toBase64(this.bytes);
  }
}
