/**
 * The port between a channel and whatever hands one frame to many sockets better than one after the other:
 * a runtime's own topics, one write for all events of a tick, one batch for all who asked for batches.
 *
 * @module
 */
import { type Collection, SmallSet } from "../base/small_set.ts";
import type { Frame } from "../protocol/encode.ts";
import type { Socket } from "./socket.ts";

/** One who is written to together with others. */
export interface Member {
  readonly socket: Socket;
  /** Whether its socket takes more events. */
  readonly isReady: boolean;
  /** How many more bytes its socket takes before it is not ready. */
  readonly room: number;
  /** Hands it a frame that it gets together with others, and counts it. */
  hand(frame: Frame): void;
  /** Its socket takes no more, so it must be written to alone. Never called within {@linkcode Group.send}. */
  strained(): void;
}

/** How a group took a frame. */
export type Taken =
  /** Each member was handed it, or will be in this tick, as one message. */
  | "handed"
  /** Each member will be handed it, perhaps with others in one message. */
  | "gathered"
  /** It must be handed to each member by itself: too much waits already, or it is no frame for a group. */
  | "refused";

/** Sockets that get the same frames. To each, frames go out in the order of the calls, its own included. */
export interface Group<M extends Member> {
  readonly members: Collection<M>;
  /** Lets a member have what is sent from now on. */
  add(member: M): void;
  /** Lets it have no more; what was sent until now it gets. False where it was no member. */
  delete(member: M): boolean;
  /** Hands a frame to all members but those left out. */
  send(frame: Frame, leftOut: readonly M[]): Taken;
}

/** Makes groups. Sockets with the same fan-out can be in one group. */
export interface Fanout {
  group<M extends Member>(): Group<M>;
}

class Loop<M extends Member> implements Group<M> {
  readonly members = new SmallSet<M>();

  add(member: M): void {
    this.members.add(member);
  }

  delete(member: M): boolean {
    return this.members.delete(member);
  }

  send(): Taken {
    return "refused";
  }
}

/** For those who are written to one by one. */
export const oneByOne: Fanout = { group: <M extends Member>() => new Loop<M>() };
