import type { Clock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { type Random, uuid } from "../base/random.ts";
import { RefusedError } from "./errors.ts";
import type { Received } from "./frames.ts";

/** Who waits for what carries one correlation id. */
export interface Waiting {
  /** A message came that is no error. */
  answer(message: Received): void;
  /** The server refused, or the connection ended: nothing more will come. */
  fail(error: unknown): void;
}

/** How long one waits for an answer. */
export interface RequestOptions {
  /** In milliseconds; `Infinity` for as long as the connection lasts. @default requestTimeout */
  readonly timeout?: number;
  /** Aborted, it gives up waiting; the server is not told. */
  readonly signal?: AbortSignal;
}

/** The requests of a client that wait for an answer, by correlation id. */
export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeout: number;

  /** @param timeout What a request waits where it does not say, in milliseconds. */
  constructor(clock: Clock, random: Random, timeout: number) {
    this.#clock = clock;
    this.#random = random;
    this.#timeout = timeout;
  }

  /** Waits for messages of a new correlation id, until {@linkcode Requests.close}. */
  open(waiting: Waiting): string {
    const id = uuid(this.#random);
    this.#waiting.set(id, waiting);
    return id;
  }

  /** Waits no longer. */
  close(id: string): void {
    this.#waiting.delete(id);
  }

  /**
   * Sends a request and waits for the first message that answers it.
   *
   * @param send Sends the request under the correlation id it is given.
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}), `timeout`, `closed`, what `send` throws;
   * or the reason of the signal.
   */
  ask(send: (id: string) => void, options: RequestOptions = {}): Promise<Received> {
    const { timeout = this.#timeout, signal } = options;
    return new Promise((resolve, reject) => {
      checkTimeout("timeout", timeout);
      signal?.throwIfAborted();
      const settled = () => {
        this.close(id);
        stopTimer();
        signal?.removeEventListener("abort", abort);
      };
      const fail = (error: unknown) => {
        settled();
        reject(error);
      };
      const abort = () => fail(signal?.reason);
      const id = this.open({
        fail,
        answer(message) {
          settled();
          resolve(message);
        },
      });
      const expire = () => fail(new HeddleError("timeout", `no answer within ${timeout} ms`));
      const stopTimer = timeout === Infinity ? () => {} : this.#clock.after(timeout, expire);
      signal?.addEventListener("abort", abort);
      try {
        send(id);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Hands a message to whoever waits for it; false where nobody does. */
  take(message: Received): boolean {
    const { correlationId, known } = message;
    const waiting = correlationId === undefined ? undefined : this.#waiting.get(correlationId);
    if (waiting === undefined) return false;
    if (known?.type === "error") waiting.fail(new RefusedError(known));
    else waiting.answer(message);
    return true;
  }

  /** Fails all that wait: no answer can come any more. */
  failAll(error: unknown): void {
    for (const waiting of [...this.#waiting.values()]) waiting.fail(error);
    this.#waiting.clear();
  }
}

/** The longest time a timer can be set to, in milliseconds. */
const MAX_TIMER = 0x7fff_ffff;

/** @throws {HeddleError} `option_invalid` where `value` is no time to wait. */
export function checkTimeout(name: string, value: number): number {
  if (value === Infinity || (value > 0 && value <= MAX_TIMER)) return value;
  throw new HeddleError(
    "option_invalid",
    `${name} is ${String(value)}; it must be more than 0 ms, at most ${MAX_TIMER}, or Infinity`,
  );
}
