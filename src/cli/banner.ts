import type { Server } from "../adapter/server.ts";
import type { Environment } from "../hub/settings/variables.ts";
import { commandName, runtimeVersion } from "./runtime.ts";
import { colorsFor } from "./terminal.ts";
import { VERSION } from "./version.ts";
import process from "node:process";

/** What people need first, with a token to try things with in development. For standard output alone. */
export function banner(server: Server, environment: Environment, adminToken?: string): string {
  const { bold, cyan, dim } = colorsFor(process.stdout);
  const endpoint = `${server.url.replace(/^http/, "ws")}/ws`;
  const connect = `${commandName()} connect --url ${endpoint}`;
  const lines = [
    bold(`Heddle ${VERSION}`) + dim(` on ${runtimeVersion()}, ${environment}`),
    "",
    `  ${dim("HTTP       ")}${cyan(server.url)}`,
    `  ${dim("WebSocket  ")}${cyan(endpoint)}`,
    "",
    dim("  Watch it:"),
    `    ${connect} --subscribe metrics,status`,
  ];
  if (adminToken !== undefined) {
    lines.push(
      "",
      dim("  As admin, for two hours:"),
      `    ${connect} --subscribe metrics,status,connections,logs --token \\`,
      `      ${adminToken}`,
    );
  }
  return `${lines.join("\n")}\n\n`;
}
