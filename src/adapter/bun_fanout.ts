import type { Fanout, Group, Member } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";
import { Watch, WatchedGroup } from "./watched_group.ts";

/** As much of Bun's server as is needed to publish. */
export interface BunPublisher {
  publish(topic: string, data: Frame, compress: boolean): number;
}

/** As much of a socket of Bun's as a topic needs. */
export interface TopicSocket {
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  publish(topic: string, data: Frame, compress: boolean): number;
}

/** A socket of this adapter. */
interface HasTopicSocket {
  readonly webSocket: TopicSocket;
}

/** How few members need no topic of their own. */
const FEW = 2;

/** Publishes by Bun's own topics, one for each group. Bun keeps them in order with what is sent otherwise. */
export class BunFanout implements Fanout {
  readonly publisher: BunPublisher;
  readonly #watch = new Watch(setImmediate);
  #topics = 0;

  constructor(publisher: BunPublisher) {
    this.publisher = publisher;
  }

  group<M extends Member>(): Group<M> {
    return new BunGroup<M>(this, this.#watch);
  }

  nextTopic(): string {
    return `heddle:${++this.#topics}`;
  }
}

class BunGroup<M extends Member> extends WatchedGroup<M> {
  readonly #fanout: BunFanout;
  #topic: string | undefined;

  constructor(fanout: BunFanout, watch: Watch) {
    super(watch);
    this.#fanout = fanout;
  }

  override add(member: M): void {
    super.add(member);
    if (this.#topic !== undefined) socketOf(member).subscribe(this.#topic);
  }

  override delete(member: M): boolean {
    if (!super.delete(member)) return false;
    if (this.#topic !== undefined) socketOf(member).unsubscribe(this.#topic);
    return true;
  }

  protected override sendAll(frame: Frame, leftOut: readonly M[]): boolean {
    if (this.members.size < FEW || leftOut.length > 1) return false;
    this.#topic ??= this.#open();
    const [except] = leftOut;
    if (except === undefined) this.#fanout.publisher.publish(this.#topic, frame, false);
    else socketOf(except).publish(this.#topic, frame, false);
    return true;
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
