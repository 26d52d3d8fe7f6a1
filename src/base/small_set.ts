/** What can be told of a set, be it a `Set` or a {@linkcode SmallSet}. */
export interface Collection<T> extends Iterable<T> {
  readonly size: number;
  has(value: T): boolean;
}

/** How many are kept without a table. */
const FEW = 4;

/**
 * Nothing, the only one, a few in a list that is replaced, never changed, since somebody may be going
 * through it, or more in a table.
 */
type Held<T> = undefined | T | readonly T[] | Set<T>;

/**
 * A set that is small as a rule: a `Set` takes some 200 bytes before anything is in it, and there is one for
 * each connection and channel. While it is gone through, what is deleted is not given any more, and what is
 * added may be.
 *
 * @typeParam T Anything but `undefined`, arrays and sets.
 */
export class SmallSet<T> implements Collection<T> {
  #held: Held<T>;

  get size(): number {
    const held = this.#held;
    if (held instanceof Set) return held.size;
    if (isList(held)) return held.length;
    return held === undefined ? 0 : 1;
  }

  has(value: T): boolean {
    const held = this.#held;
    if (held instanceof Set) return held.has(value);
    return isList(held) ? held.includes(value) : value !== undefined && held === value;
  }

  add(value: T): this {
    const held = this.#held;
    if (held instanceof Set) held.add(value);
    else if (!this.has(value)) this.#held = holding(valuesOf(held).concat([value]));
    return this;
  }

  delete(value: T): boolean {
    const held = this.#held;
    if (held instanceof Set) return held.delete(value);
    if (!this.has(value)) return false;
    this.#held = holding(valuesOf(held).filter((one) => one !== value));
    return true;
  }

  clear(): void {
    this.#held = undefined;
  }

  [Symbol.iterator](): IterableIterator<T> {
    const held = this.#held;
    return held instanceof Set ? held.values() : left(valuesOf(held), this);
  }
}

function isList<T>(held: Held<T>): held is readonly T[] {
  return Array.isArray(held);
}

function holding<T>(values: readonly T[]): Held<T> {
  if (values.length < 2) return values[0];
  return values.length <= FEW ? values : new Set(values);
}

function valuesOf<T>(held: undefined | T | readonly T[]): readonly T[] {
  if (isList(held)) return held;
  return held === undefined ? [] : [held];
}

/** Those that are still there when their turn comes. */
function* left<T>(values: readonly T[], set: Collection<T>): IterableIterator<T> {
  for (const value of values) if (set.has(value)) yield value;
}
