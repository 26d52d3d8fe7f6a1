/**
 * Content of any length for messages, cheap to make and different wherever it is cut.
 *
 * @module
 */
import type { Random } from "../random.ts";
import { bytesOf } from "../wire/bytes.ts";

/** A prime, so that no round length of fragment or buffer falls in step with it. */
const TILE = 997;

const WORDS = bytesOf("aß水𝄞 the quick brown fox ");

/** `length` bytes of any value. */
export function bytesOfLength(random: Random, length: number): Uint8Array {
  return repeated(random.bytes(Math.min(length, TILE)), length);
}

/** `length` bytes of UTF-8, with characters of one to four bytes where there is room. */
export function textOfLength(length: number): Uint8Array {
  const letters = new Uint8Array(length).fill(0x2e);
  letters.set(repeated(WORDS, length - length % WORDS.length));
  return letters;
}

function repeated(tile: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(tile.subarray(0, length));
  for (let filled = tile.length; filled < length && filled > 0; filled *= 2) {
    whole.copyWithin(filled, 0, Math.min(filled, length - filled));
  }
  return whole;
}
