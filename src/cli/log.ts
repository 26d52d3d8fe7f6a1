/**
 * The log of the command line: one line an entry, on standard error, for people.
 *
 * @module
 */
import process from "node:process";
import { HeddleError } from "../base/errors.ts";
import { redactText } from "../guard/redact.ts";
import type { Logger } from "../hub/logger.ts";
import { type LogLevel, logLevels } from "../hub/stock.ts";
import { colorsFor, printableLine } from "./terminal.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Makes a logger that writes entries from `least` up. */
export function lineLogger(least: LogLevel): Logger {
  const colors = colorsFor(process.stderr);
  const paint = { debug: colors.dim, info: colors.green, warn: colors.yellow, error: colors.red };
  const writer = (level: LogLevel) => (message: string, fields?: Fields) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(least)) return;
    const time = colors.dim(new Date().toISOString());
    const line = `${time} ${paint[level](level.padEnd(5))} ${describeEntry(message, fields)}`;
    process.stderr.write(`${line}\n`);
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
  };
}

/** An entry on one line, without any token: `message key=value key="two words"`. */
export function describeEntry(message: string, fields: Fields = {}): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([key, value]) => ` ${key}=${describeValue(value)}`);
  return redactText(printableLine(message + pairs.join("")));
}

function describeValue(value: unknown): string {
  if (value instanceof HeddleError) return JSON.stringify(`${value.code}: ${value.message}`);
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${value.message}`);
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
