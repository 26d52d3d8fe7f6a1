import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Broker } from "../broker/broker.ts";
import type { Compressor } from "../protocol/compression.ts";
import { EncodedEvent, type Frame } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import { Audience, type FanoutCounters, type Sent } from "./audience.ts";
import { type Beginning, Cursors } from "./cursors.ts";
import type { ChannelDefinition } from "./definition.ts";
import { type Fanout, oneByOne } from "./fanout.ts";
import { exclusionOf, type Subscriber } from "./subscriber.ts";

/**
 * A channel that somebody is subscribed to: its subscribers, and the fan-out to them.
 *
 * An event is written once for each variant and handed to every subscriber that is up to date. One whose
 * socket takes no more, or that came back after a while, is one of its {@linkcode Cursors}.
 */
export class Channel {
  readonly name: string;
  /** What was declared for it; undefined for the hub's own channels. */
  readonly definition: ChannelDefinition | undefined;
  /** The place before the next event. */
  position: Position;
  /** Those who are up to date. The array is replaced, never changed: an event may be on its way through it. */
  #live: readonly Audience[] = [];
  /** Those who are not. */
  #behind: Cursors | undefined;
  #encoded: WeakMap<ChannelEvent, EncodedEvent> | undefined;
  readonly #broker: Broker;
  readonly #compressor: Compressor;
  readonly #lag: number;
  readonly #counters: FanoutCounters | undefined;

  /** @param lag How many events a subscriber may be behind before its channel's policy decides. */
  constructor(
    name: string,
    position: Position,
    workings: {
      readonly definition: ChannelDefinition | undefined;
      readonly broker: Broker;
      readonly compressor: Compressor;
      readonly lag: number;
      readonly counters?: FanoutCounters;
    },
  ) {
    this.name = name;
    this.position = position;
    this.definition = workings.definition;
    this.#broker = workings.broker;
    this.#compressor = workings.compressor;
    this.#lag = workings.lag;
    this.#counters = workings.counters;
  }

