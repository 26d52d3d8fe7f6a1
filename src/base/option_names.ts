import { HeddleError } from "./errors.ts";

/**
 * Sees that no option is misspelt, which would leave its default in force unnoticed.
 *
 * @param owner The option that holds these; "" where they are held by none.
 * @throws {HeddleError} `option_invalid`, naming those that there are.
 */
export function checkNames(owner: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new HeddleError(
    "option_invalid",
    `there is no option "${owner === "" ? "" : `${owner}.`}${unknown}"; there are: ${
      known.join(", ")
    }`,
  );
}
