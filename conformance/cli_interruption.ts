/**
 * Ctrl-C during a run, and whatever else asks it to end.
 *
 * @module
 */
import process from "node:process";

/** Signals that ask a process to end, and their numbers. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Whether a run was asked to end. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** 128 and the signal's number, once there was one. */
  readonly exitCode: number | null;
  /** Hands the signals back. */
  end(): void;
}

/** Takes the signals: what the run has started is to be ended before the process is. */
export function watchSignals(): Interruption {
  const controller = new AbortController();
  let exitCode: number | null = null;
  const handlers = Object.entries(SIGNALS).map(([name, number]) => {
    // One Ctrl-C may come twice, from the terminal and from npm: so no second one is heeded.
    const handler = () => {
      exitCode ??= 128 + number;
      controller.abort();
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    end: () => handlers.forEach(([name, handler]) => process.off(name, handler)),
  };
}
