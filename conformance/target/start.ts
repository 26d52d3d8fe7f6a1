/**
 * Starts a target by its command, waits until it takes connections, and ends it again.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import process from "node:process";

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

/**
 * Runs `command` in a shell, with a free port for `{port}` in it and in `url`, and as PORT.
 *
 * @throws NotStarted where it ends, or nothing listens at the URL in a minute, with what it printed
 */
export async function startTarget(command: string, url: string): Promise<Started> {
  const port = String(await freePort());
  const place = url.replaceAll("{port}", port);
  const child = spawn("/bin/sh", ["-c", command.replaceAll("{port}", port)], {
    env: { ...process.env, PORT: port },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what the shell started ends with it.
    detached: true,
  });
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
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It is gone already.
    }
  };
  const end = async () => {
    if (!over) signal("SIGTERM");
    const timer = setTimeout(() => signal("SIGKILL"), PATIENCE.end);
    await ended;
    clearTimeout(timer);
    signal("SIGKILL");
  };
  const deadline = performance.now() + PATIENCE.start;
  while (!await listens(place)) {
    if (over) throw new NotStarted(`${command} ended before it listened: ${printed.trim()}`);
    if (performance.now() > deadline) {
      await end();
      throw new NotStarted(`${command}: nothing listens at ${place}: ${printed.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: place, askToStop: () => signal("SIGTERM"), end };
}

function listens(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const number = port === "" ? protocol === "wss:" ? 443 : 80 : Number(port);
  return new Promise((resolve) => {
    const socket = connect(number, hostname.replace(/^\[(.*)\]$/, "$1"));
    const tell = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => tell(true));
    socket.once("error", () => tell(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port ?? 0 : 0));
    });
  });
}
