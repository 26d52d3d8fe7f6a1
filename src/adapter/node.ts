/**
 * The adapter for Node's `http` with the npm package `ws`. It also runs under Deno.
 *
 * @module
 */
import { getRequestListener } from "@hono/node-server";
import { createServer, type Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { checkNames } from "../base/option_checks.ts";
import type { AnyHub } from "../hub/hub.ts";
import { checkPath, DEFAULT_PATH, routes } from "../http/routes.ts";
import { type Attachment, mountsOf } from "./node_mounts.ts";
import { HubEndpoint } from "./node_endpoint.ts";
import { lingering } from "./node_linger.ts";
import { listening, resolveServe, type ServeOptions, type Server } from "./server.ts";

export { machineSampler } from "./machine.ts";
export type { Attachment, ServeOptions, Server };

/** Options of {@linkcode attach}. */
export interface AttachOptions {
  /** Where WebSocket connections are taken. @default "/ws" */
  readonly path?: string;
}

/** How long a peer may take to send the head of a request, and the whole of it; milliseconds. */
const REQUEST_TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
};

/**
 * Lets a hub take WebSocket connections from an HTTP server that is there already. Its other
 * requests are left alone. Upgrade requests for another path are left to the other listeners for
 * `upgrade`, if there are any, and else answered with 404. Several hubs can be attached to a server.
 *
 * @returns A handle that detaches the hub again.
 * @throws {HeddleError} `option_invalid` for a `path` that is none, or an option there is not.
 * @throws {TypeError} where a hub is attached to the same path of the same server.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { allowAnonymous, createHub } from "heddle";
 * import { attach } from "heddle/node";
 *
 * const hub = createHub({ auth: allowAnonymous() });
 * const server = createServer((_request, response) => response.end("hello"));
 * attach(server, hub, { path: "/realtime" });
 * server.listen(0, () => server.close());
 * ```
 */
export function attach(
  server: HttpServer | HttpsServer,
  hub: AnyHub,
  options: AttachOptions = {},
): Attachment {
  checkNames("attach", options, ["path"]);
  const { path = DEFAULT_PATH } = options;
  checkPath(path);
  return mountsOf(server).add(path, new HubEndpoint(hub));
}

/**
 * Serves a hub, with all its HTTP routes.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 * @throws where the address is taken or cannot be listened at: the runtime's own error.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub } from "heddle";
 * import { serve } from "heddle/node";
 *
 * const hub = createHub({ auth: allowAnonymous() });
 * const server = await serve(hub, { port: 0 });
 * await hub.drain();
 * await server.close();
 * ```
 */
export async function serve(hub: AnyHub, options: ServeOptions = {}): Promise<Server> {
  const { hostname, port, signal, routing } = resolveServe(options);
  const path = routing.path ?? DEFAULT_PATH;
  const app = routes(hub, { ...routing, path });
  const server = createServer(
    REQUEST_TIMEOUTS,
    lingering(getRequestListener(app.fetch, { overrideGlobalObjects: false })),
  );
  const attachment = attach(server, hub, { path });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const close = () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    attachment.close();
    server.closeAllConnections();
    return closed;
  };
  const address = server.address() as AddressInfo;
  return listening({ hostname, port: address.port }, close, signal);
}
