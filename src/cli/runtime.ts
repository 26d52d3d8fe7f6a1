/**
 * The runtime this process is, and what is particular to it.
 *
 * @module
 */
import process from "node:process";
import type { ServeOptions, Server } from "../adapter/server.ts";
import type { AnyHub } from "../hub/hub.ts";

type RuntimeName = "deno" | "bun" | "node";

const runtime: RuntimeName = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** Its name and version, for people. */
export function runtimeVersion(): string {
  const { deno, bun, node } = process.versions;
  switch (runtime) {
    case "deno":
      return `Deno ${deno}`;
    case "bun":
      return `Bun ${bun}`;
    case "node":
      return `Node ${node}`;
  }
}

/** Serves a hub with the adapter of this runtime; the others are never loaded. */
export async function serveHub(hub: AnyHub, options: ServeOptions): Promise<Server> {
  switch (runtime) {
    case "deno":
      return await (await import("../adapter/deno.ts")).serve(hub, options);
    case "bun":
      return await (await import("../adapter/bun.ts")).serve(hub, options);
    case "node":
      return await (await import("../adapter/node.ts")).serve(hub, options);
  }
}

/** How people call the command line where this process runs from: a checkout, or an installed package. */
export function commandName(): string {
  if (!import.meta.url.endsWith(".ts")) return "npx heddle";
  switch (runtime) {
    case "deno":
      return "deno task heddle";
    case "bun":
      return "bun run heddle:bun";
    case "node":
      return "npm run heddle --";
  }
}
