/**
 * The names of channels: their alphabet, and which one a pattern covers.
 *
 * @module
 */

/** The longest channel name, in characters. */
export const MAX_CHANNEL_NAME = 200;

/** The longest user id, in characters. */
const MAX_USER_ID = 255;

/** What a channel name is written in, for people. */
export const CHANNEL_ALPHABET = "A-Z a-z 0-9 _ . : ~ = + / | -";

/** What a channel name must be, for people. */
export const CHANNEL_NAME_RULE = `1 to ${MAX_CHANNEL_NAME} characters of ${CHANNEL_ALPHABET}`;

/** What a user id must be, for people. */
export const USER_ID_RULE = `1 to ${MAX_USER_ID} characters, none of them a control character`;

const CHANNEL = /^[A-Za-z0-9_.:~=+/|-]{1,200}$/;
const PATTERN = /^[A-Za-z0-9_.:~=+/|-]{0,199}\*$/;
const CONTROL = /\p{Cc}/u;

/** Whether a client may write `name` as a channel: 1 to 200 of `A–Z a–z 0–9 _ . : ~ = + / | -`. */
export function isChannelName(name: string): boolean {
  return CHANNEL.test(name);
}

/** Whether `name` is one of the hub's own channels, which no client may name: it starts with `@`. */
export function isOwnChannelName(name: string): boolean {
  return name.startsWith("@");
}

/** Whether `name` is a pattern: a prefix of the channel alphabet, then one `*` at the end. */
export function isChannelPattern(name: string): boolean {
  return PATTERN.test(name);
}

/** Whether `id` may name a user: 1 to 255 characters, none of them a control character. */
export function isUserId(id: string): boolean {
  return id.length >= 1 && id.length <= MAX_USER_ID && !CONTROL.test(id);
}

/** The channel whose events go to every connection. */
export const EVERYONE = "@all";

/** The channel whose events go to every connection of one user. */
export function userChannel(userId: string): `@user:${string}` {
  return `@user:${userId}`;
}

/** The channel whose events go to one connection. */
export function clientChannel(clientId: string): `@client:${string}` {
  return `@client:${clientId}`;
}

/**
 * A table of names and patterns: an exact name beats a pattern, a longer prefix a shorter one.
 *
 * It is a `Map` inside, so `__proto__` and `constructor` are names like any other.
 */
export class PatternTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #patterns: { readonly prefix: string; readonly value: T }[] = [];

  /** @param entries Names, and patterns that end in `*`. */
  constructor(entries: Iterable<readonly [name: string, value: T]>) {
    for (const [name, value] of entries) {
      if (name.endsWith("*")) this.#patterns.push({ prefix: name.slice(0, -1), value });
      else this.#exact.set(name, value);
    }
    this.#patterns.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** The value for `name`, or undefined where nothing covers it. A bare prefix is not covered. */
  get(name: string): T | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    for (const { prefix, value } of this.#patterns) {
      if (name.length > prefix.length && name.startsWith(prefix)) return value;
    }
    return undefined;
  }
}
