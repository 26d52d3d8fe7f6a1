import { SmallSet } from "../base/small_set.ts";
import type { Fanout, Group, Member, Taken } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";

/** As much of Bun's server as is needed to publish. */
export interface BunPublisher {
  publish(topic: string, data: Frame, compress: boolean): number;
}

/** As much of a socket of Bun's as a topic needs. */
export interface TopicSocket {
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  publish(topic: string, data: Frame, compress: boolean): number;
  getBufferedAmount(): number;
}

/** A socket of this adapter. */
interface HasTopicSocket {
  readonly webSocket: TopicSocket;
}

/**
 * How many bytes a group may be sent in a tick by its topic. What a topic has queued no socket tells of
 * before the tick is over, so the rest goes to each by itself.
 */
const MOST_BYTES = 262_144;

/** How few members need no topic of their own. */
const FEW = 2;

/** Publishes by Bun's own topics, one for each group. Bun keeps them in order with what is sent otherwise. */
export class BunFanout implements Fanout {
  readonly publisher: BunPublisher;
  /** The groups that were sent something in this tick. */
  #busy: BunGroup<Member>[] = [];
  #topics = 0;

  constructor(publisher: BunPublisher) {
    this.publisher = publisher;
  }

  group<M extends Member>(): Group<M> {
    return new BunGroup<M>(this);
  }

  nextTopic(): string {
    return `heddle:${++this.#topics}`;
  }

  /** Looks at the sockets of a group when the tick is over: a topic cannot tell which take no more. */
  watch(group: BunGroup<Member>): void {
    if (this.#busy.length === 0) setImmediate(() => this.#look());
    this.#busy.push(group);
  }

  #look(): void {
    const busy = this.#busy;
    this.#busy = [];
    for (const group of busy) group.look();
  }
}

class BunGroup<M extends Member> implements Group<M> {
  readonly members = new SmallSet<M>();
  readonly #fanout: BunFanout;
  #topic: string | undefined;
  /** What it was sent in this tick. */
  #bytes = 0;

  constructor(fanout: BunFanout) {
    this.#fanout = fanout;
  }

  add(member: M): void {
    this.members.add(member);
    if (this.#topic !== undefined) socketOf(member).subscribe(this.#topic);
  }

  delete(member: M): boolean {
    if (!this.members.delete(member)) return false;
    if (this.#topic !== undefined) socketOf(member).unsubscribe(this.#topic);
    return true;
  }

  send(frame: Frame, leftOut: readonly M[]): Taken {
    if (this.members.size < FEW || leftOut.length > 1) return "refused";
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    if (this.#bytes + size > MOST_BYTES) return "refused";
    this.#topic ??= this.#open();
    if (this.#bytes === 0) this.#fanout.watch(this as unknown as BunGroup<Member>);
    this.#bytes += size;
    const [except] = leftOut;
    if (except === undefined) this.#fanout.publisher.publish(this.#topic, frame, false);
    else socketOf(except).publish(this.#topic, frame, false);
    return "handed";
  }

  /** Finds out who takes no more. */
  look(): void {
    this.#bytes = 0;
    for (const member of this.members) {
      if (socketOf(member).getBufferedAmount() > 0 && !member.isReady) member.strained();
    }
  }

  /** A topic is made when there is something to say: most groups are small, and silent. */
  #open(): string {
    const topic = this.#fanout.nextTopic();
    for (const member of this.members) socketOf(member).subscribe(topic);
    return topic;
  }
}

function socketOf({ socket }: Member): TopicSocket {
  return (socket as unknown as HasTopicSocket).webSocket;
}
