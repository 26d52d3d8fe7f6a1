import type { Fanout, Group, Member } from "../channel/fanout.ts";
import type { Socket } from "../channel/socket.ts";
import type { Frame } from "../protocol/encode.ts";
import { Watch, WatchedGroup } from "./watched_group.ts";

/** As much of Bun's server as is needed to publish. */
export interface BunPublisher {
  publish(topic: string, data: Frame, compress: boolean): number;
}

/** As much of a socket of Bun's as a group needs. */
export interface TopicSocket {
  sendText(data: string, compress: boolean): number;
  sendBinary(data: Uint8Array, compress: boolean): number;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  publish(topic: string, data: Frame, compress: boolean): number;
  terminate(): void;
}

/** A socket of this adapter. */
interface HasTopicSocket {
  readonly webSocket: TopicSocket;
}

/** Fewer members are no group: each is written to by itself. */
const FEW = 2;

/**
 * Sends an event that is alone in its tick to one socket after the other, which brings it there sooner than Bun's
 * own topics do, and what comes in bursts by a topic, one for each group, which writes once for a tick. Bun keeps
 * them in order with each other, and with what is sent otherwise.
 */
export class BunFanout implements Fanout {
  readonly publisher: BunPublisher;
  readonly #watch = new Watch(setImmediate);
  #topics = 0;
  #tick = 0;
  #isCounting = false;

  constructor(publisher: BunPublisher) {
    this.publisher = publisher;
  }

  group<M extends Member>(): Group<M> {
    return new BunGroup<M>(this, this.#watch);
  }

  nextTopic(): string {
    return `heddle:${++this.#topics}`;
  }

  /** Counts the ticks in which it is called, and tells which this is. */
  tick(): number {
    if (!this.#isCounting) {
      this.#isCounting = true;
      setImmediate(() => {
        this.#isCounting = false;
        this.#tick++;
      });
    }
    return this.#tick;
  }
}

class BunGroup<M extends Member> extends WatchedGroup<M, TopicSocket> {
  readonly #fanout: BunFanout;
  #topic: string | undefined;
  /** The tick of the last event, */
  #tick = -1;
  /** how many events it has had, */
  #events = 0;
  /** and whether the tick before had several. */
  #isBurst = false;

  constructor(fanout: BunFanout, watch: Watch) {
    super(watch);
    this.#fanout = fanout;
  }

  override add(member: M): void {
    super.add(member);
    if (this.#topic !== undefined) this.webSocketOf(member.socket).subscribe(this.#topic);
  }

  override delete(member: M): boolean {
    if (!super.delete(member)) return false;
    if (this.#topic !== undefined) this.webSocketOf(member.socket).unsubscribe(this.#topic);
    return true;
  }

  protected override sendAll(frame: Frame, leftOut: readonly M[]): boolean {
    if (this.members.size < FEW) return false;
    if (this.#isAlone()) {
      const dropping: TopicSocket[] = [];
      for (const webSocket of this.webSockets(leftOut)) {
        if (!trySend(webSocket, frame)) dropping.push(webSocket);
      }
      // Not before all others have it: Bun tells of an end at once, and an application may then take them off.
      for (const webSocket of dropping) webSocket.terminate();
      return true;
    }
    if (leftOut.length > 1) return false;
    this.#topic ??= this.#open();
    const [except] = leftOut;
    if (except === undefined) this.#fanout.publisher.publish(this.#topic, frame, false);
    else this.webSocketOf(except.socket).publish(this.#topic, frame, false);
    return true;
  }

  protected override webSocketOf(socket: Socket): TopicSocket {
    return (socket as unknown as HasTopicSocket).webSocket;
  }

  /** Whether an event is the only one of its tick, as far as can be told. */
  #isAlone(): boolean {
    const tick = this.#fanout.tick();
    if (tick !== this.#tick) {
      this.#isBurst = this.#events > 1;
      this.#tick = tick;
      this.#events = 0;
    }
    return ++this.#events === 1 && !this.#isBurst;
  }

  /** A topic is made when there is something to say: most groups are small, and silent. */
  #open(): string {
    const topic = this.#fanout.nextTopic();
    for (const webSocket of this.webSockets([])) webSocket.subscribe(topic);
    return topic;
  }
}

/** Sends a frame; one that Bun drops would leave a hole, which what comes after would hide, so nothing does. */
export function send(webSocket: TopicSocket, frame: Frame): void {
  if (!trySend(webSocket, frame)) webSocket.terminate();
}

/** Sends a frame; false where Bun drops it. */
function trySend(webSocket: TopicSocket, frame: Frame): boolean {
  // Told apart here, it costs Bun less than by its own `send`.
  const sent = typeof frame === "string"
    ? webSocket.sendText(frame, false)
    : webSocket.sendBinary(frame, false);
  return sent !== 0;
}
