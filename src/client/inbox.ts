import type { Clock } from "../base/clock.ts";
import type { Position, ServerMessageOf } from "../protocol/messages.ts";
import { isOwnChannelName } from "../protocol/names.ts";
import type { Acknowledger } from "./acknowledger.ts";
import type { GapInfo, RecoveredInfo } from "./events.ts";
import type { Missing, Positions } from "./positions.ts";
import type { ClientEvent } from "./types.ts";

/** Whom the inbox hands to. */
export interface InboxOwner {
  /** Hands an event to its handlers; a promise where some of them are not done yet. */
  hand(event: ClientEvent): Promise<unknown> | undefined;
  gap(info: GapInfo): void;
  recovered(info: RecoveredInfo): void;
  /** Whether somebody here listens to the channel. */
  wants(channel: string): boolean;
}

type Event = ServerMessageOf<"event">;
type Gap = ServerMessageOf<"gap">;

/** What the server says of the channels that a connection is on. */
type Places = Pick<ServerMessageOf<"resumed">, "positions"> & {
  readonly recovered?: Readonly<Record<string, boolean>> | undefined;
};

/** What waits for the end of a resumption. */
interface Held {
  readonly messages: (Event | Gap)[];
  /** Where the connection started on the channels it was put on unasked. */
  readonly positions: Readonly<Record<string, Position>>;
}

/** Events of a channel that wait for those before them. */
interface Late {
  readonly events: Event[];
  /** The last offset that may still be missing before them. */
  readonly until: number;
}

/** How long an event that came early waits for those before it, in milliseconds. */
const PATIENCE = 1_000;

/** How many messages may wait for the end of a resumption. */
const MAX_HELD = 10_000;

/**
 * What comes in: puts it in order, leaves out what came before, tells what is missing, hands over the
 * rest and acknowledges it.
 */
export class Inbox {
  readonly #positions: Positions;
  readonly #acknowledger: Acknowledger;
  readonly #owner: InboxOwner;
  readonly #clock: Clock;
  #held: Held | undefined;
  readonly #late = new Map<string, Late>();
  #tellings: (() => void)[] = [];
  #stopWaiting: (() => void) | undefined;

  constructor(
    positions: Positions,
    acknowledger: Acknowledger,
    { owner, clock }: { readonly owner: InboxOwner; readonly clock: Clock },
  ) {
    this.#positions = positions;
    this.#acknowledger = acknowledger;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Keeps everything back until it is known whether the session goes on. */
  hold(positions: Readonly<Record<string, Position>>): void {
    this.#held = { messages: [], positions };
  }

  /** A new session begins, on the channels that the server put it on unasked. */
  begin(positions: Readonly<Record<string, Position>>): void {
    const held = this.#held?.messages ?? [];
    this.#held = undefined;
    for (const channel of Object.keys(this.#positions.all())) {
      // The server's own channels cannot be asked for: what is not here is gone with the old session.
      if (isOwnChannelName(channel) && !Object.hasOwn(positions, channel)) {
        this.#positions.leave(channel);
      }
    }
    for (const [channel, told] of Object.entries(positions)) {
      // What is wanted, and was stood in before, is asked for from that place.
      const isOwn = isOwnChannelName(channel);
      if (!isOwn && this.#owner.wants(channel) && this.#positions.get(channel)) continue;
      this.#start(channel, told);
    }
    this.#tellAll();
    for (const message of held) this.#receive(message);
  }

  /** The former session goes on. */
  resume({ positions, recovered = {} }: Places): void {
    const held = this.#held;
    this.#held = undefined;
    for (const [channel, told] of Object.entries(positions)) {
      if (!isOwnChannelName(channel) && !this.#owner.wants(channel)) continue;
      this.#start(channel, told, toldOf(recovered, channel));
    }
    this.#tellAll();
    for (const message of held?.messages ?? []) this.#release(message, held!.positions, positions);
    if (this.#late.size > 0) this.#stopWaiting = this.#clock.after(PATIENCE, () => this.#giveUp());
  }

  /** The server put the connection on channels that it asked for. */
  subscribed({ channels, positions, recovered = {} }: ServerMessageOf<"subscribed">): void {
    for (const channel of channels) {
      this.#start(channel, toldOf(positions, channel), toldOf(recovered, channel));
    }
    this.#tellAll();
  }

  /** Takes an event, or word of what will not come. False where more is held back than may be. */
  receive(message: Event | Gap): boolean {
    if (this.#held === undefined) {
      this.#receive(message);
      return true;
    }
    this.#held.messages.push(message);
    return this.#held.messages.length <= MAX_HELD;
  }

  /** The connection is gone. */
  offline(): void {
    this.#held = undefined;
    this.#late.clear();
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#positions.offline();
  }

  #receive(message: Event | Gap): void {
    if (message.type === "gap") this.#miss(message);
    else if (message.offset === undefined) this.#hand(message);
    else {
      this.#handEarlier(message.channel, message.offset);
      this.#take(message, message.offset);
    }
    this.#handLate(message.channel);
  }

  #take(event: Event, offset: number): void {
    const { channel, ack_id: ackId } = event;
    const isRepeat = (event.attempt ?? 1) > 1;
    // A repeat stands outside the order: of what is still to come, its turn comes.
    if (isRepeat && this.#positions.isToCome(channel, offset)) return;
    const isNew = isRepeat
      ? this.#positions.isStanding(channel)
      : this.#positions.take(channel, offset);
    const isKnown = ackId !== undefined && this.#acknowledger.knows(ackId);
    if (isNew && !isKnown) this.#hand(event);
  }

  #hand(event: Event): void {
    const { channel, event_type, data, timestamp, offset = 0, ack_id: ackId } = event;
    const done = this.#owner.hand({ channel, event_type, data, timestamp, offset });
    if (ackId !== undefined) this.#acknowledger.handed(ackId, done);
  }

  #start(channel: string, told: Position | undefined, recovered?: boolean): void {
    const missing = this.#positions.start(channel, told, recovered);
    if (recovered !== undefined) {
      this.#tellings.push(() => this.#owner.recovered({ channel, recovered }));
    }
    this.#noteGaps(channel, missing);
  }

  #miss({ channel, epoch, from, to }: Gap): void {
    this.#noteGaps(channel, this.#positions.miss(channel, epoch, { from, to }));
    this.#tellAll();
  }

  #noteGaps(channel: string, missing: readonly Missing[]): void {
    const epoch = this.#positions.get(channel)?.epoch ?? "";
    for (const { from, to } of missing) {
      this.#tellings.push(() => this.#owner.gap({ channel, epoch, from, to }));
    }
  }

