/**
 * The gates: what must hold for the tree as a whole, besides the tests.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { runExamples } from "./examples.ts";
import { unequalExports } from "./exports.ts";
import { lostTests } from "./files.ts";

/** What a gate found; no problems means it is passed. */
export interface GateResult {
  readonly problems: readonly string[];
  /** Something to say of a gate that is passed too. */
  readonly notes?: readonly string[];
}

/** A gate: takes the root of the project and its files, and says what is wrong. */
export interface Gate {
  readonly name: string;
  check(root: string, files: readonly string[]): Promise<GateResult>;
}

/** All gates, quick ones first. */
export const gates: readonly Gate[] = [
  {
    name: "equal exports",
    check: (root) => Promise.resolve({ problems: unequalExports(root) }),
  },
  {
    name: "every test found",
    check: (root, files) => Promise.resolve({ problems: lostTests(root, files) }),
  },
  {
    name: "format (deno fmt)",
    check: (root) => command(root, "deno", ["fmt", "--check"]),
  },
  {
    name: "lint and import ranks (deno lint)",
    check: async (root, files) => {
      const linted = files.filter((file) => file.endsWith(".ts") && sourceFolder.test(file));
      const silenced = linted
        .filter((file) => ignoresLint.test(readFileSync(join(root, file), "utf8")))
        .map((file) => `${file}: switches the linter off by a comment`);
      const { problems } = await command(root, "deno", ["lint", "--quiet", ...linted]);
      return { problems: [...silenced, ...problems] };
    },
  },
  {
    name: "types (tsc)",
    check: (root) => command(root, "tsc", ["-p", "."]),
  },
  {
    name: "types (deno check)",
    check: (root, files) => {
      const checked = files.filter((file) => file.endsWith(".ts"));
      return command(root, "deno", ["check", "--quiet", ...checked]);
    },
  },
  {
    name: "examples run (deno test --doc)",
    check: async (root, files) => {
      const { problems, ran, ignored } = await runExamples(root, files);
      const notes = [`${ran} ran`, ...ignored.map((place) => `not run, marked ignore: ${place}`)];
      return { problems, notes };
    },
  },
];

const sourceFolder = /^(mod\.ts$|src\/|conformance\/|examples\/|bench\/|scripts\/)/;
const ignoresLint = /^\s*(\/\/|\/?\*+)\s*deno-lint-ignore/m;

async function command(
  root: string,
  program: string,
  args: readonly string[],
): Promise<GateResult> {
  if (!existsSync(join(root, "node_modules", ".bin", program))) {
    return { problems: [`${program} is not installed: run npm install`] };
  }
  const { code, output, trouble } = await run(program, args, { cwd: root, silence: 300_000 });
  if (code === 0) return { problems: [] };
  return { problems: [output, trouble ?? `${program} exited with ${code}`] };
}
