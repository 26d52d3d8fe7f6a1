/**
 * Reads the JUnit reports of `node:test`, `deno test` and `bun test`, which differ in how they write
 * groups of tests, as one flat list of tests.
 *
 * @module
 */

/** One test as its runner reported it. */
export interface TestCase {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped, where the runner tells (Node alone does). */
  readonly reason?: string;
}

const testcase = /<testcase((?:\s+[\w:.-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/** The tests of a report; groups (`describe`, a test with subtests) are left out. */
export function readJunit(xml: string): TestCase[] {
  const cases = [...xml.matchAll(testcase)].map(([, attributes = "", body = ""]): TestCase => {
    const name = attribute(attributes, "name") ?? "";
    if (/<(failure|error)\b/.test(body)) return { name, outcome: "failed" };
    const skipped = /<skipped\b([^>]*)>/.exec(body);
    if (skipped === null) return { name, outcome: "passed" };
    const reason = attribute(skipped[1]!, "message");
    return {
      name,
      outcome: "skipped",
      ...(reason === undefined || reason === "true" ? {} : { reason }),
    };
  });
  if (!xml.includes('<testsuites name="deno test"')) return cases;
  // Deno alone lists a group beside its tests, whose names start with the group's.
  return cases.filter((group) => {
    const members = cases.filter((other) => other.name.startsWith(`${group.name} > `));
    if (members.length === 0) return true;
    return group.outcome === "failed" && !members.some((member) => member.outcome === "failed");
  });
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(text)?.[1];
  return value?.replace(
    /&(lt|gt|quot|apos|amp|#10);/g,
    (_, entity: string) => entities[entity] ?? "",
  );
}

const entities: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
  "#10": "\n",
};
