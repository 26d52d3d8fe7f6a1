/**
 * A WebSocket connection in the hands of a case: send anything, and say what must come back.
 *
 * @module
 */
import type { Random } from "../random.ts";
import { bytesOf, concat, equalBytes, show } from "../wire/bytes.ts";
import type { Agreement } from "../wire/deflate.ts";
import { awakeNow } from "../wire/clock.ts";
import { close, ping, pong } from "../wire/frame.ts";
import { TimeOut, type Wire } from "../wire/socket.ts";
import {
  Broken,
  type CloseFinding,
  type Closing,
  type Finding,
  Flooded,
  Skipped,
} from "./finding.ts";
import {
  type Incoming,
  type IncomingMessage,
  type Message,
  Reader,
  showIncoming,
  showMessage,
} from "./incoming.ts";
import { Sender, type SendOptions } from "./sender.ts";
import type { Violation } from "./watch.ts";

/** How long a connection waits before it blames. */
export interface Patience {
  /** Milliseconds for anything that must come. */
  readonly timeout: number;
  /** Milliseconds more for a server that answered a Ping and may still be about to close. */
  readonly linger: number;
}

/** What a connection takes from the run it is part of. */
export interface ConnectionContext {
  readonly echoes: boolean;
  readonly agreement: Agreement | null;
  readonly random: Random;
  readonly patience: Patience;
  /** The largest message that the server takes, in bytes; null where not known. */
  readonly maxMessage: number | null;
  readonly onViolation: (violation: Violation) => void;
  readonly onClosing: (closing: CloseFinding) => void;
}

/** What any server may send at any time. */
const PINGS = ["ping", "pong"] as const;

/** Round trips after a violation that a server may still answer, having not yet come to close. */
const ROUNDS = 3;

/** What a server may send at most: so much anyway, and so much more for each frame sent to it. */
const FLOOD = { least: 3000, each: 500 } as const;

/** Frames on one connection from which a server may call it too many. */
const MANY_FRAMES = 32;

/** Bytes that a server will have read, where it closes for what came last. */
const UNREAD = 16 * 1024;

/** Bytes that a message may have anywhere; above, a server may have a limit of its own. */
const LARGE_MESSAGE = 125;

/** One connection whose opening handshake is done. */
export class Connection extends Sender {
  /** Whether it answers Pings as they are read. */
  answersPings = true;
  readonly #context: ConnectionContext;
  readonly #reader: Reader;
  #fences = 0;
  /** How many messages and control frames came. */
  #came = 0;
  /** Frames sent because the server wanted them. */
  #pongs = 0;
  /** The code of the server's Close frame, null for one without; undefined before. */
  #closed: number | null | undefined;

  constructor(wire: Wire, context: ConnectionContext) {
    super(wire, context.agreement, context.random);
    this.#context = context;
    this.#reader = new Reader(wire, context.agreement, context.onViolation);
  }

  /** Whether the server's Close frame, or the end of TCP, has come. */
  get closedByServer(): boolean {
    return this.#closed !== undefined || this.wire.ending !== null;
  }

