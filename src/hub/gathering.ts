import { byteLength } from "../base/byte_length.ts";
import type { Place } from "../channel/burst.ts";
import { type Batches, type Batching, type BatchKinds, batchOf, MAX_BATCH } from "./batches.ts";

/** What one connection gathers for itself, beside what is gathered for all of its kind. */
export class Gathering implements Place {
  turn = 0;
  from = 0;
  groups = 0;
  /** Bytes that wait. */
  bytes = 0;
  readonly #kinds: BatchKinds;
  readonly #hand: (batch: string) => void;
  #batching: Batching | undefined;
  #batches: Batches | undefined;
  #texts: string[] = [];

  constructor(kinds: BatchKinds, hand: (batch: string) => void) {
    this.#kinds = kinds;
    this.#hand = hand;
  }

  /** Those that are made for all who asked for the same; undefined where nothing is to be gathered. */
  get batches(): Batches | undefined {
    return this.#batches;
  }

  /** From now on, gathers as was granted. Nothing may wait, and it must be in no group. */
  vary(batching: Batching | undefined): void {
    this.turn = 0; // others count their turns for themselves
    this.#batches = batching && this.#kinds.within(batching);
    this.#batching = batching;
  }

  /** Takes a message into a batch. */
  gather(text: string): void {
    const bytes = byteLength(text);
    // A batch that took the socket's whole room would make a quick reader wait for its time to come.
    const most = Math.min(this.#batching!.max_bytes, MAX_BATCH);
    if (this.bytes + bytes > most) this.flush();
    this.#texts.push(text);
    this.bytes += bytes;
    if (this.bytes >= most) this.flush();
    else this.#batches!.remember(this);
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#texts.length === 0) return;
    const batch = batchOf(this.#texts);
    this.discard();
    this.#hand(batch);
  }

  /** Forgets what was gathered. */
  discard(): void {
    this.#texts = [];
    this.bytes = 0;
    this.#batches?.forget(this);
  }
}
