/**
 * A server to be held to Protocol 1 with every push: yours goes here. In a project of its own it
 * imports `heddle` and `heddle/node`.
 *
 * @module
 */
import process from "node:process";
import { channel, createHub, jwtAuth } from "../../mod.ts";
import { serve } from "../../src/adapter/node.ts";

const hub = createHub({
  auth: jwtAuth({ secret: "for the tests alone, thirty-two bytes", anonymous: true }),
  channels: {
    "open.*": channel({ permissions: { "*": ["subscribe", "broadcast"] } }),
    "news.*": channel({ permissions: { admin: ["subscribe", "broadcast"], "*": ["subscribe"] } }),
  },
});
const server = await serve(hub, { port: Number(process.env["PORT"] ?? 8000) });
process.once("SIGTERM", async () => {
  await hub.drain({ within: 2_000 });
  await server.close();
});
