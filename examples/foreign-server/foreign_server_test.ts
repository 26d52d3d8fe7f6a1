import { assert, assertEquals } from "@std/assert";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Offer, parseOffer, runConformance } from "../../conformance/mod.ts";
import { createClient, Media } from "../../src/client/mod.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** The first Python that can run the program, or null. */
function pythonWith(program: string): string | null {
  const candidates = ["python3", "/usr/bin/python3"];
  return candidates.find((python) => spawnSync(python, ["-c", program]).status === 0) ?? null;
}

const recent = "import sys; sys.exit(sys.version_info < (3, 10))";
const alone = pythonWith(recent);
const served = pythonWith(`import websockets\n${recent}`);

function lackOf(python: string | null, what: string): { readonly skip?: string } {
  return python === null ? { skip: `needs ${what}` } : {};
}

function offer(): Offer {
  const text = readFileSync(new URL("./profile.json", import.meta.url), "utf8");
  return parseOffer(text.replace("cd examples/foreign-server", `cd '${folder}'`));
}

/** Starts the server by itself, and ends it after the test. */
async function serve(context: TestContext): Promise<string> {
  const args = ["-m", "foreign_server", "--port", "0"];
  const child = spawn(served!, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  context.after(async () => {
    child.kill("SIGTERM");
    assertEquals((await ended)[0], 0);
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return String(line).split(" ").at(-1)!;
}

describe("the foreign server", () => {
  it("reads messages as the golden vectors say", lackOf(alone, "python3 3.10 or later"), () => {
    const run = spawnSync(alone!, ["-m", "foreign_server.vectors"], { cwd: folder });
    assertEquals(run.status, 0, `${run.stdout}${run.stderr}`);
  });

  it("keeps what the kit asks of Protocol 1", lackOf(served, "python3-websockets"), async () => {
    process.env["PYTHON"] = served!;
    const target = offer();
    const report = await runConformance({ url: target.url!, level: "channels", offer: target });
    const broken = report.cases.filter(({ verdict }) => !["pass", "skip"].includes(verdict));
    const said = broken.map(({ id, expected, observed }) => `${id}: ${expected}, not ${observed}`);
    assertEquals(said, []);
    for (const { id, verdict, observed } of report.cases) {
      assert(verdict !== "skip" || observed.length > 0, `${id} is skipped without a reason`);
    }
    assert(report.summary.passed > 5, `${report.summary.passed} passed`);
  });

  it("serves the TypeScript client", lackOf(served, "python3-websockets"), async (context) => {
    const url = await serve(context as TestContext);
    const reader = createClient({ url, features: { binary: {} } });
    const writer = createClient({ url });
    await Promise.all([reader.connect(), writer.connect()]);
    const got: unknown[] = [];
    let arrived = () => {};
    const all = new Promise<void>((resolve) => arrived = resolve);
    await writer.publish("open:looms", "thread", 1);
    await reader.subscribe("open:looms", ({ data }) => {
      got.push(data instanceof Media ? Array.from(data.content) : data);
      if (got.length === 3) arrived();
    }, { last: 1 });
    await writer.publish("open:looms", "thread", { colour: "madder" });
    await writer.publish("open:looms", "pattern", new Media("image", new Uint8Array([255, 216])));
    await all;
    assertEquals(got, [1, { colour: "madder" }, [255, 216]]);
    const { events } = await reader.history("open:looms");
    assertEquals(events.length, 3);
    await Promise.all([reader.disconnect(), writer.disconnect()]);
  });
});
