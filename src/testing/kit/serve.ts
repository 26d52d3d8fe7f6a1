/**
 * Serves the kit's hub until it is asked to go down, at the port that PORT names; with the argument
 * `node`, by the adapter for Node also under Deno. To run the kit on it:
 *
 *     npm run conformance -- --level channels --profile-file src/testing/kit/profile.json
 *
 * @module
 */
import process from "node:process";
import { serve as serveOnNode } from "../../adapter/node.ts";
import { serveHere } from "../serve.ts";
import { createKitHub } from "./hub.ts";

const port = Number(process.env["PORT"] ?? 8000);
const hub = createKitHub();
const server = process.argv[2] === "node"
  ? await serveOnNode(hub, { hostname: "127.0.0.1", port })
  : await serveHere(hub, port);
console.log(server.url);
process.once("SIGTERM", async () => {
  await hub.drain({ within: 2_000 });
  await server.close();
  process.exit(0);
});
