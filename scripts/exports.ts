/**
 * Holds `deno.json` and `package.json` to the same public names: each export of one is an export of
 * the other, and what Node loads is the build of what Deno loads.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly version?: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly imports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
}

/** The source that the build turns into `output`, such as `dist/src/cli/main.js`. */
function sourceOf(output: string): string {
  return output.replace(/^\.\//, "").replace(/^dist\//, "").replace(/(\.d\.ts|\.js)$/, ".ts");
}

/** Where the two manifests in `root` disagree, or name what is not there. */
export function unequalExports(root: string): string[] {
  const read = (name: string) => JSON.parse(readFileSync(join(root, name), "utf8")) as Manifest;
  const deno = read("deno.json");
  const node = read("package.json");
  const problems: string[] = [];
  if (deno.version !== node.version) {
    problems.push(`version: ${deno.version} in deno.json, ${node.version} in package.json`);
  }
  const sources = deno.exports ?? {};
  const builds = node.exports ?? {};
  for (const [name, source] of Object.entries(sources)) {
    if (typeof source !== "string" || !source.endsWith(".ts")) {
      problems.push(`"${name}" in deno.json: not the path of a .ts file`);
      continue;
    }
    if (!existsSync(join(root, source))) problems.push(`"${name}": ${source} does not exist`);
    const output = source.replace("./", "./dist/").replace(/\.ts$/, "");
    const expected = { types: `${output}.d.ts`, default: `${output}.js` };
    if (JSON.stringify(builds[name]) !== JSON.stringify(expected)) {
      const found = JSON.stringify(builds[name]) ?? "nothing";
      problems.push(
        `"${name}" in package.json: ${found}; deno.json asks for ${JSON.stringify(expected)}`,
      );
    }
    const alias = name.replace(/^\./, "heddle");
    if (deno.imports?.[alias] !== source) {
      problems.push(`imports of deno.json: "${alias}" is not ${source}, which examples import`);
    }
  }
  for (const name of Object.keys(builds)) {
    if (!(name in sources)) problems.push(`"${name}" is in package.json and not in deno.json`);
  }
  for (const [name, output] of Object.entries(node.bin ?? {})) {
    const source = sourceOf(output);
    if (!existsSync(join(root, source))) problems.push(`bin ${name}: ${source} does not exist`);
    else if (!readFileSync(join(root, source), "utf8").startsWith("#!/usr/bin/env node\n")) {
      problems.push(`bin ${name}: ${source} does not start with "#!/usr/bin/env node"`);
    }
  }
  return problems;
}
