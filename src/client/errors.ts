/**
 * The errors of a client, beside {@linkcode HeddleError} itself.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import type { ErrorCode } from "../protocol/errors.ts";

/** What the server said of a refusal: the fields of an `error` message, or of a `rejected` entry. */
export interface ServerFailure {
  readonly code: string;
  readonly message: string;
  readonly help?: string | undefined;
  readonly retry_after?: number | undefined;
}

/** A channel of several that the server refused alone. */
export interface ServerRejection extends ServerFailure {
  readonly channel: string;
}

/** The server refused a request: code `refused`, with the protocol's own code in `reason`. */
export class RefusedError extends HeddleError {
  /** The protocol's error code: one of the table, or of a later version of it. */
  readonly reason: ErrorCode | (string & Record<never, never>);
  /** What to do about it. */
  readonly help: string | undefined;
  /** Seconds after which a repeat makes sense. */
  readonly retryAfter: number | undefined;

  constructor({ code, message, help, retry_after }: ServerFailure) {
    super("refused", message);
    this.name = "RefusedError";
    this.reason = code;
    this.help = help;
    this.retryAfter = retry_after;
  }
}

/** How a connection ended, or that it never came about: code `closed`. */
export class ClosedError extends HeddleError {
  /**
   * The close code (RFC 6455 section 7.4.1). 1006 is a connection that was lost or refused: a standard
   * `WebSocket` does not tell an HTTP 401 from a server that is not there.
   */
  readonly closeCode: number;
  /** The reason the server gave, or "". */
  readonly closeReason: string;

  constructor(message: string, closeCode: number, closeReason: string) {
    super("closed", message);
    this.name = "ClosedError";
    this.closeCode = closeCode;
    this.closeReason = closeReason;
  }
}

/** Makes an `Error` of whatever was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
