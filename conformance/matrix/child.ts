/**
 * A server of the matrix as a process.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, listens } from "../target/port.ts";
import { type MatrixServer, MAX_MESSAGE, type Places } from "./servers.ts";

/** A server that runs. */
export interface RunningServer {
  readonly port: number;
  /** `ws 8.23.0` */
  readonly library: string;
  /** `Node 20.20.2` */
  readonly runtime: string;
  /** How it ended by itself, null while it runs. */
  ending(): string | null;
  /** Kills it and whatever it started. */
  stop(): Promise<void>;
}

/** The server could not be started; `message` is the last that it said. */
export class NotStarted extends Error {
  override readonly name = "NotStarted";
}

/** How long a server may take until it listens, in milliseconds. */
const START = 30_000;

/** Starts a server and waits until it listens. @throws NotStarted */
export async function startServer(server: MatrixServer, places: Places): Promise<RunningServer> {
  const port = await freePort();
  const [command = "", ...args] = server.command(places);
  const child = spawn(command, args, {
    // A group of its own, so that stopping it reaches what it started.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PORT: String(port), MAX_MESSAGE: String(MAX_MESSAGE) },
  });
  let output = "";
  let errors = "";
  let failure: string | null = null;
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text.slice(0, 1000));
  child.stderr.setEncoding("utf8").on(
    "data",
    (text: string) => errors = (errors + text).slice(-2000),
  );
  child.on("error", (error) => failure = error.message);
  const killed = () => kill(child);
  process.once("exit", killed);
  child.once("exit", () => process.off("exit", killed));
  const ending = () => failure ?? howEnded(child);

  const deadline = performance.now() + START;
  while (!output.includes("\n") || !await listens(port)) {
    const ended = ending();
    if (ended !== null || performance.now() > deadline) {
      await stop(child);
      throw new NotStarted(lastLine(errors) ?? ended ?? `it does not listen in ${START} ms`);
    }
    await sleep(50);
  }
  const [library = "", runtime = ""] = (output.split("\n")[0] ?? "").split(" | ");
  return { port, library, runtime, ending, stop: () => stop(child) };
}

function howEnded({ exitCode, signalCode }: ChildProcess): string | null {
  if (signalCode !== null) return `it ended by ${signalCode}`;
  return exitCode === null ? null : `it ended with the exit code ${exitCode}`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const exit = howEnded(child) === null ? once(child, "exit") : null;
  kill(child);
  await exit;
}

function kill({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    // Not SIGTERM: some servers wait for open connections first.
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of the group is left.
  }
}

function lastLine(text: string): string | null {
  return text.trim().split("\n").at(-1) || null;
}
