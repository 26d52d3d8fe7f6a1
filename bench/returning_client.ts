import { connect, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import { systemRandom } from "../src/base/random.ts";
import { backoffDelay, resolveReconnect } from "../src/client/backoff.ts";

const HEAD_END = "\r\n\r\n";
const reconnect = resolveReconnect();

interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Position {
  readonly epoch: string;
  offset: number;
}

/**
 * A cheap client over a bare socket. It comes back when it is told to, and after a refusal, with the delays
 * of the client of `heddle/client`, and counts what it misses.
 */
export class ReturningClient {
  readonly #where: { readonly url: string };
  readonly #channel: string;
  #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #token = "";
  #position: Position | undefined;
  /** The sequence number of the newest event. */
  #sequence = 0;
  #isBack = false;
  /** Attempts since there was a connection. */
  #attempt = 0;
  #waiting: { readonly sequence: number; readonly resolve: () => void } | undefined;
  /** Events that did not come and that no gap told of. */
  lost = 0;
  /** Events that came twice. */
  doubled = 0;
  /** Gaps it was told of. */
  gaps = 0;
  /** Whether it got everything that it missed while it was away. */
  isRecovered = false;
  /** The time at which it was told to come back. */
  due = 0;
  /** How often it was sent away when it came back. */
  refusals = 0;
  /** Resolves when the first subscription was answered. */
  readonly subscribed: Promise<void>;
  /** Resolves when it is back and subscribed. */
  readonly returned: Promise<void>;
  #onSubscribed!: () => void;
  #onReturned!: () => void;

  /** @param where Its `url` may change before it comes back. */
  constructor(where: { readonly url: string }, channel: string) {
    this.#where = where;
    this.#channel = channel;
    this.subscribed = new Promise((resolve) => this.#onSubscribed = resolve);
    this.returned = new Promise((resolve) => this.#onReturned = resolve);
    this.#socket = this.#connect();
  }

  /** Resolves when the event of that number has come. */
  until(sequence: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { sequence, resolve };
      this.#check();
    });
  }

  #connect(): Socket {
    const { hostname, port, pathname } = new URL(this.#where.url);
    this.#rest = Buffer.alloc(0);
    this.#isOpen = false;
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
    });
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => this.#comeBack());
    return socket;
  }

  #comeBack(): void {
    this.#isBack = true;
    const told = Math.max(0, this.due - performance.now());
    const wait = told + backoffDelay(++this.#attempt, reconnect, systemRandom);
    setTimeout(() => this.#socket = this.#connect(), wait);
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen) {
      const end = bytes.indexOf(HEAD_END);
      if (end === -1) {
        this.#rest = bytes;
        return;
      }
      if (!bytes.toString("latin1", 0, end).startsWith("HTTP/1.1 101 ")) {
        this.refusals++;
        this.#socket.destroy();
        return;
      }
      this.#isOpen = true;
      this.#attempt = 0;
      bytes = bytes.subarray(end + HEAD_END.length);
    }
    while (bytes.length >= 2) {
      const short = bytes[1]!;
      const start = short === 126 ? 4 : 2;
      if (bytes.length < start) break;
      const end = start + (short === 126 ? bytes.readUInt16BE(2) : short);
      if (bytes.length < end) break;
      if (bytes[0] === 0x88) this.#send(0x88, bytes.subarray(start, end));
      else if (bytes[0] === 0x89) this.#send(0x8a, bytes.subarray(start, end));
      else this.#message(JSON.parse(bytes.toString("utf8", start, end)));
      bytes = bytes.subarray(end);
    }
    this.#rest = Buffer.from(bytes);
  }

  #message(message: Message): void {
    switch (message.type) {
      case "connected":
        if (this.#isBack) this.#resume();
        else this.#ask({ type: "subscribe", channels: [this.#channel] });
        this.#token = String(message["reconnection_token"]);
        return;
      case "subscribed":
        this.#position = (message["positions"] as Record<string, Position>)[this.#channel]!;
        if (this.#isBack) this.#arrive(message);
        this.#onSubscribed();
        return;
      case "resumed":
        this.#token = String(message["reconnection_token"]);
        this.#arrive(message);
        return;
      case "error":
        // The session is not known here: subscribe anew, from where it stood.
        this.#ask({
          type: "subscribe",
          channels: [this.#channel],
          positions: { [this.#channel]: this.#position },
        });
        return;
      case "disconnected":
        this.due = performance.now() + Number(message["retry_after"] ?? 0) * 1000;
        return;
      case "gap":
        this.gaps++;
        this.#position = undefined;
        return;
      case "event":
        this.#event(message);
    }
  }

  #resume(): void {
    const positions = { [this.#channel]: this.#position };
    this.#ask({ type: "resume", reconnection_token: this.#token, positions });
  }

  #arrive(message: Message): void {
    const recovered = message["recovered"] as Record<string, boolean> | undefined;
    this.isRecovered = recovered?.[this.#channel] === true;
    this.#onReturned();
  }

  #event(message: Message): void {
    const { sequence } = message["data"] as { sequence: number };
    // What a gap told of is not lost unsaid.
    if (this.#position === undefined) this.#sequence = sequence - 1;
    if (sequence <= this.#sequence) this.doubled++;
    else this.lost += sequence - this.#sequence - 1;
    this.#sequence = Math.max(this.#sequence, sequence);
    const epoch = this.#position?.epoch ?? "";
    this.#position = { epoch, offset: Number(message["offset"]) };
    this.#check();
  }

  #check(): void {
    if (this.#waiting !== undefined && this.#sequence >= this.#waiting.sequence) {
      this.#waiting.resolve();
    }
  }

  #ask(message: unknown): void {
    this.#send(0x81, Buffer.from(JSON.stringify(message)));
  }

  #send(first: number, payload: Buffer): void {
    const head = payload.length < 126
      ? Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0])
      : Buffer.from([first, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
    this.#socket.write(Buffer.concat([head, payload]));
  }
}
