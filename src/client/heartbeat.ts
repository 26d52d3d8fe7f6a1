import type { Clock } from "../base/clock.ts";

/** Bounds on what the server may say, in milliseconds. */
const MIN_INTERVAL = 1000;
const MAX_INTERVAL = 3_600_000;

/**
 * Notices a connection that is gone without a word: a standard WebSocket sees neither Ping frames nor a
 * network that was switched off. After an interval of silence it asks; after another, it gives up.
 */
export class Heartbeat {
  readonly #stop: () => void;
  #heard = true;
  #asked = false;

  /**
   * @param interval What the server told in `connected`, in seconds.
   * @param ask Sends a `ping`; anything that comes back will do.
   */
  constructor(clock: Clock, interval: number, ask: () => void, gone: () => void) {
    const ms = Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, interval * 1000));
    this.#stop = clock.every(ms, () => {
      const isSilent = !this.#heard;
      const wasAsked = this.#asked;
      this.#heard = false;
      this.#asked = isSilent;
      if (isSilent && wasAsked) gone();
      else if (isSilent) ask();
    });
  }

  /** A frame came. */
  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    this.#stop();
  }
}
