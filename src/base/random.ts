/**
 * Chance as an input: ids, tokens and jitter come from a {@linkcode Random}, so that a test can repeat
 * them from a seed.
 *
 * @module
 */

/** Where the hub takes its randomness from. */
export interface Random {
  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A number in [0, 1). For jitter, never for secrets. */
  fraction(): number;
}

/** How many bytes are asked of the platform at once: to ask costs more than the bytes. */
const POOL = 4_096;

/** The platform's cryptographic source. What was given is in its pool no more. */
export const systemRandom: Random = {
  bytes: pooled(),
  fraction: () => Math.random(),
};

function pooled(): Random["bytes"] {
  const pool = new Uint8Array(POOL);
  let used = POOL;
  return (length) => {
    if (length > POOL / 4) return crypto.getRandomValues(new Uint8Array(length));
    if (used + length > POOL) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    const bytes = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  };
}

/**
 * A repeatable source for tests (mulberry32). Never use it where a guess would matter.
 *
 * @param seed Any integer; its low 32 bits count.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  return {
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = next() & 0xff;
      return bytes;
    },
    fraction: () => next() / 2 ** 32,
  };
}

const DIGITS = new TextEncoder().encode("0123456789abcdef");
const HYPHEN = 0x2d;

/** A random UUID of version 4 (RFC 9562 section 5.4). */
export function uuid(random: Random): string {
  // A page that was not loaded over TLS has no `randomUUID`.
  if (random === systemRandom && "randomUUID" in crypto) return crypto.randomUUID();
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const codes: number[] = [];
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) codes.push(HYPHEN);
    codes.push(DIGITS[bytes[i]! >> 4]!, DIGITS[bytes[i]! & 15]!);
  }
  return String.fromCharCode(...codes);
}
