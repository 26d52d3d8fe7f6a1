import { attempt, type MaybePromise } from "../base/maybe_promise.ts";
import type { Broker, Gap, HistoryPage } from "../broker/broker.ts";
import type { Compressor } from "../protocol/compression.ts";
import { EncodedEvent, type Frame, type Variant } from "../protocol/encode.ts";
import type { ChannelEvent, Exclusion } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import { Audience, type FanoutCounters, type Sent } from "./audience.ts";
import { Conflation } from "./conflation.ts";
import type { ChannelDefinition, Overflow } from "./definition.ts";
import { type Fanout, type Member, oneByOne } from "./fanout.ts";
import { type Run, STRETCH, Stretches } from "./stretch.ts";

/** How many bytes of its past a subscriber that is behind is given at a time. */
const PAGE_BYTES = 262_144;

/** The same where only the newest of each key is wanted, so that all of them are looked at together. */
const CONFLATED_PAGE = { limit: 1_000, bytes: 8_388_608 } as const;

/** A connection, as the fan-out sees it. No method throws. */
export interface Subscriber extends Member {
  readonly clientId: string;
  readonly userId: string | null;
  /** How its frames are written. When it changes, {@linkcode Channel.regroup} must be told. */
  readonly variant: Variant;
  /**
   * What it may be written to by together with others, as it is now; undefined for alone. When the fan-out
   * that it has changes, {@linkcode Channel.regroup} must be told.
   */
  readonly fanout: Fanout | undefined;
  /** Hands one frame of an event to its socket. */
  deliver(frame: Frame, event: ChannelEvent): void;
  /** Hands the frames of several events to its socket, none of which has to be acknowledged. */
  deliverAll(run: Run): void;
  /** Counts what it was sent together with others; less than nothing for what it was not sent. */
  count(messages: number, bytes: number): void;
  /** Tells it of events it will not get. */
  miss(channel: string, epoch: string, gap: Gap): void;
  /** It fell behind in this channel, and wants {@linkcode Channel.catchUp} when its socket takes more. */
  fellBehind(channel: Channel): void;
  /** It fell behind by more than the channel bears: its connection is to be cut. */
  overflowed(channel: Channel): void;
}

/** Events after the place `after`, up to the offset `to`. */
export interface Seen {
  readonly after: Position;
  readonly to: number;
}

/** What a subscriber is told first that cannot have everything after its place. */
export interface Jump {
  readonly gap: Gap;
  /** The place it goes on from. */
  readonly to: Position;
}

/** How a subscriber starts that came with a place. */
export interface Beginning {
  /** What it is told that it will not get. */
  readonly jump?: Jump;
  /** What it got before, while it was on the channel in its own right. */
  readonly seen?: Seen;
}

/** Where a subscriber that is not up to date stands. */
interface Cursor {
  position: Position;
  /** Whether it came with this position, and so cannot help being behind. */
  readonly isRecovering: boolean;
  /** What it has already, though it lies after its position. */
  readonly seen: Seen | undefined;
  /** What it is to be told before anything else. */
  jump: Jump | undefined;
  /** Whether a page of the past is being fetched for it. */
  isReading: boolean;
}

/**
 * A channel that somebody is subscribed to: its subscribers, and the fan-out to them.
 *
 * An event is written once for each variant and handed to every subscriber that is up to date. One whose
 * socket takes no more, or that came back after a while, holds no copies: it is a cursor in the channel's
 * history, which moves as its socket drains, and at the head it is up to date again.
 */
export class Channel {
  readonly name: string;
  /** What was declared for it; undefined for the hub's own channels. */
  readonly definition: ChannelDefinition | undefined;
  /** The place before the next event. */
  position: Position;
  /** Those who are up to date. The array is replaced, never changed: an event may be on its way through it. */
  #live: readonly Audience[] = [];
  #behind: Map<Subscriber, Cursor> | undefined;
  #encoded: WeakMap<ChannelEvent, EncodedEvent> | undefined;
  /** Kept for whoever comes next, until memory is wanted for something else. */
  #stretches: WeakRef<Stretches> | undefined;
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
    if (this.#behind !== undefined) yield* this.#behind.keys();
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
  addBehind(subscriber: Subscriber, position: Position, { jump, seen }: Beginning = {}): void {
    this.#setBehind(subscriber, { position, jump, seen, isRecovering: true, isReading: false });
    subscriber.fellBehind(this);
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
    return this.#behind?.get(subscriber)?.position ?? this.position;
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
    const behind = [...this.#behind?.keys() ?? []];
    this.#fanOut(event, undefined);
    if (behind.length === 0) return;
    const encoded = this.#encode(event);
    const isExcluded = event.exclude === undefined ? undefined : excluded(event.exclude);
    for (const subscriber of behind) {
      if (!isExcluded?.(subscriber)) subscriber.deliver(encoded.frame(subscriber.variant), event);
    }
  }

  /** @param before The place before the event, where one whose socket takes no more can fall behind to. */
  #fanOut(event: ChannelEvent, before: Position | undefined): void {
    const encoded = this.#encode(event);
    const isExcluded = event.exclude === undefined ? undefined : excluded(event.exclude);
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
      if (before !== undefined && !subscriber.isReady) this.#fallBehind(subscriber, before);
      else if (!isExcluded?.(subscriber)) {
        subscriber.deliver(frame, event);
        // It was written to alone for want of room, and has room again.
        if (maySettle && subscriber.fanout !== undefined) this.regroup(subscriber);
      }
    }
  }

