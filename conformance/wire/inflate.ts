/**
 * DEFLATE decompression (RFC 1951) that tells what it saw: the kinds of blocks, and how far back a
 * match reached, which is what the window bits of RFC 7692 limit. No library reports these, and the
 * synchronous ones of the three runtimes carry no window from message to message.
 *
 * @module
 */

/** A block of DEFLATE, as RFC 1951 section 3.2.3 names its kinds. */
export interface Block {
  readonly type: "stored" | "fixed" | "dynamic";
  readonly final: boolean;
}

/** What came of decompressing. */
export interface Inflated {
  readonly data: Uint8Array;
  readonly blocks: readonly Block[];
  /** The greatest distance of a match, in bytes; 0 where there was none. */
  readonly farthest: number;
}

/** Data that is not DEFLATE, or too much of it. */
export class BadDeflate extends Error {
  override readonly name = "BadDeflate";
}

interface Huffman {
  /** How many codes there are of each length. */
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

const LENGTH_BASE = [
  ...[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115],
  ...[131, 163, 195, 227, 258],
];
const LENGTH_EXTRA = [
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
];
const DISTANCE_BASE = [
  ...[1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537],
  ...[2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577],
];
const DISTANCE_EXTRA = [
  ...[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12],
  ...[13, 13],
];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const FIXED_LITERALS = huffman([
  ...[...Array<number>(144).fill(8), ...Array<number>(112).fill(9)],
  ...[...Array<number>(24).fill(7), ...Array<number>(8).fill(8)],
]);
const FIXED_DISTANCES = huffman(Array<number>(30).fill(5));

/**
 * Decompresses all blocks in `input`. After a block with BFINAL the next one begins on a byte
 * border (RFC 7692 section 7.2.3.4).
 *
 * @param window what was decompressed before and may be referred to, at most 32 KiB of it
 * @throws BadDeflate where the data is invalid, incomplete, or yields more than `limit` bytes
 */
export function inflate(input: Uint8Array, window: Uint8Array, limit: number): Inflated {
  return new Inflater(input, window, limit).run();
}

class Inflater {
  readonly #input: Uint8Array;
  readonly #limit: number;
  readonly #before: number;
  #output: Uint8Array;
  #length: number;
  #at = 0;
  #bits = 0;
  #bitCount = 0;
  #farthest = 0;

  constructor(input: Uint8Array, window: Uint8Array, limit: number) {
    this.#input = input;
    this.#limit = limit;
    this.#before = window.length;
    this.#output = new Uint8Array(window.length + Math.max(1024, input.length * 4));
    this.#output.set(window);
    this.#length = window.length;
  }

  run(): Inflated {
    const blocks: Block[] = [];
    while (this.#at < this.#input.length || this.#bitCount >= 3) {
      const final = this.#take(1) === 1;
      const kind = this.#take(2);
      const type = kind === 0 ? "stored" : kind === 1 ? "fixed" : kind === 2 ? "dynamic" : null;
      if (type === null) throw new BadDeflate("a block of the reserved type 3");
      blocks.push({ type, final });
      if (type === "stored") this.#stored();
      else if (type === "fixed") this.#compressed(FIXED_LITERALS, FIXED_DISTANCES);
      else this.#dynamic();
      if (final) this.#align();
    }
    const data = this.#output.slice(this.#before, this.#length);
    return { data, blocks, farthest: this.#farthest };
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      const byte = this.#input[this.#at++];
      if (byte === undefined) throw new BadDeflate("the data ends inside a block");
      this.#bits |= byte << this.#bitCount;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #align(): void {
    this.#bits = this.#bitCount = 0;
  }

  #put(byte: number): void {
    if (this.#length - this.#before >= this.#limit) {
      throw new BadDeflate(`more than ${this.#limit} bytes come out`);
    }
    if (this.#length === this.#output.length) {
      const larger = new Uint8Array(this.#output.length * 2);
      larger.set(this.#output);
      this.#output = larger;
    }
    this.#output[this.#length++] = byte;
  }

  #stored(): void {
    this.#align();
    const length = this.#take(16);
    if ((this.#take(16) ^ 0xffff) !== length) throw new BadDeflate("a stored length is not true");
    for (let i = 0; i < length; i++) this.#put(this.#take(8));
  }

  #compressed(literals: Huffman, distances: Huffman): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) this.#put(symbol);
      else this.#copy(symbol - 257, distances);
    }
  }

  #copy(lengthCode: number, distances: Huffman): void {
    const base = LENGTH_BASE[lengthCode];
    if (base === undefined) throw new BadDeflate("a length code that is reserved");
    const length = base + this.#take(LENGTH_EXTRA[lengthCode] ?? 0);
    const code = this.#symbol(distances);
    const distance = (DISTANCE_BASE[code] ?? Infinity) + this.#take(DISTANCE_EXTRA[code] ?? 0);
    if (distance > this.#length) throw new BadDeflate("a distance that reaches too far back");
    this.#farthest = Math.max(this.#farthest, distance);
    for (let i = 0; i < length; i++) this.#put(this.#output[this.#length - distance] ?? 0);
  }

  #dynamic(): void {
    const [literals, distances, codes] = [
      this.#take(5) + 257,
      this.#take(5) + 1,
      this.#take(4) + 4,
    ];
    if (literals > 286 || distances > 30) throw new BadDeflate("too many codes");
    const codeLengths = Array<number>(19).fill(0);
    for (const place of CODE_ORDER.slice(0, codes)) codeLengths[place] = this.#take(3);
    const code = huffman(codeLengths);
    const lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const symbol = this.#symbol(code);
      if (symbol < 16) lengths.push(symbol);
      else {
        const last = lengths.at(-1);
        if (symbol === 16 && last === undefined) throw new BadDeflate("nothing to repeat");
        const times = symbol === 16
          ? 3 + this.#take(2)
          : symbol === 17
          ? 3 + this.#take(3)
          : 11 + this.#take(7);
        for (let i = 0; i < times; i++) lengths.push(symbol === 16 ? last ?? 0 : 0);
      }
    }
    if (lengths.length > literals + distances) throw new BadDeflate("too many code lengths");
    if (lengths[256] === 0) throw new BadDeflate("no code ends the block");
    this.#compressed(huffman(lengths.slice(0, literals)), huffman(lengths.slice(literals)));
  }

  /** Reads one code, a bit at a time: codes of one length are consecutive numbers. */
  #symbol({ counts, symbols }: Huffman): number {
    let code = 0, first = 0, index = 0;
    for (let length = 1; length <= 15; length++) {
      code |= this.#take(1);
      const count = counts[length] ?? 0;
      if (code - count < first) return symbols[index + code - first] ?? 0;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new BadDeflate("a code that is not in the table");
  }
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  counts[0] = 0;
  let left = 1;
  for (let length = 1; length <= 15; length++) {
    left = (left << 1) - (counts[length] ?? 0);
    if (left < 0) throw new BadDeflate("more codes than there can be");
  }
  const offsets = new Uint16Array(17);
  for (let i = 1; i <= 15; i++) offsets[i + 1] = (offsets[i] ?? 0) + (counts[i] ?? 0);
  const symbols = new Uint16Array(lengths.length);
  for (const [symbol, length] of lengths.entries()) {
    if (length !== 0) {
      symbols[offsets[length] ?? 0] = symbol;
      offsets[length] = (offsets[length] ?? 0) + 1;
    }
  }
  return { counts, symbols };
}
