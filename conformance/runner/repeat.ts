/**
 * The one command that runs a case again.
 *
 * @module
 */
import type { ResolvedOptions } from "./options.ts";

/** A checkout runs the kit's source; the package, which is built, has the command of Heddle. */
const COMMAND = import.meta.url.endsWith(".ts")
  ? "npx tsx conformance/cli.ts"
  : "npx heddle conformance";

/** The command for a case. Values of headers are left out: they may be secret. */
export function repeatCommand(options: ResolvedOptions, id: string): string {
  const start = options.start === options.offer?.start ? null : options.start;
  const parts: readonly (readonly [option: string, value: string] | null)[] = [
    options.offer?.url === options.url ? null : ["--url", options.url],
    options.offerFile === null ? null : ["--profile-file", options.offerFile],
    start === null ? null : ["--start", start],
    id.startsWith("channels/") ? ["--level", "channels"] : null,
    ["--only", id],
    ["--seed", String(options.seed)],
    ["--runs", String(options.runs)],
    options.profile === "full" ? ["--profile", "full"] : null,
    // What is looked into is one case.
    options.profile === "full" ? ["--skip", "performance/*"] : null,
    options.echo === "auto" ? null : ["--echo", options.echo],
    options.maxMessage === null ? null : ["--max-message", String(options.maxMessage)],
    options.timeout === 2000 ? null : ["--timeout", String(options.timeout)],
    ...options.headers.map(([name]) => ["--header", `${name}: …`] as const),
    ...options.subprotocols.map((name) => ["--subprotocol", name] as const),
    options.caFile === null ? null : ["--ca", options.caFile],
  ];
  const words = parts.flatMap((part) => part === null ? [] : [part[0], quote(part[1])]);
  if (options.insecure) words.push("--insecure");
  return [COMMAND, ...words].join(" ");
}

function quote(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
