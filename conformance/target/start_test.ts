import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { connect } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { NotStarted, startTarget } from "./start.ts";

const run = `${process.execPath} ${"Deno" in globalThis ? "eval" : "-e"}`;
/** How this runtime is given a program of TypeScript's. */
const evaluate = "Deno" in globalThis
  ? ["eval"]
  : "Bun" in globalThis
  ? ["-e"]
  : ["--import", "tsx", "--input-type=module", "-e"];
const listen = (port: string) =>
  `import("node:net").then((net) => net.createServer((one) => one.end()).listen(${port}, "127.0.0.1"))`;
const server = (port: string) => `exec ${run} '${listen(port)}'`;
const url = "ws://127.0.0.1:{port}/ws";

/** Whether somebody listens there. */
function answers(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(place).port), "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.on("close", () => resolve(false));
    socket.resume();
  });
}

describe("startTarget()", () => {
  it("waits until the command listens at the port that stands for {port}, and ends it", async () => {
    const target = await startTarget(server("{port}"), url);
    assert(!target.url.includes("{port}"), target.url);
    assertEquals(await answers(target.url), true);
    await target.end();
    assertEquals(await answers(target.url), false);
  });

  it("tells the port as PORT too", async () => {
    const target = await startTarget(`PLACE=$PORT; ${server("'$PLACE'")}`, url);
    assertEquals(await answers(target.url), true);
    await target.end();
  });

  it("ends what the shell has started, also where that does not heed being asked", async () => {
    const target = await startTarget(`(trap "" TERM; ${server("{port}")}) & wait`, url);
    await target.end();
    while (await answers(target.url)); // it is killed, which takes its system a moment
  });

  it("can be ended again, and after the target has gone by itself", async () => {
    const target = await startTarget(server("{port}"), url);
    target.askToStop();
    await target.end();
    await target.end();
  });

  it("says what was printed where the command ends before it listens", async () => {
    const error = await assertRejects(
      () => startTarget("echo out of order; echo and broken >&2; exit 3", url),
      NotStarted,
    );
    assertStringIncludes(error.message, "ended before it listened");
    assertStringIncludes(error.message, "out of order");
    assertStringIncludes(error.message, "and broken");
  });

  it("is not taken in by what listens there before", async () => {
    const first = await startTarget(server("{port}"), url);
    const error = await assertRejects(() => startTarget("sleep 9", first.url), NotStarted);
    assertStringIncludes(error.message, "something listens");
    await first.end();
  });

  it("gives up, and ends the command, when it is told to", async () => {
    const controller = new AbortController();
    const starting = startTarget("exec sleep 9", url, controller.signal);
    controller.abort(new Error("told to"));
    await assertRejects(() => starting, Error, "told to");
  });

  it("leaves nothing behind where the process that started it ends", async () => {
    const command = JSON.stringify(server("{port}"));
    const program = `import { startTarget } from "${new URL("./start.ts", import.meta.url)}";
      const { url } = await startTarget(${command}, "${url}");
      process.stdout.write(url, () => process.exit());`;
    const { stdout: place } = await promisify(execFile)(process.execPath, [...evaluate, program]);
    assert(place.startsWith("ws://127.0.0.1:"), place);
    while (await answers(place)); // it is killed, which takes its system a moment
  });

  it("refuses a command that is none", async () => {
    const error = await assertRejects(() => startTarget("no-such-command-at-all", url), NotStarted);
    assertStringIncludes(error.message, "no-such-command-at-all");
  });
});
