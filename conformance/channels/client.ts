/**
 * A client of Protocol 1 in the hands of a case: says what it likes, and what must come back.
 *
 * @module
 */
import type { Connection } from "../peer/connection.ts";
import { Broken } from "../peer/finding.ts";
import { type Incoming, showIncoming } from "../peer/incoming.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import type { Violation } from "../peer/watch.ts";
import { bytesOf, decodeUtf8, toHex } from "../wire/bytes.ts";
import { awakeNow } from "../wire/clock.ts";
import { close } from "../wire/frame.ts";
import { TimeOut } from "../wire/socket.ts";
import { ANSWERS, CLOSE_CODES, SERVER_MESSAGES } from "./protocol.ts";
import { Reader, type Received } from "./reader.ts";
import { isRecord, type ServerMessage, showMessage } from "./shape.ts";

/** Something to send as JSON. */
export type ClientMessage = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A place in a channel. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** How a connection ended. */
export interface Ended {
  /** The code of the Close frame; null without one, or without a frame. */
  readonly code: number | null;
  readonly reason: string;
  /** What came on it that nobody had taken. */
  readonly last: readonly ServerMessage[];
}

/** What a client takes from the case it is part of. */
export interface ClientContext {
  readonly name: string;
  readonly timeout: number;
  readonly note: (line: string) => void;
  readonly onViolation: (violation: Violation) => void;
}

/** One connection whose opening handshake is done. */
export class Client {
  /** The connection below: frames, Pings, pausing. */
  readonly connection: Connection;
  readonly #context: ClientContext;
  readonly #reader: Reader;
  readonly #inbox: ServerMessage[] = [];
  #greeting: ServerMessage | null = null;
  #asked = 0;
  #closing = false;
  #heard = performance.now();
  #ended: Omit<Ended, "last"> | null = null;

