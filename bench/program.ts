import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { PROFILE, type Profiles } from "./profile.ts";

/** What a program of the benchmark runs on. */
export type Runtime = "node" | "deno" | "bun";

const installed = (name: string) =>
  fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));

const commands: Readonly<Record<Runtime, readonly string[]>> = {
  node: [process.execPath, "--expose-gc", "--import", "tsx"],
  deno: [installed("deno"), "run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  bun: [installed("bun")],
};

/** The cores that server and client have to themselves, where processes can be tied to some. */
const canPin = availableParallelism() > 1 &&
  spawnSync("taskset", ["--version"], { stdio: "ignore" }).status === 0;
export const cores: Readonly<Record<"server" | "client", number>> | undefined = canPin
  ? { server: 0, client: 1 }
  : undefined;

let profiles: Profiles | undefined;

/** Has servers keep profiles from now on. What that takes of the CPU is in their figures. */
export function keepProfiles(kept: Profiles): void {
  profiles = kept;
}

/** Longest time until a program answers, in milliseconds. */
const PATIENCE = 60_000;

const running = new Set<Program>();
process.on("exit", () => {
  for (const program of running) program.kill();
});

/** A program of the benchmark that answers each line of JSON with one. */
export class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: string[] = [];
  #wake = () => {};
  #ended: string | undefined;
  #errors = "";
  readonly #isProfiled: boolean;

  constructor(
    role: "server" | "client",
    runtime: Runtime,
    file: string,
    args: readonly string[] = [],
  ) {
    const kept = role === "server" ? profiles?.next([runtime, file, ...args].join(" ")) : undefined;
    this.#isProfiled = kept !== undefined;
    const [program, ...first] = [
      ...(cores === undefined ? [] : ["taskset", "-c", String(cores[role])]),
      ...commands[runtime],
      fileURLToPath(new URL(file, import.meta.url)),
      ...args,
    ];
    // In a group of its own, so that Ctrl-C is for the command alone, which ends it.
    this.#child = spawn(program!, first, {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: kept === undefined ? process.env : { ...process.env, [PROFILE]: kept },
    });
    running.add(this);
    this.#child.stderr.on(
      "data",
      (chunk: unknown) => this.#errors += String(chunk),
    );
    this.#child.stdin.on("error", () => {});
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#child.on("error", (error) => this.#end(error.message));
    this.#child.on("close", (code) => this.#end(`it ended with ${code}`));
    this.file = file;
  }

  /** Which program it is. */
  readonly file: string;

  /** The next line of its output. Rejects where it has ended, or says that something went wrong. */
  async line<T>(): Promise<T> {
    const since = performance.now();
    while (this.#lines.length === 0) {
      const isLate = performance.now() - since > PATIENCE;
      if (this.#ended !== undefined || isLate) {
        const why = this.#ended ?? `no answer for ${PATIENCE / 1000} s`;
        throw new Error(`${this.file}: ${why}\n${this.#errors.slice(-2_000)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const value = JSON.parse(this.#lines.shift()!) as T & {
      readonly error?: string;
    };
    if (value.error !== undefined) {
      throw new Error(
        `${this.file}: ${value.error}\n${this.#errors.slice(-2_000)}`,
      );
    }
    return value;
  }

  /** Asks, and takes the answer. */
  ask<T>(question: unknown): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return this.line();
  }

  /** Ends it; resolves when it has ended. */
  async kill(): Promise<void> {
    running.delete(this);
    // A server that keeps a profile writes it when it ends by itself.
    if (this.#isProfiled) this.#child.stdin.end();
    else this.#child.kill("SIGKILL");
    if (this.#ended !== undefined) return;
    await new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
  }

  #end(why: string): void {
    this.#ended ??= why;
    running.delete(this);
    this.#wake();
  }
}

/** The version of a runtime, or undefined where it is not installed. */
export function versionOf(runtime: Runtime): string | undefined {
  const [program] = commands[runtime];
  if (!existsSync(program!)) return undefined;
  const { stdout } = spawnSync(program!, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0];
}
