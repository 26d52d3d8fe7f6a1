import type { Inbound } from "../protocol/decode.ts";
import type { Request } from "../protocol/messages.ts";
import type { Rejection } from "./answers.ts";
import type { EffectId } from "./effect.ts";

/** How much may wait for its answer. */
export interface InFlightLimits {
  /** The most messages that may wait for their answers. */
  readonly inFlight: number;
  /** The most bytes they may have together; one message may wait in any case. */
  readonly inFlightBytes: number;
}

/** A request whose answer is awaited: the message, and what is known of the answer. */
export interface Pending {
  readonly id: EffectId;
  readonly request: Request;
  readonly bytes: number;
  readonly rejected: readonly Rejection[];
}

/** A message that waits for its turn. */
interface Queued {
  readonly inbound: Inbound;
  readonly bytes: number;
}

/** A message whose handler runs. */
interface Handling {
  readonly correlationId: string | undefined;
  readonly bytes: number;
}

/**
 * The messages of one connection that wait for their answers: the request whose outcome is awaited, those
 * behind it, and those whose handlers run. Most connections have none at most times, and then need none of this.
 */
export class InFlight {
  readonly #limits: InFlightLimits;
  /** Made when a message first has to wait. */
  #queue: Queued[] | undefined;
  /** The same for handlers that run. */
  #handling: Map<EffectId, Handling> | undefined;
  #pending: Pending | undefined;
  #bytes = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get size(): number {
    return (this.#pending === undefined ? 0 : 1) + (this.#queue?.length ?? 0) +
      (this.#handling?.size ?? 0);
  }

  /** Whether a message that comes has to wait for its turn. */
  get isBusy(): boolean {
    return this.#pending !== undefined || (this.#queue !== undefined && this.#queue.length > 0);
  }

  /** Why no further message can wait; undefined where it can. */
  fullness(bytes: number): string | undefined {
    const { inFlight, inFlightBytes } = this.#limits;
    const { size } = this;
    if (size >= inFlight) return `${inFlight} messages already wait for their answers`;
    if (size === 0 || this.#bytes + bytes <= inFlightBytes) return undefined;
    return `messages of more than ${inFlightBytes} bytes would wait for their answers`;
  }

  /** Lets a message wait for its turn. */
  enqueue(inbound: Inbound, bytes: number): void {
    this.#queue ??= [];
    this.#queue.push({ inbound, bytes });
    this.#bytes += bytes;
  }

  /** The message whose turn it is now; undefined where a request is awaited, or none waits. */
  next(): Queued | undefined {
    if (this.#pending !== undefined) return undefined;
    const queued = this.#queue?.shift();
    if (queued !== undefined) this.#bytes -= queued.bytes;
    return queued;
  }

  /** Awaits the outcome of a request. */
  await(pending: Pending): void {
    this.#pending = pending;
    this.#bytes += pending.bytes;
  }

  /** Awaits the end of a handler. */
  handle(id: EffectId, handling: Handling): void {
    this.#handling ??= new Map();
    this.#handling.set(id, handling);
    this.#bytes += handling.bytes;
  }

  /** The request of that effect, which is awaited no longer. */
  takeRequest(id: EffectId): Pending | undefined {
    const pending = this.#pending;
    if (pending?.id !== id) return undefined;
    this.#pending = undefined;
    this.#bytes -= pending.bytes;
    return pending;
  }

  /** The same for a handler. */
  takeHandling(id: EffectId): Handling | undefined {
    const handling = this.#handling?.get(id);
    if (handling === undefined) return undefined;
    this.#handling?.delete(id);
    this.#bytes -= handling.bytes;
    return handling;
  }
}