  constructor(connection: Connection, context: ClientContext) {
    this.connection = connection;
    this.#context = context;
    this.#reader = new Reader({
      note: (text) => this.#note("<", text),
      onViolation: context.onViolation,
      onMessage: (message) => this.#inbox.push(message),
    });
  }

  /** When it last was connected, as far as it knows, by `performance.now()`. */
  get heard(): number {
    return this.#heard;
  }

  /** Everything that came, in order. */
  get received(): readonly Received[] {
    return this.#reader.received;
  }

  /** The dictionaries that it knows, by id. */
  get dictionaries(): Map<string, Uint8Array> {
    return this.#reader.dictionaries;
  }

  /** The `connected` it was greeted with. */
  get greeting(): ServerMessage {
    if (this.#greeting === null) throw new TypeError("not greeted yet");
    return this.#greeting;
  }

  /** Its client id. */
  get id(): string {
    return String(this.greeting["client_id"]);
  }

  /** What resumes its session. */
  get token(): string {
    return String(this.greeting["reconnection_token"]);
  }

  /** A limit in force, or what it is by default. */
  limit(name: string, otherwise: number): number {
    const { limits } = this.greeting;
    const value = isRecord(limits) ? limits[name] : undefined;
    return typeof value === "number" ? value : otherwise;
  }

  /** Takes the greeting, which must be the first message. */
  async greet(): Promise<ServerMessage> {
    const first = await this.next(() => true, "connected");
    if (first.type !== "connected") {
      throw new Broken({ expected: "connected, before all else", observed: showMessage(first) });
    }
    this.#greeting = first;
    return first;
  }

  /** Sends a message. */
  send(message: ClientMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends a text, be it what it may. */
  sendText(text: string): void {
    this.#note(">", text);
    this.connection.sendMessage(textMessage(text));
  }

  /** Sends bytes as a binary message. */
  sendBytes(bytes: Uint8Array): void {
    this.#note(">", `binary ${toHex(bytes, 48)}`);
    this.connection.sendMessage(binaryMessage(bytes));
  }

  /** A correlation id that it has not used. */
  correlation(): string {
    return `${this.#context.name}-${++this.#asked}`;
  }

  /**
   * Sends a request and returns its answer, be it what was asked for or an error. Where it came too
   * soon for the server's limits, it is sent again when its time has come.
   */
  async ask(message: ClientMessage, timeout?: number): Promise<ServerMessage> {
    for (;;) {
      const correlation_id = this.correlation();
      this.send({ ...message, correlation_id });
      const answer = await this.answer(correlation_id, message.type, timeout);
      if (!await this.#bides(answer)) return answer;
    }
  }

  /** The answer with this correlation id. */
  async answer(correlation: string, to: string, timeout?: number): Promise<ServerMessage> {
    return await this.next(
      (message) => message["correlation_id"] === correlation,
      `the answer to ${to} (correlation_id ${JSON.stringify(correlation)})`,
      timeout,
    );
  }

  /** Sends a request that must be answered by what the protocol names for it. */
  async ok(message: ClientMessage): Promise<ServerMessage> {
    const answer = await this.ask(message);
    const expected = ANSWERS.get(message.type);
    if (answer.type !== expected) {
      const observed = showMessage(answer);
      throw new Broken({ expected: `${expected} in answer to ${showMessage(message)}`, observed });
    }
    return answer;
  }

  /** Sends a request that must be answered by an error of this code. */
  async refused(message: ClientMessage, ...codes: readonly string[]): Promise<ServerMessage> {
    return expectError(await this.ask(message), codes, showMessage(message));
  }

  /** Sends a text that must be answered by an error of this code, without a correlation id. */
  async refusedText(text: string, code: string): Promise<ServerMessage> {
    this.sendText(text);
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    return expectError(await this.nextAnswer(`the error ${code}`), [code], shown);
  }

  /** The same for a binary message. */
  async refusedBytes(bytes: Uint8Array, code: string, shown = "it"): Promise<ServerMessage> {
    this.sendBytes(bytes);
    return expectError(await this.nextAnswer(`the error ${code}`), [code], shown);
  }

  /** The next message that is not unasked: no event, gap, batch or notice, nor of an unknown type. */
  async nextAnswer(awaited: string): Promise<ServerMessage> {
    return await this.next(
      ({ type }) => SERVER_MESSAGES.has(type) && !UNASKED.has(type),
      awaited,
    );
  }

  /** Subscribes to channels, each of which must be had. */
  async subscribe(
    channels: string | readonly string[],
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<ServerMessage> {
    const names = [channels].flat();
    const answer = await this.ok({ type: "subscribe", channels: names, ...fields });
    const had = answer["channels"];
    if (!Array.isArray(had) || !names.every((name) => had.includes(name))) {
      throw new Broken({ expected: `a subscription to ${names}`, observed: showMessage(answer) });
    }
    return answer;
  }

  /**
   * Publishes an event, which must be taken, and returns its position. Whatever the channel does by
   * default, whoever publishes gets it too, where `fields` do not say otherwise.
   */
  async publish(
    channel: string,
    data: unknown = {},
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Position> {
    const event = { type: "publish", channel, event_type: "kit", data, echo: true, ...fields };
    const answer = await this.ok(event);
    return { epoch: String(answer["epoch"]), offset: Number(answer["offset"]) };
  }

  /** Publishes so many events, several at a time, each of which must be taken: `data(0)`, `data(1)` … */
  async publishMany(
    channel: string,
    count: number,
    data: (i: number) => unknown = (i) => i,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Position> {
    let last: Position = { epoch: "", offset: 0 };
    for (let at = 0; at < count; at += AT_ONCE) {
      const ids = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, i) => {
        const correlation_id = this.correlation();
        const event = {
          type: "publish",
          channel,
          event_type: "kit",
          data: data(at + i),
          echo: true,
        };
        this.send({ ...event, ...fields, correlation_id });
        return correlation_id;
      });
      for (const id of ids) {
        const answer = await this.answer(id, "publish");
        if (await this.#bides(answer)) {
          last = await this.publish(channel, data(at + ids.indexOf(id)), fields);
          continue;
        }
        if (answer.type !== "published") {
          throw new Broken({ expected: "published", observed: showMessage(answer) });
        }
        last = { epoch: String(answer["epoch"]), offset: Number(answer["offset"]) };
      }
    }
    return last;
  }

  /** The next event of a channel that has an offset: presence has none. */
  async event(channel: string, timeout?: number): Promise<ServerMessage> {
    return await this.next(
      (message) => isEvent(message, channel),
      `an event of ${channel}`,
      timeout,
    );
  }

  /** The next so many events of a channel. */
  async events(channel: string, count: number): Promise<ServerMessage[]> {
    const events: ServerMessage[] = [];
    while (events.length < count) events.push(await this.event(channel));
    return events;
  }

  /** The next message of a type. */
  async message(type: string, timeout?: number): Promise<ServerMessage> {
    return await this.next((message) => message.type === type, type, timeout);
  }

  /** Takes the first message, come or to come, that fits; the others stay. */
  async next(
    fits: (message: ServerMessage) => boolean,
    awaited: string,
    timeout = this.#context.timeout,
  ): Promise<ServerMessage> {
    let looked = 0;
    const deadline = awakeNow() + timeout;
    for (;;) {
      for (; looked < this.#inbox.length; looked++) {
        const message = this.#inbox[looked];
        if (message !== undefined && fits(message)) {
          this.#inbox.splice(looked, 1);
          return message;
        }
      }
      await this.#read(awaited, deadline - awakeNow(), timeout);
    }
  }

  /** {@link next}, or null where the connection ends before. */
  async nextOrEnd(
    fits: (message: ServerMessage) => boolean,
    awaited: string,
    timeout = this.#context.timeout,
  ): Promise<ServerMessage | null> {
    const deadline = awakeNow() + timeout;
    for (;;) {
      const at = this.#inbox.findIndex(fits);
      if (at >= 0) return this.#inbox.splice(at, 1)[0] ?? null;
      if (this.#ended !== null) return null;
      await this.#read(awaited, deadline - awakeNow(), timeout);
    }
  }

  /**
   * All that has come by the time that a `ping` sent now is answered, taken from the inbox. What the
   * server has sent before the answer stands in it: so it proves what did not come.
   */
  async fence(): Promise<ServerMessage[]> {
    const correlation = this.correlation();
    this.send({ type: "ping", correlation_id: correlation });
    await this.answer(correlation, "ping, as a fence");
    return this.#inbox.splice(0);
  }

  /** Nothing of this kind has come, nor comes before the answer to a `ping`. */
  async nothing(fits: (message: ServerMessage) => boolean, why: string): Promise<void> {
    const wrong = (await this.fence()).find(fits);
    if (wrong !== undefined) {
      throw new Broken({ expected: `nothing (${why})`, observed: showMessage(wrong) });
    }
  }

  /** The connection is open and works: a `ping` is answered; what came before stays in the inbox. */
  async alive(): Promise<void> {
    await this.ok({ type: "ping" });
  }

  /** Stays connected for so long and says nothing, save that Pings are answered. */
  async idle(milliseconds: number): Promise<void> {
    const deadline = awakeNow() + milliseconds;
    while (this.#ended === null) {
      try {
        this.#take(await this.connection.next("anything", deadline - awakeNow()));
      } catch (error) {
        if (error instanceof TimeOut) return;
        throw error;
      }
    }
  }

  /** Closes the connection, as a client does, and waits for the end, that of TCP included. */
  async close(code: number | null = 1000): Promise<void> {
    this.#closing = true;
    this.#heard = performance.now();
    this.#note(">", `Close ${code ?? "without a code"}`);
    this.connection.send(close(code));
    await this.ended();
    const { wire } = this.connection;
    await wire.waitFor("the end of TCP", () => wire.ending ?? undefined);
    wire.halfClose();
    await wire.flush();
  }

  /** Cuts the connection, without a Close frame. */
  cut(): void {
    this.#closing = true;
    this.#heard = performance.now();
    this.#note(">", "cut");
    this.connection.wire.reset();
  }

  /** Waits for the server's Close frame, or the end of TCP. */
  async ended(timeout = this.#context.timeout): Promise<Ended> {
    const deadline = awakeNow() + timeout;
    while (this.#ended === null) {
      await this.#read("the end of the connection", deadline - awakeNow(), timeout, true);
    }
    return { ...this.#ended, last: this.#inbox.splice(0) };
  }

  /** Whether a message was answered with `rate_limited`; then its time to be sent again has come. */
  async #bides({ type, code, retry_after }: ServerMessage): Promise<boolean> {
    if (type !== "error" || code !== "rate_limited" || typeof retry_after !== "number") {
      return false;
    }
    if (retry_after > LONGEST_BIDING) return false;
    await new Promise((resolve) => setTimeout(resolve, retry_after * 1000));
    return true;
  }

  /** Reads what comes until the end of TCP, which a server that has closed brings about. */
  async rest(): Promise<void> {
    const { wire } = this.connection;
    while (wire.ending === null || wire.peek().length > 0) {
      const incoming = await this.connection.next("the end of TCP");
      if (incoming.kind === "end" || incoming.kind === "garbage") return;
      this.#take(incoming);
    }
  }

  async #read(awaited: string, left: number, whole: number, mayEnd = false): Promise<void> {
    if (this.#ended !== null && !mayEnd) {
      const { code } = this.#ended;
      const observed = `the connection ended, ${code ?? "without a Close frame"}; ${this.#came()}`;
      throw new Broken({ expected: awaited, observed });
    }
    let incoming: Incoming;
    try {
      incoming = await this.connection.next(awaited, left);
    } catch (error) {
      if (!(error instanceof TimeOut)) throw error;
      const observed = `${this.#came()} in ${whole} ms`;
      throw new Broken({ expected: awaited, observed, awaited });
    }
    this.#take(incoming);
  }

  #came(): string {
    if (this.#inbox.length === 0) return "nothing";
    return `only ${this.#inbox.slice(-3).map((message) => showMessage(message)).join(", ")}`;
  }

  #take(incoming: Incoming): void {
    if (!this.#closing && incoming.kind !== "end" && incoming.kind !== "close") {
      this.#heard = performance.now();
    }
    switch (incoming.kind) {
      case "message": {
        const { type, data } = incoming.message;
        if (this.#ended !== null) {
          this.#context.onViolation({ rule: "HDL-CLO-2", observed: showIncoming(incoming) });
        }
        if (type === "text") return this.#reader.takeText(data);
        return this.#reader.takeBinary(data);
      }
      case "close":
        this.#note("<", showIncoming(incoming));
        if (incoming.code !== null && !this.#closing && !isClosingCode(incoming.code)) {
          this.#context.onViolation({ rule: "HDL-CLO-1", observed: showIncoming(incoming) });
        }
        this.#ended ??= { code: incoming.code, reason: decodeUtf8(incoming.reason) ?? "" };
        return;
      case "end":
        if (this.#ended === null) this.#note("<", showIncoming(incoming));
        this.#ended ??= { code: null, reason: "" };
        return;
      case "garbage":
        throw new Broken({ expected: "frames of RFC 6455", observed: incoming.observed });
    }
  }

  #note(direction: ">" | "<", text: string): void {
    const shown = text.length > 400
      ? `${text.slice(0, 400)}… (${bytesOf(text).length} bytes)`
      : text;
    // A report is for everybody to read.
    const safe = shown.replaceAll(/("token":")[^"]{8,}/g, "$1…");
    this.#context.note(`${this.#context.name} ${direction} ${safe}`);
  }
}

/** How many publications are sent before their answers are waited for. */
const AT_ONCE = 16;

/** Seconds that a client waits at most where it has sent too often. */
const LONGEST_BIDING = 5;

/** What a server sends without being asked. */
const UNASKED = new Set(["event", "gap", "disconnected", "token_expiring"]);

/** A code of the table, or one that an application may choose. */
function isClosingCode(code: number): boolean {
  return CLOSE_CODES.has(code) || code >= 3000 && code <= 4999;
}

function isEvent(message: ServerMessage, channel: string): boolean {
  return message.type === "event" && message["channel"] === channel &&
    message["offset"] !== undefined;
}

function expectError(
  answer: ServerMessage,
  codes: readonly string[],
  to: string,
): ServerMessage {
  const code = String(answer["code"]);
  if (answer.type === "error" && codes.includes(code)) return answer;
  const expected = `the error ${codes.join(" or ")} in answer to ${to}`;
  throw new Broken({ expected, observed: showMessage(answer) });
}
