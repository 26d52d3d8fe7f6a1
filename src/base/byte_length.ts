/**
 * How many bytes a text takes as UTF-8.
 *
 * @module
 */

const encoder = new TextEncoder();

/** The length of `text` in UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).byteLength;
}

/** Whether a message has more bytes than `limit`. */
export function exceeds(message: string | Uint8Array, limit: number): boolean {
  if (typeof message !== "string") return message.byteLength > limit;
  // A UTF-16 unit is 1 to 3 bytes of UTF-8, so most texts need not be counted.
  return message.length * 3 > limit && byteLength(message) > limit;
}
