/**
 * How `heddle connect` shows what comes in.
 *
 * @module
 */
import { toBase64 } from "../base/base64.ts";
import { isObject } from "../base/is_object.ts";
import { type Colors, printable, printableLine } from "./terminal.ts";

type Message = Readonly<Record<string, unknown>>;

/** A frame of the server. */
export interface ShownFrame {
  /** As it came; bytes stand in base64, as JSON. */
  readonly text: string;
  /** What it says, where it is a JSON object. */
  readonly message?: Message;
}

/** Writes a frame as text, without a newline at its end. */
export type Formatter = (frame: ShownFrame) => string;

/** The formats there are. */
export const formats = ["pretty", "json", "compact"] as const;

/** One of the formats there are. */
export type Format = (typeof formats)[number];

/** Reads the data of a WebSocket message. */
export function readFrame(data: string | Uint8Array): ShownFrame {
  if (typeof data !== "string") {
    return { text: JSON.stringify({ encoding: "base64", content: toBase64(data) }) };
  }
  try {
    const message: unknown = JSON.parse(data);
    const isOneLine = !/[\r\n]/.test(data);
    const text = isOneLine ? data : JSON.stringify(message);
    return { text, ...(isObject(message) ? { message } : {}) };
  } catch {
    return { text: JSON.stringify(data) };
  }
}

/** Whether it is an event of a channel; older servers give those no `type`. */
export function isEvent({ message }: Pick<ShownFrame, "message">): boolean {
  const { type = "event", channel, event_type } = message ?? {};
  return type === "event" && typeof channel === "string" && typeof event_type === "string";
}

/** What the server tells of itself for programs: people see it with `--verbose`. */
const forPrograms: ReadonlySet<string> = new Set([
  "correlation_id",
  "features",
  "heartbeat_interval",
  "limits",
  "positions",
  "protocol",
]);

/**
 * Makes the formatter of a format.
 *
 * @param isVerbose Whether `pretty` and `compact` leave out nothing; `json` never does.
 */
export function formatter(format: Format, colors: Colors, isVerbose: boolean): Formatter {
  if (format === "json") return ({ text }) => printableLine(text);
  const write = format === "compact" ? compact : (parts: Parts) => pretty(parts, colors);
  const isShown = (name: string) => isVerbose || !forPrograms.has(name);
  return ({ text, message }) => message ? write(parts(message, isShown)) : printableLine(text);
}

/** Time, channel, event type and data; what is no event has `-` and its own type for them. */
function compact({ time, channel = "-", type, data }: Parts): string {
  const rest = data === undefined ? "" : ` ${JSON.stringify(data)}`;
  return printableLine(`${time} ${channel} ${type}${rest}`);
}

function pretty({ time, channel, type, data }: Parts, colors: Colors): string {
  const head = [
    colors.dim(printableLine(time)),
    ...(channel === undefined ? [] : [colors.cyan(printableLine(channel))]),
    (type === "error" ? colors.red : colors.bold)(printableLine(type)),
  ].join("  ");
  if (data === undefined) return head;
  const json = JSON.stringify(data, null, 2).replace(plainArray, (array) => {
    return array.replace(/\s*\n\s*/g, " ");
  });
  return `${head}\n${paintJson(printable(json), colors).replace(/^/gm, "  ")}`;
}

interface Parts {
  readonly time: string;
  readonly channel?: string;
  readonly type: string;
  readonly data?: unknown;
}

function parts(message: Message, isShown: (name: string) => boolean): Parts {
  const { type, timestamp, ...fields } = message;
  const time = typeof timestamp === "string" ? timestamp : new Date().toISOString();
  if (isEvent({ message })) {
    const { channel, event_type, data } = fields;
    return { time, channel: String(channel), type: String(event_type), data };
  }
  const shown = Object.entries(fields).filter(([name]) => isShown(name));
  return {
    time,
    type: String(type),
    ...(shown.length === 0 ? {} : { data: Object.fromEntries(shown) }),
  };
}

/** An array without arrays or objects in it, over several lines. */
const plainArray = /\[\n[^[\]{}]*\]/g;

const jsonTokens = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g;

function paintJson(json: string, colors: Colors): string {
  return json.replace(jsonTokens, (token, string?: string, colon?: string) => {
    if (string === undefined) return colors.yellow(token);
    return colon === undefined ? colors.green(string) : `${colors.blue(string)}${colon}`;
  });
}
