/**
 * Runs the command line in a process of its own, on the runtime the test runs in.
 *
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { delimiter } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "../testing/serve.ts";

/** The folder of the project. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

const flags = { node: ["--import", "tsx"], deno: ["run", "-A", "--quiet"], bun: [] } as const;

type Stream = "stdout" | "stderr";

/** A running command. */
export class Running implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #isGroup: boolean;
  readonly #output: Record<Stream, string> = { stdout: "", stderr: "" };
  readonly #waiting = new Set<() => void>();
  readonly #exited: Promise<number | string>;
  #isOver = false;

  constructor(program: string, args: readonly string[], variables: Variables, isGroup = false) {
    const { PATH, HOME } = process.env;
    this.#isGroup = isGroup;
    this.#process = spawn(program, args, {
      cwd: root,
      detached: isGroup,
      env: {
        PATH: `${root}node_modules/.bin${delimiter}${PATH}`,
        ...(HOME === undefined ? {} : { HOME }),
        ...variables,
      },
    });
    for (const name of ["stdout", "stderr"] as const) {
      this.#process[name].setEncoding("utf8").on("data", (text: string) => {
        this.#output[name] += text;
        this.#wake();
      });
    }
    this.#exited = new Promise((resolve, reject) => {
      this.#process.on("error", reject);
      this.#process.on("close", (code, signal) => {
        this.#isOver = true;
        this.#wake();
        resolve(code ?? signal ?? "");
      });
    });
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The exit code, or the signal that ended it, once all output is read. */
  get exited(): Promise<number | string> {
    return this.#exited;
  }

  /** Waits until the output matches. Rejects where it ends first. */
  async sees(pattern: RegExp, stream: Stream = "stdout"): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output[stream]);
      if (match !== null) return match;
      if (this.#isOver) {
        throw new Error(`ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Writes to its standard input. */
  type(text: string): void {
    this.#process.stdin.write(text);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#process.stdin.end();
  }

  /** Reads its standard output no more, as a `head` that has ended. */
  stopReading(): void {
    this.#process.stdout.destroy();
  }

  /** Sends a signal to the process, or to it and all it has started. */
  signal(signal: "SIGINT" | "SIGTERM" | "SIGKILL", to: "process" | "group" = "process"): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(to === "group" ? -pid : pid, signal);
    } catch {
      // It has ended already.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL", this.#isGroup ? "group" : "process");
    await this.#exited.catch(() => {});
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

type Variables = Readonly<Record<string, string>>;

/** Starts a program of the project. */
export function program(
  module: URL,
  args: readonly string[] = [],
  variables: Variables = {},
): Running {
  return new Running(
    process.execPath,
    [...flags[runtime], fileURLToPath(module), ...args],
    variables,
  );
}

/** Starts `heddle` with arguments. */
export function heddle(args: readonly string[], variables: Variables = {}): Running {
  return program(new URL("main.ts", import.meta.url), args, variables);
}

/** What is left of a `heddle` that has ended. */
export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `heddle` to its end. */
export async function run(args: readonly string[], variables: Variables = {}): Promise<Ended> {
  await using running = heddle(args, variables);
  running.endInput();
  const code = await running.exited;
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** A `heddle serve` that listens. */
export interface Serving {
  readonly running: Running;
  readonly url: string;
  /** "" where it printed none. */
  readonly adminToken: string;
}

/** Starts `heddle serve` on a free port, with metrics ten times a second, and waits until it listens. */
export async function serving(variables: Variables = {}): Promise<Serving> {
  const running = heddle(["serve"], { PORT: "0", METRICS_INTERVAL: "0.1", ...variables });
  return { running, ...await listens(running) };
}

/** Waits until a `heddle serve` listens. */
export async function listens(running: Running): Promise<Omit<Serving, "running">> {
  const [, url] = await running.sees(/(ws:\S+)[^]*\n\n$/);
  const [adminToken = ""] = /eyJ\S+/.exec(running.stdout) ?? [];
  return { url: url!, adminToken };
}
