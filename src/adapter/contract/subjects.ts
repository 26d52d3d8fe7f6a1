/**
 * The adapters that can run on the runtime this process is.
 *
 * @module
 */
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { AnyHub } from "../../hub/hub.ts";
import { routes } from "../../http/routes.ts";
import { runtime } from "../../testing/serve.ts";
import * as bun from "../bun.ts";
import * as deno from "../deno.ts";
import * as node from "../node.ts";
import { listening, type Server } from "../server.ts";
import type { Subject } from "./subject.ts";

type Hubs = Readonly<Record<string, AnyHub>>;

const everything = { terminate: true, pings: true, closeCodes: true };

const denoSubject: Subject = {
  name: "Deno.serve",
  capabilities: { ...everything, terminate: false, pings: false },
  violations: "cut",
  unmasked: "accepted",
  liveness: "runtime",
  serve: deno.serve,
  serveApp(hubs) {
    const { Deno } = globalThis as unknown as {
      Deno: {
        serve(options: object, handler: (request: Request, info: deno.DenoInfo) => unknown): {
          readonly addr: { readonly port: number };
          readonly finished: Promise<void>;
        };
      };
    };
    const stop = new AbortController();
    const app = application(hubs, deno.denoRoutes);
    const options = { port: 0, hostname: "127.0.0.1", signal: stop.signal, onListen() {} };
    const server = Deno.serve(options, app.fetch);
    return Promise.resolve(here(server.addr.port, () => {
      stop.abort();
      return server.finished;
    }));
  },
};

const bunSubject: Subject = {
  name: "Bun.serve",
  capabilities: everything,
  violations: "told",
  unmasked: "violation",
  liveness: "hub",
  serve: bun.serve,
  serveApp(hubs) {
    const { Bun } = globalThis as unknown as {
      Bun: {
        serve(
          options: object,
        ): { readonly port: number; stop(closeActive: boolean): Promise<void> };
      };
    };
    const { fetch } = application(hubs, bun.bunRoutes);
    const websocket = bun.bunWebSocket(...Object.values(hubs) as [AnyHub, ...AnyHub[]]);
    const server = Bun.serve({ fetch, websocket, port: 0, hostname: "127.0.0.1" });
    return Promise.resolve(here(server.port, () => server.stop(true)));
  },
};

const nodeSubject: Subject = {
  name: runtime === "node" ? "node:http" : `node:http under ${runtime}`,
  capabilities: everything,
  violations: "told",
  unmasked: "violation",
  liveness: "hub",
  serve: node.serve,
  async serveApp(hubs) {
    const server = createServer(getRequestListener(application(hubs, routes).fetch));
    const attachments = Object.entries(hubs).map(([prefix, hub]) =>
      node.attach(server, hub, { path: `${prefix}/ws` })
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return here((server.address() as AddressInfo).port, () => {
      for (const attachment of attachments) attachment.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    });
  },
};

/** The adapters of this runtime. */
export const subjects: readonly Subject[] = {
  deno: [denoSubject, nodeSubject],
  bun: [bunSubject],
  node: [nodeSubject],
}[runtime];

function application(hubs: Hubs, mount: (hub: AnyHub) => Hono): Hono {
  const app = new Hono();
  app.use(cors(), secureHeaders());
  app.get("/", (c) => c.text("home"));
  for (const [prefix, hub] of Object.entries(hubs)) app.route(prefix, mount(hub));
  return app;
}

function here(port: number, close: () => Promise<void>): Server {
  return listening({ hostname: "127.0.0.1", port }, close);
}
