import type { Position } from "../protocol/messages.ts";

/** Offsets that will not come, both ends included; null where the numbering is another. */
export interface Missing {
  readonly from: number | null;
  readonly to: number | null;
}

const nothing: readonly Missing[] = [];
const everything: readonly Missing[] = [{ from: null, to: null }];

/**
 * Where a client stands in its channels, and so what is new to it.
 *
 * Offsets may skip events that are for others: only what the server says, or does not claim to have
 * recovered, is missing. All of it is told once.
 */
export class Positions {
  /** The last event that was handed over, or the place before the first that may come. */
  readonly #positions = new Map<string, Position>();
  /** Channels whose events come over this connection. */
  readonly #standing = new Set<string>();
  /** Channels of which everything up to the next event was told to be missing. */
  readonly #adrift = new Set<string>();
  /** Channels of which the server is still to say what it did not recover, and what was told already. */
  readonly #owed = new Set<string>();
  /** Offsets after a channel's position that were handed over before their turn. */
  readonly #ahead = new Map<string, Set<number>>();

  constructor(positions: Readonly<Record<string, Position>> = {}) {
    for (const [channel, position] of Object.entries(positions)) {
      this.#positions.set(channel, position);
    }
  }

  /** Every place there is, by channel. */
  all(): Readonly<Record<string, Position>> {
    return Object.fromEntries(this.#positions);
  }

  get(channel: string): Position | undefined {
    return this.#positions.get(channel);
  }

  /** Whether the channel's events come over this connection. */
  isStanding(channel: string): boolean {
    return this.#standing.has(channel);
  }

  /**
   * The server put this connection on a channel.
   *
   * @param told The place before the first event that follows.
   * @param recovered Whether the server says that nothing is missing; undefined where it says nothing.
   * @returns What is missing.
   */
  start(channel: string, told: Position | undefined, recovered?: boolean): readonly Missing[] {
    const wasStanding = this.#standing.has(channel);
    this.#standing.add(channel);
    if (told === undefined) return nothing;
    if (recovered === false) this.#owed.add(channel);
    const own = this.#positions.get(channel);
    if (own === undefined) {
      this.#move(channel, told);
      return nothing;
    }
    if (own.epoch !== told.epoch || (recovered !== true && told.offset < own.offset)) {
      this.#move(channel, told);
      this.#adrift.add(channel);
      return everything;
    }
    if (recovered === true || told.offset <= own.offset) return nothing;
    // Asked for again on the same connection, what lies between was for others.
    const missing = wasStanding ? nothing : this.#between(channel, own.offset + 1, told.offset);
    this.#move(channel, told);
    return missing;
  }

  /** Takes an event in its turn. False for one that was handed over already, or is not awaited. */
  take(channel: string, offset: number): boolean {
    if (!this.#standing.has(channel)) return false;
    const own = this.#positions.get(channel);
    if (own === undefined) return true;
    if (offset <= own.offset) return false;
    const wasAhead = this.#ahead.get(channel)?.has(offset) ?? false;
    this.#move(channel, { epoch: own.epoch, offset });
    return !wasAhead;
  }

  /** Takes an event before its turn. False for one that was handed over already, or is not awaited. */
  takeAhead(channel: string, offset: number): boolean {
    if (!this.isToCome(channel, offset)) return false;
    const ahead = this.#ahead.get(channel) ?? new Set();
    if (ahead.has(offset)) return false;
    this.#ahead.set(channel, ahead.add(offset));
    return true;
  }

  /** Whether an event lies after the channel's position. */
  isToCome(channel: string, offset: number): boolean {
    if (!this.#standing.has(channel)) return false;
    const own = this.#positions.get(channel);
    return own === undefined || offset > own.offset;
  }

  /**
   * The server says what will not come.
   *
   * @returns What of it was not told before.
   */
  miss(channel: string, epoch: string, { from, to }: Missing): readonly Missing[] {
    if (!this.#standing.has(channel)) return nothing;
    const own = this.#positions.get(channel);
    const isSameEpoch = own?.epoch === epoch;
    const isOwed = this.#owed.delete(channel);
    const isTold = isSameEpoch && this.#adrift.has(channel);
    if (from === null || to === null) {
      if (isTold || (isSameEpoch && isOwed)) return nothing;
      this.#move(channel, { epoch, offset: 0 });
      this.#adrift.add(channel);
      return everything;
    }
    if (isSameEpoch && to <= own.offset) return nothing;
    const first = isSameEpoch ? Math.max(from, own.offset + 1) : from;
    const missing = isTold ? nothing : this.#between(channel, first, to);
    this.#move(channel, { epoch, offset: to });
    if (isTold) this.#adrift.add(channel);
    return missing;
  }

  /** The client wants no more of a channel. */
  leave(channel: string): void {
    this.#standing.delete(channel);
    this.#positions.delete(channel);
    this.#adrift.delete(channel);
    this.#owed.delete(channel);
    this.#ahead.delete(channel);
  }

  /** The connection is gone. The places stay. */
  offline(): void {
    this.#standing.clear();
    this.#owed.clear();
  }

  /** Everything is forgotten. */
  clear(): void {
    this.#positions.clear();
    this.#standing.clear();
    this.#adrift.clear();
    this.#owed.clear();
    this.#ahead.clear();
  }

  /** What lies between, but for what was handed over before its turn. */
  #between(channel: string, from: number, to: number): readonly Missing[] {
    const ahead = [...this.#ahead.get(channel) ?? []].filter((n) => n >= from && n <= to);
    const missing: Missing[] = [];
    let start = from;
    for (const offset of [...ahead.sort((a, b) => a - b), to + 1]) {
      if (offset > start) missing.push({ from: start, to: offset - 1 });
      start = offset + 1;
    }
    return missing;
  }

  #move(channel: string, position: Position): void {
    const former = this.#positions.get(channel);
    this.#positions.set(channel, position);
    this.#adrift.delete(channel);
    const ahead = this.#ahead.get(channel);
    if (ahead === undefined) return;
    for (const offset of ahead) {
      if (former?.epoch !== position.epoch || offset <= position.offset) ahead.delete(offset);
    }
    if (ahead.size === 0) this.#ahead.delete(channel);
  }
}
