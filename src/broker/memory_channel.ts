import { SmallSet } from "../base/small_set.ts";
import type { Timed } from "../base/wheel.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { BrokerSubscription, HistoryPage, HistoryQuery, Retention } from "./broker.ts";
import { Stream } from "./stream.ts";

/** What keeps channels in memory. */
export interface ChannelKeeper {
  /** What all epochs start with, so that no other process has the same. */
  readonly life: string;
  /** The last listener of a channel has gone. */
  left(channel: MemoryChannel): void;
  /** The time of something of a channel is over, or was when it was scheduled. */
  due(channel: MemoryChannel, now: number): void;
}

/** Who gets the events after a place. */
class Listener implements BrokerSubscription {
  readonly onEvent: (event: ChannelEvent) => void;
  /** The offset before the first event that it gets. */
  readonly after: number;
  readonly #channel: MemoryChannel;

  constructor(channel: MemoryChannel, onEvent: (event: ChannelEvent) => void) {
    this.onEvent = onEvent;
    this.after = channel.head;
    this.#channel = channel;
  }

  get position(): Position {
    return { epoch: this.#channel.epoch, offset: this.after };
  }

  close(): void {
    this.#channel.leave(this);
  }
}

/**
 * A channel that is listened to, or was. Each connection has one of its own, and most of those never have
 * an event: until the first one it has no stream, and its epoch is a number.
 */
export class MemoryChannel implements Timed {
  readonly name: string;
  retention: Retention;
  /** When it was last listened to or published to. */
  used = 0;
  dueAt: Timed["dueAt"];
  slot: Timed["slot"];
  #stream: Stream | undefined;
  /** The event that is being delivered, and those that were taken meanwhile: a listener published. */
  #delivering: ChannelEvent[] | undefined;
  readonly #listeners = new SmallSet<Listener>();
  readonly #keeper: ChannelKeeper;
  readonly #number: number;

  /** @param number Which of its keeper's channels it is. */
  constructor(name: string, number: number, keeper: ChannelKeeper, retention: Retention) {
    this.name = name;
    this.retention = retention;
    this.#keeper = keeper;
    this.#number = number;
  }

  /** The life of its numbering. */
  get epoch(): string {
    return this.#stream?.epoch ?? `${this.#keeper.life}${this.#number.toString(36)}`;
  }

  /** The newest offset; 0 before the first. */
  get head(): number {
    return this.#stream?.head ?? 0;
  }

  /** How many events it keeps. */
  get size(): number {
    return this.#stream?.size ?? 0;
  }

  /** The bytes of these. */
  get bytes(): number {
    return this.#stream?.bytes ?? 0;
  }

  /** Whether somebody listens. */
  get isListenedTo(): boolean {
    return this.#listeners.size > 0;
  }

  /** When something of it is over, if nothing happens until then: an event, or all of it. */
  get deadline(): number {
    const { ttl } = this.retention;
    const over = this.isListenedTo ? Infinity : this.used + ttl;
    return Math.min(over, (this.#stream?.oldest ?? Infinity) + ttl);
  }

  /** Lets somebody have what comes from now on. */
  listen(onEvent: (event: ChannelEvent) => void): BrokerSubscription {
    // An object of its own for each subscription: the same function may subscribe twice.
    const listener = new Listener(this, onEvent);
    this.#listeners.add(listener);
    return listener;
  }

  /** Lets one have no more. */
  leave(listener: Listener): void {
    if (this.#listeners.delete(listener) && !this.isListenedTo) this.#keeper.left(this);
  }

  /** Lets nobody have any more. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Gives an event the next place and keeps it; whoever listens is yet to be told. */
  append(event: NewEvent, now: number): ChannelEvent {
    this.#stream ??= new Stream(this.name, this.epoch);
    return this.#stream.append(event, this.retention, now);
  }

  /** Drops what its retention no longer covers. */
  trim(now: number): void {
    this.#stream?.trim(this.retention, now);
  }

  /** Drops the oldest event. */
  dropOldest(): void {
    this.#stream?.dropOldest();
  }

  /** Reads a part of the past. */
  read(query: HistoryQuery): HistoryPage {
    return (this.#stream ?? new Stream(this.name, this.epoch)).read(query);
  }

  /**
   * Calls the listeners. One may publish to the same channel, as a hub does that tells of a connection it
   * lost on the way: then the others must get the first event first.
   */
  deliver(event: ChannelEvent): void {
    if (this.#delivering !== undefined) {
      this.#delivering.push(event);
      return;
    }
    this.#delivering = [event];
    try {
      for (const next of this.#delivering) {
        for (const { after, onEvent } of this.#listeners) {
          // One that came while this event was on its way has a position after it.
          if (next.isAnnouncement || next.offset > after) onEvent(next);
        }
      }
    } finally {
      this.#delivering = undefined;
    }
  }

  due(now: number): void {
    this.#keeper.due(this, now);
  }
}
