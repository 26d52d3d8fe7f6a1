/**
 * Stands in for `node:test` on Deno and Bun while the test run is on, to tell what those runtimes
 * keep to themselves: why a test was skipped, that Deno passes over `t.skip()`, and that Bun leaves a
 * skipped `describe` out of its report. Each skip goes as a line of JSON into the file that
 * `HEDDLE_SKIPS` names. Everything else is handed on untouched.
 *
 * @module
 */
import { appendFileSync } from "node:fs";
import process from "node:process";
import * as real from "node:test";

/** A skip as a test told it. */
export interface Skip {
  /** The test's own name, without the groups around it. */
  readonly name: string;
  /** Empty where the test gave none. */
  readonly reason: string;
}

interface Context {
  skip?: (reason?: string) => unknown;
  test?: Declare;
}
type Declare = (...args: unknown[]) => unknown;

function tell(name: string, reason: unknown): void {
  const file = process.env["HEDDLE_SKIPS"];
  if (file === undefined) return;
  const skip: Skip = { name, reason: typeof reason === "string" ? reason : "" };
  appendFileSync(file, `${JSON.stringify(skip)}\n`);
}

function telling<T>(original: T): T {
  const declare = original as Declare;
  const told: Declare = (...args) => {
    const name = args.find((argument) => typeof argument === "string") ?? "<anonymous>";
    const options = args.find((argument) => typeof argument === "object" && argument !== null);
    const skip = options === undefined ? undefined : (options as { skip?: unknown }).skip;
    if (skip !== undefined && skip !== false) tell(name, skip);
    return declare(...args.map((argument) =>
      // Two parameters would mean a test that ends by calling back; none, one that cannot skip.
      typeof argument === "function" && argument.length === 1
        ? (context: Context) => argument(listening(name, context))
        : argument
    ));
  };
  const variants = Object.entries(original as object).filter(([key]) => key !== "skip");
  return Object.assign(told, Object.fromEntries(variants), {
    skip: (...args: unknown[]) => {
      tell(args.find((argument) => typeof argument === "string") ?? "<anonymous>", "");
      return (declare as unknown as { skip: Declare }).skip(...args);
    },
  }) as T;
}

function listening(name: string, context: Context): Context {
  const { skip, test } = context;
  if (typeof skip === "function") {
    context.skip = (reason) => {
      tell(name, reason);
      return skip.call(context, reason);
    };
  }
  if (typeof test === "function") context.test = telling(test.bind(context) as Declare);
  return context;
}

// Read before Bun's module mock below replaces what `real` shows.
const { after, afterEach, before, beforeEach, mock } = real;
const test = telling(real.test);
const it = telling(real.it);
const describe = telling(real.describe);
const suite = telling(real.suite);

export { after, afterEach, before, beforeEach, describe, it, mock, suite, test };
export default test;

if ("Bun" in globalThis) {
  const bunTest = "bun:test"; // a variable, because no other runtime's checker knows the name
  const bun = await import(bunTest) as {
    mock: { module(name: string, make: () => object): void };
  };
  const names = { after, afterEach, before, beforeEach, describe, it, mock, suite, test };
  bun.mock.module("node:test", () => ({ ...names, default: test }));
}
