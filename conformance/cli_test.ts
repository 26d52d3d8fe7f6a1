import { after, before, describe, it } from "node:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { main } from "./cli.ts";
import { createCommand } from "./cli_options.ts";
import { type Reference, startReference } from "./reference/server.ts";
import { freePort, listens } from "./target/port.ts";

const cli = new URL("./cli.ts", import.meta.url);

/** How this runtime runs a file of TypeScript's. */
const runs = "Deno" in globalThis ? ["run", "-A"] : "Bun" in globalThis ? [] : ["--import", "tsx"];

describe("the command line", () => {
  let right: Reference;
  let wrong: Reference;
  let folder = "";
  const file = (name: string) => join(folder, name);
  const run = (server: Reference, ...args: string[]) => {
    const to = ["--reporter", "json", "--output", file("report.json")];
    return main(["--url", server.url, "--only", "rfc6455/5.1/*", ...to, ...args]);
  };

  before(async () => {
    right = await startReference();
    wrong = await startReference({ checkMask: () => null });
    folder = mkdtempSync(join(tmpdir(), "heddle-kit-"));
  });
  after(async () => {
    await right.close();
    await wrong.close();
    rmSync(folder, { recursive: true });
  });

  it("exits 0 where all is kept, and writes the report", async () => {
    assertEquals(await run(right, "--seed", "7"), 0);
    const report = JSON.parse(readFileSync(file("report.json"), "utf8"));
    assertEquals([report.target, report.seed, report.summary.failed], [right.url, 7, 0]);
  });

  it("exits 1 where a MUST is broken", async () => {
    assertEquals(await run(wrong), 1);
  });

  it("exits 2 where it cannot run", async () => {
    assertEquals(await main([]), 2);
    assertEquals(await main(["--url", "nonsense"]), 2);
    assertEquals(await main(["--url", right.url, "--only", "nothing"]), 2);
    assertEquals(await main(["--url", right.url, "--reporter", "nothing"]), 2);
    assertEquals(await main(["--url", right.url, "--header", "nothing"]), 2);
    assertEquals(await main(["--url", right.url, "--header", "Sec-WebSocket-Key: mine"]), 2);
    assertEquals(await main(["--url", right.url, "--subprotocol", "two words"]), 2);
    assertEquals(await run(right, "--baseline", file("absent.json")), 2);
    assertEquals(await run(right, "--ca", file("absent.pem")), 2);
    assertEquals(await run(right, "--update-baseline"), 2);
  });

  it("ends what it has started where it is interrupted, and exits with 130", async () => {
    const port = await freePort();
    // It takes connections, and never says a word.
    const code = `require("net").createServer(() => {}).listen(${port}, "127.0.0.1")`;
    const args = ["--url", `ws://127.0.0.1:${port}/`, "--start", `exec node -e '${code}'`];
    const kit = spawn(process.execPath, [...runs, fileURLToPath(cli), ...args]);
    const ended = once(kit, "close");
    while (!await listens(port)) assertEquals(kit.exitCode, null);
    process.kill(kit.pid ?? 0, "SIGINT"); // Deno reports what kill() sent, not how the process ended
    assertEquals(await ended, [130, null]);
    while (await listens(port)); // it is killed, which takes its system a moment
  });

  it("keeps its exit code where nobody reads on", async () => {
    const kit = spawn(process.execPath, [...runs, fileURLToPath(cli), "--list"]);
    let said = "";
    kit.stderr.on("data", (part: Uint8Array) => said += part);
    const ended = once(kit, "close");
    kit.stdout.once("data", () => kit.stdout.destroy());
    assertEquals([await ended, said], [[0, null], ""]);
  });

  it("holds a run to its baseline, in both directions", async () => {
    const baseline = ["--baseline", file("baseline.json")];
    assertEquals(await run(wrong, ...baseline, "--update-baseline"), 0);
    assertEquals(await run(wrong, ...baseline), 0);
    assertEquals(await run(right, ...baseline), 1);
    const reasons = { "rfc6455/5.1/*": "known for years" };
    writeFileSync(file("baseline.json"), JSON.stringify({ reasons, failures: [] }));
    assertEquals(await run(wrong, ...baseline, "--update-baseline"), 0);
    assertEquals(JSON.parse(readFileSync(file("baseline.json"), "utf8")).reasons, reasons);
    writeFileSync(file("baseline.json"), '{"failures": [], "reasons": {"*": 1}}');
    assertEquals(await run(wrong, ...baseline), 2);
    writeFileSync(file("baseline.json"), '{"failures": []}');
    assertEquals(await run(wrong, ...baseline), 1);
    writeFileSync(file("baseline.json"), '{"failures": ["rfc6455/0/no-such-case"]}');
    assertEquals(await run(right, ...baseline), 1);
  });

  it("writes every report where it is asked to, in one run", async () => {
    const names = ["pretty", "junit", "tap", "html"];
    const outputs = names.flatMap((name) => ["--reporter", name, "--output", file(name)]);
    assertEquals(await run(wrong, ...outputs), 1);
    const beginnings = ["\n✗ FAIL  rfc6455/5.1/", "<?xml ", "TAP version 14\n", "<!doctype html>"];
    for (const [i, name] of names.entries()) {
      const beginning = beginnings[i] ?? "";
      assertEquals(readFileSync(file(name), "utf8").slice(0, beginning.length), beginning);
    }
  });

  it("exits 2 before it runs where a report has no place to go", async () => {
    rmSync(file("report.json"), { force: true });
    assertEquals(await run(right, "--reporter", "tap", "--output", file("absent/report.tap")), 2);
    assertEquals(await run(right, "--reporter", "tap", "--output", folder), 2);
    assertEquals(existsSync(file("report.json")), false);
  });

  it("pairs each --output with the --reporter before it, or else the one after", () => {
    const outputs = (...args: string[]) => {
      const { command, outputs } = createCommand();
      command.parse(args, { from: "user" });
      return outputs().map(({ reporter, file }) => `${reporter} ${file}`);
    };
    assertEquals(outputs(), ["pretty null"]);
    assertEquals(outputs("--reporter", "json", "--output", "a", "--reporter", "pretty"), [
      "json a",
      "pretty null",
    ]);
    assertEquals(outputs("--output", "a", "--reporter", "json"), ["json a"]);
    assertEquals(outputs("--output", "a"), ["pretty a"]);
  });
});
