/**
 * Chance from a seed: the same seed gives the same numbers on every machine.
 *
 * @module
 */

/** A source of numbers. */
export interface Random {
  /** A whole number of `min` … `max`, both included. */
  integer(min: number, max: number): number;
  /** `count` bytes. */
  bytes(count: number): Uint8Array;
  /** One of the choices. */
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/** The seed of one case: neither order nor company of the cases changes it. FNV-1a over the id. */
export function deriveSeed(seed: number, id: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const unit of id) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash & 0x7fffffff;
}

/** A source that starts at `seed`. (mulberry32: 32 bits of state suffice for test data.) */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    integer,
    bytes: (count) => Uint8Array.from({ length: count }, () => integer(0, 255)),
    pick: (choices) => choices[integer(0, choices.length - 1)] ?? choices[0],
  };
}
