import { HeddleError } from "../base/errors.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { toBase64Url } from "../base/base64.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { Broker, BrokerSubscription } from "./broker.ts";

/** What is known of a channel while somebody listens to it. */
interface Stream {
  readonly epoch: string;
  offset: number;
  readonly listeners: Set<Listener>;
  /** Events that were taken and not delivered: more than one only where a listener publishes. */
  readonly waiting: ChannelEvent[];
  isDelivering: boolean;
}

/** Who gets the events after `from`. */
interface Listener {
  readonly from: number;
  readonly onEvent: (event: ChannelEvent) => void;
}

/** Options of {@linkcode memoryBroker}. */
export interface MemoryBrokerOptions {
  /** Where epochs come from. @default systemRandom */
  readonly random?: Random;
}

/**
 * The broker of one process: it answers at once and calls listeners within `publish`.
 *
 * A channel that nobody listens to costs nothing: its numbering ends with its last listener, and starts
 * again in a new epoch.
 *
 * @example
 * ```ts
 * import { memoryBroker } from "heddle";
 *
 * const broker = memoryBroker();
 * const seen: number[] = [];
 * await broker.subscribe("metrics", (event) => seen.push(event.offset));
 * await broker.publish("metrics", { eventType: "tick", data: "{}", timestamp: "2024-12-29T12:00:00Z" });
 * if (seen[0] !== 1) throw new Error(`offset ${seen[0]}`);
 * ```
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): Broker {
  return new MemoryBroker(options.random ?? systemRandom);
}

class MemoryBroker implements Broker {
  readonly #streams = new Map<string, Stream>();
  readonly #life: string;
  #epochs = 0;
  #closed = false;

  constructor(random: Random) {
    this.#life = toBase64Url(random.bytes(6));
  }

  publish(channel: string, event: NewEvent): Position {
    this.#refuseIfClosed();
    const stream = this.#streams.get(channel);
    if (stream === undefined) return { epoch: this.#newEpoch(), offset: 1 };
    const { epoch } = stream;
    const offset = ++stream.offset;
    stream.waiting.push({ ...event, channel, epoch, offset });
    deliver(stream);
    return { epoch, offset };
  }

  subscribe(channel: string, onEvent: (event: ChannelEvent) => void): BrokerSubscription {
    this.#refuseIfClosed();
    let stream = this.#streams.get(channel);
    if (stream === undefined) {
      stream = {
        epoch: this.#newEpoch(),
        offset: 0,
        listeners: new Set(),
        waiting: [],
        isDelivering: false,
      };
      this.#streams.set(channel, stream);
    }
    const { epoch, offset, listeners } = stream;
    // An object of its own for each subscription: the same function may subscribe twice.
    const listener: Listener = { from: offset, onEvent };
    listeners.add(listener);
    return {
      position: { epoch, offset },
      close: () => {
        if (!listeners.delete(listener)) return;
        if (listeners.size === 0 && this.#streams.get(channel)?.listeners === listeners) {
          this.#streams.delete(channel);
        }
      },
    };
  }

  close(): void {
    this.#closed = true;
    for (const { listeners } of this.#streams.values()) listeners.clear();
    this.#streams.clear();
  }

  #newEpoch(): string {
    return `${this.#life}${(this.#epochs++).toString(36)}`;
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new HeddleError("closed", "the broker is closed");
  }
}

/**
 * Calls the listeners with what waits. A listener may publish to the same channel, as a hub does that
 * tells of a connection it lost on the way: then the others must get the first event first.
 */
function deliver(stream: Stream): void {
  if (stream.isDelivering) return;
  stream.isDelivering = true;
  try {
    for (let event = stream.waiting.shift(); event !== undefined; event = stream.waiting.shift()) {
      for (const { from, onEvent } of stream.listeners) {
        // One that came while this event was on its way has a position after it.
        if (event.offset > from) onEvent(event);
      }
    }
  } finally {
    stream.isDelivering = false;
  }
}
