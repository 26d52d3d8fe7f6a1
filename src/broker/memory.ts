import { toBase64Url } from "../base/base64.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { SmallSet } from "../base/small_set.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type {
  Broker,
  BrokerSubscription,
  HistoryPage,
  HistoryQuery,
  Placed,
  PublishTerms,
  Retention,
} from "./broker.ts";
import { MemoryPresence } from "./memory_presence.ts";
import { MemorySessions } from "./memory_sessions.ts";
import { Publications } from "./publications.ts";
import { Stream } from "./stream.ts";

/** How often what has run out is looked for, in milliseconds. */
const SWEEP_INTERVAL = 5_000;

/** Options of {@linkcode memoryBroker}. */
export interface MemoryBrokerOptions {
  /**
   * Bytes of history in all channels together; over it, the channels not published to for longest lose
   * theirs, oldest events first. @default 268435456
   */
  readonly historyBytes?: number;
  /**
   * Channels kept without anybody listening. Those that never had an event go first, then the one unused
   * for longest. @default 100000
   */
  readonly idleChannels?: number;
  /** Sessions kept for those who may come back. @default 100000 */
  readonly sessions?: number;
  /** The same of one user; of more, the oldest go. @default 32 */
  readonly sessionsPerUser?: number;
  /** The same of those without a user that come from one address, or from one IPv6 network. @default 10000 */
  readonly sessionsPerAddress?: number;
  /** Those who left a channel and are counted in for their grace; of more, the longest gone go. @default 100000 */
  readonly lingering?: number;
  /**
   * Names of events remembered in all, and at most 1000 of one identity, so that none is taken twice; the
   * identity that published none for longest is forgotten first. @default 100000
   */
  readonly publications?: number;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Where epochs come from. @default systemRandom */
  readonly random?: Random;
}

/**
 * The broker of one process: it answers at once and calls listeners within `publish`.
 *
 * A channel lives while somebody listens to it, and for its retention's `ttl` after that. What comes later
 * under its name has another epoch.
 *
 * @example
 * ```ts
 * import { memoryBroker } from "heddle";
 *
 * const broker = memoryBroker();
 * const retention = { size: 1000, bytes: 8_388_608, ttl: 300_000 };
 * const seen: number[] = [];
 * await broker.subscribe("metrics", retention, (event) => seen.push(event.offset));
 * const event = { eventType: "tick", data: "{}", timestamp: "2024-12-29T12:00:00Z" };
 * await broker.publish("metrics", event, { retention });
 * if (seen[0] !== 1) throw new Error(`offset ${seen[0]}`);
 * await broker.close();
 * ```
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): Broker {
  return new MemoryBroker(options);
}

/** Who gets the events after a position. */
class Listener implements BrokerSubscription {
  readonly position: Position;
  readonly onEvent: (event: ChannelEvent) => void;
  readonly #entry: Entry;
  readonly #rest: (entry: Entry) => void;

  constructor(
    entry: Entry,
    onEvent: (event: ChannelEvent) => void,
    rest: (entry: Entry) => void,
  ) {
    const { epoch, head } = entry.stream;
    this.position = { epoch, offset: head };
    this.onEvent = onEvent;
    this.#entry = entry;
    this.#rest = rest;
  }

  close(): void {
    const { listeners } = this.#entry;
    if (listeners.delete(this) && listeners.size === 0) this.#rest(this.#entry);
  }
}

/** A channel that is listened to, or was. */
interface Entry {
  readonly stream: Stream;
  readonly channel: string;
  readonly listeners: SmallSet<Listener>;
  /** Events that were taken while another was delivered: a listener published. */
  waiting: ChannelEvent[] | undefined;
  isDelivering: boolean;
  retention: Retention;
  /** When it was last listened to or published to. */
  used: number;
}

