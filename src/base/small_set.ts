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
 *
 * @typeParam T Anything but `undefined`.
 */
export class SmallSet<T> implements Collection<T> {
  /** The only one. */
  #one: T | undefined;
  /** Those that are more than one: a table, or a list that is replaced, never changed, since somebody may be going through it. */
  #more: Set<T> | readonly T[] | undefined;

  get size(): number {
    const more = this.#more;
    if (more === undefined) return this.#one === undefined ? 0 : 1;
    return more instanceof Set ? more.size : more.length;
  }

  has(value: T): boolean {
    const more = this.#more;
    if (more === undefined) return value !== undefined && this.#one === value;
    return more instanceof Set ? more.has(value) : more.includes(value);
  }

  add(value: T): this {
    if (this.#more instanceof Set) this.#more.add(value);
    else if (!this.has(value)) {
      const values = this.#values();
      if (values.length === 0) this.#one = value;
      else if (values.length < FEW) this.#hold([...values, value]);
      else this.#hold(new Set(values).add(value));
    }
    return this;
  }

  delete(value: T): boolean {
    if (this.#more instanceof Set) return this.#more.delete(value);
    if (!this.has(value)) return false;
    this.#hold(this.#values().filter((one) => one !== value));
    return true;
  }

  clear(): void {
    this.#hold(none);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#more instanceof Set ? this.#more.values() : this.#each();
  }

  #hold(values: Set<T> | readonly T[]): void {
    const isList = !(values instanceof Set) && values.length < 2;
    this.#one = isList ? values[0] : undefined;
    this.#more = isList ? undefined : values;
  }

  /** Those that are no table. */
  #values(): readonly T[] {
    if (this.#more !== undefined) return this.#more as readonly T[];
    return this.#one === undefined ? none : [this.#one];
  }

  *#each(): IterableIterator<T> {
    for (const value of this.#values()) if (this.has(value)) yield value;
  }
}
