/**
 * Servers of every kind, measured for real; how quick they are decides no test.
 */
import { describe, it } from "node:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { main } from "../cli.ts";
import { type Rules } from "../reference/rules.ts";
import { startReference } from "../reference/server.ts";
import { exitCodeOf } from "../report/exit.ts";
import type { Measure, PerformanceReport, Report } from "../report/report.ts";
import type { ConformanceOptions } from "../runner/options.ts";
import { CannotRun } from "../runner/probe.ts";
import { runConformance } from "../runner/run.ts";

async function runOn(
  rules: Partial<Rules>,
  options: Partial<ConformanceOptions> = {},
): Promise<Report> {
  await using server = await startReference(rules);
  return await runConformance({
    url: server.url,
    profile: "full",
    only: ["performance/*"],
    ...options,
  });
}

function find({ performance }: Pick<Report, "performance">, id: string): Measure {
  const found = performance?.measures.find((one) => one.id === id);
  assert(found !== undefined, `${id} was not measured`);
  return found;
}

/** A measure came off, on both sides and with nothing lost; a busy machine may have had no time for all. */
function expectMeasured({ target, raw, ratio, skipped, lost, notes }: Measure, samples: number) {
  assertEquals([skipped, lost], [null, 0]);
  assert(target !== null && raw !== null && ratio !== null);
  assert(target.samples === samples || notes.join().includes("the time limit"), notes.join());
  for (const { median_ms, p99_ms } of [target, raw]) assert(0 < median_ms && median_ms <= p99_ms);
}

describe("measuring any WebSocket server", () => {
  it("tells connect time and round trip beside raw sockets, the machine and the runtime", async () => {
    const report = await runOn({});
    const { machine, runtime, measures, notes } = report.performance as PerformanceReport;
    assertEquals(measures.map(({ id }) => id), ["performance/connect", "performance/round-trip"]);
    expectMeasured(find(report, "performance/connect"), 100);
    expectMeasured(find(report, "performance/round-trip"), 200);
    assertStringIncludes(find(report, "performance/round-trip").title, "128 bytes to its echo");
    assert(/^\d+ × ./.test(machine) && /^(Node|Deno|Bun) \d/.test(runtime));
    assertEquals(notes, []);
    assertEquals([report.cases.length, exitCodeOf(report, null)], [0, 0]);
  });

  it("is done in the profile full, whatever cases there are, and in no other", async () => {
    const only = ["rfc6455/5.5.2/*"];
    const skip = ["performance/connect"];
    const full = await runOn({}, { only, skip });
    assertEquals(full.performance?.measures.map(({ id }) => id), ["performance/round-trip"]);
    assert(full.cases.length > 0);
    assertEquals((await runOn({}, { only, profile: "fast" })).performance, undefined);
    const fast = await assertRejects(() => runOn({}, { profile: "fast" }), CannotRun);
    assertStringIncludes(fast.message, "profile full");
    await assertRejects(() => runOn({}, { only: ["performance/nothing"] }), CannotRun);
  });

  it("times the Pong of a Ping where the endpoint does not echo", async () => {
    const report = await runOn({ echo: () => [] }, { echo: "no" });
    expectMeasured(find(report, "performance/round-trip"), 200);
    assertEquals(find(report, "performance/round-trip").title, "From a Ping to its Pong");
  });

  it("says how many echoes a server lost, and does not fail it for that", async () => {
    let count = 0;
    const echo: Rules["echo"] = (message) => ++count % 50 === 0 ? [] : [message];
    const report = await runOn({ echo }, { timeout: 500 });
    const { lost, sent, notes, target } = find(report, "performance/round-trip");
    assert(lost > 0 && lost < sent && target !== null);
    assertStringIncludes(notes.join(), `lost ${lost} of ${sent} answers`);
    assertEquals(exitCodeOf(report, null), 0);
  });

  it("is over in seconds where nothing is ever answered, and says so", async () => {
    const report = await runOn({ pong: () => [], echo: () => [] }, { echo: "no", timeout: 300 });
    const { target, raw, ratio, lost, sent, notes } = find(report, "performance/round-trip");
    assertEquals([target, raw, ratio], [null, null, null]);
    assert(sent > 0 && lost === sent);
    assertStringIncludes(notes.join(), `lost ${sent} of ${sent} answers`);
    assertStringIncludes(notes.join(), "0 samples of 200: ");
  });

  it("waits for what is slow, which is no loss", async () => {
    const write: Rules["write"] = (socket, bytes) =>
      void setTimeout(() => socket.write(bytes), 700);
    const { target, lost, notes } = find(
      await runOn({ write }, { echo: "yes" }),
      "performance/round-trip",
    );
    assert(target !== null && target.median_ms > 600);
    assertEquals(lost, 0);
    assert(target.samples < 200 && notes.length > 0);
  });

  it("says where a server takes no more connections, or ends one", async () => {
    let taken = 0;
    const checkRoom = () => ++taken > 20 ? { status: 503 } : null;
    const few = await runOn({ checkRoom });
    const connect = find(few, "performance/connect");
    assert(connect.target !== null && connect.target.samples < 20);
    assertStringIncludes(connect.notes.join(), "503");
    assertStringIncludes(find(few, "performance/round-trip").skipped ?? "", "503");

    let frames = 0;
    const checkLength: Rules["checkLength"] = () => ++frames > 40 ? 1008 : null;
    const skip = ["performance/connect"];
    const ends = find(await runOn({ checkLength }, { skip }), "performance/round-trip");
    assert(ends.target !== null);
    assertStringIncludes(ends.notes.join(), "the server ended the connection: Close 1008");
  });

  it("waits as long as Retry-After asks where that is soon enough", async () => {
    let taken = 0;
    const checkRoom = () =>
      ++taken === 12 ? { status: 429, headers: { "Retry-After": "0" } } : null;
    const report = await runOn({ checkRoom });
    expectMeasured(find(report, "performance/connect"), 100);
    assert(taken > 12);
  });

  it("skips by name where the opening handshake is not accepted", async () => {
    const report = await runOn({ checkRoom: () => ({ status: 404 }) }, { only: ["rfc6455/5.1/*"] });
    assertStringIncludes(find(report, "performance/connect").skipped ?? "", "handshake");
    assertEquals(exitCodeOf(report, null), 1);
  });

  it("shows the figures in every report for people and for programs", async () => {
    await using server = await startReference();
    const folder = mkdtempSync(join(tmpdir(), "heddle-performance-"));
    try {
      const names = ["pretty", "html", "json", "junit", "tap"];
      const outputs = names.flatMap((name) => ["--reporter", name, "--output", join(folder, name)]);
      const args = ["--profile", "full", "--only", "performance/*", ...outputs];
      assertEquals(await main(["--url", server.url, ...args]), 0);
      for (const name of names) {
        const text = readFileSync(join(folder, name), "utf8");
        for (const told of ["TCP and the opening handshake", "128 bytes to its echo"]) {
          assertStringIncludes(text, told, name);
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