class MemoryBroker implements Broker {
  readonly sessions: MemorySessions;
  readonly presence: MemoryPresence;
  readonly #clock: Clock;
  readonly #listened = new Map<string, Entry>();
  /** Those nobody listens to stand in the order in which they were last used. */
  readonly #idle = new Map<string, Entry>();
  /** The same for those that never had an event: anybody may open channels by asking for their past. */
  readonly #blank = new Map<string, Entry>();
  /** Streams that keep events, in the order in which they were last published to. */
  readonly #keeping = new Set<Stream>();
  readonly #published: Publications;
  readonly #historyBytes: number;
  readonly #idleChannels: number;
  readonly #life: string;
  #bytes = 0;
  #epochs = 0;
  #stopSweep: (() => void) | undefined;
  #closed = false;

  constructor(options: MemoryBrokerOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#historyBytes = options.historyBytes ?? 268_435_456;
    this.#idleChannels = options.idleChannels ?? 100_000;
    this.#published = new Publications(options.publications ?? 100_000);
    this.sessions = new MemorySessions({
      all: options.sessions ?? 100_000,
      perUser: options.sessionsPerUser ?? 32,
      perNetwork: options.sessionsPerAddress ?? 10_000,
      clock: this.#clock,
    });
    this.presence = new MemoryPresence({
      clock: this.#clock,
      lingering: options.lingering ?? 100_000,
      announce: (channel, event) => {
        if (!this.#closed) this.announce(channel, event);
      },
    });
    this.#life = toBase64Url((options.random ?? systemRandom).bytes(6));
    this.#stopSweep = this.#clock.every(SWEEP_INTERVAL, () => this.#sweep());
  }

  get kept(): number {
    let kept = 0;
    for (const { size } of this.#keeping) kept += size;
    return kept;
  }

  publish(channel: string, event: NewEvent, { retention, idempotence }: PublishTerms): Placed {
    this.#refuseIfClosed();
    const now = this.#clock.now();
    const first = idempotence && this.#published.get(channel, idempotence, now);
    if (first !== undefined) return { ...first, duplicate: true };
    const entry = this.#entry(channel, retention);
    const { stream } = entry;
    this.#bytes -= stream.bytes;
    const placed = stream.append(event, retention, now);
    this.#bytes += stream.bytes;
    this.#keeping.delete(stream);
    if (stream.size > 0) this.#keeping.add(stream);
    this.#boundHistory();
    if (entry.listeners.size === 0) this.#rest(channel, entry);
    const position = { epoch: placed.epoch, offset: placed.offset };
    if (idempotence !== undefined) this.#published.set(channel, idempotence, position, now);
    deliver(entry, placed);
    return { ...position, duplicate: false };
  }

  announce(channel: string, event: NewEvent): void {
    this.#refuseIfClosed();
    const entry = this.#listened.get(channel);
    if (entry === undefined) return;
    const { epoch, head } = entry.stream;
    deliver(entry, { ...event, channel, epoch, offset: head, isAnnouncement: true });
  }

  subscribe(
    channel: string,
    retention: Retention,
    onEvent: (event: ChannelEvent) => void,
  ): BrokerSubscription {
    this.#refuseIfClosed();
    const entry = this.#entry(channel, retention);
    this.#idle.delete(channel);
    this.#blank.delete(channel);
    this.#listened.set(channel, entry);
    // An object of its own for each subscription: the same function may subscribe twice.
    const listener = new Listener(entry, onEvent, this.#leave);
    entry.listeners.add(listener);
    return listener;
  }

  /** The last listener of a channel has gone. One function for all of them. */
  readonly #leave = (entry: Entry): void => {
    if (this.#listened.get(entry.channel) !== entry) return;
    this.#listened.delete(entry.channel);
    this.#rest(entry.channel, entry);
  };

  history(channel: string, query: HistoryQuery): HistoryPage | undefined {
    this.#refuseIfClosed();
    const entry = this.#find(channel);
    if (entry === undefined) return undefined;
    this.#trim(entry);
    return entry.stream.read(query);
  }

  close(): void {
    this.#closed = true;
    this.#stopSweep?.();
    for (const { listeners } of this.#listened.values()) listeners.clear();
    this.#listened.clear();
    this.#idle.clear();
    this.#blank.clear();
    this.#keeping.clear();
    this.#published.clear();
    this.sessions.clear();
    this.presence.clear();
    this.#bytes = 0;
  }

  #find(channel: string): Entry | undefined {
    return this.#listened.get(channel) ?? this.#idle.get(channel) ?? this.#blank.get(channel);
  }

  /** Finds a channel or starts it. */
  #entry(channel: string, retention: Retention): Entry {
    const found = this.#find(channel);
    if (found !== undefined) {
      found.retention = retention;
      return found;
    }
    const epoch = `${this.#life}${(this.#epochs++).toString(36)}`;
    return {
      stream: new Stream(channel, epoch),
      channel,
      listeners: new SmallSet(),
      waiting: undefined,
      isDelivering: false,
      retention,
      used: 0,
    };
  }

  /** Puts a channel that nobody listens to at the end of those that may go. */
  #rest(channel: string, entry: Entry): void {
    entry.used = this.#clock.now();
    this.#idle.delete(channel);
    this.#blank.delete(channel);
    (entry.stream.head === 0 ? this.#blank : this.#idle).set(channel, entry);
    if (this.#blank.size + this.#idle.size <= this.#idleChannels) return;
    const resting = this.#blank.size > 0 ? this.#blank : this.#idle;
    for (const [idlest, { stream }] of resting) {
      resting.delete(idlest);
      this.#release(stream);
      return;
    }
  }

  /** A stream has gone. */
  #release(stream: Stream): void {
    this.#bytes -= stream.bytes;
    this.#keeping.delete(stream);
  }

  #trim({ stream, retention }: Entry): void {
    this.#bytes -= stream.bytes;
    stream.trim(retention, this.#clock.now());
    this.#bytes += stream.bytes;
    if (stream.size === 0) this.#keeping.delete(stream);
  }

  /** Keeps all channels together within their bytes. Their numbering stays, so that the gap can be told. */
  #boundHistory(): void {
    for (const stream of this.#keeping) {
      while (this.#bytes > this.#historyBytes && stream.size > 0) {
        this.#bytes -= stream.bytes;
        stream.dropOldest();
        this.#bytes += stream.bytes;
      }
      if (stream.size > 0) return;
      this.#keeping.delete(stream);
    }
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const resting of [this.#idle, this.#blank]) {
      for (const [channel, entry] of resting) {
        if (entry.used + entry.retention.ttl <= now) {
          resting.delete(channel);
          this.#release(entry.stream);
        } else this.#trim(entry);
      }
    }
    for (const entry of this.#listened.values()) this.#trim(entry);
    this.#published.expire(now);
    this.sessions.expire();
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new HeddleError("closed", "the broker is closed");
  }
}

/**
 * Calls the listeners with what waits. A listener may publish to the same channel, as a hub does that
 * tells of a connection it lost on the way: then the others must get the first event first.
 */
function deliver(entry: Entry, event: ChannelEvent): void {
  if (entry.isDelivering) {
    entry.waiting ??= [];
    entry.waiting.push(event);
    return;
  }
  entry.isDelivering = true;
  try {
    tell(entry, event);
    for (let next = entry.waiting?.shift(); next !== undefined; next = entry.waiting?.shift()) {
      tell(entry, next);
    }
    entry.waiting = undefined;
  } finally {
    entry.isDelivering = false;
  }
}

function tell({ listeners }: Entry, event: ChannelEvent): void {
  for (const { position, onEvent } of listeners) {
    // One that came while this event was on its way has a position after it.
    if (event.isAnnouncement || event.offset > position.offset) onEvent(event);
  }
}
