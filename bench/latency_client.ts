import { connect, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";

/** A cheap subscriber over a bare socket that notes how long each event was on its way. */
export class LatencyClient {
  readonly socket: Socket;
  /** Milliseconds from publication to arrival, an event each. */
  latencies: number[] = [];
  /** Resolves when the subscription was answered. */
  readonly subscribed: Promise<void>;
  #onSubscribed!: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #lastArrival = 0;

  constructor(url: string, channel: string) {
    this.subscribed = new Promise((resolve) => this.#onSubscribed = resolve);
    const { hostname, port, pathname } = new URL(url);
    this.socket = connect(Number(port), hostname, () => {
      this.socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
    });
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#take(chunk, channel));
  }

  /** Forgets what was noted. */
  clear(): void {
    this.latencies = [];
  }

  /** Resolves when nothing has come for 100 ms. */
  async settled(): Promise<void> {
    do await new Promise((resolve) => setTimeout(resolve, 50)); while (
      performance.now() - this.#lastArrival < 100
    );
  }

  #take(chunk: Buffer, channel: string): void {
    this.#lastArrival = performance.now();
    const now = performance.timeOrigin + this.#lastArrival;
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen) {
      const end = bytes.indexOf(HEAD_END);
      if (end === -1) {
        this.#rest = bytes;
        return;
      }
      this.#isOpen = true;
      bytes = bytes.subarray(end + HEAD_END.length);
      const text = Buffer.from(JSON.stringify({ type: "subscribe", channels: [channel] }));
      this.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
    }
    while (bytes.length >= 2) {
      const short = bytes[1]!;
      const start = short === 126 ? 4 : 2;
      if (bytes.length < start) break;
      const end = start + (short === 126 ? bytes.readUInt16BE(2) : short);
      if (bytes.length < end) break;
      this.#message(bytes.toString("utf8", start, end), now);
      bytes = bytes.subarray(end);
    }
    this.#rest = Buffer.from(bytes);
  }

  #message(text: string, now: number): void {
    if (text.startsWith('{"type":"subscribed"')) this.#onSubscribed();
    const at = /"at":([\d.]+)/.exec(text);
    if (at !== null) this.latencies.push(now - Number(at[1]));
  }
}
