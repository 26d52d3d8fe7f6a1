import { exceeds } from "../base/byte_length.ts";
import type { Place } from "../channel/burst.ts";
import type { Fanout, Member } from "../channel/fanout.ts";
import type { Socket } from "../channel/socket.ts";
import type { Run } from "../channel/stretch.ts";
import { type Frame, plainText, type Variant } from "../protocol/encode.ts";
import type { Batching } from "./batches.ts";
import { Gathering } from "./gathering.ts";
import type { Workings } from "./workings.ts";

/** How much may wait on a socket that is written to together with others: its part of the outbox. */
const CALM = 1 / 16;

/**
 * The way out of one connection: writes frames, counts them, puts them together where that was asked for,
 * and knows when the socket has enough. It is a part of the connection and no object of its own, since there
 * is one of each.
 */
export abstract class Outbox implements Member {
  readonly socket: Socket;
  protected readonly workings: Workings;
  protected messagesSent = 0;
  protected bytesSent = 0;
  #variant: Variant = plainText;
  /** Made when a batch is first asked for. */
  #gathering: Gathering | undefined;

  constructor(socket: Socket, workings: Workings) {
    this.socket = socket;
    this.workings = workings;
  }

  /** Whether messages can still be sent. */
  abstract get isOpen(): boolean;
  abstract strained(): void;

  /** How messages are written. */
  get variant(): Variant {
    return this.#variant;
  }

  get isReady(): boolean {
    return this.room > 0;
  }

  /** How many bytes of events the socket takes. Answers it must take in any case. */
  get room(): number {
    return this.isOpen ? this.#most - this.#waiting : 0;
  }

  /** Whether the socket takes the frame of an event: one that is larger than the room goes alone. */
  takes(frame: Frame): boolean {
    if (!this.isOpen) return false;
    const waiting = this.#waiting;
    const room = this.#most - waiting;
    return waiting === 0 || (room > 0 && !exceeds(frame, room));
  }

  /** Whether more waits than the connection may hold. */
  protected get isOverfull(): boolean {
    return this.#waiting > this.workings.options.limits.outbox;
  }

  /** What it can be written to by together with others; undefined while its socket has enough to do. */
  get fanout(): Fanout | undefined {
    const { fanout: how, limits } = this.workings.options;
    if (how !== "together" || !this.isOpen) return undefined;
    const fanout = this.#gathering?.batches ?? this.socket.fanout;
    if (fanout === undefined) return undefined;
    return this.#waiting < limits.outbox * CALM ? fanout : undefined;
  }

  /** Where it stands in the batches of those who asked for the same. */
  get place(): Place {
    return this.#gather();
  }

  /** From the next message on, writes as was granted. */
  protected vary(variant: Variant, batching: Batching | undefined): void {
    this.flush();
    this.#variant = variant;
    if (batching !== undefined || this.#gathering !== undefined) this.#gather().vary(batching);
  }

  /** Sends a frame, with others in a batch where that was granted. Binary frames go alone. */
  protected write(frame: Frame): void {
    const batches = this.#gathering?.batches;
    if (batches === undefined) return this.#hand(frame);
    batches.settle(this);
    if (typeof frame === "string") this.#gathering!.gather(frame);
    else {
      this.#gathering!.flush();
      this.#hand(frame);
    }
  }

  /** Sends the frames of a run. */
  protected writeAll({ frames, size }: Run): void {
    const { socket } = this;
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
  protected flush(): void {
    this.#gathering?.batches?.settle(this);
    this.#gathering?.flush();
  }

  /** Forgets what was gathered: the socket has gone. */
  protected discard(): void {
    this.#gathering?.discard();
  }

  /** Counts what was sent past it. */
  count(messages: number, bytes: number): void {
    this.messagesSent += messages;
    this.bytesSent += bytes;
  }

  #gather(): Gathering {
    const { batches } = this.workings;
    return this.#gathering ??= new Gathering(batches, (batch) => this.#hand(batch));
  }

  /** How many bytes of events may wait. */
  get #most(): number {
    // Some runtimes take nothing from a socket within a tick, so a burst must fit. Half of the limit is
    // left for answers, which cannot wait in the history.
    return this.workings.options.limits.outbox / 2;
  }

  get #waiting(): number {
    return this.socket.bufferedAmount + (this.#gathering?.bytes ?? 0);
  }

  #hand(frame: Frame): void {
    this.#note(1, frame.length);
    this.socket.send(frame);
  }

  #note(messages: number, bytes: number): void {
    const { stats } = this.workings;
    this.count(messages, bytes);
    stats.messagesSent += messages;
    stats.bytesSent += bytes;
  }
}
