/**
 * Marks: what is put into a message to know it again, whatever a server wraps around it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { concat } from "../wire/bytes.ts";

/** Digits of a mark: all are of one length, and so are messages that differ by theirs alone. */
const DIGITS = 6;

/** The marks of one measure: `5f0c9a2e-000017`. */
export class Marks {
  readonly #prefix = `${crypto.randomUUID().slice(0, 8)}-`;
  readonly #bytes = Buffer.from(this.#prefix);

  /** The mark of a number from 0 to 999,999. */
  of(number: number): string {
    return this.#prefix + String(number).padStart(DIGITS, "0");
  }

  /** The numbers of the marks that stand in some bytes, in their order. */
  in(bytes: Buffer): number[] {
    const found: number[] = [];
    for (let at = -1; (at = bytes.indexOf(this.#bytes, at + 1)) >= 0;) {
      const from = at + this.#bytes.length;
      const digits = bytes.toString("latin1", from, from + DIGITS);
      if (/^\d{6}$/.test(digits)) found.push(Number(digits));
    }
    return found;
  }

  /** A message that has a mark, so many times, with the marks from a number on in its place. */
  instead(message: Uint8Array, from: number, count: number): Uint8Array {
    return concat(Array.from({ length: count }, (_, i) => {
      const other = Buffer.from(message);
      const mark = this.of(from + i);
      for (let at = -1; (at = other.indexOf(this.#bytes, at + 1)) >= 0;) other.write(mark, at);
      return other;
    }));
  }
}
