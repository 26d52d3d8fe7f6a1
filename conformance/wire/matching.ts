/**
 * DEFLATE compression into one fixed block whose matches reach back into earlier data, as far as a
 * window of any size allows. The synchronous compressors of the three runtimes take no such data
 * (Deno ignores `dictionary`), and fflate loses bits in a sync flush; to a conformance kit the distance
 * of a match matters, not the ratio.
 *
 * @module
 */

/** A symbol, the smallest value it stands for, and how many bits add to that. */
interface CodeSymbol {
  readonly symbol: number;
  readonly start: number;
  readonly extra: number;
}

const LENGTHS = symbols(28, 4, 3);
const DISTANCES = symbols(30, 2, 1);

/** RFC 1951 section 3.2.5: each `group` symbols have one extra bit more than the group before. */
function symbols(count: number, group: number, first: number): CodeSymbol[] {
  let next = first;
  return Array.from({ length: count }, (_, symbol) => {
    const extra = Math.max(0, Math.floor(symbol / group) - 1);
    const start = next;
    next += 2 ** extra;
    return { symbol, start, extra };
  });
}

function symbolOf(table: readonly CodeSymbol[], value: number): CodeSymbol {
  const found = table.findLast(({ start }) => start <= value);
  if (found === undefined) throw new RangeError(`no symbol for ${value}`);
  return found;
}

/**
 * One fixed block and an empty stored one that ends on a byte border: what a sync flush leaves.
 *
 * @param window what was compressed before on the connection
 * @param reach the greatest distance of a match, in bytes
 */
export function deflateMatching(data: Uint8Array, window: Uint8Array, reach: number): Uint8Array {
  const all = new Uint8Array(window.length + data.length);
  all.set(window);
  all.set(data, window.length);
  const places = new Map<number, number>();
  const view = new DataView(all.buffer);
  const hash = (at: number) => (view.getUint16(at) << 8) | view.getUint8(at + 2);
  const remember = (at: number) => {
    if (at + 2 < all.length) places.set(hash(at), at);
  };
  for (let at = 0; at < window.length; at++) remember(at);

  const bits = new BitWriter();
  bits.put(0b010, 3);
  for (let at = window.length; at < all.length;) {
    const from = at + 2 < all.length ? places.get(hash(at)) : undefined;
    let length = 0;
    if (from !== undefined && at - from <= reach) {
      while (length < 257 && at + length < all.length && all[from + length] === all[at + length]) {
        length++;
      }
    }
    if (length < 3 || from === undefined) {
      bits.literal(view.getUint8(at));
      length = 1;
    } else {
      bits.match(length, at - from);
    }
    for (const end = at + length; at < end; at++) remember(at);
  }
  bits.literal(256);
  bits.put(0, 3);
  bits.align();
  return bits.bytes(Uint8Array.of(0x00, 0x00, 0xff, 0xff));
}

class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;
  #count = 0;

  put(value: number, count: number): void {
    this.#bits |= value << this.#count;
    this.#count += count;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#bits & 0xff);
      this.#bits >>>= 8;
    }
  }

  /** A symbol of the fixed code of literals and lengths (RFC 1951 section 3.2.6). */
  literal(symbol: number): void {
    if (symbol < 144) this.#code(0x30 + symbol, 8);
    else if (symbol < 256) this.#code(0x190 + symbol - 144, 9);
    else if (symbol < 280) this.#code(symbol - 256, 7);
    else this.#code(0xc0 + symbol - 280, 8);
  }

  /** A length of 3 … 257 and a distance. */
  match(length: number, distance: number): void {
    const long = symbolOf(LENGTHS, length);
    this.literal(257 + long.symbol);
    this.put(length - long.start, long.extra);
    const far = symbolOf(DISTANCES, distance);
    this.#code(far.symbol, 5);
    this.put(distance - far.start, far.extra);
  }

  align(): void {
    if (this.#count > 0) this.put(0, 8 - this.#count);
  }

  bytes(tail: Uint8Array): Uint8Array {
    const whole = new Uint8Array(this.#bytes.length + tail.length);
    whole.set(this.#bytes);
    whole.set(tail, this.#bytes.length);
    return whole;
  }

  /** Codes go in from their highest bit (section 3.1.1), all else from its lowest. */
  #code(code: number, length: number): void {
    for (let bit = length - 1; bit >= 0; bit--) this.put((code >> bit) & 1, 1);
  }
}
