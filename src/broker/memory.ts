import { toBase64Url } from "../base/base64.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { type Random, systemRandom } from "../base/random.ts";
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
import { ExpiringMap } from "./expiring.ts";
import { MemoryPresence } from "./memory_presence.ts";
import { MemorySessions } from "./memory_sessions.ts";
import { Stream } from "./stream.ts";

/** How long a client's own name for an event is remembered, in milliseconds. */
const IDEMPOTENCE_WINDOW = 300_000;

/** How often what has run out is looked for, in milliseconds. */
const SWEEP_INTERVAL = 5_000;

/** Options of {@linkcode memoryBroker}. */
export interface MemoryBrokerOptions {
  /** Bytes of history in all channels together; over it, the channels unused for longest lose theirs. @default 268435456 */
  readonly historyBytes?: number;
  /** Channels whose past is kept without anybody listening; the one unused for longest goes first. @default 100000 */
  readonly idleChannels?: number;
  /** Sessions kept for those who may come back. @default 100000 */
  readonly sessions?: number;
  /** Those who left a channel and are counted in for their grace; of more, the longest gone go. @default 100000 */
  readonly lingering?: number;
  /** Names of events remembered in all, so that none is taken twice. @default 100000 */
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

/** Who gets the events after `from`. */
interface Listener {
  readonly from: number;
  readonly onEvent: (event: ChannelEvent) => void;
}

/** A channel that is listened to, or was. */
interface Entry {
  readonly stream: Stream;
  readonly listeners: Set<Listener>;
  /** Events that were taken and not delivered: more than one only where a listener publishes. */
  readonly waiting: ChannelEvent[];
  isDelivering: boolean;
  retention: Retention;
  /** When it was last listened to or published to. */
  used: number;
}

class MemoryBroker implements Broker {
  readonly sessions: MemorySessions;
  readonly presence: MemoryPresence;
  readonly #clock: Clock;
  /** Those nobody listens to stand in the order in which they were last used. */
  readonly #idle = new Map<string, Entry>();
  readonly #listened = new Map<string, Entry>();
  readonly #published: ExpiringMap<string, Position>;
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
    this.#published = new ExpiringMap(options.publications ?? 100_000, IDEMPOTENCE_WINDOW);
    this.sessions = new MemorySessions(options.sessions ?? 100_000, this.#clock);
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

  publish(channel: string, event: NewEvent, { retention, idempotence }: PublishTerms): Placed {
    this.#refuseIfClosed();
    const now = this.#clock.now();
    const key = idempotence === undefined
      ? undefined
      : JSON.stringify([channel, idempotence.identity, idempotence.id]);
    const first = key === undefined ? undefined : this.#published.get(key, now);
    if (first !== undefined) return { ...first, duplicate: true };
    const entry = this.#entry(channel, retention);
    const { stream } = entry;
    this.#bytes -= stream.bytes;
    const placed = stream.append(event, retention, now);
    this.#bytes += stream.bytes;
    this.#boundHistory(stream);
    const position = { epoch: placed.epoch, offset: placed.offset };
    if (key !== undefined) this.#published.set(key, position, now);
    entry.waiting.push(placed);
    deliver(entry);
    return { ...position, duplicate: false };
  }

  announce(channel: string, event: NewEvent): void {
    this.#refuseIfClosed();
    const entry = this.#listened.get(channel);
    if (entry === undefined) return;
    const { epoch, head } = entry.stream;
    entry.waiting.push({ ...event, channel, epoch, offset: head, isAnnouncement: true });
    deliver(entry);
  }

  subscribe(
    channel: string,
    retention: Retention,
    onEvent: (event: ChannelEvent) => void,
  ): BrokerSubscription {
    this.#refuseIfClosed();
    const entry = this.#entry(channel, retention);
    this.#idle.delete(channel);
    this.#listened.set(channel, entry);
    const { epoch, head } = entry.stream;
    // An object of its own for each subscription: the same function may subscribe twice.
    const listener: Listener = { from: head, onEvent };
    entry.listeners.add(listener);
    return {
      position: { epoch, offset: head },
      close: () => {
        if (!entry.listeners.delete(listener) || entry.listeners.size > 0) return;
        if (this.#listened.get(channel) !== entry) return;
        this.#listened.delete(channel);
        this.#rest(channel, entry);
      },
    };
  }

  history(channel: string, query: HistoryQuery): HistoryPage | undefined {
    this.#refuseIfClosed();
    const entry = this.#listened.get(channel) ?? this.#idle.get(channel);
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
    this.sessions.clear();
    this.presence.clear();
    this.#bytes = 0;
  }

  /** Finds a channel or starts it. */
  #entry(channel: string, retention: Retention): Entry {
    const listened = this.#listened.get(channel);
    if (listened !== undefined) return listened;
    let entry = this.#idle.get(channel);
    if (entry === undefined) {
      const epoch = `${this.#life}${(this.#epochs++).toString(36)}`;
      entry = {
        stream: new Stream(channel, epoch),
        listeners: new Set(),
        waiting: [],
        isDelivering: false,
        retention,
        used: 0,
      };
    }
    entry.retention = retention;
    this.#rest(channel, entry);
    return entry;
  }

  /** Puts a channel that nobody listens to at the end of those that may go. */
  #rest(channel: string, entry: Entry): void {
    entry.used = this.#clock.now();
    this.#idle.delete(channel);
    this.#idle.set(channel, entry);
    while (this.#idle.size > this.#idleChannels) this.#dropIdlest();
  }

  #dropIdlest(): void {
    for (const [channel, { stream }] of this.#idle) {
      this.#bytes -= stream.bytes;
      this.#idle.delete(channel);
      return;
    }
  }

  #trim({ stream, retention }: Entry): void {
    this.#bytes -= stream.bytes;
    stream.trim(retention, this.#clock.now());
    this.#bytes += stream.bytes;
  }

  /** Keeps all channels together within their bytes: the idlest go, then the past of the one that grew. */
  #boundHistory(grown: Stream): void {
    while (this.#bytes > this.#historyBytes && this.#idle.size > 1) this.#dropIdlest();
    while (this.#bytes > this.#historyBytes && grown.size > 1) {
      this.#bytes -= grown.bytes;
      grown.dropOldest();
      this.#bytes += grown.bytes;
    }
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [channel, entry] of this.#idle) {
      if (entry.used + entry.retention.ttl <= now) {
        this.#bytes -= entry.stream.bytes;
        this.#idle.delete(channel);
      } else this.#trim(entry);
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
function deliver(entry: Entry): void {
  if (entry.isDelivering) return;
  entry.isDelivering = true;
  try {
    for (let event = entry.waiting.shift(); event !== undefined; event = entry.waiting.shift()) {
      for (const { from, onEvent } of entry.listeners) {
        // One that came while this event was on its way has a position after it.
        if (event.isAnnouncement || event.offset > from) onEvent(event);
      }
    }
  } finally {
    entry.isDelivering = false;
  }
}
