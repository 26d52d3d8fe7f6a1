import { after, before, describe, it } from "node:test";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Reference, startReference } from "../reference/server.ts";
import { CannotRun } from "./probe.ts";
import { runConformance } from "./run.ts";

const CLI = fileURLToPath(new URL("../cli.ts", import.meta.url));

/** How this runtime runs a file of TypeScript. */
function commandOf(file: string): [string, string[]] {
  if ("Deno" in globalThis) return [process.execPath, ["run", "-A", file]];
  if ("Bun" in globalThis) return [process.execPath, [file]];
  return [process.execPath, ["--import", "tsx", file]];
}

function runCli(...given: string[]): Promise<{ code: number; output: string }> {
  const [command, args] = commandOf(CLI);
  return new Promise((resolve) => {
    const child = execFile(command, [...args, ...given], (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

/** A certificate that signs itself, for 127.0.0.1, valid for a day. */
function certify(folder: string, name: string): { key: string; cert: string; file: string } {
  const [key, file] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const out = ["-keyout", key, "-out", file, "-days", "1"];
  execFileSync("openssl", ["req", "-x509", ...fresh, ...subject, ...out], { stdio: "ignore" });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(file, "utf8"), file };
}

describe("a run over wss", () => {
  const only = [
    "rfc6455/4.2.2/handshake-*",
    "rfc6455/5.2/*",
    "rfc6455/5.5.*",
    "rfc6455/7*",
    "rfc9112/*",
  ];
  let folder = "";
  let server: Reference;
  let own: ReturnType<typeof certify>;
  let other: ReturnType<typeof certify>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "wss-"));
    own = certify(folder, "own");
    other = certify(folder, "other");
    server = await startReference({}, own);
  });

  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it("measures over TLS, and says that raw sockets have none", async () => {
    const { performance } = await runConformance({
      url: server.url,
      ca: own.cert,
      profile: "full",
      only: ["performance/*"],
    });
    assertEquals(performance?.measures.map(({ skipped }) => skipped), [null, null]);
    assertEquals(performance?.notes, ["the target is measured over TLS, raw sockets are not"]);
  });

  it("cannot be where the certificate is not trusted, and says so", async () => {
    const run = (ca: string | null) => runConformance({ url: server.url, ca, timeout: 5000 });
    const unknown = await assertRejects(() => run(null), CannotRun);
    assertEquals(unknown.code, "unreachable");
    assertStringIncludes(unknown.message.toLowerCase(), "certificate");
    const another = await assertRejects(() => run(other.cert), CannotRun);
    assertEquals(another.code, "unreachable");
  });

  it("passes the strict server's certificate and its cases with ca", async () => {
    const report = await runConformance({ url: server.url, ca: own.cert, only, seed: 1 });
    const wrong = report.cases.filter(({ verdict }) => verdict !== "pass" && verdict !== "skip");
    assertEquals(wrong.map(({ id, observed }) => [id, observed]), []);
    assertEquals(report.summary.passed > 50, true);
  });

  it("takes any certificate with insecure", async () => {
    const report = await runConformance({ url: server.url, insecure: true, only, seed: 1 });
    assertEquals([report.summary.failed, report.summary.errored], [0, 0]);
    assertEquals(report.summary.passed > 50, true);
  });

  it("finds over TLS what it finds without", async () => {
    const lax = await startReference({ checkMask: () => null, pong: () => [] }, own);
    try {
      const ids = ["rfc6455/5.1/unmasked-text", "rfc6455/4.2.2/handshake-slow"];
      const report = await runConformance({ url: lax.url, ca: own.cert, only: ids, timeout: 200 });
      assertEquals(report.cases.map(({ verdict }) => verdict), ["fail", "fail"]);
    } finally {
      await lax.close();
    }
  });

  it("is asked for on the command line with --insecure or --ca", async () => {
    const args = ["--url", server.url, "--only", "rfc6455/4.2.2/opening-handshake"];
    const refused = await runCli(...args);
    assertEquals(refused.code, 2, refused.output);
    assertStringIncludes(refused.output.toLowerCase(), "certificate");
    const trusted = await runCli(...args, "--ca", own.file);
    assertEquals(trusted.code, 0, trusted.output);
    const any = await runCli(...args, "--insecure");
    assertEquals(any.code, 0, any.output);
    const missing = await runCli(...args, "--ca", join(folder, "none.pem"));
    assertEquals(missing.code, 2, missing.output);
  });
});
