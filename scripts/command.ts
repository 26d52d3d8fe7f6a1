/**
 * Runs one command of a gate or a runner to its end, with all it printed.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What is left of a command that ended. */
export interface Ended {
  /** The exit code; null where a signal ended the command or it could not be started. */
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
  /** Standard output alone. */
  readonly stdout: string;
  /** Why the command has no exit code of its own: silence, a signal, no such program. */
  readonly trouble?: string;
}

/** How to run a command. */
export interface CommandOptions {
  readonly cwd: string;
  /** Variables on top of the plain environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command after so many milliseconds without output. @default no limit */
  readonly silence?: number;
}

const running = new Set<number>();

/** Starts `program`, waits for its end, and never throws: what went wrong is in the answer. */
export function run(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...plainEnvironment(), ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what a test leaves behind ends with it.
      detached: true,
    });
    const pid = child.pid;
    if (pid !== undefined) running.add(pid);
    let output = "";
    let stdout = "";
    let trouble: string | undefined;
    let watchdog: NodeJS.Timeout | undefined;
    const heard = () => {
      clearTimeout(watchdog);
      if (options.silence === undefined) return;
      watchdog = setTimeout(() => {
        trouble = `ended after ${options.silence! / 1000} s of silence`;
        endGroup(pid);
      }, options.silence);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      heard();
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      heard();
      output += text;
    });
    child.on("exit", () => endGroup(pid));
    const finish = (code: number | null) => {
      clearTimeout(watchdog);
      if (pid !== undefined) running.delete(pid);
      resolve({ code, output, stdout, ...(trouble === undefined ? {} : { trouble }) });
    };
    child.on("error", (error) => {
      trouble = error.message;
      finish(null);
    });
    child.on("close", (code, signal) => {
      if (signal !== null) trouble ??= `ended by ${signal}`;
      finish(trouble === undefined ? code : null);
    });
    heard();
  });
}

/** Ends every command that still runs: for the end of the orchestrator itself. */
export function endAll(): void {
  for (const pid of running) endGroup(pid);
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}

// Tests must not see the caller's PORT, JWT_SECRET, NODE_OPTIONS or npm's own variables; they do see
// what tells where things are and how to reach a registry through a proxy.
const kept = /^(PATH|HOME|USER|SHELL|LANG|TZ|TMPDIR|CI|DENO_DIR|XDG_\w+|HEDDLE_TEST_\w+)$/;
const keptForTheNetwork =
  /^(npm_config_(registry|cache|prefix|userconfig|offline)|\w+_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|DENO_TLS_CA_STORE)$/i;

const installedPrograms = fileURLToPath(new URL("../node_modules/.bin", import.meta.url));

/** The environment that gates and tests run in. */
export function plainEnvironment(): Record<string, string> {
  const plain: Record<string, string> = { NO_COLOR: "1" };
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && (kept.test(name) || keptForTheNetwork.test(name))) {
      plain[name] = value;
    }
  }
  plain["PATH"] = installedPrograms + delimiter + (plain["PATH"] ?? "");
  return plain;
}

/** Maps `items` with at most `limit` at work at a time; the answers keep the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
