/**
 * Credentials out of what is logged or told, whoever put them there.
 *
 * @module
 */

const REDACTED = "[token]";

/**
 * What looks like a JWT; what follows `Bearer`, `jwt.` and its like, or a parameter or field whose name
 * ends in `token`; and 32 bytes in base64url, which are a reconnection token.
 */
const SECRETS = new RegExp(
  [
    /\beyJ[\w-]+\.[\w-]*(?:\.[\w-]*)?/,
    /(?<=\bbearer\s+)[^\s"',]+/,
    /(?<=\b(?:jwt|jwt-auth|bearer)\.)[\w.-]{16,}/,
    /(?<=token=)[^\s&"',;}\]]+/,
    /(?<=token["']?\s*:\s*["'])[^"']+/,
    /(?<![\w-])[\w-]{43}(?![\w-])/,
  ].map(({ source }) => source).join("|"),
  "gi",
);

/** How deep values are looked into. What lies deeper is left out. */
const MAX_DEPTH = 6;

/**
 * Takes credentials out of a text.
 *
 * @param known Credentials that are known to stand there, of whatever form.
 */
export function redactText(text: string, known: readonly string[] = []): string {
  let redacted = text;
  for (const secret of known) {
    if (secret === "") continue;
    for (const form of [secret, encodeURIComponent(secret)]) {
      redacted = redacted.replaceAll(form, REDACTED);
    }
  }
  return redacted.replace(SECRETS, REDACTED);
}

/** Takes credentials out of a value and all it holds: a copy, or itself where nothing was to be taken. */
export function redact(value: unknown, known: readonly string[] = [], depth = 0): unknown {
  if (typeof value === "string") return redactText(value, known);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (depth >= MAX_DEPTH) return "[…]";
  const inner = (part: unknown) => redact(part, known, depth + 1);
  if (value instanceof Error) return redactError(value, inner);
  if (value instanceof URL) return inner(value.href);
  if (value instanceof Map) return inner(Object.fromEntries(value));
  if (value instanceof Set) return inner([...value]);
  if (Array.isArray(value)) {
    const copy = value.map(inner);
    return copy.some((part, i) => part !== value[i]) ? copy : value;
  }
  const { constructor: maker } = value;
  if (maker !== undefined && maker !== Object) return `[${maker.name}]`;
  const entries = Object.entries(value);
  const copy = entries.map(([name, part]) => [redactText(name, known), inner(part)] as const);
  const isOther = copy.some(([name, part], i) =>
    name !== entries[i]![0] || part !== entries[i]![1]
  );
  return isOther ? Object.fromEntries(copy) : value;
}

/** An error of the same class, so that whoever writes it knows it again. */
function redactError(error: Error, inner: (part: unknown) => unknown): Error {
  const fields = error as unknown as Readonly<Record<string, unknown>>;
  const parts = [...new Set(["name", "message", "stack", ...Object.getOwnPropertyNames(error)])]
    .map((name) => [name, inner(fields[name])] as const);
  if (parts.every(([name, part]) => part === fields[name])) return error;
  // What a DOMException says of itself it says through its prototype, and to its like alone.
  const isForeign = error instanceof DOMException;
  const copy: Error = isForeign ? new Error() : Object.create(Object.getPrototypeOf(error));
  for (const [name, value] of parts) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, name);
    Object.defineProperty(copy, name, { value, enumerable, writable: true, configurable: true });
  }
  return copy;
}