  /**
   * Gives a subscriber that is behind as much of the past as its socket takes.
   *
   * @returns Whether it is behind no longer.
   */
  catchUp(subscriber: Subscriber): MaybePromise<boolean> {
    const cursor = this.#behind?.get(subscriber);
    if (cursor === undefined) return true;
    if (cursor.isReading) return false;
    if (this.#isTooFarBehind(cursor)) this.#applyPolicy(subscriber, cursor);
    if (cursor.jump !== undefined && subscriber.isReady) {
      this.#pass(subscriber, cursor, cursor.jump);
      cursor.jump = undefined;
    }
    while (this.#behind?.get(subscriber) === cursor && subscriber.isReady) {
      if (this.#isAtHead(cursor)) {
        this.#behind?.delete(subscriber);
        this.add(subscriber);
        return true;
      }
      const size = this.#conflates(cursor) ? CONFLATED_PAGE : pageAfter(cursor);
      const query = { since: cursor.position, ...size };
      const page = attempt(() => this.#broker.history(this.name, query));
      if (page instanceof Promise) return this.#catchUpLater(subscriber, cursor, page);
      if (!this.#give(subscriber, cursor, page)) return false;
    }
    return this.#behind?.has(subscriber) !== true;
  }

  #catchUpLater(
    subscriber: Subscriber,
    cursor: Cursor,
    page: Promise<HistoryPage | undefined>,
  ): Promise<boolean> {
    cursor.isReading = true;
    return page.then((page) => {
      cursor.isReading = false;
      if (this.#behind?.get(subscriber) !== cursor) return true;
      return this.#give(subscriber, cursor, page) && this.catchUp(subscriber);
    }, () => {
      // The broker is away: the next turn tries again.
      cursor.isReading = false;
      return false;
    });
  }

  /** Exactly there: history may know events that are still on their way here and would come again. */
  #isAtHead({ position }: Cursor): boolean {
    return position.epoch === this.position.epoch && position.offset === this.position.offset;
  }

  /** Hands over a page. False where it has nothing new: what it knows is still on its way here. */
  #give(subscriber: Subscriber, cursor: Cursor, page: HistoryPage | undefined): boolean {
    if (page === undefined) {
      // Nothing is known of the channel: what there was is gone, and so is its numbering.
      subscriber.miss(this.name, this.position.epoch, { from: null, to: null });
      cursor.position = this.position;
      return true;
    }
    const { epoch, gap, events } = page;
    if (gap !== undefined) {
      const wasTooSlow = !cursor.isRecovering && gap.from !== null;
      if (wasTooSlow && this.#overflow === "disconnect") {
        subscriber.overflowed(this);
        return false;
      }
      const first = events[0]?.offset ?? page.head + 1;
      this.#pass(subscriber, cursor, { gap, to: { epoch, offset: first - 1 } });
    }
    if (this.#giveAll(subscriber, cursor, page)) return true;
    const overflow = this.definition?.overflow;
    const conflation = this.#conflates(cursor) && typeof overflow === "object"
      ? new Conflation(events.filter((event) => isFor(event, subscriber)), overflow.key)
      : undefined;
    for (const event of events) {
      if (!subscriber.isReady) break;
      if (!conflation?.leavesOut(event)) {
        conflation?.tell(subscriber, event);
        if (!hasSeen(cursor, event) && isFor(event, subscriber)) {
          subscriber.deliver(this.#frame(subscriber, event), event);
        }
      }
      cursor.position = { epoch, offset: event.offset };
    }
    conflation?.tell(subscriber, { channel: this.name, epoch });
    return events.length > 0 || gap !== undefined;
  }

  /** Hands over a page as one, where all of it is for the subscriber and its socket has room for it. */
  #giveAll(subscriber: Subscriber, cursor: Cursor, page: HistoryPage): boolean {
    const last = page.events.at(-1);
    if (last === undefined || cursor.seen !== undefined || this.#conflates(cursor)) return false;
    let stretches = this.#stretches?.deref();
    if (stretches === undefined) {
      stretches = new Stretches((event) => this.#encode(event));
      this.#stretches = new WeakRef(stretches);
    }
    const stretch = stretches.of(page);
    if (!stretch.isForAll) return false;
    const run = stretch.run(subscriber.variant);
    // In UTF-8 a unit of UTF-16 takes three bytes at most.
    if (run.size * 3 > subscriber.room) return false;
    subscriber.deliverAll(run);
    cursor.position = { epoch: page.epoch, offset: last.offset };
    return true;
  }

  /** Whoever recovers gets everything; whoever is slow gets what its channel's policy says. */
  #conflates({ isRecovering }: Cursor): boolean {
    return !isRecovering && typeof this.definition?.overflow === "object";
  }

  /** Tells a subscriber of a gap, and goes on behind it. */
  #pass(subscriber: Subscriber, cursor: Cursor, { gap, to }: Jump): void {
    for (const part of unseen(cursor, to.epoch, gap)) subscriber.miss(this.name, to.epoch, part);
    cursor.position = to;
  }

  #frame({ variant }: Subscriber, event: ChannelEvent): Frame {
    return this.#encode(event).frame(variant);
  }

  /** As long as history keeps an event, it is written once, however many come to get it. */
  #encode(event: ChannelEvent): EncodedEvent {
    this.#encoded ??= new WeakMap();
    let encoded = this.#encoded.get(event);
    if (encoded === undefined) {
      encoded = new EncodedEvent(event, this.#compressor);
      this.#encoded.set(event, encoded);
    }
    return encoded;
  }

  #fallBehind(subscriber: Subscriber, position: Position): void {
    this.#deleteLive(subscriber);
    this.#setBehind(subscriber, {
      position,
      jump: undefined,
      seen: undefined,
      isRecovering: false,
      isReading: false,
    });
    subscriber.fellBehind(this);
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

  /** One that recovers cannot help it. */
  #isTooFarBehind({ isRecovering, position }: Cursor): boolean {
    const { epoch, offset } = this.position;
    return !isRecovering && position.epoch === epoch && offset - position.offset > this.#lag;
  }

  /** What is done about a subscriber that reads too slowly. */
  #applyPolicy(subscriber: Subscriber, cursor: Cursor): void {
    const overflow = this.#overflow;
    if (overflow === "disconnect") subscriber.overflowed(this);
    else if (overflow === "drop-oldest" && subscriber.isReady) {
      // Told once, when it reads again: each notice to one that does not would only wait too.
      const { epoch, offset } = this.position;
      const to = offset - this.#lag;
      subscriber.miss(this.name, epoch, { from: cursor.position.offset + 1, to });
      cursor.position = { epoch, offset: to };
    }
  }

  #setBehind(subscriber: Subscriber, cursor: Cursor): void {
    this.#behind ??= new Map();
    this.#behind.set(subscriber, cursor);
  }

  get #overflow(): Overflow {
    return this.definition?.overflow ?? "disconnect";
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

