/**
 * A connection that is measured. What comes on it is read at once and looked through for marks, as
 * fast as may be, and the same way whoever sent it, so that the kit's own share is in all figures.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { ClientMessage } from "../channels/client.ts";
import { parseMessage, type ServerMessage, showMessage } from "../channels/shape.ts";
import type { Random } from "../random.ts";
import { concat } from "../wire/bytes.ts";
import { awakeNow, setAlarm } from "../wire/clock.ts";
import { close, encodeFrame, type FrameSpec, OPCODE, pong, text } from "../wire/frame.ts";
import { Abandoned, type Wire } from "../wire/socket.ts";
import { frameAt, NoFrame, type Place } from "./frame.ts";
import type { Marks } from "./marks.ts";
import { bide, type Refusal, refusalOf, showRefusal, Trouble } from "./trouble.ts";

/** What no message is an error without. */
const ERROR = Buffer.from('"error"');

/** Messages without a mark that a line keeps. */
const KEPT = 100;

/** Fragments of one message that are taken: what is measured is short. */
const FRAGMENTS = 100;

/** How long a server gets to answer a Close frame, in milliseconds. */
const FAREWELL = 250;

/** As long as a timer can be: a line is read until it ends. */
const FOREVER = 2 ** 31 - 1;

const decoder = new TextDecoder();

/** One connection whose opening handshake is done. */
export class Line {
  readonly wire: Wire;
  /** When each mark came first, by `performance.now()`. */
  readonly heard = new Map<number, number>();
  /** Told of each mark that is new, and of trouble. */
  listener: ((mark: number | null) => void) | null = null;
  /** The first message with a mark, its frames as they came. */
  sample: Uint8Array | null = null;
  /** The last error that came; whoever deals with it sets it back. */
  refusal: Refusal | null = null;
  /** How it ended; null while it has not. */
  ended: string | null = null;
  readonly #marks: Marks;
  readonly #random: Random | null;
  readonly #patience: number;
  readonly #inbox: string[] = [];
  readonly #fragments: { readonly raw: Uint8Array; readonly payload: Uint8Array }[] = [];

  /**
   * @param random where masking keys come from; null where it is no server's, and bytes are bytes
   * @param patience how long an answer may take, in milliseconds
   */
  constructor(wire: Wire, marks: Marks, random: Random | null = null, patience = FOREVER) {
    this.wire = wire;
    this.#marks = marks;
    this.#random = random;
    this.#patience = patience;
    void this.#read();
  }

