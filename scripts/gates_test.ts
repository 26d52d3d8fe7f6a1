import { describe, it } from "node:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Exception, lostTests, projectFiles } from "./files.ts";
import { fixture } from "./fixture.ts";
import { gates } from "./gates.ts";
import { forbiddenImport } from "./ranks.ts";

/** Changes the manifests of a fixture, `[file, from, to]`. */
type Edit = readonly [file: string, from: string, to: string];

async function problemsOf(
  name: string,
  files: Readonly<Record<string, string>>,
  edit?: Edit,
): Promise<string> {
  const made = await fixture(files);
  try {
    if (edit !== undefined) {
      const [file, from, to] = edit;
      const before = readFileSync(join(made.root, file), "utf8");
      assertStringIncludes(before, from);
      writeFileSync(join(made.root, file), before.replace(from, to));
    }
    const gate = gates.find((candidate) => candidate.name.includes(name))!;
    const { problems } = await gate.check(made.root, await projectFiles(made.root));
    return problems.join("\n");
  } finally {
    await made[Symbol.asyncDispose]();
  }
}

describe("The gates", () => {
  for (const { name } of gates.filter((gate) => gate.name !== "every test found")) {
    it(`pass a project that keeps the rules: ${name}`, async () => {
      assertEquals(await problemsOf(name, {}), "");
    });
  }

  it("format: refuses a file that deno fmt would change", async () => {
    assertStringIncludes(
      await problemsOf("format", { "src/base/a.ts": "export  const a=1" }),
      "a.ts",
    );
  });

  it("lint: refuses what deno lint refuses", async () => {
    const found = await problemsOf("lint", {
      "src/base/a.ts": "export const a = (x: any) => x;\n",
    });
    assertStringIncludes(found, "no-explicit-any");
  });

  it("lint: refuses a comment that switches it off", async () => {
    const text = "// deno-lint-ignore heddle/ranks\nexport const a = () => Deno.pid;\n";
    const found = await problemsOf("lint", { "src/base/a.ts": text });
    assertStringIncludes(found, "src/base/a.ts: switches the linter off");
  });

  it("ranks: refuse an import that goes up", async () => {
    const found = await problemsOf("lint", {
      "src/base/a.ts": 'import type { b } from "../protocol/b.ts";\nexport type A = typeof b;\n',
      "src/protocol/b.ts": "export const b = 1;\n",
    });
    assertStringIncludes(found, "base is below protocol");
  });

  it("ranks: see dynamic imports, import types and re-exports", async () => {
    const files = {
      "src/base/a.ts": 'export const a = () => import("../protocol/b.ts");\n',
      "src/base/c.ts": 'export type C = import("../guard/b.ts").B;\n',
      "src/base/d.ts": 'export { b } from "../session/b.ts";\n',
    };
    const found = await problemsOf("lint", files);
    for (const layer of ["protocol", "guard", "session"]) {
      assertStringIncludes(found, `base is below ${layer}`);
    }
  });

  it("ranks: refuse a runtime's name in the core", async () => {
    const files = {
      "src/base/a.ts": "export const a = () => Deno.pid;\n",
      "src/base/b.ts": "export const b = () => Bun.version;\n",
      "src/base/c.ts": 'import process from "node:process";\nexport const c = process.pid;\n',
      "src/base/d.ts": "export const d = () => globalThis.Deno;\n",
    };
    const found = await problemsOf("lint", files);
    assertStringIncludes(found, "Deno belongs in an adapter, not in src/base/a.ts");
    assertStringIncludes(found, "Bun belongs in an adapter, not in src/base/b.ts");
    assertStringIncludes(found, '"node:process" belongs to a runtime');
    assertStringIncludes(found, "Deno belongs in an adapter, not in src/base/d.ts");
  });

  it("ranks: take a property or a text called Deno for no runtime", async () => {
    const text = 'export const a = { Deno: 1, text: "Deno.pid" }; // Deno.pid\na.Deno;\n';
    assertEquals(await problemsOf("lint", { "src/base/a.ts": text }), "");
  });

  it("types: refuse what tsc and deno check refuse", async () => {
    const files = { "src/base/a.ts": 'export const a: number = "one";\n' };
    assertStringIncludes(await problemsOf("tsc", files), "TS2322");
    assertStringIncludes(await problemsOf("deno check", files), "TS2322");
  });

  it("exports: refuse a name that one manifest lacks", async () => {
    const lacking: Edit = ["deno.json", '    "./client": "./src/client/mod.ts",\n', ""];
    assertStringIncludes(await problemsOf("exports", {}, lacking), '"./client" is in package.json');
  });

  it("exports: refuse a name that leads elsewhere, and a source that is not there", async () => {
    const elsewhere: Edit = ["package.json", "./dist/src/client/mod.js", "./dist/mod.js"];
    assertStringIncludes(await problemsOf("exports", {}, elsewhere), '"./client" in package.json');
    const gone: Edit = ["deno.json", '"./src/adapter/bun.ts"', '"./src/adapter/bunny.ts"'];
    assertStringIncludes(await problemsOf("exports", {}, gone), "bunny.ts does not exist");
  });

  it("exports: refuse another version, and a command that no shell can start", async () => {
    const version: Edit = ["deno.json", '"version": "', '"version": "9'];
    assertStringIncludes(await problemsOf("exports", {}, version), "version: 9");
    const found = await problemsOf("exports", { "src/cli/main.ts": "export {};\n" });
    assertStringIncludes(found, "does not start with");
  });

  it("examples: refuse one that throws, in a doc comment and in Markdown", async () => {
    const throwing = 'throw new Error("the example is wrong");';
    const comment = `/**\n * A.\n * @example\n * \`\`\`ts\n * ${throwing}\n * \`\`\`\n */\n`;
    for (
      const files of [
        { "src/base/a.ts": `${comment}export const a = 1;\n` },
        { "README.md": `\`\`\`ts\n${throwing}\n\`\`\`\n` },
      ]
    ) assertStringIncludes(await problemsOf("examples", files), "the example is wrong");
  });

  it("examples: refuse one that does not compile", async () => {
    const wrong = '```ts\nimport { three } from "heddle";\nconsole.log(three);\n```\n';
    assertStringIncludes(await problemsOf("examples", { "README.md": wrong }), "three");
  });

  it("examples: run what imports the project by name, and show what is marked ignore", async () => {
    const text = [
      "```ts",
      'import { one } from "heddle";',
      'import { two } from "heddle/conformance";',
      "if (one + two !== 3) throw new Error();",
      "```",
      "",
      "```ts ignore",
      'throw new Error("not run");',
      "```",
    ].join("\n");
    const made = await fixture({ "README.md": text });
    try {
      const gate = gates.find(({ name }) => name.includes("examples"))!;
      const result = await gate.check(made.root, await projectFiles(made.root));
      assertEquals(result.problems, []);
      assertEquals(result.notes, ["1 ran", "not run, marked ignore: README.md:7"]);
    } finally {
      await made[Symbol.asyncDispose]();
    }
  });

  it("tests: refuse those that no runner finds, and exceptions that name no file", async () => {
    const test = 'import { test } from "node:test";\ntest("x", () => {});\n';
    const made = await fixture({
      "src/base/a.test.ts": test,
      "src/base/b_test.js": test,
      "src/base/contract.ts": test,
      "src/base/used_contract.ts": test,
      "src/base/c_test.ts": 'import "./used_contract.ts";\n',
      "src/base/d_test.ts": test,
    });
    try {
      const table: Record<string, Exception> = {
        "src/base/d_test.ts": { only: [], because: "nobody wants it" },
        "src/base/gone_test.ts": { only: ["node"], because: "it was there once" },
      };
      assertEquals(lostTests(made.root, await projectFiles(made.root), table), [
        "src/base/a.test.ts: no runner finds it; tests are called x_test.ts",
        "src/base/b_test.js: no runner finds it; tests are called x_test.ts",
        "src/base/contract.ts: declares tests, but no x_test.ts imports it",
        "src/base/d_test.ts: no runtime runs it",
        "src/base/gone_test.ts: has an exception, but is not there",
      ]);
    } finally {
      await made[Symbol.asyncDispose]();
    }
  });
});

