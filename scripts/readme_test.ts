/**
 * Runs the servers of the README as it says: each on its runtime, in a project of its own.
 */
import { after, before, describe, it } from "node:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { freePort } from "../conformance/target/port.ts";
import { connectRaw, type RawClient } from "../src/testing/raw_client.ts";
import { run } from "./command.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

/** The block that is marked `server=NAME`. */
function serverOf(name: string): string {
  const block = new RegExp(`\`\`\`ts ignore server=${name}\n([^]*?)\`\`\``).exec(readme);
  assert(block !== null, `the README has no server for ${name}`);
  return block[1]!;
}

describe("The README's servers", () => {
  let folder: string;
  const children: ChildProcess[] = [];
  before(() => folder = mkdtempSync(join(tmpdir(), "heddle-readme-")));
  after(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  function project(name: string): string {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  }

  /** Starts a program and connects to it as soon as it listens. */
  async function start(cwd: string, command: string, ...args: string[]): Promise<RawClient> {
    const port = await freePort();
    const child = spawn(command, args, { cwd, env: { ...process.env, PORT: String(port) } });
    children.push(child);
    let output = "";
    let hasEnded = false;
    child.stdout.on("data", (chunk: unknown) => output += String(chunk));
    child.stderr.on("data", (chunk: unknown) => output += String(chunk));
    child.on("close", () => hasEnded = true);
    for (;;) {
      if (hasEnded) throw new Error(`${command} ended: ${output}`);
      try {
        return await connectRaw(`ws://127.0.0.1:${port}/ws`);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async function expectTicks(client: RawClient): Promise<void> {
    assertEquals((await client.json())["type"], "connected");
    const answer = await client.ask({ type: "subscribe", channels: ["clock"] });
    assertEquals(answer["channels"], ["clock"]);
    assertEquals((await client.nextOf("event"))["event_type"], "tick");
    client.terminate();
  }

  it("runs on Deno, from a checkout", async () => {
    const path = project("deno");
    symlinkSync(root, join(path, "heddle"));
    writeFileSync(join(path, "server.ts"), serverOf("deno"));
    const permissions = ["--allow-net", "--allow-env"];
    const args = ["run", ...permissions, "--config", "heddle/deno.json", "server.ts"];
    await expectTicks(await start(path, "deno", ...args));
  });

  it("lets a program on Deno import the libraries its schemas and routes are made with", async () => {
    const path = project("deno-libraries");
    symlinkSync(root, join(path, "heddle"));
    writeFileSync(
      join(path, "typed.ts"),
      [
        'import { allowAnonymous, channel, createHub } from "heddle";',
        'import { denoRoutes } from "heddle/deno";',
        'import { Hono } from "hono";',
        'import { z } from "zod";',
        "const events = { said: z.object({ text: z.string() }) };",
        "const hub = createHub({ auth: allowAnonymous(), channels: { news: channel({ events }) } });",
        'await hub.channel("news").publish("said", { text: "hello" });',
        'const app = new Hono().route("/realtime", denoRoutes(hub));',
        'console.log((await app.request("/realtime/health")).status);',
        "await hub.drain();",
      ].join("\n"),
    );
    const args = ["run", "--check", "--allow-env", "--config", "heddle/deno.json", "typed.ts"];
    const ended = await run("deno", args, { cwd: path, silence: 120_000 });
    assertEquals([ended.code, ended.stdout.trim()], [0, "200"], ended.output);
  });

  it("runs on Bun, from a checkout", async () => {
    const path = project("bun");
    symlinkSync(root, join(path, "heddle"));
    writeFileSync(join(path, "server.ts"), serverOf("bun"));
    await expectTicks(await start(path, "bun", "server.ts"));
  });

  it("runs on Node, from the package", async () => {
    const path = project("node");
    const packed = await run("npm", ["pack", "--silent", "--pack-destination", path], {
      cwd: root,
      silence: 120_000,
    });
    assertEquals(packed.code, 0, packed.output);
    writeFileSync(join(path, "package.json"), '{ "private": true, "type": "module" }');
    writeFileSync(join(path, "server.mjs"), serverOf("node"));
    const tarball = `./${packed.stdout.trim().split("\n").at(-1)}`;
    const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=dev"];
    const installed = await run("npm", [...install, tarball], { cwd: path, silence: 120_000 });
    assertEquals(installed.code, 0, installed.output);
    await expectTicks(await start(path, "node", "server.mjs"));

    // The gates run this one on Deno, which knows more than the Node the package asks for.
    const typed = /## Channels, identities and messages\n\n```ts\n([^]*?)```/.exec(readme);
    assert(typed !== null, "the README has no example of channels, identities and messages");
    writeFileSync(join(path, "typed.mts"), typed[1]!);
    const ended = await run("tsx", ["typed.mts"], { cwd: path, silence: 120_000 });
    assertEquals(ended.code, 0, ended.output);
  });
});
