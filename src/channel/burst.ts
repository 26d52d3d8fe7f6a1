import type { Collection } from "../base/small_set.ts";
import type { Member } from "./fanout.ts";

/** How many groups may have something waiting: as many as a number has bits to tell them by. */
const MOST_GROUPS = 31;

/** How many bytes, about, may wait; a socket may be overfilled by so much before that is found out. */
const MOST_BYTES = 65_536;

/** Where a member stands in what waits. All 0 at first, then for the {@linkcode Burst} alone to change. */
export interface Place {
  /** The turn it was last settled with in, */
  turn: number;
  /** and how many items of that turn it has. */
  from: number;
  /** While all is handed over: the groups that it is in, as bits. */
  groups: number;
}

/**
 * What was sent to groups and waits to be handed over together: a log, of which each member gets what was
 * sent to its groups, in the order in which it was sent. Members of the same groups get one and the same
 * thing, made once. Sending costs nothing that grows with the members.
 *
 * @typeParam T What is sent.
 * @typeParam J What is handed over: some of it, joined.
 */
export abstract class Burst<T, J> {
  #items: T[] = [];
  /** The group of each item, as an index. */
  #of: number[] = [];
  #groups: Collection<Member>[] = [];
  #bytes = 0;
  #turn = 1;
  /** Whether some were settled with in this turn, and so have a part of what waits. */
  #isPartly = false;

  /** A member's place, which is for this burst alone. */
  protected abstract place(member: Member): Place;
  /** Makes one of several. */
  protected abstract join(items: readonly T[]): J;
  /** Hands it to a member. */
  protected abstract hand(member: Member, joined: J): void;
  /** Something waits: {@linkcode Burst.flush} is to be called in time. */
  protected abstract schedule(): void;

  /** The bytes that may wait. */
  protected get room(): number {
    return MOST_BYTES;
  }

  /** Sends to all `members` but those left out. */
  protected push(
    members: Collection<Member>,
    item: T,
    size: number,
    leftOut: readonly Member[],
  ): void {
    let group = this.#groups.indexOf(members);
    const isFull = this.#bytes + size > this.room ||
      (group === -1 && this.#groups.length === MOST_GROUPS);
    if (isFull) {
      this.flush();
      group = -1;
    }
    if (group === -1) group = this.#groups.push(members) - 1;
    for (const member of leftOut) this.settle(member);
    if (this.#items.length === 0) this.schedule();
    this.#items.push(item);
    this.#of.push(group);
    this.#bytes += size;
    for (const member of leftOut) this.place(member).from = this.#items.length;
    if (leftOut.length > 0) this.#isPartly = true;
  }

  /** Hands a member what waits for it, before something else is done with it. */
  settle(member: Member): void {
    const place = this.place(member);
    const from = place.turn === this.#turn ? place.from : 0;
    place.turn = this.#turn;
    place.from = this.#items.length;
    if (from >= this.#items.length) return;
    this.#isPartly = true;
    let groups = 0;
    this.#groups.forEach((members, i) => {
      if (members.has(member)) groups |= 1 << i;
    });
    const items = chosen(this.#items, this.#of, groups, from);
    if (items.length > 0) this.hand(member, this.join(items));
  }

  /** Hands over everything that waits. */
  flush(): void {
    const items = this.#items;
    if (items.length === 0) return;
    const of = this.#of;
    const groups = this.#groups;
    const turn = this.#turn++;
    const isPartly = this.#isPartly;
    this.#items = [];
    this.#of = [];
    this.#groups = [];
    this.#bytes = 0;
    this.#isPartly = false;
    if (groups.length > 1 || isPartly) {
      this.#handParts(items, of, groups, turn);
      return;
    }
    // Nothing to find out of each member: to look at each once more costs as much as half a write.
    const whole = this.join(items);
    for (const member of groups[0]!) this.hand(member, whole);
  }

  /** Hands each member what is its part. */
  #handParts(
    items: readonly T[],
    of: readonly number[],
    groups: readonly Collection<Member>[],
    turn: number,
  ): void {
    groups.forEach((members, i) => {
      for (const member of members) this.place(member).groups |= 1 << i;
    });
    const joined = new Map<number, J>();
    for (const members of groups) {
      for (const member of members) {
        const place = this.place(member);
        const own = place.groups;
        if (own === 0) continue; // it has it, as a member of an earlier group
        place.groups = 0;
        const from = place.turn === turn ? place.from : 0;
        if (from >= items.length) continue;
        if (from > 0) {
          const rest = chosen(items, of, own, from);
          if (rest.length > 0) this.hand(member, this.join(rest));
          continue;
        }
        let whole = joined.get(own);
        if (whole === undefined) {
          whole = this.join(chosen(items, of, own, 0));
          joined.set(own, whole);
        }
        this.hand(member, whole);
      }
    }
  }
}

/** The items from the one numbered `from` on that were sent to these groups. */
function chosen<T>(
  items: readonly T[],
  of: readonly number[],
  groups: number,
  from: number,
): readonly T[] {
  return items.filter((_, i) => i >= from && (groups & (1 << of[i]!)) !== 0);
}
