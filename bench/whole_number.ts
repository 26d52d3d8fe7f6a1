/**
 * Numbers on a command line of the benchmark.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";

/** A whole number from 1 up. @throws InvalidArgumentError */
export function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("A whole number from 1 up.");
}