describe("forbiddenImport()", () => {
  const allowed: readonly (readonly [string, string])[] = [
    ["mod.ts", "./src/hub/hub.ts"],
    ["src/protocol/a.ts", "./b.ts"],
    ["src/protocol/a.ts", "zod"],
    ["src/channel/a.ts", "../broker/port.ts"],
    ["src/http/a.ts", "../hub/hub.ts"],
    ["src/adapter/node.ts", "ws"],
    ["src/cli/main.ts", "../client/mod.ts"],
    ["src/cli/main.ts", "../../conformance/mod.ts"],
    ["src/client/mod.ts", "../protocol/a.ts"],
    ["src/client/socket.ts", "ws"],
    ["src/broker/contract.ts", "node:test"],
    ["src/base/a_test.ts", "../hub/hub.ts"],
    ["conformance/wire/tcp.ts", "node:net"],
    ["conformance/cli.ts", "node:process"],
    ["conformance/cases/a.ts", "../wire/tcp.ts"],
  ];
  for (const [file, specifier] of allowed) {
    it(`lets ${file} import ${specifier}`, () => {
      assertEquals(forbiddenImport(file, specifier), undefined);
    });
  }

  const refused: readonly (readonly [string, string, string])[] = [
    ["src/session/a.ts", "../hub/hub.ts", "only http, adapter, cli import hub"],
    ["src/client/mod.ts", "../channel/a.ts", "client imports base and protocol only"],
    ["src/adapter/node.ts", "../client/mod.ts", "only cli import client"],
    ["src/hub/a.ts", "../../conformance/mod.ts", "only src/cli imports conformance"],
    ["src/hub/a.ts", "../../mod.ts", "src imports nothing of mod.ts"],
    ["src/hub/a.ts", "../extra/b.ts", "src/extra is no layer"],
    ["src/hub/a.ts", "ws", "belongs to a runtime"],
    ["src/client/client.ts", "ws", "belongs to a runtime"],
    ["src/client/socket.ts", "node:net", "belongs to a runtime"],
    ["src/hub/a.ts", "@hono/node-server", "belongs to a runtime"],
    ["src/hub/a.ts", "heddle", "by a relative path"],
    ["src/hub/a.ts", "./a_test.ts", "only tests import tests"],
    ["src/hub/a.ts", "../broker/contract.ts", "only tests import tests"],
    ["conformance/model/a.ts", "node:net", "belongs to a runtime"],
    ["conformance/model/a.ts", "../../src/base/a.ts", "conformance imports nothing of src"],
    ["conformance/model/a_test.ts", "../../src/base/a.ts", "conformance imports nothing of src"],
    ["conformance/model/a.ts", "../../scripts/assert.ts", "nothing but itself"],
  ];
  for (const [file, specifier, why] of refused) {
    it(`keeps ${file} from importing ${specifier}`, () => {
      assertStringIncludes(forbiddenImport(file, specifier) ?? "allowed", why);
    });
  }
});
