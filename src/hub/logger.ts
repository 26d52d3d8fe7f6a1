import { guarded } from "../base/maybe_promise.ts";
import { redact, redactText } from "../guard/redact.ts";

/** Where the hub says what happens. No line ever holds a token: the hub takes them out. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Warnings and errors go to the console, the rest nowhere. */
export const quietLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message, fields) => console.warn(message, fields ?? ""),
  error: (message, fields) => console.error(message, fields ?? ""),
};

/**
 * Takes credentials out of what goes to a logger, whoever put them there. A line that the logger fails
 * at is lost: what the line is about goes on, be it a message of a peer or a timer.
 */
export function redactingLogger(logger: Logger): Logger {
  const writer = (level: keyof Logger): Logger["info"] => (message, fields) => {
    const harmless = fields === undefined ? undefined : redact({ ...fields });
    guarded(
      () => logger[level](redactText(message), harmless as Parameters<Logger["info"]>[1]),
      () => {}, // there is nobody left to tell
    );
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
  };
}
