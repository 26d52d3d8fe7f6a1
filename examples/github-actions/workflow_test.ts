/** The workflow's own command, run as it stands on a part of the cases. */
import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const bin = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
const kit = fileURLToPath(new URL("../../conformance/cli.ts", import.meta.url));
const workflow = readFileSync(join(folder, "conformance.yml"), "utf8");
const reports = mkdtempSync(join(tmpdir(), "heddle-workflow-"));

describe("the workflow for GitHub Actions", () => {
  after(() => rmSync(reports, { recursive: true }));

  it("runs the kit on the server that it starts, and leaves the reports that it uploads", async () => {
    const [, words = ""] = /- run: npx heddle conformance (.*)/.exec(workflow) ?? [];
    const args = words.split(" ")
      .map((word, i, all) => all[i - 1] === "--output" ? join(reports, word) : word);
    const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}` };
    const part = ["--only", "channels/sub/1*", "--only", "channels/clo/4-*"];
    const { code, output } = await new Promise<{ code: number | null; output: string }>(
      (resolve) => {
        const child = execFile(
          join(bin, "tsx"),
          [kit, ...args, ...part],
          { cwd: folder, env },
          (_, stdout, stderr) => resolve({ code: child.exitCode, output: stdout + stderr }),
        );
      },
    );
    assertEquals(code, 0, output);
    const [, list = ""] = /path: \|\n([^]*)$/.exec(workflow) ?? [];
    for (const file of list.trim().split(/\s+/)) {
      assert(readFileSync(join(reports, file), "utf8").length > 0, file);
    }
    const badge = JSON.parse(readFileSync(join(reports, "badge.json"), "utf8"));
    assertEquals(badge.schemaVersion, 1);
  });
});
