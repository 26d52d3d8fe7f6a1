/** What SECURITY.md names must be there. */
import { assert, assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createHub } from "../src/hub/hub.ts";
import { listVariables } from "../src/hub/settings/variables.ts";
import { allowAnonymous } from "../src/guard/identity.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(`${root}SECURITY.md`, "utf8");
const found = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, name]) => name!);

describe("SECURITY.md", () => {
  it("names tests and files that are there", () => {
    const targets = found(/\]\(([^)]+)\)/g);
    assert(targets.length > 20);
    assertEquals(targets.filter((target) => !existsSync(root + target)), []);
  });

  it("tells the limits that are in force where no others are given", async () => {
    await using hub = createHub({ auth: allowAnonymous() });
    const told = [...page.matchAll(/`limits\.(\w+)` ([\d,]+)( MiB)?/g)];
    assert(told.length > 8);
    for (const [, name, number, unit] of told) {
      const value = Number(number!.replaceAll(",", "")) * (unit === undefined ? 1 : 1_048_576);
      assertEquals((hub.limits as unknown as Record<string, unknown>)[name!], value, name);
    }
  });

  it("names variables that there are", () => {
    const names = listVariables().map(({ name }) => name);
    const named = found(/`([A-Z]+(?:_[A-Z]+)+)\b/g);
    assert(named.length > 3);
    assertEquals(named.filter((name) => !names.includes(name)), []);
  });
});
