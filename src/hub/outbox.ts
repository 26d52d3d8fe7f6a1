import { exceeds } from "../base/byte_length.ts";
import type { Place } from "../channel/burst.ts";
import type { Fanout, Member } from "../channel/fanout.ts";
import type { Run } from "../channel/stretch.ts";
import {
  encodeMessage,
  type Frame,
  plainText,
  type Variant,
  type Written,
} from "../protocol/encode.ts";
import type { ApplicationReply, ServerMessage } from "../protocol/messages.ts";
import type { Batching } from "./batches.ts";
import { Gathering } from "./gathering.ts";
import type { Workings } from "./workings.ts";

/** How much may wait on a socket that is written to together with others: its part of the outbox. */
const CALM = 1 / 16;

/**
 * The way out of one connection: writes messages, counts them, puts them together where that was asked
 * for, and knows when the socket has enough.
 */
export class Outbox {
  messagesSent = 0;
  bytesSent = 0;
  #variant: Variant = plainText;
  readonly #owner: Member;
  readonly #workings: Workings;
  /** Made when a batch is first asked for. */
  #gathering: Gathering | undefined;

  constructor(owner: Member, workings: Workings) {
    this.#owner = owner;
    this.#workings = workings;
  }

  /** How messages are written. */
  get variant(): Variant {
    return this.#variant;
  }

  /** How many bytes of events the socket takes. Answers it must take in any case. */
  get room(): number {
    // Some runtimes take nothing from a socket within a tick, so a burst must fit. Half of the limit is
    // left for answers, which cannot wait in the history.
    return this.#workings.options.limits.outbox / 2 - this.#waiting;
  }

  /** Whether the socket takes the frame of an event: one that is larger than the room goes alone. */
  takes(frame: Frame): boolean {
    const waiting = this.#waiting;
    const room = this.#workings.options.limits.outbox / 2 - waiting;
    return waiting === 0 || (room > 0 && !exceeds(frame, room));
  }

  /** Whether more waits than the connection may hold. */
  get isOverfull(): boolean {
    return this.#waiting > this.#workings.options.limits.outbox;
  }

  /** What it can be written to by together with others; undefined while its socket has enough to do. */
  get fanout(): Fanout | undefined {
    const fanout = this.#gathering?.batches ?? this.#owner.socket.fanout;
    if (fanout === undefined) return undefined;
    return this.#waiting < this.#workings.options.limits.outbox * CALM ? fanout : undefined;
  }

  /** Where it stands in the batches of those who asked for the same. */
  get place(): Place {
    return this.#gather();
  }

  /** From the next message on, writes as was granted. */
  vary(variant: Variant, batching: Batching | undefined): void {
    this.flush();
    this.#variant = variant;
    if (batching !== undefined || this.#gathering !== undefined) this.#gather().vary(batching);
  }

  /** Sends a message. @throws {TypeError} where JSON cannot hold it. */
  send(message: ServerMessage | ApplicationReply | Written): void {
    this.write(encodeMessage(message, this.#variant, this.#workings.compressor));
  }

  /** Sends a frame, with others in a batch where that was granted. Binary frames go alone. */
  write(frame: Frame): void {
    const batches = this.#gathering?.batches;
    if (batches === undefined) return this.#hand(frame);
    batches.settle(this.#owner);
    if (typeof frame === "string") this.#gathering!.gather(frame);
    else {
      this.#gathering!.flush();
      this.#hand(frame);
    }
  }

  /** Sends the frames of a run. */
  writeAll({ frames, size }: Run): void {
    const { socket } = this.#owner;
    if (socket.sendAll === undefined || this.#gathering?.batches !== undefined) {
      for (const frame of frames) this.write(frame);
      return;
    }
    this.#note(frames.length, size);
    socket.sendAll(frames);
  }

  /** Sends what is the same for others too, after what it gathered for itself. */
  hand(frame: Frame): void {
    this.#gathering?.flush();
    this.#hand(frame);
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#gathering?.batches?.settle(this.#owner);
    this.#gathering?.flush();
  }

  /** Forgets what was gathered: the socket has gone. */
  discard(): void {
    this.#gathering?.discard();
  }

  /** Counts what was sent past it. */
  count(messages: number, bytes: number): void {
    this.messagesSent += messages;
    this.bytesSent += bytes;
  }

  #gather(): Gathering {
    const { batches } = this.#workings;
    return this.#gathering ??= new Gathering(batches, (batch) => this.#hand(batch));
  }

  get #waiting(): number {
    return this.#owner.socket.bufferedAmount + (this.#gathering?.bytes ?? 0);
  }

  #hand(frame: Frame): void {
    this.#note(1, frame.length);
    this.#owner.socket.send(frame);
  }

  #note(messages: number, bytes: number): void {
    const { stats } = this.#workings;
    this.count(messages, bytes);
    stats.messagesSent += messages;
    stats.bytesSent += bytes;
  }
}
