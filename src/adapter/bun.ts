/**
 * The adapter for `Bun.serve`.
 *
 * @module
 */
import type { Hono } from "hono";
import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import { refuseHost } from "../guard/host.ts";
import { Refusal } from "../guard/refusal.ts";
import { lingering } from "../http/linger.ts";
import { type RouteOptions, routes, type UpgradeHandler } from "../http/routes.ts";
import type { AnyHub } from "../hub/hub.ts";
import { BunFanout, type BunPublisher } from "./bun_fanout.ts";
import { BunConnection, type BunEndpoint, type BunWebSocket } from "./bun_socket.ts";
import {
  handshakesAt,
  listening,
  resolveServe,
  type ServeOptions,
  type Server,
  transportLimit,
} from "./server.ts";

export { machineSampler } from "./machine.ts";
export type { BunWebSocket, ServeOptions, Server };

/** Options of {@linkcode bunHandler} and {@linkcode bunRoutes}. */
export type BunOptions = Omit<RouteOptions, "upgrade" | "peerAddress">;

/** As much of the server that `Bun.serve` hands a handler as is needed. */
export interface BunServer extends BunPublisher {
  upgrade(
    request: Request,
    options: { readonly headers: Record<string, string>; readonly data: unknown },
  ): boolean;
  requestIP(request: Request): { readonly address: string } | null;
}

/** The `websocket` of `Bun.serve`'s options. */
export interface BunWebSocketHandler {
  readonly maxPayloadLength: number;
  readonly idleTimeout: number;
  readonly backpressureLimit: number;
  readonly closeOnBackpressureLimit: boolean;
  readonly perMessageDeflate: boolean;
  readonly sendPings: boolean;
  open(webSocket: BunWebSocket): void;
  message(webSocket: BunWebSocket, message: string | Uint8Array): void;
  drain(webSocket: BunWebSocket): void;
  ping(webSocket: BunWebSocket): void;
  pong(webSocket: BunWebSocket): void;
  close(webSocket: BunWebSocket, code: number, reason: string): void;
}

/** What `Bun.serve` takes, but for where to listen. */
export interface BunHandler {
  fetch(request: Request, server: BunServer): MaybePromise<Response>;
  readonly websocket: BunWebSocketHandler;
}

/** As much of the `Bun` namespace as is needed. */
interface BunRuntime {
  serve(
    options: BunHandler & {
      readonly port: number;
      readonly hostname: string;
      readonly development: boolean;
      readonly reusePort: boolean;
    },
  ): { readonly port: number; stop(closeActive: boolean): Promise<void> };
}

/** The longest idle time-out Bun knows, in seconds. */
const LONGEST_IDLE = 960;

/**
 * Makes the options of `Bun.serve` for a hub and its routes.
 *
 * @example
 * ```ts ignore
 * import { allowAnonymous, createHub } from "heddle";
 * import { bunHandler } from "heddle/bun";
 *
 * Bun.serve({ ...bunHandler(createHub({ auth: allowAnonymous() })), port: 8000 });
 * ```
 */
export function bunHandler(hub: AnyHub, options: BunOptions = {}): BunHandler {
  const upgrade = upgrader(hub);
  const app = routes(hub, { ...options, upgrade, peerAddress });
  const isForHub = handshakesAt(options.path);
  return {
    fetch(request, server) {
      // Of a Host that is none Bun makes a URL that leads elsewhere.
      const refusal = refuseHost(request.headers.get("host"));
      if (refusal !== undefined) return lingering(request, refusal.toResponse());
      return isForHub(request) ? upgrade(request, server) : app.fetch(request, server);
    },
    websocket: bunWebSocket(hub),
  };
}

/**
 * The hub's routes, to be mounted in an application's own Hono app:
 * `Bun.serve({ fetch: app.fetch, websocket: bunWebSocket(hub) })`.
 */
export function bunRoutes(hub: AnyHub, options: BunOptions = {}): Hono {
  return routes(hub, { ...options, upgrade: upgrader(hub), peerAddress });
}

