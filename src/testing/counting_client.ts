/**
 * A very cheap WebSocket client over a bare socket, for tests with thousands of connections: it keeps
 * nothing, answers Pings, and checks that the offsets of events come one after the other.
 *
 * @module
 */
import { connect, type Socket } from "node:net";

const TEXT = 0x81;
const PING = 0x89;
const PONG = 0x8a;
const HEAD_END = new TextEncoder().encode("\r\n\r\n");

/** A connection that is subscribed to one channel and counts its events. */
export class CountingClient {
  /** How many events came, each with the offset after the one before. */
  events = 0;
  readonly #socket: Socket;
  readonly #total: number;
  #rest: Uint8Array = new Uint8Array(0);
  #isOpen = false;
  /** The offset before the first event. */
  #start = 0;
  /** Resolves when the subscription was answered. */
  readonly subscribed: Promise<void>;
  /** Resolves when all events came in order; rejects at the first that did not, or at an early end. */
  readonly done: Promise<void>;
  #onSubscribed!: () => void;
  #onDone!: () => void;
  #onFailed!: (reason: Error) => void;

  /** @param total How many events are awaited. */
  constructor(url: string, channel: string, total: number) {
    this.#total = total;
    this.subscribed = new Promise((resolve) => this.#onSubscribed = resolve);
    this.done = new Promise((resolve, reject) => {
      this.#onDone = resolve;
      this.#onFailed = reject;
    });
    this.done.catch(() => {});
    const { hostname, port, pathname } = new URL(url);
    this.#socket = connect(Number(port), hostname, () => {
      this.#socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
    });
    this.#socket.on("data", (chunk: Uint8Array) => this.#take(chunk, channel));
    this.#socket.on("error", (error) => this.#onFailed(error));
    this.#socket.on("close", () => this.#onFailed(new Error(`ended after ${this.events} events`)));
  }

  /** Closes with a closing handshake; resolves when the server has closed too. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#socket.on("close", () => resolve()));
    this.#socket.write(new Uint8Array([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    return closed;
  }

  #take(chunk: Uint8Array, channel: string): void {
    let bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    if (!this.#isOpen) {
      const end = indexOf(bytes, HEAD_END);
      if (end === -1) {
        this.#rest = bytes;
        return;
      }
      this.#isOpen = true;
      bytes = bytes.subarray(end + HEAD_END.length);
      const subscribe = JSON.stringify({ type: "subscribe", channels: [channel] });
      this.#send(TEXT, new TextEncoder().encode(subscribe));
    }
    for (;;) {
      const frame = readFrame(bytes);
      if (frame === undefined) break;
      bytes = bytes.subarray(frame.end);
      if (frame.first === TEXT) this.#message(frame.payload);
      else if (frame.first === PING) this.#send(PONG, frame.payload);
    }
    this.#rest = bytes.slice();
  }

  #message(payload: Uint8Array): void {
    const message = JSON.parse(new TextDecoder().decode(payload));
    if (message.type === "subscribed") {
      const [position] = Object.values(message.positions as Record<string, { offset: number }>);
      this.#start = position!.offset;
      this.#onSubscribed();
    }
    if (message.type !== "event") return;
    if (
      message.offset !== this.#start + this.events + 1 || message.data.sequence !== this.events + 1
    ) {
      this.#onFailed(new Error(`offset ${message.offset} after ${this.events}`));
    }
    if (++this.events === this.#total) this.#onDone();
  }

  #send(first: number, payload: Uint8Array): void {
    if (payload.length > 125) throw new RangeError("longer texts are not needed here");
    this.#socket.write(concat(new Uint8Array([first, 0x80 | payload.length, 0, 0, 0, 0]), payload));
  }
}

function readFrame(
  bytes: Uint8Array,
): { first: number; payload: Uint8Array; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]!;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = short === 126
    ? view.getUint16(2)
    : short === 127
    ? Number(view.getBigUint64(2))
    : short;
  const end = start + length;
  if (bytes.length < end) return undefined;
  return { first: bytes[0]!, payload: bytes.subarray(start, end), end };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  outer: for (let i = 0; i + wanted.length <= bytes.length; i++) {
    for (let j = 0; j < wanted.length; j++) if (bytes[i + j] !== wanted[j]) continue outer;
    return i;
  }
  return -1;
}
