/**
 * The servers of this runtime that the conformance kit judges, and how each is started.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "../serve.ts";

/** One server with the kit's hub. */
export interface KitSubject {
  readonly name: string;
  /** The file in `conformance/baselines` with what it breaks at the wire level. */
  readonly baseline: string;
  /** The command that starts it at the port that PORT names. */
  readonly start: string;
}

const flags = { node: "--import tsx", deno: "run -A --quiet", bun: "" }[runtime];
const script = fileURLToPath(new URL("serve.ts", import.meta.url));
const start = (...args: readonly string[]) =>
  ["exec", process.execPath, flags, script, ...args].join(" ");

/** Where a started server takes connections. */
export const KIT_URL = "ws://127.0.0.1:{port}/ws";

/** The servers of this runtime. */
export const kitSubjects: readonly KitSubject[] = {
  node: [{ name: "node:http", baseline: "heddle-node", start: start() }],
  deno: [
    { name: "Deno.serve", baseline: "heddle-deno-serve", start: start() },
    { name: "node:http under Deno", baseline: "heddle-node", start: start("node") },
  ],
  bun: [{ name: "Bun.serve", baseline: "heddle-bun-serve", start: start() }],
}[runtime];
