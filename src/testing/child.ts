/**
 * Runs a program of the project in a process of its own, on the runtime the test runs in.
 *
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runtime } from "./serve.ts";

const flags = {
  node: ["--expose-gc", "--import", "tsx"],
  deno: ["run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  bun: [],
} as const;

/** A program that answers each line on its standard input with a line on its standard output. */
export class Child {
  /** The process itself. */
  readonly process: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #waiting: (() => void)[] = [];
  #ended = false;
  #errors = "";

  constructor(module: URL, args: readonly string[] = []) {
    this.process = spawn(process.execPath, [...flags[runtime], fileURLToPath(module), ...args]);
    this.process.stderr.on("data", (chunk: unknown) => this.#errors += String(chunk));
    createInterface({ input: this.process.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.process.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** The next line of its output. Rejects where it ends first. */
  async line(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#ended) throw new Error(`the program ended: ${this.#errors}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends a line and takes the next one of the output. */
  ask(line: string): Promise<string> {
    this.process.stdin.write(`${line}\n`);
    return this.line();
  }

  /** Ends it. */
  kill(): void {
    this.process.kill("SIGKILL");
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
