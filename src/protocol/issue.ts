import type { z } from "zod";
import type { SchemaError } from "../base/schema.ts";

/**
 * Puts the first issue of a schema into words: the path, and what is allowed there.
 *
 * @example
 * ```ts
 * import { describeIssue } from "heddle";
 * import { z } from "zod";
 *
 * const { error } = z.object({ channels: z.array(z.string()) }).safeParse({ channels: "metrics" });
 * if (describeIssue(error!) !== "channels must be an array") throw new Error(describeIssue(error!));
 * ```
 */
export function describeIssue(error: SchemaError): string {
  // Another copy of zod 4 has other types for the same issues.
  const issue = error.issues[0] as z.core.$ZodIssue | undefined;
  if (issue === undefined) return "does not fit the schema";
  const path = issue.path.map(String).join(".") || "the value";
  switch (issue.code) {
    case "invalid_type":
      return `${path} must be ${articled(issue.expected === "int" ? "integer" : issue.expected)}`;
    case "too_small":
      return `${path} must ${bound(issue, "at least", "more than")} ${
        counted(issue, issue.minimum)
      }`;
    case "too_big":
      return `${path} must ${bound(issue, "at most", "less than")} ${
        counted(issue, issue.maximum)
      }`;
    case "custom":
      return `${path} ${issue.message}`;
    default:
      return `${path}: ${issue.message}`;
  }
}

interface Bound {
  readonly origin: string;
  readonly inclusive?: boolean | undefined;
}

function bound(issue: Bound, inclusive: string, exclusive: string): string {
  const verb = unit(issue) === undefined ? "be" : "have";
  return `${verb} ${issue.inclusive === false ? exclusive : inclusive}`;
}

function counted(issue: Bound, count: number | bigint): string {
  const [one, many] = unit(issue) ?? [];
  if (one === undefined) return String(count);
  return `${count} ${Number(count) === 1 ? one : many}`;
}

/** What is counted, one and many of it; undefined for a number. */
function unit({ origin }: Bound): readonly [string, string] | undefined {
  if (origin === "string") return ["character", "characters"];
  return origin === "array" || origin === "set" || origin === "map"
    ? ["entry", "entries"]
    : undefined;
}

/** A noun with its article. */
export function articled(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
