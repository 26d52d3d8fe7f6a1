/**
 * A line of the log as data that JSON can hold: an error is its name and message, never its stack, and
 * what cannot be written is named by its type.
 */
export function logLine<L extends string>(
  level: L,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): { [field: string]: unknown; level: L; message: string } {
  const written = Object.entries(fields)
    .map(([name, value]) => [snakeCase(name), writable(value)] as const);
  return { ...Object.fromEntries(written), level, message };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function writable(value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.parse(JSON.stringify(value) ?? "null");
  } catch {
    return typeof value === "bigint" ? String(value) : `[${typeof value}]`;
  }
}
