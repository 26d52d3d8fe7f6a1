/**
 * The names of `@std/assert` that the tests use, over `node:assert/strict`.
 *
 * `@std/assert` is published on JSR alone; the import maps in `deno.json` and `tsconfig.json` point
 * its name here so that the tests run where JSR cannot be reached. To use the original, map the name
 * to `jsr:@std/assert` and delete this file.
 *
 * @module
 */
import assertNode from "node:assert/strict";
import { inspect } from "node:util";

/** A class whose instances can be errors, as `assertThrows` takes it. */
type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message?: string): asserts value {
  assertNode.ok(value, message);
}

/** Fails unless both are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertNode.deepStrictEqual(actual, expected, message);
}

/** Fails if both are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  assertNode.notDeepStrictEqual(actual, expected, message);
}

/** Fails unless both are the same value (`Object.is`). */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): void {
  assertNode.strictEqual(actual, expected, message);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  assertNode.ok(
    actual.includes(expected),
    message ?? `${inspect(actual)} does not contain ${inspect(expected)}`,
  );
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  assertNode.match(actual, expected, message);
}

/** Fails unless `actual` is an instance of `expected`. */
export function assertInstanceOf<T>(
  actual: unknown,
  expected: abstract new (...args: never[]) => T,
  message?: string,
): asserts actual is T {
  assertNode.ok(
    actual instanceof expected,
    message ?? `${inspect(actual)} is no instance of ${expected.name}`,
  );
}

/** Fails unless `fn` throws; returns what it threw. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  includes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkThrown(error, errorClass, includes);
  }
  return assertNode.fail("expected the function to throw");
}

/** Fails unless the promise of `fn` rejects; returns the reason. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkThrown(error, errorClass, includes);
  }
  return assertNode.fail("expected the promise to reject");
}

function checkThrown<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | undefined,
  includes: string | undefined,
): E {
  assertInstanceOf(error, errorClass ?? (Error as unknown as ErrorClass<E>));
  if (includes !== undefined) assertStringIncludes(error.message, includes);
  return error;
}
