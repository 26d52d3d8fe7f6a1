/**
 * How the command line ends: 0 as asked, 1 it failed, 2 it was called wrongly.
 *
 * @module
 */

/** It was called as it should be, and could not do it: a port in use, a server that refuses. */
export const FAILED = 1;

/** Options or environment variables are not what they may be; nothing was started. */
export const MISUSED = 2;

/** Ends a command with a message for people and an exit code. */
export class CommandError extends Error {
  /** {@linkcode FAILED} or {@linkcode MISUSED}, or 128 and the number of a signal. */
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}
