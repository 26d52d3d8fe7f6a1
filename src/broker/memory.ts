import { toBase64Url } from "../base/base64.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { Oldest } from "../base/oldest.ts";
import { systemRandom } from "../base/random.ts";
import { TimerWheel } from "../base/wheel.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type {
  Broker,
  BrokerSubscription,
  HistoryPage,
  HistoryQuery,
  Placed,
  PublishTerms,
  Retention,
} from "./broker.ts";
import { type ChannelKeeper, MemoryChannel } from "./memory_channel.ts";
import { type MemoryBrokerOptions, resolveCounts } from "./memory_options.ts";
import { MemoryPresence } from "./memory_presence.ts";
import { MemorySessions } from "./memory_sessions.ts";
import { Publications } from "./publications.ts";

/** How often sessions and names that have run out are looked for, in milliseconds. */
const SWEEP_INTERVAL = 5_000;

/** How late a channel may be looked at of which something is over, in milliseconds. */
const LOOK = 1_000;

/**
 * The broker of one process: it answers at once and calls listeners within `publish`.
 *
 * A channel lives while somebody listens to it, and for its retention's `ttl` after that. What comes later
 * under its name has another epoch.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
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

class MemoryBroker implements Broker, ChannelKeeper {
  readonly sessions: MemorySessions;
  readonly presence: MemoryPresence;
  readonly life: string;
  readonly #clock: Clock;
  readonly #listened = new Map<string, MemoryChannel>();
  /** Those nobody listens to stand in the order in which they were last used. */
  readonly #idle = new Map<string, MemoryChannel>();
  /** The same for those that never had an event: anybody may open channels by asking for their past. */
  readonly #blank = new Map<string, MemoryChannel>();
  readonly #oldestIdle = new Oldest(this.#idle);
  readonly #oldestBlank = new Oldest(this.#blank);
  /** Those that keep events, in the order in which they were last published to. */
  readonly #keeping = new Set<MemoryChannel>();
  /** The last of them, as far as it is still one. */
  #newest: MemoryChannel | undefined;
  /** Looks at a channel when something of it is over: a look at all of them would cost more the more there are. */
  readonly #wheel: TimerWheel;
  readonly #published: Publications;
  readonly #historyBytes: number;
  readonly #idleChannels: number;
  #bytes = 0;
  #epochs = 0;
  #stopSweep: (() => void) | undefined;
  #closed = false;

  constructor(options: MemoryBrokerOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#wheel = new TimerWheel(this.#clock, LOOK);
    const counts = resolveCounts(options);
    this.#historyBytes = counts.historyBytes;
    this.#idleChannels = counts.idleChannels;
    this.#published = new Publications(counts.publications);
    this.sessions = new MemorySessions({
      all: counts.sessions,
      perUser: counts.sessionsPerUser,
      perNetwork: counts.sessionsPerAddress,
      clock: this.#clock,
    });
    this.presence = new MemoryPresence({
      clock: this.#clock,
      lingering: counts.lingering,
      announce: (channel, event) => {
        if (!this.#closed) this.announce(channel, event);
      },
    });
    this.life = toBase64Url((options.random ?? systemRandom).bytes(6));
    this.#stopSweep = this.#clock.every(SWEEP_INTERVAL, () => this.#sweep());
  }

  get kept(): number {
    let kept = 0;
    for (const { size } of this.#keeping) kept += size;
    return kept;
  }

  publish(name: string, event: NewEvent, { retention, idempotence }: PublishTerms): Placed {
    this.#refuseIfClosed();
    const now = this.#clock.now();
    const first = idempotence && this.#published.get(name, idempotence, now);
    if (first !== undefined) return { ...first, duplicate: true };
    const channel = this.#channel(name, retention);
    this.#bytes -= channel.bytes;
    const placed = channel.append(event, now);
    this.#bytes += channel.bytes;
    this.#keep(channel);
    if (this.#bytes > this.#historyBytes) this.#boundHistory();
    if (channel.isListenedTo) this.#schedule(channel);
    else this.#rest(channel);
    const { epoch, offset } = placed;
    if (idempotence !== undefined) this.#published.set(name, idempotence, { epoch, offset }, now);
    channel.deliver(placed);
    return { epoch, offset, duplicate: false };
  }

  announce(name: string, event: NewEvent): void {
    this.#refuseIfClosed();
    const channel = this.#listened.get(name);
    if (channel === undefined) return;
    const { epoch, head } = channel;
    channel.deliver({ ...event, channel: name, epoch, offset: head, isAnnouncement: true });
  }

  subscribe(
    name: string,
    retention: Retention,
    onEvent: (event: ChannelEvent) => void,
  ): BrokerSubscription {
    this.#refuseIfClosed();
    const channel = this.#channel(name, retention);
    this.#idle.delete(name);
    this.#blank.delete(name);
    this.#listened.set(name, channel);
    return channel.listen(onEvent);
  }

  left(channel: MemoryChannel): void {
    if (this.#listened.get(channel.name) !== channel) return;
    this.#listened.delete(channel.name);
    this.#rest(channel);
  }

  history(name: string, query: HistoryQuery): HistoryPage | undefined {
    this.#refuseIfClosed();
    const channel = this.#find(name);
    if (channel === undefined) return undefined;
    this.#trim(channel);
    return channel.read(query);
  }

  due(channel: MemoryChannel, now: number): void {
    this.#trim(channel);
    const isOver = !channel.isListenedTo && channel.used + channel.retention.ttl <= now;
    if (isOver) this.#drop(channel);
    else this.#schedule(channel);
  }

  close(): void {
    this.#closed = true;
    this.#stopSweep?.();
    this.#wheel.clear();
    for (const channel of this.#listened.values()) channel.clear();
    this.#listened.clear();
    this.#idle.clear();
    this.#blank.clear();
    this.#keeping.clear();
    this.#newest = undefined;
    this.#published.clear();
    this.sessions.clear();
    this.presence.clear();
    this.#bytes = 0;
  }

  #find(name: string): MemoryChannel | undefined {
    return this.#listened.get(name) ?? this.#idle.get(name) ?? this.#blank.get(name);
  }

  /** Finds a channel or starts it. */
  #channel(name: string, retention: Retention): MemoryChannel {
    const found = this.#find(name);
    if (found === undefined) return new MemoryChannel(name, this.#epochs++, this, retention);
    found.retention = retention;
    return found;
  }

  /** Puts a channel that nobody listens to at the end of those that may go. */
  #rest(channel: MemoryChannel): void {
    const { name } = channel;
    channel.used = this.#clock.now();
    this.#idle.delete(name);
    this.#blank.delete(name);
    (channel.head === 0 ? this.#blank : this.#idle).set(name, channel);
    this.#schedule(channel);
    if (this.#blank.size + this.#idle.size <= this.#idleChannels) return;
    this.#drop((this.#oldestBlank.next() ?? this.#oldestIdle.next())!);
  }

  /** Forgets a channel that nobody listens to. */
  #drop(channel: MemoryChannel): void {
    this.#idle.delete(channel.name);
    this.#blank.delete(channel.name);
    this.#wheel.cancel(channel);
    this.#bytes -= channel.bytes;
    this.#keeping.delete(channel);
    if (this.#newest === channel) this.#newest = undefined;
  }

  /** Has it looked at when something of it is over. One that is looked at sooner is then put off. */
  #schedule(channel: MemoryChannel): void {
    const { deadline, dueAt = Infinity } = channel;
    if (deadline < dueAt) this.#wheel.schedule(channel, deadline);
  }

  /** It was published to. Often it was so last already: then it need not be moved, which costs more. */
  #keep(channel: MemoryChannel): void {
    if (channel === this.#newest && channel.size > 0 && this.#keeping.has(channel)) return;
    this.#keeping.delete(channel);
    if (channel.size > 0) this.#keeping.add(channel);
    this.#newest = channel;
  }

  #trim(channel: MemoryChannel): void {
    this.#bytes -= channel.bytes;
    channel.trim(this.#clock.now());
    this.#bytes += channel.bytes;
    if (channel.size === 0) this.#keeping.delete(channel);
  }

  /** Keeps all channels together within their bytes. Their numbering stays, so that the gap can be told. */
  #boundHistory(): void {
    for (const channel of this.#keeping) {
      while (this.#bytes > this.#historyBytes && channel.size > 0) {
        this.#bytes -= channel.bytes;
        channel.dropOldest();
        this.#bytes += channel.bytes;
      }
      if (channel.size > 0) return;
      this.#keeping.delete(channel);
    }
  }

  #sweep(): void {
    this.#oldestIdle.rewind();
    this.#oldestBlank.rewind();
    this.#published.expire(this.#clock.now());
    this.sessions.expire();
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new HeddleError("closed", "the broker is closed");
  }
}
