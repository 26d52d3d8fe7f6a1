/**
 * The servers that are measured.
 *
 * @module
 */
import type { DialectName } from "./load/dialects.ts";
import type { Runtime } from "./program.ts";

/** A server, and how clients use it. */
export interface Target {
  readonly runtime: Runtime;
  /** In `bench/servers/`. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly dialect: DialectName;
  /** What clients ask of the hub before they subscribe. */
  readonly features?: Readonly<Record<string, unknown>>;
  /** Whether one write takes all events of a tick. */
  readonly isBatched?: boolean;
}

const hub = { file: "hub.ts", dialect: "hub" } as const;
const batch = { batch: { max_ms: 0, max_bytes: 65_536 } };

/** By the name that tables and goals have for them. */
export const targets = {
  "heddle on Node": { ...hub, runtime: "node" },
  "raw net on Node": { file: "raw_net.ts", dialect: "plain", runtime: "node" },
  "raw net, together": {
    file: "raw_net.ts",
    args: ["together"],
    dialect: "plain",
    runtime: "node",
  },
  "ws loop on Node": { file: "ws_loop.ts", dialect: "plain", runtime: "node" },
  "Socket.IO on Node": {
    file: "socket_io.ts",
    dialect: "socket.io",
    runtime: "node",
  },
  "crossws on Node": { file: "crossws.ts", dialect: "plain", runtime: "node" },
  "heddle on Bun": { ...hub, runtime: "bun" },
  "Bun native publish": { file: "bun.ts", dialect: "plain", runtime: "bun" },
  "Bun loop": {
    file: "bun.ts",
    args: ["loop"],
    dialect: "plain",
    runtime: "bun",
  },
  "heddle on Deno.serve": { ...hub, runtime: "deno" },
  "heddle on Deno.serve, batches": {
    ...hub,
    runtime: "deno",
    features: batch,
    isBatched: true,
  },
  "heddle on Deno, Node adapter": { ...hub, args: ["node"], runtime: "deno" },
  "Deno.serve loop": {
    file: "deno_loop.ts",
    dialect: "plain",
    runtime: "deno",
  },
  "ws on Node, token checked": {
    file: "ws_loop.ts",
    args: ["token"],
    dialect: "plain",
    runtime: "node",
  },
  "Bun.serve, token checked": { file: "bun.ts", args: ["token"], dialect: "plain", runtime: "bun" },
  "Deno.serve, token checked": {
    file: "deno_loop.ts",
    args: ["token"],
    dialect: "plain",
    runtime: "deno",
  },
  "ws permessage-deflate": {
    file: "ws_loop.ts",
    args: ["deflate"],
    dialect: "plain",
    runtime: "node",
  },
} as const satisfies Record<string, Target>;

/** The name of a server. */
export type TargetName = keyof typeof targets;
