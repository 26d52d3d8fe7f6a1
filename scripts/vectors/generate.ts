/**
 * Writes the vectors of binary messages: `node --import tsx scripts/vectors/generate.ts`. The other
 * files of conformance/vectors are written by hand.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import type { Vector } from "./bytes.ts";
import { compressed } from "./compressed.ts";
import { damaged } from "./damaged.ts";
import { envelopes } from "./envelopes.ts";

function write(name: string, about: string, vectors: readonly Vector[]): void {
  const url = new URL(`../../conformance/vectors/${name}.json`, import.meta.url);
  writeFileSync(url, `${print({ about, vectors }, 0)}\n`);
}

/** Puts on one line what fits on it, as `deno fmt` would leave it. */
function print(value: unknown, indent: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  const parts = (depth: number) =>
    entries.map(([name, child]) =>
      (isList ? "" : `${JSON.stringify(name)}: `) + print(child, depth)
    );
  const [open, close] = isList ? ["[", "]"] : ["{ ", " }"];
  const line = entries.length === 0
    ? (isList ? "[]" : "{}")
    : `${open}${parts(-Infinity).join(", ")}${close}`;
  if (indent + line.length <= 80) return line;
  const margin = `\n${" ".repeat(indent + 2)}`;
  return `${open.trim()}${margin}${parts(indent + 2).join(`,${margin}`)}\n${
    " ".repeat(indent)
  }${close.trim()}`;
}

write("envelopes", "Binary messages that carry media, and what is no envelope.", envelopes);
write("compressed", "Binary messages that carry a compressed message.", [
  ...compressed,
  ...damaged,
]);
