import process from "node:process";

/** A signal that asks a process to end. */
export type StopSignal = "SIGINT" | "SIGTERM";

const numbers: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

/**
 * How long a repeated signal counts as the same one, in milliseconds. One Ctrl-C comes twice where the
 * terminal sends it to npm, `deno task` or `bun run` and to this process, and they hand on theirs.
 */
const SAME = 1000;

/**
 * Waits for SIGINT or SIGTERM. One that comes later than a second after the first ends the process at
 * once, with 128 and the signal's number as its exit code.
 */
export function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        const now = performance.now();
        first ??= now;
        if (now - first > SAME) process.exit(128 + numbers[signal]);
        resolve(signal);
      });
    }
  });
}
