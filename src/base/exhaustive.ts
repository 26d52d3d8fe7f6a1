/** Ends an exhaustive switch: a case that is left out no longer compiles. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}
