/**
 * How a case of the channel level is written.
 *
 * @module
 */
import type { Case, Requirement } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { RequirementId } from "../peer/watch.ts";
import { REQUIREMENTS } from "./protocol.ts";
import { Server } from "./server.ts";
import { showMessage } from "./shape.ts";

/** What a check does with the server; expectations that are not met throw {@link Broken}. */
export type Run = (server: Server) => Promise<void>;

/**
 * A case of one requirement of PROTOCOL.md, whose sentence and level it takes from there.
 *
 * @param requirement `HDL-SUB-3`
 * @param name the rest of the id: `one-bad-name` makes `channels/sub/3-one-bad-name`
 * @param title what is done and what must come of it
 * @example
 * ```ts
 * import { check } from "./check.ts";
 *
 * check("HDL-MSG-19", "ping", "a ping is answered by a pong", async (server) => {
 *   const client = await server.connect();
 *   await client.ok({ type: "ping" });
 * });
 * ```
 */
export function check(requirement: RequirementId, name: string, title: string, run: Run): Case {
  return {
    id: idOf(requirement, name),
    title,
    requirement: requirementOf(requirement),
    async run(peer) {
      const { offer } = peer.facts;
      if (offer === null) throw new Skipped("nothing is known of what the target offers");
      await run(new Server(peer, offer));
    },
  };
}

/** A {@link check} of what is watched in all cases; `run` makes some traffic of its own. */
export function watch(requirement: RequirementId, name: string, title: string, run: Run): Case {
  return { ...check(requirement, name, title, run), watches: requirement };
}

/** Fails unless something holds. */
export function expect(holds: boolean, expected: string, observed: unknown): asserts holds {
  if (holds) return;
  throw new Broken({
    expected,
    observed: typeof observed === "string" ? observed : showMessage(observed),
  });
}

/** Fails unless both are the same JSON; the order of an object's fields does not count. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [canonical(actual), canonical(expected)];
  expect(a === b, `${what} ${showMessage(expected, 400)}`, showMessage(actual, 400));
}

/** Stands in where the page has it no more: the other cases still run, and `all_test.ts` tells. */
const RETIRED = { area: "?", level: "MUST", text: "retired, and this case with it" } as const;

function requirementOf(number: RequirementId): Requirement {
  const { area, level, text } = REQUIREMENTS.get(number) ?? RETIRED;
  return { spec: "Protocol 1", section: area, number, level, text };
}

function idOf(requirement: RequirementId, name: string): string {
  const [, area = "", number = ""] = requirement.split("-");
  return `channels/${area.toLowerCase()}/${number}-${name}`;
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  ) ?? "undefined";
}
