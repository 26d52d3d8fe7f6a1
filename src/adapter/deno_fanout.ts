import { type Collection, SmallSet } from "../base/small_set.ts";
import type { Fanout, Group, Member, Taken } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";
import type { StandardSocket } from "./standard.ts";

/** How many bytes a group may be sent in a tick: within one, Deno does not tell what a socket takes. */
const MOST_BYTES = 262_144;

/**
 * Deno has nothing better than a loop over `send`; but to ask each socket once a tick what waits suffices,
 * and each question costs as much as a part of a send.
 */
export class DenoFanout implements Fanout {
  /** The groups that were sent something in this tick. */
  #busy: DenoGroup<Member>[] = [];

  group<M extends Member>(): Group<M> {
    return new DenoGroup<M>(this);
  }

  /** Looks at the sockets of a group when the tick is over. */
  watch(group: DenoGroup<Member>): void {
    if (this.#busy.length === 0) setTimeout(() => this.#look(), 0);
    this.#busy.push(group);
  }

  #look(): void {
    const busy = this.#busy;
    this.#busy = [];
    for (const group of busy) group.look();
  }
}

class DenoGroup<M extends Member> implements Group<M> {
  readonly #members = new SmallSet<M>();
  readonly #fanout: DenoFanout;
  /** What it was sent in this tick. */
  #bytes = 0;

  constructor(fanout: DenoFanout) {
    this.#fanout = fanout;
  }

  get members(): Collection<M> {
    return this.#members;
  }

  add(member: M): void {
    this.#members.add(member);
  }

  delete(member: M): boolean {
    return this.#members.delete(member);
  }

  send(frame: Frame, leftOut: readonly M[]): Taken {
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    if (this.#bytes + size > MOST_BYTES) return "refused";
    if (this.#bytes === 0) this.#fanout.watch(this as unknown as DenoGroup<Member>);
    this.#bytes += size;
    const excluded = leftOut.length === 0 ? undefined : new Set(leftOut);
    for (const member of this.#members) {
      if (excluded?.has(member) !== true) (member.socket as StandardSocket).send(frame);
    }
    return "handed";
  }

  /** Finds out who takes no more. */
  look(): void {
    this.#bytes = 0;
    for (const member of this.#members) if (!member.isReady) member.strained();
  }
}
