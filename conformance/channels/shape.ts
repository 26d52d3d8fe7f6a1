/**
 * What must hold of every message of a server, whatever a case asked: watched over all cases.
 *
 * @module
 */
import type { RequirementId, Violation } from "../peer/watch.ts";
import { ERRORS, type Field, SERVER_MESSAGES } from "./protocol.ts";

/** A message, as it came. */
export type ServerMessage = { readonly type: string } & Readonly<Record<string, unknown>>;

/** RFC 3339 in UTC with `Z`. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** The message that a text is; what keeps it from being one is told. */
export function parseMessage(text: string): ServerMessage | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `text that is no JSON: ${text.slice(0, 80)}`;
  }
  if (!isRecord(value)) return `JSON that is no object: ${text.slice(0, 80)}`;
  return typeof value["type"] === "string"
    ? value as ServerMessage
    : `an object without a string type: ${text.slice(0, 80)}`;
}

/** The requirements that a message breaks by itself. */
export function checkShape(message: ServerMessage): Violation[] {
  const found: Violation[] = [];
  const tell = (rule: RequirementId, observed: string) => {
    found.push({ rule, observed: `${observed} in ${showMessage(message)}` });
  };
  if (message.type !== "batch" && !TIMESTAMP.test(String(message["timestamp"]))) {
    tell("HDL-MSG-18", `the timestamp ${JSON.stringify(message["timestamp"]) ?? "missing"}`);
  }
  for (const field of SERVER_MESSAGES.get(message.type) ?? []) {
    // A `disconnected` and its like may say less where a field is not required.
    const wrong = wrongField(message, field);
    if (wrong !== null) tell("HDL-MSG-20", wrong);
  }
  if (message.type === "error") checkError(message, tell);
  const { rejected } = message;
  for (const entry of Array.isArray(rejected) ? rejected : []) {
    const code = isRecord(entry) ? entry["code"] : undefined;
    if (!ERRORS.has(String(code))) tell("HDL-ERR-1", `the code ${JSON.stringify(code)}`);
  }
  return found;
}

/** A message in few words, for a report. */
export function showMessage(message: unknown, limit = 200): string {
  const text = JSON.stringify(message) ?? "nothing";
  return text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text;
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkError(
  message: ServerMessage,
  tell: (rule: RequirementId, observed: string) => void,
): void {
  const { code, recoverable } = message;
  const known = ERRORS.get(String(code));
  if (known === undefined) tell("HDL-ERR-1", `the code ${JSON.stringify(code)}`);
  else if (known !== recoverable) tell("HDL-ERR-2", `recoverable ${JSON.stringify(recoverable)}`);
}

function wrongField(message: ServerMessage, { name, type, required }: Field): string | null {
  const value = message[name];
  if (!Object.hasOwn(message, name)) return required ? `no ${name}` : null;
  const allowed = type.split(" or ");
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return allowed.includes("any") || allowed.includes(found)
    ? null
    : `${name} is ${found} and not ${type}`;
}
