/** A value that is there already, or a promise of one. In memory nothing waits; over a network it does. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * Goes on with `next` at once where the value is there, later where it is promised: what can be done
 * in this tick is done in this tick, so nothing can come between.
 *
 * @param failed What to go on with where it was promised in vain; without it, that is passed on.
 */
export function whenReady<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => R,
  failed?: (reason: unknown) => R,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(next, failed) : next(value);
}

/** Calls `fn`; what it throws becomes a rejection, so that a failure has one way to come. */
export function attempt<T>(fn: () => MaybePromise<T>): MaybePromise<T> {
  try {
    return fn();
  } catch (reason) {
    return Promise.reject(reason);
  }
}

/** Whether it is a promise, of whatever library: of a foreign one `instanceof` knows nothing. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

/**
 * Calls a function of the application, whose mistakes must not become the caller's: what it throws, or its
 * promise rejects with, goes to `failed`, which must not throw.
 *
 * @returns A promise where it is not done yet, which never rejects.
 */
export function guarded(
  call: () => unknown,
  failed: (reason: unknown) => void,
): PromiseLike<unknown> | undefined {
  try {
    const result = call();
    return isThenable(result) ? result.then(undefined, failed) : undefined;
  } catch (reason) {
    failed(reason);
    return undefined;
  }
}
