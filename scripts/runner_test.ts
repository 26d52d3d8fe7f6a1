import { after, before, describe, it } from "node:test";
import process from "node:process";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "./command.ts";
import { runtimes } from "./files.ts";
import { type Fixture, fixture } from "./fixture.ts";
import { runTestFile } from "./runner.ts";

const tests: Readonly<Record<string, string>> = {
  "src/base/good_test.ts": `
    import { describe, it, test } from "node:test";
    import { assertEquals } from "@std/assert";
    describe("group", () => {
      it("adds", () => assertEquals(1 + 1, 2));
      describe("inner", () => it("adds > <more> & \\"more\\"", () => assertEquals(2 + 2, 4)));
    });
    test("alone", () => {});
  `,
  "src/base/bad_test.ts": `
    import { describe, it } from "node:test";
    import { assertEquals } from "@std/assert";
    describe("group", () => {
      it("adds", () => assertEquals(1 + 1, 2));
      it("is wrong", () => assertEquals("sought", "found"));
    });
  `,
  "src/base/crash_test.ts": `throw new Error("crash at load");`,
  "src/base/empty_test.ts": `export const nothing = 0;`,
  "src/base/exit_test.ts": `
    import { test } from "node:test";
    import process from "node:process";
    test("leaves", () => process.exit(0));
  `,
  "src/base/hook_test.ts": `
    import { before, describe, it } from "node:test";
    describe("group", () => {
      before(() => { throw new Error("hook broke"); });
      it("adds", () => {});
    });
  `,
  "src/base/hang_test.ts": `
    import { test } from "node:test";
    test("hangs", () => new Promise((resolve) => setTimeout(resolve, 60_000)));
  `,
  "src/base/skip_test.ts": `
    import { describe, it, test } from "node:test";
    describe("group", { skip: "needs redis" }, () => it("inner", () => {}));
    it("by option", { skip: "this runtime has no pongs" }, () => {});
    it.skip("by method", () => {});
    test("by context", (t) => t.skip("needs nats"));
    it("runs", { skip: false }, () => {});
  `,
};

describe("runTestFile()", () => {
  let made: Fixture;
  before(async () => {
    made = await fixture(tests);
  });
  after(() => made[Symbol.asyncDispose]());

  for (const runtime of runtimes) {
    const result = (name: string, timeout?: number) =>
      runTestFile(made.root, runtime, `src/base/${name}_test.ts`, timeout);

    it(`counts the tests of a good file on ${runtime}`, async () => {
      const { passed, failed, skips, failure } = await result("good");
      assertEquals({ passed, failed, skips, failure }, {
        passed: 3,
        failed: 0,
        skips: [],
        failure: undefined,
      });
    });

    it(`counts a failed test once and shows it in full on ${runtime}`, async () => {
      const { passed, failed, failure } = await result("bad");
      assertEquals([passed, failed], [1, 1]);
      assertStringIncludes(failure ?? "", "sought");
    });

    it(`takes a file that throws at load for a failure on ${runtime}`, async () => {
      const { passed, failed, failure } = await result("crash");
      assertEquals([passed, failed], [0, 1]);
      assertStringIncludes(failure ?? "", "crash at load");
    });

    it(`takes a file without tests for a failure on ${runtime}`, async () => {
      const { passed, failed, failure } = await result("empty");
      assertEquals([passed, failed], [0, 1]);
      assertStringIncludes(failure ?? "", "the runner");
    });

    it(`takes a file that is not there for a failure on ${runtime}`, async () => {
      assertEquals((await result("absent")).failed, 1);
    });

    it(`takes a process that leaves early for a failure on ${runtime}`, async () => {
      const { passed, failed } = await result("exit");
      assertEquals([passed, failed], [0, 1]);
    });

    it(`takes a failed hook for a failure on ${runtime}`, async () => {
      const { failed, failure } = await result("hook");
      assertEquals(failed > 0, true);
      assertStringIncludes(failure ?? "", "hook broke");
    });

    it(`ends a test that hangs on ${runtime}`, async () => {
      const { passed, failed } = await result("hang", 3_000);
      assertEquals([passed, failed], [0, 1]);
    });

    it(`tells each skip and its reason on ${runtime}`, async () => {
      const { passed, failed, skips } = await result("skip");
      assertEquals([passed, failed], [1, 0]);
      const sorted = skips.map(({ name, reason }) => `${name}: ${reason}`).sort();
      assertEquals(sorted, [
        "by context: needs nats",
        "by method: ",
        "by option: this runtime has no pongs",
        "group: needs redis",
      ]);
    });
  }
});

describe("npm test", () => {
  async function testRun(files: readonly string[], args: readonly string[], ci: boolean) {
    const chosen = files.map((name) => `src/base/${name}_test.ts`);
    const made = await fixture(Object.fromEntries(chosen.map((file) => [file, tests[file]!])));
    try {
      const command = ["--import", "tsx", "scripts/test.ts", "--no-gates", ...args];
      const env = { CI: String(ci) };
      const { code, stdout } = await run(process.execPath, command, { cwd: made.root, env });
      return { code, stdout, last: stdout.trimEnd().split("\n").at(-1) };
    } finally {
      await made[Symbol.asyncDispose]();
    }
  }

  it("ends with the sum over all runtimes and exits 0 where all passed", async () => {
    const { code, last } = await testRun(["good"], [], false);
    assertEquals([code, last], [0, "9 passed, 0 failed"]);
  });

  it("exits 1 where a test failed, and shows its output", async () => {
    const { code, last, stdout } = await testRun(["good", "bad"], ["--runtime", "node,bun"], false);
    assertEquals([code, last], [1, "8 passed, 2 failed"]);
    assertStringIncludes(stdout, "sought");
  });

  it("runs only the paths asked for, and fails where there are none", async () => {
    const some = await testRun(["good", "bad"], ["--runtime", "deno", "src/base/good"], false);
    assertEquals([some.code, some.last], [0, "3 passed, 0 failed"]);
    const none = await testRun(["good"], ["--runtime", "deno", "src/nowhere"], false);
    assertEquals([none.code, none.last], [1, "0 passed, 1 failed"]);
  });

  it("prints skips, and under CI fails those that lack a service or a reason", async () => {
    const here = await testRun(["skip"], ["--runtime", "deno"], false);
    assertEquals([here.code, here.last], [0, "1 passed, 0 failed"]);
    assertMatch(here.stdout, /SKIPPED {2}src\/base\/skip_test.ts: group: needs redis/);
    const ci = await testRun(["skip"], ["--runtime", "deno"], true);
    assertEquals([ci.code, ci.last], [1, "1 passed, 3 failed"]);
  });

  it("refuses an unknown runtime by name", async () => {
    const { code } = await testRun(["good"], ["--runtime", "nodejs"], false);
    assertEquals(code, 1);
  });
});
