/** What can be told of a set, be it a `Set` or a {@linkcode SmallSet}. */
export interface Collection<T> extends Iterable<T> {
  readonly size: number;
  has(value: T): boolean;
}

/** How many are kept without a table. */
const FEW = 4;

const none: readonly never[] = [];

/**
 * A set that is small as a rule: a `Set` takes some 200 bytes before anything is in it, and there is one for
 * each connection and channel. While it is gone through, what is deleted is not given any more.
 */
export class SmallSet<T> implements Collection<T> {
  /** Replaced, never changed: somebody may be going through it. */
  #few: readonly T[] = none;
  #many: Set<T> | undefined;

  get size(): number {
    return this.#many?.size ?? this.#few.length;
  }

  has(value: T): boolean {
    return this.#many?.has(value) ?? this.#few.includes(value);
  }

  add(value: T): this {
    if (this.#many !== undefined) this.#many.add(value);
    else if (!this.#few.includes(value)) {
      if (this.#few.length < FEW) {
        this.#few = this.#few.length === 0 ? [value] : this.#few.concat([value]);
      } else {
        this.#many = new Set(this.#few).add(value);
        this.#few = none;
      }
    }
    return this;
  }

  delete(value: T): boolean {
    if (this.#many !== undefined) return this.#many.delete(value);
    if (!this.#few.includes(value)) return false;
    this.#few = this.#few.filter((one) => one !== value);
    return true;
  }

  clear(): void {
    this.#few = none;
    this.#many = undefined;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#many?.values() ?? this.#each();
  }

  *#each(): IterableIterator<T> {
    for (const value of this.#few) if (this.has(value)) yield value;
  }
}
