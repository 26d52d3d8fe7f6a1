/**
 * A small project in a temporary folder, on which the tests try the gates and the runner.
 *
 * @module
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.ts";

const project = fileURLToPath(new URL("..", import.meta.url));

/** A project in a temporary folder. */
export interface Fixture extends AsyncDisposable {
  readonly root: string;
}

/** Makes a project of `files` (path: content) with this project's settings, scripts and packages. */
export async function fixture(files: Readonly<Record<string, string>>): Promise<Fixture> {
  const root = mkdtempSync(join(tmpdir(), "heddle-fixture-"));
  const manifests = ["tsconfig.json", "deno.json", "package.json"];
  const scripts = (await run("git", ["ls-files", "-co", "--exclude-standard", "scripts"], {
    cwd: project,
  })).stdout.split("\n").filter(isCopied);
  for (const file of [...manifests, ...scripts]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(join(project, file), join(root, file));
  }
  symlinkSync(join(project, "node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, ".gitignore"), "node_modules\n");
  const all = { ...skeleton, ...files };
  for (const [file, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  await run("git", ["init", "--quiet"], { cwd: root });
  return {
    root,
    [Symbol.asyncDispose]: () => {
      rmSync(root, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** What the gates are made of: scripts, save those about the project's own sources. */
function isCopied(file: string): boolean {
  if (!file.endsWith(".ts") || file.endsWith("_test.ts")) return false;
  return !/from "\.\.\/(\.\.\/)*(src|conformance)\//.test(
    readFileSync(join(project, file), "utf8"),
  );
}

// What the manifests name must be there.
const skeleton: Readonly<Record<string, string>> = {
  "mod.ts": "/** One. */\nexport const one = 1;\n",
  "src/adapter/deno.ts": 'export { one } from "../base/one.ts";\n',
  "src/adapter/bun.ts": 'export { one } from "../base/one.ts";\n',
  "src/adapter/node.ts": 'export { one } from "../base/one.ts";\n',
  "src/base/one.ts": "/** One. */\nexport const one = 1;\n",
  "src/client/mod.ts": 'export { one } from "../base/one.ts";\n',
  "src/cli/main.ts": '#!/usr/bin/env node\nimport "../adapter/node.ts";\n',
  "conformance/mod.ts": "/** Two. */\nexport const two = 2;\n",
};