  /**
   * What comes next. Pings are answered, and so is a Close frame, before they are returned: Pings
   * unless {@link answersPings} is false.
   *
   * @throws TimeOut
   * @throws Flooded where that much came that no wait would end
   */
  async next(awaited: string, timeout = this.#context.patience.timeout): Promise<Incoming> {
    const incoming = await this.wire.waitFor(awaited, () => this.#reader.next(), timeout);
    const asked = this.framesSent - this.#pongs;
    if (++this.#came > FLOOD.least + FLOOD.each * asked) {
      const observed = `${this.#came} messages and control frames in answer to ${asked} frames`;
      throw new Flooded({ expected: awaited, observed });
    }
    if (incoming.kind === "ping" && this.answersPings) {
      this.#pongs++;
      this.send(pong(incoming.payload));
    }
    if (incoming.kind === "close") this.#closed = incoming.code;
    if (incoming.kind === "close" && !this.sentClose) this.send(close(incoming.code));
    return incoming;
  }

  /** Sends a message and expects it delivered. */
  async exchange(message: Message, options?: SendOptions): Promise<IncomingMessage[]> {
    this.sendMessage(message, options);
    return await this.expectDelivered(message);
  }

  /**
   * The messages were received whole: an endpoint that echoes sends each back, same type, same
   * content, same order; of another, a Ping must be answered.
   *
   * @returns the echoes as they came; none where the endpoint does not echo
   * @throws Skipped where the server declines them with a Close frame, as its limits allow it to
   */
  async expectDelivered(...messages: readonly Message[]): Promise<IncomingMessage[]> {
    const echoes: IncomingMessage[] = [];
    if (!this.#context.echoes) await this.#alive(messages);
    for (const [i, message] of this.#context.echoes ? messages.entries() : []) {
      const expected = `the echo of ${showMessage(message)}`;
      const find = (got: Incoming) => {
        if (got.kind === "close") this.#excuse(got.code, messages.slice(i));
        return got.kind === "message" ? got : undefined;
      };
      const got = await this.#until("a message", expected, find, PINGS);
      if (got.message.type !== message.type || !equalBytes(got.message.data, message.data)) {
        throw new Broken({ expected, observed: difference(message, got.message) });
      }
      echoes.push(got);
    }
    return echoes;
  }

  /** The next message, past Pings and Pongs. */
  async nextMessage(expected = "a message"): Promise<IncomingMessage> {
    const find = (got: Incoming) => got.kind === "message" ? got : undefined;
    return await this.#until("a message", expected, find, PINGS);
  }

  /** A Pong with this payload comes (section 5.5.3); other Pongs, and echoes, may come before. */
  async expectPong(payload: string | Uint8Array): Promise<void> {
    const bytes = bytesOf(payload);
    const find = (got: Incoming) =>
      got.kind === "pong" && equalBytes(got.payload, bytes) || undefined;
    await this.#until("a Pong", `a Pong ${show(bytes)}`, find, ["ping", "pong", "message"]);
  }

  /** The connection is open and works: a Ping is answered. Echoes that come before are passed over. */
  async expectAlive(): Promise<void> {
    await this.#alive([]);
  }

  /** No message comes: a Ping sent now is answered first. */
  async expectNoMessage(why: string): Promise<void> {
    const fence = this.#fence();
    this.send(ping(fence));
    const find = (got: Incoming) =>
      got.kind === "pong" && equalBytes(got.payload, fence) || undefined;
    const passed = this.#context.echoes ? PINGS : [...PINGS, "message" as const];
    await this.#until("a Pong", `no message (${why}), and a Pong`, find, passed);
  }

  /**
   * The server failed the connection (RFC 6455 section 7.1.7): it takes no more from it. That it
   * sends a Close frame with a fitting code first, and then closes TCP, is judged apart, since 7.1.7
   * says SHOULD of it.
   *
   * @param codes the codes that fit; null where the section leaves it open to send a Close frame
   * @param options.after echoes of messages sent before the violation, which may come first
   * @param options.mayGoOn no sentence demands the failure, only that nothing is made of what was
   * sent: a connection that goes on is noted as a closing that is not as it should be (10.7)
   * @param options.mayReset more was sent behind the violation, for which the server's system resets
   * the connection where it has closed by then: its Close frame may be lost by that
   */
  async expectFailed(
    codes: readonly (number | null)[],
    options: {
      readonly after?: readonly Message[];
      readonly mayGoOn?: boolean;
      readonly mayReset?: boolean;
    } = {},
  ): Promise<void> {
    const expected = `the connection failed with ${named(codes)}`;
    const allowed = [...options.after ?? []];
    const { linger } = this.#context.patience;
    let fence: Uint8Array | null = null;
    let rounds = 0;
    const judge = async (timeout?: number): Promise<void> => {
      const next = this.#waiting(timeout);
      for (;;) {
        const got = await next("the server to fail the connection");
        if (got.kind === "close") {
          if (!codes.includes(got.code)) this.#excuse(got.code, options.after ?? []);
          return await this.#settle(codes, got.code);
        }
        if (got.kind === "end") {
          const excused = codes.includes(null) || this.#mayHaveLost(got.how) ||
            got.how === "reset" && options.mayReset === true;
          return this.#note(got.how, null, excused ? null : noCloseFrame(codes, got));
        }
        if (got.kind === "garbage") throw new Broken({ expected, observed: got.observed });
        if (got.kind === "pong" && this.answersIllegalPing(got.payload)) {
          throw new Broken({ expected, observed: `${showIncoming(got)}, and no Close` });
        }
        if (got.kind === "message" && this.#context.echoes && !isNext(allowed, got.message)) {
          throw new Broken({ expected, observed: `${showIncoming(got)}, and no Close` });
        }
        const answered = got.kind === "pong" && fence !== null && equalBytes(got.payload, fence);
        if (answered && ++rounds <= ROUNDS) {
          if (rounds === ROUNDS) return await judge(linger);
          this.send(ping(fence = this.#fence()));
        }
      }
    };
    const fails = async (): Promise<void> => {
      // Whatever comes after a server has closed makes its system reset the connection, and its Close
      // frame may be lost by that: so nothing more is sent at first, where there is time.
      try {
        if (linger > 0) return await judge(linger);
      } catch (error) {
        if (!(error instanceof TimeOut)) throw error;
      }
      this.send(ping(fence = this.#fence()));
      await judge();
    };
    try {
      await fails();
    } catch (error) {
      if (!(error instanceof TimeOut)) throw error;
      const goesOn = { expected, observed: "the connection goes on: Pings are answered" };
      const excused = rounds === ROUNDS && options.mayGoOn === true;
      this.#note("open", null, excused ? goesOn : null);
      if (excused) return;
      if (rounds < ROUNDS) throw timedOut(expected, error, []);
      throw new Broken(goesOn);
    }
  }

  /**
   * The server answers a Close frame with one (section 5.5.1, MUST). Its code, and that TCP is closed
   * after, are judged apart. Echoes of what was sent before may come first.
   *
   * @param codes the codes that fit; null stands for none
   */
  async expectClosed(codes: readonly (number | null)[] = [1000]): Promise<void> {
    const expected = "a Close frame in answer";
    const next = this.#waiting();
    try {
      for (;;) {
        const got = await next(expected);
        if (got.kind === "close") return await this.#settle(codes, got.code);
        if (got.kind === "end") {
          this.#note(got.how, null, null);
          throw new Broken({ expected, observed: showIncoming(got) });
        }
        if (got.kind === "garbage") throw new Broken({ expected, observed: got.observed });
      }
    } catch (error) {
      if (!(error instanceof TimeOut)) throw error;
      this.#note("open", null, null);
      throw timedOut(expected, error, []);
    }
  }

  /** The server closes TCP, whatever it sends before. For the cases about just this. */
  async expectTcpClosed(): Promise<void> {
    const find = (got: Incoming) => got.kind === "end" ? got.how : undefined;
    const how = await this.#until("the end of TCP", "the end of TCP", find, [
      ...PINGS,
      "message",
      "close",
    ]);
    this.#note(this.#closed === undefined ? how : "clean", this.#closed ?? null, null);
  }

  async #alive(messages: readonly Message[]): Promise<void> {
    const fence = this.#fence();
    this.send(ping(fence));
    const find = (got: Incoming) => {
      if (got.kind === "close") this.#excuse(got.code, messages);
      return got.kind === "pong" && equalBytes(got.payload, fence) || undefined;
    };
    await this.#until("a Pong", `a Pong ${show(fence)}`, find, [...PINGS, "message"]);
  }

  /**
   * Servers may decline messages for their type, size or number of frames (7.4.1, 10.4): a Close
   * frame that says so is no fault, unless the size is within the limit that is known.
   */
  #excuse(code: number | null, messages: readonly Message[]): void {
    const size = Math.max(0, ...messages.map(({ data }) => data.length));
    const binary = messages.some(({ type }) => type === "binary");
    if (code === 1003 && binary) throw new Skipped("the server takes no binary messages: 1003");
    if (code === 1008 && this.framesSent >= MANY_FRAMES) {
      throw new Skipped(`the server does not take ${this.framesSent} frames: 1008`);
    }
    const limit = this.#context.maxMessage ?? LARGE_MESSAGE;
    if (code === 1009 && size > limit) {
      throw new Skipped(`the server takes no messages of ${size} bytes: 1009`);
    }
  }

  /** Waits for the end of TCP after a Close frame of the server, and notes how it all went. */
  async #settle(codes: readonly (number | null)[], code: number | null): Promise<void> {
    const wrongCode = codes.includes(code) ? null : {
      expected: `a Close frame with the code ${named(codes)}`,
      observed: `the code ${code ?? "none"}`,
    };
    const awaited = "the server to close TCP after its Close frame";
    const next = this.#waiting();
    try {
      while ((await next(awaited)).kind !== "end");
      this.#note("clean", code, wrongCode);
    } catch (error) {
      if (!(error instanceof TimeOut)) throw error;
      const unfinished = { expected: "TCP closed", observed: error.message, awaited };
      this.#note("unfinished", code, wrongCode ?? unfinished);
    }
  }

  /** Waits for what `find` answers; whatever is neither that nor of a kind to pass over is wrong. */
  async #until<T>(
    awaited: string,
    expected: string,
    find: (got: Incoming) => T | undefined,
    passed: readonly Incoming["kind"][],
  ): Promise<T> {
    const seen: string[] = [];
    const next = this.#waiting();
    try {
      for (;;) {
        const got = await next(awaited);
        const found = find(got);
        if (found !== undefined) return found;
        if (!passed.includes(got.kind)) throw new Broken({ expected, observed: showIncoming(got) });
        if (got.kind !== "ping" && seen.length < 3) seen.push(showIncoming(got));
      }
    } catch (error) {
      throw error instanceof TimeOut ? timedOut(expected, error, seen) : error;
    }
  }

