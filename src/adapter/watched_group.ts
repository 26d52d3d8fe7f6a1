import { SmallSet } from "../base/small_set.ts";
import type { Group, Member, Taken } from "../channel/fanout.ts";
import type { Socket } from "../channel/socket.ts";
import type { Frame } from "../protocol/encode.ts";

/** How many bytes all groups together are sent until their sockets are looked at, */
const ENOUGH_BYTES = 65_536;

/** or this part of what a socket takes, where that is less. */
const ENOUGH_PART = 1 / 16;

/** What is looked at. */
interface Watched {
  /** Finds out who takes no more. */
  look(): void;
}

/**
 * Looks at sockets that are sent to without being asked whether they take more. To ask each after each
 * event costs as much as a part of the sending; and within a tick the runtimes do not tell.
 */
export class Watch {
  #busy: Watched[] = [];
  #bytes = 0;
  #isDue = false;
  /** What the socket takes that takes the least. One may be in all groups. */
  #room = Infinity;
  readonly #afterTick: (look: () => void) => void;

  /** @param afterTick Calls when the tick is over, and sockets tell what waits. */
  constructor(afterTick: (look: () => void) => void) {
    this.#afterTick = afterTick;
  }

  /** A socket that has little to do takes so many bytes. */
  heed(room: number): void {
    this.#room = Math.min(this.#room, room);
  }

  /** Whether a socket that took more when it was looked at can be sent so much more unasked. */
  allows(size: number): boolean {
    // In UTF-8 a unit of UTF-16 takes three bytes at most.
    return (this.#bytes + size) * 3 <= this.#room;
  }

  /** Has a group looked at next time. */
  add(group: Watched): void {
    this.#busy.push(group);
  }

  /** So much more was sent. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isDue || this.#bytes < Math.min(ENOUGH_BYTES, this.#room * ENOUGH_PART)) return;
    this.#isDue = true;
    this.#afterTick(() => this.#look());
  }

  #look(): void {
    const busy = this.#busy;
    this.#busy = [];
    this.#bytes = 0;
    this.#isDue = false;
    for (const group of busy) group.look();
  }
}

/**
 * A group whose sockets are sent to at once, and looked at afterwards.
 *
 * @typeParam W What the runtime has for a socket.
 */
export abstract class WatchedGroup<M extends Member, W> implements Group<M>, Watched {
  readonly members = new SmallSet<M>();
  readonly #watch: Watch;
  /** Whether it was sent something since it was looked at. */
  #isBusy = false;
  /**
   * What the members' sockets are to the runtime, since whoever joined or left last: to come to each by way of
   * its member and its socket, which have left the caches since the last event, takes a tenth of a delivery.
   */
  #webSockets: readonly W[] | undefined;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  add(member: M): void {
    this.#watch.heed(member.room);
    this.members.add(member);
    this.#webSockets = undefined;
  }

  delete(member: M): boolean {
    this.#webSockets = undefined;
    return this.members.delete(member);
  }

  send(frame: Frame, leftOut: readonly M[]): Taken {
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    if (!this.#watch.allows(size) || !this.sendAll(frame, leftOut)) return "refused";
    if (!this.#isBusy) this.#watch.add(this);
    this.#isBusy = true;
    this.#watch.count(size);
    return "handed";
  }

  look(): void {
    this.#isBusy = false;
    for (const member of this.members) if (!member.isReady) member.strained();
  }

  /** Sends to all members but those left out; false where that is not to be done for all at once. */
  protected abstract sendAll(frame: Frame, leftOut: readonly M[]): boolean;

  /** What the runtime has for a member's socket. */
  protected abstract webSocketOf(socket: Socket): W;

  /** What the runtime has for the sockets of all members but those left out. */
  protected webSockets(leftOut: readonly M[]): readonly W[] {
    const all = this.#webSockets ??= Array.from(
      this.members,
      ({ socket }) => this.webSocketOf(socket),
    );
    if (leftOut.length === 0) return all;
    const excluded = new Set(leftOut.map(({ socket }) => this.webSocketOf(socket)));
    return all.filter((webSocket) => !excluded.has(webSocket));
  }
}
