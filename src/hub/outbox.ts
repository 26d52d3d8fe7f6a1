import type { Fanout } from "../channel/fanout.ts";
import type { Socket } from "../channel/socket.ts";
import { byteLength } from "../protocol/decode.ts";
import { encodeMessage, type Frame, plainText, type Variant } from "../protocol/encode.ts";
import type { ApplicationReply, Features, ServerMessage } from "../protocol/messages.ts";
import type { Workings } from "./workings.ts";

/** The most bytes of a batch, whatever was asked for. */
const MAX_BATCH = 65_536;

/** How much may wait on a socket that is written to together with others: its part of the outbox. */
const CALM = 1 / 16;

/** How messages are put together, as `hello` granted it. */
type Batching = NonNullable<Features["batch"]>;

/**
 * The way out of one connection: writes messages, counts them, puts them together where that was asked
 * for, and knows when the socket has enough.
 */
export class Outbox {
  messagesSent = 0;
  bytesSent = 0;
  #variant: Variant = plainText;
  readonly #socket: Socket;
  readonly #workings: Workings;
  #batching: Batching | undefined;
  #batch: string[] = [];
  #batchBytes = 0;
  #cancelFlush: (() => void) | undefined;

  constructor(socket: Socket, workings: Workings) {
    this.#socket = socket;
    this.#workings = workings;
  }

  /** How messages are written. */
  get variant(): Variant {
    return this.#variant;
  }

  /** Whether the socket takes more events. Answers it must take in any case. */
  get isReady(): boolean {
    // Some runtimes take nothing from a socket within a tick, so a burst must fit. Half of the limit is
    // left for answers, which cannot wait in the history.
    const { outbox } = this.#workings.options.limits;
    return this.#socket.bufferedAmount + this.#batchBytes < outbox / 2;
  }

  /** What the socket can be written to by together with others; undefined while it has enough of its own. */
  get fanout(): Fanout | undefined {
    const { fanout } = this.#socket;
    if (fanout === undefined || this.#batching !== undefined) return undefined;
    const { outbox } = this.#workings.options.limits;
    return this.#socket.bufferedAmount < outbox * CALM ? fanout : undefined;
  }

  /** Whether more waits than the connection may hold. */
  get isOverfull(): boolean {
    const waiting = this.#socket.bufferedAmount + this.#batchBytes;
    return waiting > this.#workings.options.limits.outbox;
  }

  /** From the next message on, writes as was granted. */
  vary(variant: Variant, batching: Batching | undefined): void {
    this.flush();
    this.#variant = variant;
    this.#batching = batching;
  }

  /** Sends a message. @throws {TypeError} where JSON cannot hold it. */
  send(message: ServerMessage | ApplicationReply): void {
    this.write(encodeMessage(message, this.#variant, this.#workings.compressor));
  }

  /** Sends a frame, with others in a batch where that was granted. Binary frames go alone. */
  write(frame: Frame): void {
    if (this.#batching === undefined) this.hand(frame);
    else if (typeof frame === "string") this.#gather(frame, this.#batching);
    else {
      this.flush();
      this.hand(frame);
    }
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#batch.length === 0) return;
    const [first] = this.#batch;
    const frame = this.#batch.length === 1
      ? first!
      : `{"type":"batch","messages":[${this.#batch.join(",")}]}`;
    this.#batch = [];
    this.#batchBytes = 0;
    this.hand(frame);
  }

  /** Forgets what was gathered: the socket has gone. */
  discard(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#batch = [];
    this.#batchBytes = 0;
  }

  #gather(text: string, { max_ms, max_bytes }: Batching): void {
    const bytes = byteLength(text);
    // A batch that took the socket's whole room would make a quick reader wait for its time to come.
    const most = Math.min(max_bytes, MAX_BATCH);
    if (this.#batchBytes + bytes > most) this.flush();
    this.#batch.push(text);
    this.#batchBytes += bytes;
    if (this.#batchBytes >= most) this.flush();
    else this.#cancelFlush ??= this.#workings.options.clock.after(max_ms, () => this.flush());
  }

  /** Counts what was sent past it. */
  count(messages: number, bytes: number): void {
    this.messagesSent += messages;
    this.bytesSent += bytes;
  }

  /** Hands a frame to the socket, and counts it. */
  hand(frame: Frame): void {
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    const { stats } = this.#workings;
    this.messagesSent++;
    this.bytesSent += size;
    stats.messagesSent++;
    stats.bytesSent += size;
    this.#socket.send(frame);
  }
}
