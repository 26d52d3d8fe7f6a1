import type { Fanout, Group, Member } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";
import type { StandardSocket } from "./standard.ts";
import { Watch, WatchedGroup } from "./watched_group.ts";

/** Deno has nothing better than a loop over `send`; what it saves is to ask each socket each time. */
export class DenoFanout implements Fanout {
  readonly #watch = new Watch((look) => setTimeout(look, 0));

  group<M extends Member>(): Group<M> {
    return new DenoGroup<M>(this.#watch);
  }
}

class DenoGroup<M extends Member> extends WatchedGroup<M> {
  protected override sendAll(frame: Frame, leftOut: readonly M[]): boolean {
    const excluded = leftOut.length === 0 ? undefined : new Set(leftOut);
    for (const member of this.members) {
      if (excluded?.has(member) !== true) (member.socket as StandardSocket).send(frame);
    }
    return true;
  }
}
