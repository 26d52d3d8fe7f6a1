import type { Socket } from "node:net";
import { RawSocket } from "./raw_socket.ts";

/** A cheap subscriber over a bare socket that notes how long each event was on its way. */
export class LatencyClient {
  readonly socket: Socket;
  /** Milliseconds from publication to arrival, an event each. */
  latencies: number[] = [];
  /** Resolves when the subscription was answered. */
  readonly subscribed: Promise<void>;
  #onSubscribed!: () => void;
  #lastArrival = 0;

  constructor(url: string, channel: string) {
    this.subscribed = new Promise((resolve) => this.#onSubscribed = resolve);
    const raw = new RawSocket(url, {
      opened: () => raw.ask({ type: "subscribe", channels: [channel] }),
      frame: (_, payload) => this.#take(payload.toString()),
    });
    this.socket = raw.socket;
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

  #take(text: string): void {
    this.#lastArrival = performance.now();
    if (text.startsWith('{"type":"subscribed"')) this.#onSubscribed();
    const at = /"at":([\d.]+)/.exec(text);
    if (at === null) return;
    this.latencies.push(performance.timeOrigin + this.#lastArrival - Number(at[1]));
  }
}
