/**
 * Bytes that came and were not yet taken, in one growing buffer.
 *
 * @module
 */

/** A first-in first-out queue of bytes whose front can be looked at without a copy. */
export class ByteQueue {
  #buffer = new Uint8Array(4096);
  #start = 0;
  #end = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Puts `bytes` at the end. */
  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) this.#make(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Everything that waits; valid until the next `push` or `take`. */
  peek(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Removes the first `count` bytes and returns a copy of them. */
  take(count: number): Uint8Array {
    const taken = this.#buffer.slice(this.#start, Math.min(this.#start + count, this.#end));
    this.#start += taken.length;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return taken;
  }

  #make(room: number): void {
    const needed = this.length + room;
    const size = needed > this.#buffer.length ? Math.max(needed, this.#buffer.length * 2) : 0;
    const target = size > 0 ? new Uint8Array(size) : this.#buffer;
    target.set(this.peek(), 0);
    this.#end = this.length;
    this.#start = 0;
    this.#buffer = target;
  }
}