  /** The bytes of frames as a client sends them. */
  encode(...frames: readonly FrameSpec[]): Uint8Array {
    return concat(
      frames.map((frame) => encodeFrame(frame, this.#random?.bytes(4) ?? new Uint8Array(4))),
    );
  }

  /** The bytes of a message of Protocol 1. */
  encodeMessage(message: unknown): Uint8Array {
    return this.encode(text(JSON.stringify(message)));
  }

  /**
   * {@link sample} with another mark, so many times with the marks from `from` on.
   *
   * @throws Trouble where no mark was heard yet
   */
  samples(from: number, count = 1): Uint8Array {
    const { sample } = this;
    if (sample === null) throw new Trouble("nothing came");
    return this.#marks.instead(sample, from, count);
  }

  /** Asks something of Protocol 1, again where it came too soon. @throws Trouble */
  async ask(message: ClientMessage, deadline: number): Promise<ServerMessage> {
    const correlation_id = crypto.randomUUID();
    for (;;) {
      this.refusal = null;
      this.wire.write(this.encodeMessage({ ...message, correlation_id }));
      const answer = await this.next(
        (one) => one["correlation_id"] === correlation_id,
        `answer to ${message.type}`,
        Math.min(deadline, awakeNow() + this.#patience),
      );
      if (answer.type !== "error") return answer;
      const refusal = refusalOf(answer);
      this.refusal = null;
      if (!await bide(refusal.retryAfter, deadline)) throw new Trouble(showRefusal(refusal));
    }
  }

  /** Subscribes to a channel, which must be had. @throws Trouble */
  async subscribe(channel: string, deadline: number): Promise<ServerMessage> {
    const answer = await this.ask({ type: "subscribe", channels: [channel] }, deadline);
    const { channels } = answer;
    if (Array.isArray(channels) && channels.includes(channel)) return answer;
    throw new Trouble(`no subscription to ${channel}: ${showMessage(answer)}`);
  }

  /** The first message without a mark that fits. @throws Trouble */
  async next(
    fits: (message: ServerMessage) => boolean,
    awaited: string,
    deadline: number,
  ): Promise<ServerMessage> {
    return await this.#until(awaited, deadline, () => {
      while (this.#inbox.length > 0) {
        const message = parseMessage(this.#inbox.shift() ?? "");
        if (typeof message !== "string" && fits(message)) return message;
      }
      return undefined;
    });
  }

  /** Waits until it has heard so many marks. @throws Trouble */
  async hear(count: number, deadline: number): Promise<void> {
    await this.#until(
      `${count} marks`,
      deadline,
      () => this.heard.size >= count ? true : undefined,
    );
  }

  /** Forgets what it heard: the same marks will come again. */
  forget(): void {
    this.heard.clear();
  }

  /** Closes it as a client does; a server that does not answer is not waited for. */
  async close(): Promise<void> {
    if (this.ended === null && this.#random !== null) {
      this.wire.write(this.encode(close(1000)));
      const deadline = awakeNow() + FAREWELL;
      await this.next(() => false, "end", deadline).catch(() => {});
    }
    this.wire.abandon();
  }

  async #until<T>(awaited: string, deadline: number, look: () => T | undefined): Promise<T> {
    const began = awakeNow();
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.ended !== null) throw new Trouble(this.ended);
      const left = deadline - awakeNow();
      if (left <= 0) throw new Trouble(`no ${awaited} in ${Math.round(deadline - began)} ms`);
      await new Promise<void>((resolve) => {
        const callOff = setAlarm(left, resolve);
        this.listener = () => {
          callOff();
          resolve();
        };
      });
      this.listener = null;
    }
  }

  async #read(): Promise<void> {
    try {
      await this.wire.waitFor("the end of the connection", () => this.#look(), FOREVER);
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  /** Reads what has come; true once it has ended. */
  #look(): true | undefined {
    const bytes = this.wire.peek();
    let at = 0;
    try {
      let frame: Place | undefined;
      while (this.ended === null && (frame = frameAt(bytes, at)) !== undefined) {
        this.#takeFrame(frame, bytes.subarray(at, frame.to), bytes.subarray(frame.from, frame.to));
        at = frame.to;
      }
    } catch (error) {
      if (!(error instanceof NoFrame)) throw error;
      this.#end(error.message);
    }
    if (at > 0) this.wire.take(at);
    const { ending } = this.wire;
    if (ending !== null) this.#end(ending === "fin" ? "FIN" : "RST");
    return this.ended === null ? undefined : true;
  }

  /** @param raw, payload valid until more comes */
  #takeFrame({ fin, opcode }: Place, raw: Uint8Array, payload: Uint8Array): void {
    if (opcode === OPCODE.close) {
      const [high = 0, low = 0] = payload;
      const code = payload.length < 2 ? "without a code" : high * 256 + low;
      return this.#end(`Close ${code} ${decoder.decode(payload.subarray(2))}`.trim());
    }
    if (opcode === OPCODE.ping && this.#random !== null) {
      return this.wire.write(this.encode(pong(payload)));
    }
    if (opcode > OPCODE.binary) return this.#takeMessage(raw, payload);
    if (fin && this.#fragments.length === 0) return this.#takeMessage(raw, payload);
    this.#fragments.push({ raw: raw.slice(), payload: payload.slice() });
    if (this.#fragments.length > FRAGMENTS) return this.#end("a message in too many fragments");
    if (!fin) return;
    const parts = this.#fragments.splice(0);
    this.#takeMessage(concat(parts.map(({ raw }) => raw)), concat(parts.map((one) => one.payload)));
  }

  /** A whole message, or a Pong. */
  #takeMessage(raw: Uint8Array, payload: Uint8Array): void {
    const content = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    if (!this.#refuses(content) && this.#hear(content)) this.sample ??= raw.slice();
    else this.#keep(content.toString());
  }

  #end(how: string): void {
    this.ended ??= `the server ended the connection: ${how}`;
    this.listener?.(null);
  }

  /** Notes the marks in a message; whether it has any. */
  #hear(content: Buffer): boolean {
    const marks = this.#marks.in(content);
    for (const mark of marks) {
      if (this.heard.has(mark)) continue;
      this.heard.set(mark, performance.now());
      this.listener?.(mark);
    }
    return marks.length > 0;
  }

  /** Notes an error of Protocol 1; whether it is one. */
  #refuses(content: Buffer): boolean {
    if (!content.includes(ERROR)) return false;
    const message = parseMessage(content.toString());
    if (typeof message === "string" || message.type !== "error") return false;
    this.refusal = refusalOf(message);
    return true;
  }

  #keep(content: string): void {
    this.#inbox.push(content);
    if (this.#inbox.length > KEPT) this.#inbox.shift();
    this.listener?.(null);
  }
}
