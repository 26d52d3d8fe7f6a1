/**
 * How the reference server decompresses: with zlib, so that it shares nothing with the kit's own
 * DEFLATE in `wire/`.
 *
 * @module
 */
import { constants as bufferLimits } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import { concat } from "../wire/bytes.ts";

/** A message decompressed, or the close code that it is failed with. */
export type Inflation = { readonly data: Uint8Array } | { readonly code: number };

const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/**
 * Decompresses the payload of a message (RFC 7692 section 7.2.2).
 *
 * @param window what was decompressed before and may be referred to, at most 32 KiB of it
 * @param limit the largest message taken, in bytes
 */
export function inflateMessage(
  payload: Uint8Array,
  window: Uint8Array,
  limit: number,
): Inflation {
  const parts: Uint8Array[] = [];
  let size = 0;
  let before = window;
  let rest = concat([payload, TAIL]);
  try {
    // A block with BFINAL ends zlib's stream; what follows it (section 7.2.3.4) is a stream more.
    while (rest.length > 0) {
      const primed = concat([primer(before), rest]);
      const { buffer, engine } = inflateWithInfo(primed, before.length + limit - size);
      const data = new Uint8Array(buffer.subarray(before.length));
      parts.push(data);
      size += data.length;
      rest = primed.subarray(engine.bytesWritten);
      before = concat([before, data]).slice(-32768);
    }
    return { data: concat(parts) };
  } catch (error) {
    const tooLarge = error instanceof Error && "code" in error &&
      error.code === "ERR_BUFFER_TOO_LARGE";
    return { code: tooLarge ? 1009 : 1007 };
  }
}

/** The window as a stored block that comes out before all else; Deno's zlib takes no dictionary. */
function primer(window: Uint8Array): Uint8Array {
  const { length } = window;
  if (length === 0) return window;
  const head = [0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff];
  return concat([Uint8Array.from(head), window]);
}

interface WithInfo {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function inflateWithInfo(input: Uint8Array, limit: number): WithInfo {
  const options = {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: Math.min(Math.max(1, limit), bufferLimits.MAX_LENGTH),
    info: true,
  };
  // With `info` it returns both, which its types leave out.
  const result: unknown = inflateRawSync(input, options);
  return result as WithInfo;
}
