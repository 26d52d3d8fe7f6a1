/**
 * Which cases run: by id, and by what the server and the run offer.
 *
 * @module
 */
import type { Case, Need } from "../case.ts";
import { cases, isChannelCase } from "../cases.ts";
import type { Facts } from "../peer/peer.ts";
import type { KitLevel } from "./options.ts";

/** A pattern of ids as a regular expression: `*` stands for anything, `?` for one character. */
export function globToRegExp(glob: string): RegExp {
  const escaped = glob.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

/** Whether an id fits one of some patterns. */
export function fitsAny(globs: readonly string[], id: string): boolean {
  return fitting(globs)(id);
}

/** The same for many ids: a run has a thousand, and making the expressions takes longer than using them. */
function fitting(globs: readonly string[]): (id: string) => boolean {
  const expressions = globs.map(globToRegExp);
  return (id) => expressions.some((expression) => expression.test(id));
}

/** The cases of a level. */
export function casesOf(level: KitLevel): Case[] {
  return cases.filter((one) => level === "all" || (level === "channels") === isChannelCase(one));
}

/** The cases whose id fits one of `only` (all, where that is empty) and none of `skip`. */
export function selectCases(
  cases: readonly Case[],
  only: readonly string[],
  skip: readonly string[],
): Case[] {
  const isWanted = only.length === 0 ? () => true : fitting(only);
  const isSkipped = fitting(skip);
  return cases.filter(({ id }) => isWanted(id) && !isSkipped(id));
}

/** Why a case cannot be judged in this run; null where it can. */
export function missingNeed(
  one: Case,
  facts: Facts,
  run: { readonly profile: "fast" | "full"; readonly maxMessage: number | null },
): string | null {
  const missing: Record<Need, string | null> = {
    echo: facts.echoes ? null : "needs an endpoint that echoes",
    deflate: facts.deflate ? null : "permessage-deflate was offered and not negotiated",
    full: run.profile === "full" ? null : "not asked for: runs in --profile full",
    limit: run.maxMessage === null ? "needs the server's limit: --max-message" : null,
  };
  return one.needs?.map((need) => missing[need]).find((reason) => reason !== null) ?? null;
}