  /** Tells what there is to tell, when nothing is half done: whoever listens may do anything. */
  #tellAll(): void {
    for (const tell of this.#tellings.splice(0)) tell();
  }

  /** Lets go of what was held back. It comes no more, but what the session missed comes before it. */
  #release(
    message: Event | Gap,
    before: Readonly<Record<string, Position>>,
    resumed: Readonly<Record<string, Position>>,
  ): void {
    const { channel } = message;
    if (!Object.hasOwn(resumed, channel)) {
      // A channel of the connection's former name: nobody else will tell of it.
      if (message.type === "event") this.#hand(message);
      return;
    }
    const offset = message.type === "event" ? message.offset : undefined;
    if (message.type === "gap" || offset === undefined) return this.#receive(message);
    const start = before[channel];
    const own = this.#positions.get(channel);
    const late = this.#late.get(channel);
    if (late !== undefined) late.events.push(message);
    else if (start !== undefined && start.epoch === own?.epoch && start.offset > own.offset) {
      this.#late.set(channel, { events: [message], until: start.offset });
    } else this.#receive(message);
  }

  /** Hands over what came early and lies before an event that now came in its turn. */
  #handEarlier(channel: string, offset: number): void {
    const late = this.#late.get(channel);
    while (late?.events[0] !== undefined && late.events[0].offset! < offset) {
      const event = late.events.shift()!;
      this.#take(event, event.offset!);
    }
  }

  /** Hands over what came early, where nothing is missing before it any more. */
  #handLate(channel: string): void {
    const late = this.#late.get(channel);
    if (late === undefined) return;
    const position = this.#positions.get(channel);
    if (position !== undefined && position.offset < late.until) return;
    this.#late.delete(channel);
    for (const event of late.events) this.#take(event, event.offset!);
  }

  /** What lies before was for others, or is slow to come: it is waited for no longer, and not lost. */
  #giveUp(): void {
    this.#stopWaiting = undefined;
    for (const [channel, { events }] of this.#late) {
      for (const event of events) {
        if (this.#positions.takeAhead(channel, event.offset!)) this.#hand(event);
      }
    }
    this.#late.clear();
  }
}

/** What is told of a channel, which may be called "constructor". */
function toldOf<T>(told: Readonly<Record<string, T>>, channel: string): T | undefined {
  return Object.hasOwn(told, channel) ? told[channel] : undefined;
}
