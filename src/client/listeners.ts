import { HeddleError } from "../base/errors.ts";
import { checkType } from "../base/option_checks.ts";
import { guarded, type MaybePromise } from "../base/maybe_promise.ts";
import { asError } from "./errors.ts";

type Listener<T> = (value: T) => MaybePromise<void>;

/**
 * Who wants to hear of what. What a listener throws, or rejects with, goes to those of `error`, and
 * where there are none, or they throw themselves, to the console: never to whoever emits.
 *
 * @typeParam E What is emitted under each name.
 */
export class Listeners<E extends { readonly error: Error }> {
  readonly #listeners: Map<keyof E, Set<Listener<never>>>;

  constructor(names: readonly (keyof E)[]) {
    this.#listeners = new Map(names.map((name) => [name, new Set()]));
  }

  /**
   * Adds a listener.
   *
   * @returns A function that removes it.
   * @throws {HeddleError} `option_invalid` for a name that is never emitted, or what is no function.
   */
  on<N extends keyof E>(name: N, listener: Listener<E[N]>): () => void {
    const set = this.#listeners.get(name);
    if (set === undefined) {
      const known = [...this.#listeners.keys()].join(", ");
      throw new HeddleError(
        "option_invalid",
        `there is no event "${String(name)}"; there are: ${known}`,
      );
    }
    checkType(`the listener for "${String(name)}"`, listener ?? null, "function");
    // One function may be given twice, and each removal removes its own.
    const own: Listener<E[N]> = (value) => listener(value);
    set.add(own);
    return () => set.delete(own);
  }

  /**
   * Calls the listeners of a name, in the order in which they were added.
   *
   * @returns A promise that some of them are not done yet, which never rejects.
   */
  emit<N extends keyof E>(name: N, value: E[N]): Promise<unknown> | undefined {
    return this.callAll(this.#of(name), value);
  }

  /** Calls functions of the application's, as `emit` does. */
  callAll<T>(listeners: Iterable<Listener<T>>, value: T): Promise<unknown> | undefined {
    let running: PromiseLike<unknown>[] | undefined;
    for (const listener of listeners) {
      const result = guarded(() => listener(value), (error) => this.report(error));
      if (result !== undefined) (running ??= []).push(result);
    }
    return running && Promise.all(running);
  }

  /** Tells the `error` listeners. */
  report(thrown: unknown): void {
    const error = asError(thrown);
    const listeners = this.#of("error");
    if (listeners.length === 0) console.error(error);
    for (const listener of listeners) guarded(() => listener(error), console.error);
  }

  #of<N extends keyof E>(name: N): Listener<E[N]>[] {
    return [...this.#listeners.get(name)!] as Listener<E[N]>[];
  }
}
