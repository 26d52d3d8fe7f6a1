/**
 * Builds the npm package: `tsc` turns what the exports reach into `dist/`, and the data that the
 * sources read at run time goes along. Run by `npm run build` and before `npm pack`.
 *
 * @module
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "./command.ts";
import { projectFiles } from "./files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
const tsc = await run("tsc", ["-p", "tsconfig.build.json"], { cwd: root });
if (tsc.code !== 0) {
  process.stderr.write(tsc.output);
  process.exit(1);
}
for (const file of filesUnder("dist")) {
  if (file.endsWith(".d.ts")) nameLibraries(join(root, file));
}
for (const file of await dataFiles()) {
  mkdirSync(dirname(join(dist, file)), { recursive: true });
  cpSync(join(root, file), join(dist, file));
}

/** A project whose own `lib` is older need not know what `await using` takes. */
function nameLibraries(file: string): void {
  const declarations = readFileSync(file, "utf8");
  if (!/\bAsyncDisposable\b|\basyncDispose\b/.test(declarations)) return;
  writeFileSync(file, `/// <reference lib="esnext.disposable" />\n${declarations}`);
}

async function dataFiles(): Promise<string[]> {
  const isData = (file: string) =>
    /^(src|conformance)\//.test(file) && !file.endsWith(".ts") &&
    !/^(src\/testing|conformance\/matrix)\//.test(file);
  if (existsSync(join(root, ".git"))) return (await projectFiles(root)).filter(isData);
  // An unpacked source archive has no repository to ask; all that is in it belongs to it.
  return ["src", "conformance"].flatMap(filesUnder).filter(isData);
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