/** The `websocket` of `Bun.serve` for the hubs whose routes the server serves. */
export function bunWebSocket(...hubs: readonly [AnyHub, ...AnyHub[]]): BunWebSocketHandler {
  const connectionOf = ({ data }: BunWebSocket) => data as BunConnection;
  return {
    maxPayloadLength: transportLimit(...hubs),
    idleTimeout: idleTimeout(hubs),
    // Past a limit Bun would leave frames out; the hub cuts the whole connection instead.
    backpressureLimit: 0,
    closeOnBackpressureLimit: false,
    perMessageDeflate: false,
    sendPings: false,
    open: (webSocket) => connectionOf(webSocket).opened(webSocket),
    message: (webSocket, message) => connectionOf(webSocket).received(message),
    drain: (webSocket) => connectionOf(webSocket).drained(),
    ping: (webSocket) => connectionOf(webSocket).heard(),
    pong: (webSocket) => connectionOf(webSocket).heard(),
    close: (webSocket, code, reason) => connectionOf(webSocket).closed(code, reason),
  };
}

/**
 * Serves a hub, with all its routes.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 * @throws where the address cannot be listened at: Bun's own error.
 */
export function serve(hub: AnyHub, options: ServeOptions = {}): Promise<Server> {
  return new Promise((resolve) => resolve(listen(hub, options)));
}

function listen(hub: AnyHub, options: ServeOptions): Server {
  const { port, hostname, signal, routing } = resolveServe(options);
  const { Bun } = globalThis as { readonly Bun?: BunRuntime };
  if (Bun === undefined) throw new TypeError("this adapter needs Bun; this is another runtime");
  const server = Bun.serve({
    ...bunHandler(hub, routing),
    port,
    hostname,
    development: false,
    reusePort: false, // which a server that is not for development would else have
  });
  return listening({ hostname, port: server.port }, () => server.stop(true), signal);
}

/**
 * Whether a peer lives is for the hub to find out; this only frees a socket that the hub has closed and
 * whose peer does not read. It must come later than the hub's own time-out; 0 is never.
 */
function idleTimeout(hubs: readonly AnyHub[]): number {
  const seconds = Math.ceil(Math.max(...hubs.map((hub) => hub.heartbeatTimeout))) + 30;
  return seconds > LONGEST_IDLE ? 0 : seconds;
}

/** Topics are a server's own, whichever of its hubs they belong to. */
const fanouts = new WeakMap<BunServer, BunFanout>();

function fanoutOf(server: BunServer): BunFanout {
  const known = fanouts.get(server) ?? new BunFanout(server);
  fanouts.set(server, known);
  return known;
}

function upgrader(hub: AnyHub): UpgradeHandler {
  const limit = transportLimit(hub);
  let endpoint: BunEndpoint | undefined;
  return (request, env, room) => {
    const server = serverOf(env);
    const address = peerAddress(request, env);
    const origin = room === undefined ? { address } : { address, room };
    return whenReady(hub.judge(request, origin), (admission) => {
      if (admission instanceof Response) return admission;
      // Without the header Bun selects the first subprotocol offered; with an empty one, none.
      const headers = { "Sec-WebSocket-Protocol": admission.subprotocol ?? "" };
      const fanout = fanoutOf(server);
      if (endpoint?.fanout !== fanout) endpoint = { hub, fanout, limit };
      const data = new BunConnection(endpoint, admission);
      if (server.upgrade(request, { headers, data })) return new Response(null); // which Bun leaves out
      return new Refusal(400, "bad_handshake", "the request cannot be upgraded").toResponse();
    });
  };
}

function peerAddress(request: Request, env: unknown): string {
  return serverOf(env).requestIP(request)?.address ?? "";
}

/** Hono's `c.env` is the server itself, or an object that holds it. */
function serverOf(env: unknown): BunServer {
  const { server = env } = (env ?? {}) as { readonly server?: unknown };
  if (typeof (server as Partial<BunServer> | undefined)?.upgrade === "function") {
    return server as BunServer;
  }
  throw new TypeError("the routes need Bun's server: Bun.serve({ fetch: app.fetch, websocket })");
}
