/**
 * Where a run took place: figures mean nothing without.
 *
 * @module
 */
import { arch, cpus, platform, release } from "node:os";
import process from "node:process";

/** The machine in few words: `2 × Intel Xeon, linux 6.8 x64`, as far as the runtime may tell. */
export function describeMachine(): string {
  try {
    return machine();
  } catch {
    return "a machine that the runtime may not tell of";
  }
}

function machine(): string {
  const all = cpus();
  const model = all[0]?.model.trim().replaceAll(/\s+/g, " ") || "processor";
  return `${all.length} × ${model}, ${platform()} ${release()} ${arch()}`;
}

/** The runtime that this module runs in: `Node 20.20.2`. */
export function describeRuntime(): string {
  const { bun, deno, node } = process.versions as Readonly<Record<string, string | undefined>>;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`;
}

/** Whether a host of a URL is this machine's own. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}
