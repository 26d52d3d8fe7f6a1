/**
 * Frames as they lie in the bytes that came: read in place, since what reading takes is measured too.
 *
 * @module
 */

/** Where a frame lies, and what it is. */
export interface Place {
  readonly fin: boolean;
  readonly opcode: number;
  /** Its payload: from the first byte to before the last. */
  readonly from: number;
  readonly to: number;
}

/** What no server sends that agreed to no extension: a mask, a reserved bit, too long a frame. */
export class NoFrame extends Error {
  override readonly name = "NoFrame";
}

/** The largest frame that is taken, in bytes. */
const LARGEST = 64 * 1024 * 1024;

/**
 * The frame (RFC 6455 section 5.2) that begins at a place of `bytes`; undefined while it is not all
 * there.
 *
 * @throws NoFrame
 */
export function frameAt(bytes: Uint8Array, at: number): Place | undefined {
  const first = bytes[at];
  const second = bytes[at + 1];
  if (first === undefined || second === undefined) return undefined;
  if ((first & 0x70) !== 0 || (second & 0x80) !== 0) {
    throw new NoFrame(`no frame of a server's: its first bytes are ${first} and ${second}`);
  }
  const more = second < 126 ? 0 : second === 126 ? 2 : 8;
  const from = at + 2 + more;
  if (bytes.length < from) return undefined;
  let length = more === 0 ? second : 0;
  for (let i = 0; i < more; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  if (length > LARGEST) throw new NoFrame(`a frame of ${length} bytes`);
  if (bytes.length < from + length) return undefined;
  return { fin: first >= 0x80, opcode: first & 0x0f, from, to: from + length };
}
