import { type Clock, MAX_TIMER } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import { type Random, uuid } from "../base/random.ts";
import { RefusedError } from "./errors.ts";
import type { Received } from "./frames.ts";

/** Who waits for what carries one correlation id. */
export interface Waiting {
  /** A message came that is no error. */
  answer(message: Received): void;
  /** The server refused, or the connection ended: nothing more will come. */
  fail(error: unknown): void;
  /** It was written, and its answer may come. */
  written(): void;
  /** It is to be written again. */
  returned(): void;
}

/** How long one waits for an answer. */
export interface RequestOptions {
  /**
   * In milliseconds from when it was written to the server: what waits for a connection waits for as long
   * as the client tries to get one. `Infinity` for as long as the connection lasts. @default requestTimeout
   */
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
  readonly #closed: (id: string) => void;

  /**
   * @param timeout What a request waits where it does not say, in milliseconds.
   * @param closed Called when nobody waits for a correlation id any more.
   */
  constructor(
    clock: Clock,
    random: Random,
    { timeout, closed }: { readonly timeout: number; closed(id: string): void },
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#timeout = timeout;
    this.#closed = closed;
  }

  /** A correlation id that nobody waits for. */
  newId(): string {
    return uuid(this.#random);
  }

  /** Waits for messages of a new correlation id, until {@linkcode Requests.close}. */
  open(waiting: Waiting): string {
    const id = this.newId();
    this.#waiting.set(id, waiting);
    return id;
  }

  /** Waits no longer. */
  close(id: string): void {
    if (this.#waiting.delete(id)) this.#closed(id);
  }

  /**
   * Sends a request and waits for the first message that answers it.
   *
   * @param send Sends the request under the correlation id it is given.
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}), `timeout`, `closed`, what `send` throws;
   * or the reason of the signal.
   */
  ask(
    send: (id: string, waiting: Waiting) => void,
    options: RequestOptions = {},
  ): Promise<Received> {
    const { timeout = this.#timeout, signal } = options;
    return new Promise((resolve, reject) => {
      checkNames("request", options, ["timeout", "signal"]);
      checkTimeout("timeout", timeout);
      signal?.throwIfAborted();
      let stopTimer = () => {};
      const settled = () => {
        stopTimer();
        this.close(id);
        signal?.removeEventListener("abort", abort);
      };
      const fail = (error: unknown) => {
        settled();
        reject(error);
      };
      const abort = () => fail(signal?.reason);
      const expire = () => fail(new HeddleError("timeout", `no answer within ${timeout} ms`));
      const waiting: Waiting = {
        fail,
        answer(message) {
          settled();
          resolve(message);
        },
        written: () => {
          if (timeout !== Infinity) stopTimer = this.#clock.after(timeout, expire);
        },
        returned: () => stopTimer(),
      };
      const id = this.open(waiting);
      signal?.addEventListener("abort", abort);
      try {
        send(id, waiting);
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
}

/** @throws {HeddleError} `option_invalid` where `value` is no time to wait. */
export function checkTimeout(name: string, value: number): number {
  const isTime = typeof value === "number" && value > 0;
  if (isTime && (value <= MAX_TIMER || value === Infinity)) return value;
  throw new HeddleError(
    "option_invalid",
    `${name} is ${String(value)}; it must be more than 0 ms, at most ${MAX_TIMER}, or Infinity`,
  );
}
