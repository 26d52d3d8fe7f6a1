import { after, before, describe, it } from "node:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { run } from "./command.ts";
import { projectFiles } from "./files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = (JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
  exports: Record<string, string>;
}).exports;
const names = Object.keys(sources);
const publicName = (name: string) => name.replace(/^\./, "heddle");

let folder: string;

async function must(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { code, output, stdout, trouble = "" } = await run(program, args, { cwd });
  assertEquals(code, 0, `${program} ${args.join(" ")}\n${output}${trouble}`);
  return stdout;
}

/** Makes a user's project beside the others, with the given files. */
function project(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

/** A program that prints the names each public module exports, as JSON. */
function listing(specifier: (name: string) => string): string {
  const imports = names.map((name, i) => `import * as m${i} from "${specifier(name)}";`);
  const lists = names.map((name, i) => `${JSON.stringify(name)}: Object.keys(m${i}).sort()`);
  return `${imports.join("\n")}\nconsole.log(JSON.stringify({ ${lists.join(", ")} }));\n`;
}

describe("The project, seen from outside", () => {
  let nodeProject: string;
  let denoListing: unknown;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "heddle-package-"));
    // Packed from a copy, so that a build in the checkout is left as it is.
    const copy = join(folder, "copy");
    for (const file of await projectFiles(root)) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      copyFileSync(join(root, file), join(copy, file));
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    await must(copy, "git", "init", "--quiet");
    await must(copy, "npm", "pack", "--silent", "--pack-destination", folder);
    const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz"))!;
    nodeProject = project("node-project", {
      "package.json": '{ "private": true, "type": "module" }',
      "list.mjs": listing(publicName),
    });
    const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=dev"];
    await must(nodeProject, "npm", ...install, `../${tarball}`);
    const denoProject = project("deno-project", {
      "deno.json": JSON.stringify({
        nodeModulesDir: "manual",
        imports: Object.fromEntries(
          names.map((name) => [publicName(name), join(root, sources[name]!)]),
        ),
      }),
      "list.ts": listing(publicName),
    });
    denoListing = JSON.parse(await must(denoProject, "deno", "run", "-A", "list.ts"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("gives every public module something to export, imported by path on Deno", () => {
    for (const [name, exported] of Object.entries(denoListing as Record<string, string[]>)) {
      assert(exported.length > 0, `${name} exports nothing`);
    }
  });

  it("exports the same from the installed package, in plain Node", async () => {
    assertEquals(JSON.parse(await must(nodeProject, "node", "list.mjs")), denoListing);
  });

  it("exports the same, imported by path on Bun", async () => {
    const bunProject = project("bun-project", {
      "list.ts": listing((name) => join(root, sources[name]!)),
    });
    assertEquals(JSON.parse(await must(bunProject, "bun", "list.ts")), denoListing);
  });

  it("brings types that a strict TypeScript project finds", async () => {
    const imports = names.map((name, i) => `import * as m${i} from "${publicName(name)}";`);
    const uses = names.map((_, i) => `m${i}`).join(", ");
    writeFileSync(join(nodeProject, "use.ts"), `${imports.join("\n")}\nexport { ${uses} };\n`);
    const tsc = join(root, "node_modules/.bin/tsc");
    const strict = ["--strict", "--noEmit", "--target", "es2022"];
    const node = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
    const [nodenext, bundler] = ["nodenext", "bundler"].map((kind) => [
      ...["--moduleResolution", kind],
      ...["--module", kind === "bundler" ? "esnext" : kind],
    ]);
    // A server without the types of browsers, and a page without those of Node.
    await must(nodeProject, tsc, ...strict, ...nodenext!, ...node, "--lib", "es2022", "use.ts");
    writeFileSync(join(nodeProject, "page.ts"), 'export { createClient } from "heddle/client";\n');
    await must(nodeProject, tsc, ...strict, ...bundler!, "--types", "", "page.ts");
  });

  it("has a command that runs", async () => {
    const help = await must(nodeProject, join(nodeProject, "node_modules/.bin/heddle"), "--help");
    assert(help.includes("heddle"), help);
  });

  it("leaves its tests and its sources at home, and no import of them behind", () => {
    const installed = join(nodeProject, "node_modules", "heddle");
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    assertEquals(files.filter((file) => /_test\.|[^d]\.ts$|^scripts/.test(file)), []);
    for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      const text = readFileSync(join(installed, file), "utf8");
      for (const [, specifier] of text.matchAll(/^(?:import|export)\b.*from "(\.[^"]+)"/gm)) {
        const target = join(installed, dirname(file), specifier!).replace(/\.ts$/, ".js");
        assert(existsSync(target), `${file} imports ${specifier}, which is not in the package`);
      }
      assert(!text.includes("@std/assert"), `${file} imports what only tests may`);
    }
  });
});
