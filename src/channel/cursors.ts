import { attempt, type MaybePromise } from "../base/maybe_promise.ts";
import type { Broker, Gap, HistoryPage } from "../broker/broker.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { Channel } from "./channel.ts";
import { Conflation } from "./conflation.ts";
import type { Overflow } from "./definition.ts";
import { STRETCH, Stretches } from "./stretch.ts";
import { isFor, type Subscriber } from "./subscriber.ts";

/** How many bytes of its past a subscriber that is behind is given at a time. */
const PAGE_BYTES = 262_144;

/** The same where only the newest of each key is wanted, so that all of them are looked at together. */
const CONFLATED_PAGE = { limit: 1_000, bytes: 8_388_608 } as const;

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
 * Those of a channel's subscribers who are not up to date. They hold no copies: each is a cursor in the
 * channel's history, which moves as its socket drains, and at the head it is up to date again.
 */
export class Cursors {
  readonly #channel: Channel;
  readonly #broker: Broker;
  readonly #lag: number;
  readonly #cursors = new Map<Subscriber, Cursor>();
  /** Kept for whoever comes next, until memory is wanted for something else. */
  #stretches: WeakRef<Stretches> | undefined;

  /** @param lag How many events one may be behind before the channel's policy decides. */
  constructor(channel: Channel, broker: Broker, lag: number) {
    this.#channel = channel;
    this.#broker = broker;
    this.#lag = lag;
  }

  get size(): number {
    return this.#cursors.size;
  }

  /** Who is behind. */
  subscribers(): IterableIterator<Subscriber> {
    return this.#cursors.keys();
  }

  has(subscriber: Subscriber): boolean {
    return this.#cursors.has(subscriber);
  }

  /** Where one stands; undefined for one that is not behind. */
  positionOf(subscriber: Subscriber): Position | undefined {
    return this.#cursors.get(subscriber)?.position;
  }

  /** Lets one that came with a place start there. */
  begin(subscriber: Subscriber, position: Position, { jump, seen }: Beginning): void {
    this.#put(subscriber, { position, jump, seen, isRecovering: true, isReading: false });
  }

  /** Lets one whose socket takes no more go on later from where it is. */
  fallBehind(subscriber: Subscriber, position: Position): void {
    const cursor = { position, jump: undefined, seen: undefined, isReading: false };
    this.#put(subscriber, { ...cursor, isRecovering: false });
  }

  delete(subscriber: Subscriber): boolean {
    return this.#cursors.delete(subscriber);
  }

