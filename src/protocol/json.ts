import { type Failure, failure } from "./errors.ts";

/** How deeply arrays and objects may nest in a message. */
export const MAX_DEPTH = 64;

/** Why a text was refused. */
export interface BadJson extends Failure {
  /** What it says, where it is JSON all the same. */
  readonly refused?: unknown;
}

/**
 * Parses JSON of a peer: `invalid_json` where it is none, `invalid_message` where it nests deeper than
 * {@linkcode MAX_DEPTH}, since what parses may be too deep to be walked or written again, or where it
 * holds a number beyond binary64, which would be written again as null.
 */
export function parseJson(text: string): { readonly value: unknown } | BadJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failure("invalid_json", "Invalid JSON format");
  }
  const fault = faultOf(value, 0);
  return fault === undefined ? { value } : { ...failure("invalid_message", fault), refused: value };
}

function faultOf(value: unknown, depth: number): string | undefined {
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : "a message must not hold numbers beyond binary64";
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === MAX_DEPTH) return `a message must not nest deeper than ${MAX_DEPTH} levels`;
  if (Array.isArray(value)) {
    for (const child of value) {
      const fault = faultOf(child, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  // Without an array of its values: what JSON.parse makes inherits nothing that would be gone through.
  for (const key in value) {
    const fault = faultOf((value as Readonly<Record<string, unknown>>)[key], depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
