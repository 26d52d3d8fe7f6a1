/**
 * The close codes of Protocol 1, in one table (RFC 6455 section 7.4; 4000–4999 are an application's own).
 *
 * @module
 */

/** What a client does after a close. */
export type CloseAction = "retry" | "terminal";

/** What the table says of a code. */
export interface CloseRule {
  /** The standard or private close code. */
  readonly code: number;
  /** The Close frame's reason, and the `reason` of a `disconnected` message. At most 123 bytes. */
  readonly reason: string;
  /** Whether coming back makes sense. */
  readonly action: CloseAction;
}

/** Every close that a hub starts, or that one of its adapters does. */
export const closeTable = {
  normal: { code: 1000, reason: "normal closure", action: "terminal" },
  going_away: { code: 1001, reason: "going away", action: "retry" },
  unsupported_data: { code: 1003, reason: "unsupported data", action: "terminal" },
  invalid_payload: { code: 1007, reason: "invalid UTF-8", action: "terminal" },
  policy_violation: { code: 1008, reason: "policy violation", action: "terminal" },
  too_big: { code: 1009, reason: "message too big", action: "terminal" },
  internal_error: { code: 1011, reason: "internal error", action: "retry" },
  service_restart: { code: 1012, reason: "service restart", action: "retry" },
  try_again_later: { code: 1013, reason: "try again later", action: "retry" },
  token_expired: { code: 4401, reason: "token expired", action: "retry" },
  banned: { code: 4403, reason: "banned", action: "terminal" },
  not_alive: { code: 4408, reason: "not alive", action: "retry" },
  replaced: { code: 4409, reason: "replaced", action: "terminal" },
  abuse: { code: 4429, reason: "abuse", action: "terminal" },
  slow_consumer: { code: 4503, reason: "slow consumer", action: "retry" },
} as const satisfies Record<string, CloseRule>;

/** A close of the table, by name. */
export type CloseName = keyof typeof closeTable;

/** How a connection is closed: a code and its reason. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

const actions = new Map<number, CloseAction>(
  Object.values(closeTable).map(({ code, action }) => [code, action]),
);
for (const { code, action } of Object.values(closeTable)) {
  actions.set(plainCloseCode(code), action);
}

/**
 * What a client does after a close with `code`. A code that is not in the table, 1005 and 1006
 * included, is an accident and so worth another try.
 */
export function closeAction(code: number): CloseAction {
  return actions.get(code) ?? "retry";
}

/**
 * The code that a plain standard `WebSocket` can send in place of `code`: its `close()` takes 1000 and
 * 3000 to 4999 alone (WHATWG WebSockets section 3.1), so 1008 becomes 4008, 1012 becomes 4012.
 */
export function plainCloseCode(code: number): number {
  return code > 1000 && code < 3000 ? code + 3000 : code;
}

/**
 * Whether a code that an application asks for may stand in a Close frame: 1000, 1001, 1003, 1007 to 1014
 * and 3000 to 4999 may (RFC 6455 section 7.4).
 */
export function isSendableCloseCode(code: number): boolean {
  return Number.isInteger(code) &&
    ((code >= 3000 && code <= 4999) || code === 1000 || code === 1001 || code === 1003 ||
      (code >= 1007 && code <= 1014));
}
