import { byteLength } from "../base/byte_length.ts";
import type { Collection } from "../base/small_set.ts";
import type { Clock } from "../base/clock.ts";
import { Burst, type Place } from "../channel/burst.ts";
import type { Fanout, Group, Member, Taken } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";
import type { Features } from "../protocol/messages.ts";

/** The most bytes of a batch, whatever was asked for. */
export const MAX_BATCH = 65_536;

/** How messages are put together, as `hello` granted it. */
export type Batching = NonNullable<Features["batch"]>;

/** One who gets batches. */
interface Batched {
  /** Where it stands in what waits. */
  readonly place: Place;
}

/** Puts messages into one. */
export function batchOf(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `{"type":"batch","messages":[${texts.join(",")}]}`;
}

/**
 * The batches of all who asked for the same: what is for many of them is put together once, and one timer
 * serves them all.
 */
export class Batches extends Burst<string, string> implements Fanout {
  readonly #batching: Batching;
  readonly #clock: Clock;
  /** Those who gathered something of their own beside. */
  readonly #gathering = new Set<{ flush(): void }>();
  readonly #strained: Member[] = [];
  #cancel: (() => void) | undefined;

  constructor(batching: Batching, clock: Clock) {
    super();
    this.#batching = batching;
    this.#clock = clock;
  }

  group<M extends Member>(): Group<M> {
    const members = new Set<M>();
    return {
      members,
      add: (member) => {
        this.settle(member);
        members.add(member);
      },
      delete: (member) => {
        if (members.has(member)) this.settle(member);
        return members.delete(member);
      },
      send: (frame, leftOut) => this.#send(members, frame, leftOut),
    };
  }

  /** Flushes someone in time. */
  remember(gathering: { flush(): void }): void {
    this.#gathering.add(gathering);
    this.schedule();
  }

  /** There is nothing to flush any more. */
  forget(gathering: { flush(): void }): void {
    this.#gathering.delete(gathering);
  }

  protected override get room(): number {
    return this.#batching.max_bytes;
  }

  protected override place(member: Member): Place {
    return (member as unknown as Batched).place;
  }

  protected override join(texts: readonly string[]): string {
    return batchOf(texts);
  }

  protected override hand(member: Member, batch: string): void {
    member.hand(batch);
    if (member.isReady) return;
    if (this.#strained.length === 0) queueMicrotask(() => this.#tell());
    this.#strained.push(member);
  }

  protected override schedule(): void {
    this.#cancel ??= this.#clock.after(this.#batching.max_ms, () => {
      this.#cancel = undefined;
      this.flush();
      for (const gathering of [...this.#gathering]) gathering.flush();
    });
  }

  #send(members: Collection<Member>, frame: Frame, leftOut: readonly Member[]): Taken {
    if (typeof frame !== "string" || this.#strained.length > 0) return "refused";
    const size = byteLength(frame);
    if (size > this.room) return "refused";
    this.push(members, frame, size, leftOut);
    return "gathered";
  }

  #tell(): void {
    for (const member of this.#strained.splice(0)) member.strained();
  }
}

/**
 * The {@linkcode Batches} of a hub, by what was asked for: what is asked for is a limit, so few kinds
 * suffice, each a power of two.
 */
export class BatchKinds {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Batches>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those that keep within what was granted. */
  within({ max_ms, max_bytes }: Batching): Batches {
    const kind = { max_ms: floor(max_ms), max_bytes: floor(Math.min(max_bytes, MAX_BATCH)) };
    const key = `${kind.max_ms}/${kind.max_bytes}`;
    let batches = this.#kinds.get(key);
    if (batches === undefined) {
      batches = new Batches(kind, this.#clock);
      this.#kinds.set(key, batches);
    }
    return batches;
  }
}

/** The power of two that it reaches; 0 for 0. */
function floor(n: number): number {
  return n === 0 ? 0 : 2 ** Math.floor(Math.log2(n));
}