  /** {@link next} for one wait of many steps, which a server's heartbeat does not prolong. */
  #waiting(timeout = this.#context.patience.timeout): (awaited: string) => Promise<Incoming> {
    let deadline = awakeNow() + timeout;
    return async (awaited) => {
      try {
        const got = await this.next(awaited, deadline - awakeNow());
        const heartbeat = got.kind === "ping" || got.kind === "pong";
        if (!heartbeat) deadline = awakeNow() + timeout;
        return got;
      } catch (error) {
        throw error instanceof TimeOut ? new TimeOut(awaited, timeout) : error;
      }
    };
  }

  /** A server that closes while it has much yet to read resets, and may lose its Close frame by that. */
  #mayHaveLost(how: Closing): boolean {
    return how === "reset" && this.wire.written > UNREAD;
  }

  #note(how: Closing, code: number | null, wrong: Finding | null): void {
    this.#context.onClosing({ how, code, wrong });
  }

  /** A payload that no other Ping of this connection has. */
  #fence(): Uint8Array {
    return concat([bytesOf(`fence-${++this.#fences}-`), this.#context.random.bytes(4)]);
  }
}

function isNext(allowed: Message[], message: Message): boolean {
  const at = allowed.findIndex((one) =>
    one.type === message.type && equalBytes(one.data, message.data)
  );
  if (at >= 0) allowed.splice(0, at + 1);
  return at >= 0;
}

function timedOut(expected: string, error: TimeOut, seen: readonly string[]): Broken {
  const came = seen.length === 0 ? "nothing" : seen.join(", ");
  const observed = `${came} in ${error.milliseconds} ms`;
  return new Broken({ expected, observed, awaited: error.awaited });
}

function named(codes: readonly (number | null)[]): string {
  return codes.map((one) => one ?? "none").join(" or ");
}

function noCloseFrame(codes: readonly (number | null)[], got: Incoming): Finding {
  return {
    expected: `a Close frame with the code ${named(codes)}, then the end of TCP`,
    observed: `${showIncoming(got)}, and no Close frame`,
  };
}

function difference(expected: Message, got: Message): string {
  if (expected.type !== got.type) return `the type ${got.type}: ${showMessage(got)}`;
  const at = expected.data.findIndex((byte, i) => byte !== got.data[i]);
  const from = at < 0 ? Math.min(expected.data.length, got.data.length) : at;
  return `${showMessage(got)}, different from byte ${from}: ${show(got.data.subarray(from), 16)}`;
}
