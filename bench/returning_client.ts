import { systemRandom } from "../src/base/random.ts";
import { backoffDelay, resolveReconnect } from "../src/client/backoff.ts";
import { RawSocket } from "./raw_socket.ts";

const reconnect = resolveReconnect();
const [CLOSE, PING, PONG] = [0x8, 0x9, 0xa];

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
  #raw: RawSocket;
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
    this.#raw = this.#connect();
  }

  /** Resolves when the event of that number has come. */
  until(sequence: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { sequence, resolve };
      this.#check();
    });
  }

  #connect(): RawSocket {
    const raw = new RawSocket(this.#where.url, {
      opened: (status) => {
        if (status === 101) this.#attempt = 0;
        else {
          this.refusals++;
          raw.socket.destroy();
        }
      },
      frame: (opcode, payload) => {
        if (opcode === CLOSE) raw.send(CLOSE, payload);
        else if (opcode === PING) raw.send(PONG, payload);
        else this.#message(JSON.parse(payload.toString()));
      },
    });
    raw.socket.on("close", () => this.#comeBack());
    return raw;
  }

  #comeBack(): void {
    this.#isBack = true;
    const told = Math.max(0, this.due - performance.now());
    const wait = told + backoffDelay(++this.#attempt, reconnect, systemRandom);
    setTimeout(() => this.#raw = this.#connect(), wait);
  }

  #message(message: Message): void {
    switch (message.type) {
      case "connected":
        if (this.#isBack) this.#resume();
        else this.#raw.ask({ type: "subscribe", channels: [this.#channel] });
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
        this.#raw.ask({
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
    this.#raw.ask({ type: "resume", reconnection_token: this.#token, positions });
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
}
