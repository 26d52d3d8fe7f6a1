/**
 * What every set of options is held against, for those who are not told of a mistake by the types.
 *
 * @module
 */
import { HeddleError } from "./errors.ts";
import { isObject } from "./is_object.ts";

/** Makes the error for what is no option, or not what it may be. */
export function optionInvalid(message: string, options?: ErrorOptions): HeddleError {
  return new HeddleError("option_invalid", message, options);
}

/**
 * Sees that options are an object and none is misspelt, which would leave its default in force unnoticed.
 *
 * @param owner The option that holds these; "" where they are held by none.
 * @throws {HeddleError} `option_invalid`, naming those that there are.
 */
export function checkNames(owner: string, options: object, known: readonly string[]): void {
  checkObject(owner === "" ? "the options" : owner, options);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const name = owner === "" ? unknown : `${owner}.${unknown}`;
  throw optionInvalid(`there is no option "${name}"; there are: ${known.join(", ")}`);
}

/** @throws {HeddleError} `option_invalid` for what is no object, or a list. */
export function checkObject(name: string, value: unknown): void {
  if (isObject(value)) return;
  throw optionInvalid(`${name} must be an object, not ${kindOf(value)}`);
}

/**
 * Sees what kind of value an option is: "false" from an environment variable, for one, is no `false`.
 *
 * @param value Undefined stands for the default.
 * @throws {HeddleError} `option_invalid`
 */
export function checkType(name: string, value: unknown, type: "boolean" | "function"): void {
  if (value === undefined || typeof value === type) return;
  const allowed = type === "boolean" ? "true or false" : "a function";
  throw optionInvalid(`${name} must be ${allowed}, not ${kindOf(value)}`);
}

/**
 * Sees that what an application brings has the methods that will be called.
 *
 * @param value Undefined stands for the default.
 * @throws {HeddleError} `option_invalid`
 */
export function checkMethods(name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return;
  const has = value as Readonly<Record<string, unknown>> | null;
  const missing = methods.find((method) => typeof has?.[method] !== "function");
  if (missing === undefined) return;
  throw optionInvalid(`${name} must have the methods ${methods.join(", ")}, and has no ${missing}`);
}

/** @throws {HeddleError} `option_invalid` for what is no list of strings; undefined is the default. */
export function checkStrings(name: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return;
  const found = Array.isArray(value) ? "a list of others" : kindOf(value);
  throw optionInvalid(`${name} must be a list of strings, not ${found}`);
}

/** @throws {HeddleError} `option_invalid` for anything else than an integer above 0; gives it back. */
export function positiveInteger(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw optionInvalid(`${name} is ${value}; it must be a positive integer`);
}

/** Never the value itself, which may be a secret in the wrong place. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
