/**
 * Starts a target by its command, waits until it takes connections, and ends it again.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { freePort, listens } from "./port.ts";

/** A target that the kit started. */
export interface Started {
  /** The endpoint: the URL that was given, with its port. */
  readonly url: string;
  /** Asks it to go down, and does not wait: SIGTERM. */
  askToStop(): void;
  /** Ends it, kindly at first, and waits for that. */
  end(): Promise<void>;
}

/** How long a target may take to listen, and to end when it is asked to; milliseconds. */
const PATIENCE = { start: 60_000, end: 5_000 } as const;

/** The target did not start. */
export class NotStarted extends Error {
  override readonly name = "NotStarted";
}

/** Groups of processes that run: what ends early is to leave none of them behind. */
const running = new Set<number>();
process.once("exit", () => running.forEach((group) => send("SIGKILL", group)));

/**
 * Runs `command` in a shell, with a free port for `{port}` in it and in `url`, and as PORT.
 *
 * @param signal ends it before it listens
 * @throws NotStarted where it ends, or nothing listens at the URL in a minute, with what it printed;
 *   or where something listens there already
 */
export async function startTarget(
  command: string,
  url: string,
  signal: AbortSignal | null = null,
): Promise<Started> {
  const port = String(await freePort());
  const place = url.replaceAll("{port}", port);
  if (await answers(place)) {
    throw new NotStarted(`${command}: something listens at ${place} before it is started`);
  }
  const child = spawn("/bin/sh", ["-c", command.replaceAll("{port}", port)], {
    env: { ...process.env, PORT: port },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what the shell started ends with it.
    detached: true,
  });
  const group = child.pid;
  if (group !== undefined) running.add(group);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed = (printed + text).slice(-2000);
    });
  }
  let over = false;
  const ended = new Promise<void>((resolve) => {
    const finish = () => {
      over = true;
      resolve();
    };
    child.once("exit", finish);
    child.once("error", finish);
  });
  const end = async () => {
    if (!over) send("SIGTERM", group);
    const timer = setTimeout(() => send("SIGKILL", group), PATIENCE.end);
    await ended;
    clearTimeout(timer);
    send("SIGKILL", group);
    if (group !== undefined) running.delete(group);
  };
  const fail = async (why: string) => {
    await end();
    return new NotStarted(`${command} ${why}: ${printed.trim() || "it printed nothing"}`);
  };
  const deadline = performance.now() + PATIENCE.start;
  while (!await answers(place)) {
    if (over) throw await fail("ended before it listened");
    if (performance.now() > deadline) throw await fail(`does not listen at ${place}`);
    if (signal?.aborted === true) {
      await end();
      throw signal.reason;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: place, askToStop: () => send("SIGTERM", group), end };
}

function answers(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "wss:" ? 443 : 80;
  return listens(port === "" ? usual : Number(port), hostname.replace(/^\[(.*)\]$/, "$1"));
}

function send(name: NodeJS.Signals, group: number | undefined): void {
  try {
    if (group !== undefined) process.kill(-group, name);
  } catch {
    // It is gone already.
  }
}