  /** How many are subscribed. */
  get size(): number {
    let size = this.#behind?.size ?? 0;
    for (const { members } of this.#live) size += members.size;
    return size;
  }

  /** Who is subscribed. */
  *subscribers(): IterableIterator<Subscriber> {
    for (const { members } of this.#live) yield* members;
    if (this.#behind !== undefined) yield* this.#behind.subscribers();
  }

  /** Whether it is subscribed. */
  has(subscriber: Subscriber): boolean {
    return this.#behind?.has(subscriber) === true || this.#audienceOf(subscriber) !== undefined;
  }

  /** What a subscriber was sent together with others and was not counted for it yet. */
  sentTo(subscriber: Subscriber): Readonly<Sent> | undefined {
    return this.#audienceOf(subscriber)?.sent;
  }

  /** Lets a subscriber have every event from now on. */
  add(subscriber: Subscriber): void {
    if (this.#audienceOf(subscriber) !== undefined) return;
    this.#addTo(subscriber, (this.#isShared && subscriber.fanout) || oneByOne);
  }

  /** Writes to a subscriber alone from now on, until its socket has little to do. */
  separate(subscriber: Subscriber): void {
    const audience = this.#audienceOf(subscriber);
    if (audience === undefined || audience.fanout === oneByOne) return;
    this.#deleteLive(subscriber);
    this.#addTo(subscriber, oneByOne);
  }

  /** Lets a subscriber have every event after `position`: the past first, then what comes. */
  addBehind(subscriber: Subscriber, position: Position, beginning: Beginning = {}): void {
    this.#cursors().begin(subscriber, position, beginning);
  }

  /** Lets it have no more. False where it had none. */
  delete(subscriber: Subscriber): boolean {
    return this.#behind?.delete(subscriber) === true || this.#deleteLive(subscriber);
  }

  /** Moves a subscriber whose variant or fan-out has changed to where it now belongs. */
  regroup(subscriber: Subscriber): void {
    if (this.#deleteLive(subscriber)) this.add(subscriber);
  }

  /** Where a subscriber stands: before the next event it gets. */
  positionOf(subscriber: Subscriber): Position {
    return this.#behind?.positionOf(subscriber) ?? this.position;
  }

  /**
   * Gives a subscriber that is behind as much of the past as its socket takes.
   *
   * @returns Whether it is behind no longer.
   */
  catchUp(subscriber: Subscriber): MaybePromise<boolean> {
    return this.#behind?.catchUp(subscriber) ?? true;
  }

  /**
   * Writes an event of the past: once as long as history keeps it, however many come to get it. What goes out
   * live is not kept for that, since few events are ever asked for again: to keep it took half of what a
   * publication took, most of it for the collector.
   */
  encode(event: ChannelEvent): EncodedEvent {
    this.#encoded ??= new WeakMap();
    let encoded = this.#encoded.get(event);
    if (encoded === undefined) {
      encoded = new EncodedEvent(event, this.#compressor);
      this.#encoded.set(event, encoded);
    }
    return encoded;
  }

  /** Writes an event and hands it to everybody who is up to date and whom it is for. */
  deliver(event: ChannelEvent): void {
    if (event.isAnnouncement) {
      this.#announce(event);
      return;
    }
    const before = this.position;
    this.position = { epoch: event.epoch, offset: event.offset };
    if (this.#live.length === 0) return;
    if (event.epoch !== before.epoch || event.offset !== before.offset + 1) {
      this.#recoverAll(before);
      return;
    }
    this.#fanOut(event, before);
  }

  /** Hands an announcement to everybody whom it is for: it could not be caught up with later. */
  #announce(event: ChannelEvent): void {
    // Who is behind stays so; a copy, since a delivery may end a connection.
    const behind = [...this.#behind?.subscribers() ?? []];
    this.#fanOut(event, undefined);
    if (behind.length === 0) return;
    const encoded = new EncodedEvent(event, this.#compressor);
    const isExcluded = exclusionOf(event);
    for (const subscriber of behind) {
      if (!isExcluded?.(subscriber)) subscriber.deliver(encoded.frame(subscriber.variant), event);
    }
  }

  /** @param before The place before the event, where one whose socket takes no more can fall behind to. */
  #fanOut(event: ChannelEvent, before: Position | undefined): void {
    const encoded = new EncodedEvent(event, this.#compressor);
    const isExcluded = exclusionOf(event);
    const live = this.#live;
    for (const audience of live) {
      if (audience.fanout === oneByOne) continue;
      const frame = encoded.frame(audience.variant);
      // What is to be acknowledged is noted for each.
      if (!event.ack && audience.send(frame, isExcluded, this.#counters)) continue;
      this.#toEach(audience, frame, event, { before, isExcluded });
    }
    for (const audience of live) {
      if (audience.fanout !== oneByOne) continue;
      this.#toEach(audience, encoded.frame(audience.variant), event, { before, isExcluded });
    }
  }

  #toEach(
    { members, fanout }: Audience,
    frame: Frame,
    event: ChannelEvent,
    { before, isExcluded }: {
      readonly before: Position | undefined;
      readonly isExcluded: ((subscriber: Subscriber) => boolean) | undefined;
    },
  ): void {
    const maySettle = fanout === oneByOne && this.#isShared;
    for (const subscriber of members) {
      if (before !== undefined && !subscriber.takes(frame)) this.#fallBehind(subscriber, before);
      else if (!isExcluded?.(subscriber)) {
        subscriber.deliver(frame, event);
        // It was written to alone for want of room, and has room again.
        if (maySettle && subscriber.fanout !== undefined) this.regroup(subscriber);
      }
    }
  }

  #fallBehind(subscriber: Subscriber, position: Position): void {
    this.#deleteLive(subscriber);
    this.#cursors().fallBehind(subscriber, position);
  }

  /** An event does not follow the one before: history has what lies between, or the gap to tell. */
  #recoverAll(position: Position): void {
    for (const { members } of this.#live) {
      for (const subscriber of members) {
        this.#deleteLive(subscriber);
        this.addBehind(subscriber, position);
      }
    }
  }

  #cursors(): Cursors {
    return this.#behind ??= new Cursors(this, this.#broker, this.#lag);
  }

  /** Whether nothing is asked of its fan-out that only writing to each alone can do. */
  get #isShared(): boolean {
    const { definition } = this;
    return definition === undefined ||
      (definition.priority === "normal" && definition.overflow === "disconnect");
  }

  #audienceOf(subscriber: Subscriber): Audience | undefined {
    for (const audience of this.#live) if (audience.members.has(subscriber)) return audience;
    return undefined;
  }

  #addTo(subscriber: Subscriber, fanout: Fanout): void {
    const { variant } = subscriber;
    let audience: Audience | undefined;
    for (const one of this.#live) {
      if (one.variant === variant && one.fanout === fanout) audience = one;
    }
    if (audience === undefined) {
      audience = new Audience(variant, fanout);
      this.#live = this.#live.concat(audience); // a spread array has room for more, and there is one a channel
    }
    audience.add(subscriber);
  }

  #deleteLive(subscriber: Subscriber): boolean {
    const audience = this.#audienceOf(subscriber);
    if (audience === undefined || !audience.delete(subscriber)) return false;
    if (audience.members.size === 0) this.#live = this.#live.filter((one) => one !== audience);
    return true;
  }
}
