/**
 * Serves a hub with the adapter of the runtime the test runs in.
 *
 * @module
 */
import type { Server } from "../adapter/server.ts";
import type { AnyHub } from "../hub/hub.ts";

/** The runtime this process is. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** Listens at the loopback address, on a free port where none is given. */
export async function serveHere(hub: AnyHub, port = 0): Promise<Server> {
  const { serve } = await adapterHere();
  return await serve(hub, { hostname: "127.0.0.1", port });
}

/** The adapter of this runtime. */
export function adapterHere() {
  switch (runtime) {
    case "deno":
      return import("../adapter/deno.ts");
    case "bun":
      return import("../adapter/bun.ts");
    case "node":
      return import("../adapter/node.ts");
  }
}