  /**
   * Gives a subscriber that is behind as much of the past as its socket takes.
   *
   * @returns Whether it is behind no longer.
   */
  catchUp(subscriber: Subscriber): MaybePromise<boolean> {
    const cursor = this.#cursors.get(subscriber);
    if (cursor === undefined) return true;
    if (cursor.isReading) return false;
    if (this.#isTooFarBehind(cursor)) this.#applyPolicy(subscriber, cursor);
    if (cursor.jump !== undefined && subscriber.isReady) {
      this.#pass(subscriber, cursor, cursor.jump);
      cursor.jump = undefined;
    }
    while (this.#cursors.get(subscriber) === cursor && subscriber.isReady) {
      if (this.#isAtHead(cursor)) {
        this.#cursors.delete(subscriber);
        this.#channel.add(subscriber);
        return true;
      }
      const size = this.#conflates(cursor) ? CONFLATED_PAGE : pageAfter(cursor);
      const query = { since: cursor.position, ...size };
      const page = attempt(() => this.#broker.history(this.#channel.name, query));
      if (page instanceof Promise) return this.#catchUpLater(subscriber, cursor, page);
      if (!this.#give(subscriber, cursor, page)) return false;
    }
    return !this.#cursors.has(subscriber);
  }

  #catchUpLater(
    subscriber: Subscriber,
    cursor: Cursor,
    page: Promise<HistoryPage | undefined>,
  ): Promise<boolean> {
    cursor.isReading = true;
    return page.then((page) => {
      cursor.isReading = false;
      if (this.#cursors.get(subscriber) !== cursor) return true;
      return this.#give(subscriber, cursor, page) && this.catchUp(subscriber);
    }, () => {
      // The broker is away: the next turn tries again.
      cursor.isReading = false;
      return false;
    });
  }

  /** Exactly there: history may know events that are still on their way here and would come again. */
  #isAtHead({ position: { epoch, offset } }: Cursor): boolean {
    const { position } = this.#channel;
    return epoch === position.epoch && offset === position.offset;
  }

  /**
   * Hands over a page. False where it must wait: for room for the next event, or, where the page has nothing
   * new, for what is still on its way here.
   */
  #give(subscriber: Subscriber, cursor: Cursor, page: HistoryPage | undefined): boolean {
    if (page === undefined) {
      // Nothing is known of the channel: what there was is gone, and so is its numbering.
      subscriber.miss(this.#channel.name, this.#channel.position.epoch, { from: null, to: null });
      cursor.position = this.#channel.position;
      return true;
    }
    const { epoch, gap, events } = page;
    if (gap !== undefined) {
      const wasTooSlow = !cursor.isRecovering && gap.from !== null;
      if (wasTooSlow && this.#overflow === "disconnect") {
        subscriber.overflowed(this.#channel);
        return false;
      }
      const first = events[0]?.offset ?? page.head + 1;
      this.#pass(subscriber, cursor, { gap, to: { epoch, offset: first - 1 } });
    }
    if (this.#giveAll(subscriber, cursor, page)) return true;
    const overflow = this.#channel.definition?.overflow;
    const conflation = this.#conflates(cursor) && typeof overflow === "object"
      ? new Conflation(events.filter((event) => isFor(event, subscriber)), overflow.key)
      : undefined;
    let isTaken = true;
    for (const event of events) {
      if (!subscriber.isReady) break;
      if (!conflation?.leavesOut(event)) {
        const frame = hasSeen(cursor, event) || !isFor(event, subscriber)
          ? undefined
          : this.#channel.encode(event).frame(subscriber.variant);
        isTaken = frame === undefined || subscriber.takes(frame);
        if (!isTaken) break;
        conflation?.tell(subscriber, event);
        if (frame !== undefined) subscriber.deliver(frame, event);
      }
      cursor.position = { epoch, offset: event.offset };
    }
    conflation?.tell(subscriber, { channel: this.#channel.name, epoch });
    return isTaken && (events.length > 0 || gap !== undefined);
  }

  /** Hands over a page as one, where all of it is for the subscriber and its socket has room for it. */
  #giveAll(subscriber: Subscriber, cursor: Cursor, page: HistoryPage): boolean {
    const last = page.events.at(-1);
    if (last === undefined || cursor.seen !== undefined || this.#conflates(cursor)) return false;
    let stretches = this.#stretches?.deref();
    if (stretches === undefined) {
      stretches = new Stretches((event) => this.#channel.encode(event));
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
    return !isRecovering && typeof this.#channel.definition?.overflow === "object";
  }

  /** Tells a subscriber of a gap, and goes on behind it. */
  #pass(subscriber: Subscriber, cursor: Cursor, { gap, to }: Jump): void {
    for (const part of unseen(cursor, to.epoch, gap)) {
      subscriber.miss(this.#channel.name, to.epoch, part);
    }
    cursor.position = to;
  }

  /** One that recovers cannot help it. */
  #isTooFarBehind({ isRecovering, position }: Cursor): boolean {
    const { epoch, offset } = this.#channel.position;
    return !isRecovering && position.epoch === epoch && offset - position.offset > this.#lag;
  }

  /** What is done about a subscriber that reads too slowly. */
  #applyPolicy(subscriber: Subscriber, cursor: Cursor): void {
    const overflow = this.#overflow;
    if (overflow === "disconnect") subscriber.overflowed(this.#channel);
    else if (overflow === "drop-oldest" && subscriber.isReady) {
      // Told once, when it reads again: each notice to one that does not would only wait too.
      const { epoch, offset } = this.#channel.position;
      const to = offset - this.#lag;
      subscriber.miss(this.#channel.name, epoch, { from: cursor.position.offset + 1, to });
      cursor.position = { epoch, offset: to };
    }
  }

  #put(subscriber: Subscriber, cursor: Cursor): void {
    this.#cursors.set(subscriber, cursor);
    subscriber.fellBehind(this.#channel);
  }

  get #overflow(): Overflow {
    return this.#channel.definition?.overflow ?? "disconnect";
  }
}

/** How much of the past is read for one that stands there. */
function pageAfter({ position: { offset } }: Cursor): { limit: number; bytes: number } {
  return { limit: STRETCH - offset % STRETCH, bytes: PAGE_BYTES };
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
