/**
 * The errors Heddle throws to the code that calls it. What a peer does wrong on the wire is no
 * exception but an `error` message: see `protocol/errors.ts`.
 *
 * @module
 */

/** What went wrong, by a name that stays. */
export type HeddleErrorCode =
  /** An option, argument or environment variable is not what it may be. */
  | "option_invalid"
  /** No credential, or one that does not hold. */
  | "unauthorized"
  /** A credential that has run out. */
  | "token_expired"
  /** What a credential is checked against cannot be asked now; the credential may be good. */
  | "unavailable"
  /** The channel's schema does not take this event. */
  | "payload_invalid"
  /** No channel of that name is declared. */
  | "unknown_channel"
  /** The hub, the connection or the client is closed or closing. */
  | "closed"
  /** The broker did not take or give what was asked. */
  | "broker_unavailable"
  /** Compressed data that cannot be inflated. */
  | "inflate_failed"
  /** Data over a limit of size. */
  | "too_large"
  /** More messages wait for the client's connection than may. */
  | "queue_full"
  /** The server answered a request of the client with an `error` message. */
  | "refused"
  /** The server sent a frame that is no message of the protocol. */
  | "invalid_frame"
  /** An answer did not come in time. */
  | "timeout";

/** The base of every error that Heddle throws: `code` says what kind, `cause` what was behind it. */
export class HeddleError extends Error {
  /** The kind of error. */
  readonly code: HeddleErrorCode;

  constructor(code: HeddleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HeddleError";
    this.code = code;
  }
}
