/**
 * The error codes of Protocol 1, in one table.
 *
 * @module
 */
import { CHANNEL_NAME_RULE } from "./names.ts";

/** What the table says of a code. */
export interface ErrorRule {
  /** Whether the same client may put it right and try again on this connection. */
  readonly recoverable: boolean;
  /** What to do about it: the `help` of the `error` message. */
  readonly help: string;
}

/** Every code an `error` message or a `rejected` entry may carry. */
export const errorTable = {
  invalid_json: {
    recoverable: true,
    help: "Send one JSON object a text frame, UTF-8 encoded.",
  },
  invalid_message: {
    recoverable: true,
    help: 'Send an object with a string "type" and the fields PROTOCOL.md gives for that type.',
  },
  unknown_type: {
    recoverable: true,
    help: "Use a type of Protocol 1, or one of the messages this application declares.",
  },
  invalid_channel: {
    recoverable: true,
    help: `A channel name has ${CHANNEL_NAME_RULE}`,
  },
  unknown_channel: {
    recoverable: true,
    help: "GET /api/v1/websocket/channels lists the channels there are.",
  },
  payload_invalid: {
    recoverable: true,
    help: "Send data that fits the schema of the event or message.",
  },
  forbidden: {
    recoverable: false,
    help: "Connect as an identity whose role allows this.",
  },
  unauthorized: {
    recoverable: true,
    help: "Send a token that this server takes.",
  },
  token_expired: {
    recoverable: true,
    help: "Get a new token, and send that.",
  },
  too_many_subscriptions: {
    recoverable: true,
    help: "Unsubscribe from channels you no longer need.",
  },
  message_too_large: {
    recoverable: true,
    help: 'Send smaller messages; the limits stand in the "connected" message.',
  },
  rate_limited: {
    recoverable: true,
    help: "Wait for answers, or for retry_after seconds, before you send more.",
  },
  session_expired: {
    recoverable: true,
    help: "Go on as a new client: subscribe again, with positions where you have them.",
  },
  unsupported: {
    recoverable: false,
    help: 'The features this server offers stand in the "connected" message.',
  },
  broker_unavailable: {
    recoverable: true,
    help: "Try again shortly.",
  },
  internal: {
    recoverable: true,
    help: "The server failed; the failure is in its log. Try again.",
  },
} as const satisfies Record<string, ErrorRule>;

/** A code of the table. */
export type ErrorCode = keyof typeof errorTable;

/** Why a message of the peer was refused: what an `error` message is made from. */
export interface Failure {
  readonly code: ErrorCode;
  /** What was wrong, for a person. Never another user's data, a stack or a token. */
  readonly message: string;
  /** Seconds after which a repeat makes sense. */
  readonly retryAfter?: number;
}

/** Makes a {@linkcode Failure}. */
export function failure(code: ErrorCode, message: string): Failure {
  return { code, message };
}

/**
 * Tells a {@linkcode Failure} from what else a decoder returns. It goes by shape: never ask it about a
 * value that a peer has made.
 */
export function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "code" in value &&
    typeof value.code === "string" && Object.hasOwn(errorTable, value.code);
}