/** How much of the past is read for one that stands there. */
function pageAfter({ position: { offset } }: Cursor): { limit: number; bytes: number } {
  return { limit: STRETCH - offset % STRETCH, bytes: PAGE_BYTES };
}

function isFor({ exclude }: ChannelEvent, subscriber: Subscriber): boolean {
  return exclude === undefined || !excluded(exclude)(subscriber);
}

function hasSeen({ seen }: Cursor, { epoch, offset }: ChannelEvent): boolean {
  return seen !== undefined && epoch === seen.after.epoch && offset > seen.after.offset &&
    offset <= seen.to;
}

/** What of a gap the subscriber has not got before. */
function unseen({ seen }: Cursor, epoch: string, gap: Gap): readonly Gap[] {
  const { from, to } = gap;
  if (seen === undefined || epoch !== seen.after.epoch || from === null || to === null) {
    return [gap];
  }
  const before = { from, to: Math.min(to, seen.after.offset) };
  const after = { from: Math.max(from, seen.to + 1), to };
  return [before, after].filter(({ from, to }) => from <= to);
}

function excluded({ clients = [], users = [] }: Exclusion): (subscriber: Subscriber) => boolean {
  const clientIds = new Set(clients);
  const userIds = new Set(users);
  return ({ clientId, userId }) =>
    clientIds.has(clientId) || (userId !== null && userIds.has(userId));
}
