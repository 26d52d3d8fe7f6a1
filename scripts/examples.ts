/**
 * Runs the examples of the documentation: every `ts` block in the doc comments of the sources and in
 * the Markdown files, each as a program of its own (`deno test --doc`).
 *
 * @module
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.ts";
import { isTest } from "./files.ts";
import { readJunit } from "./junit.ts";

/** What became of the examples. */
export interface ExamplesRun {
  readonly problems: readonly string[];
  readonly ran: number;
  /** Blocks marked `ignore`, as `file:line`. */
  readonly ignored: readonly string[];
}

const fence = /^\s*(?:\*\s*)?```(?:ts|typescript|js|javascript)\b(.*)$/;

/** Runs the examples in `files` (paths from `root`). */
export async function runExamples(root: string, files: readonly string[]): Promise<ExamplesRun> {
  const documents: string[] = [];
  const ignored: string[] = [];
  let expected = 0;
  for (const file of files.filter(mayHaveExamples)) {
    const found = readExamples(readFileSync(join(root, file), "utf8"));
    if (found.ran > 0) documents.push(file);
    expected += found.ran;
    ignored.push(...found.ignoredLines.map((line) => `${file}:${line}`));
  }
  if (expected === 0) return { problems: [], ran: 0, ignored };
  const folder = mkdtempSync(join(tmpdir(), "heddle-examples-"));
  try {
    const report = join(folder, "report.xml");
    const ended = await run(
      "deno",
      ["test", "--doc", "-A", "--quiet", `--junit-path=${report}`, ...documents],
      { cwd: root, silence: 120_000 },
    );
    const cases = existsSync(report) ? readJunit(readFileSync(report, "utf8")) : [];
    const problems: string[] = [];
    if (ended.code !== 0) problems.push(ended.output, ended.trouble ?? "");
    else if (cases.length < expected) {
      problems.push(`${expected} examples are written, but only ${cases.length} ran`);
    }
    return { problems, ran: cases.length, ignored };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mayHaveExamples(file: string): boolean {
  if (file.endsWith(".md")) return true;
  return /^(mod\.ts$|src\/|conformance\/)/.test(file) && file.endsWith(".ts") && !isTest(file);
}

function readExamples(text: string): { readonly ran: number; readonly ignoredLines: number[] } {
  const ignoredLines: number[] = [];
  let ran = 0;
  let inside = false;
  text.split("\n").forEach((line, index) => {
    const opening = fence.exec(line);
    if (!inside && opening !== null) {
      if (/\bignore\b/.test(opening[1]!)) ignoredLines.push(index + 1);
      else ran++;
    }
    if (/^\s*(?:\*\s*)?```/.test(line)) inside = !inside;
  });
  return { ran, ignoredLines };
}
