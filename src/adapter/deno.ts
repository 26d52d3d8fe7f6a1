/**
 * The adapter for `Deno.serve` and `Deno.upgradeWebSocket`.
 *
 * @module
 */
import type { Hono } from "hono";
import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { SocketCapabilities } from "../channel/socket.ts";
import { refuseHost } from "../guard/host.ts";
import { goingDown, serverFull } from "../guard/refusal.ts";
import { type RouteOptions, routes, type UpgradeHandler } from "../http/routes.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub } from "../hub/hub.ts";
import type { Ending } from "../hub/options.ts";
import { closeTable } from "../protocol/close.ts";
import { DenoFanout } from "./deno_fanout.ts";
import { handshakesAt, listening, resolveServe, type ServeOptions, type Server } from "./server.ts";
import {
  type Closing,
  connectStandard,
  type StandardDifferences,
  type StandardEndpoint,
  standardEndpoint,
} from "./standard.ts";

export { machineSampler } from "./machine.ts";
export type { ServeOptions, Server };

/** Options of {@linkcode denoHandler} and {@linkcode denoRoutes}. */
export type DenoOptions = Omit<RouteOptions, "upgrade" | "peerAddress">;

/** As much as is needed of what `Deno.serve` hands a handler beside the request. */
export interface DenoInfo {
  /** Where the request came from; no `hostname` where that is no IP address. */
  readonly remoteAddr: { readonly transport: string; readonly hostname?: string };
}

/** As much of the `Deno` namespace as is needed. */
interface DenoRuntime {
  serve(
    options: {
      readonly port: number;
      readonly hostname: string;
      readonly signal: AbortSignal;
      onListen(): void;
    },
    handler: (request: Request, info: DenoInfo) => MaybePromise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void> };
  upgradeWebSocket(request: Request, options: { readonly idleTimeout: number }): Upgraded;
}

/** What Deno makes of a request to be upgraded. */
interface Upgraded {
  readonly socket: WebSocket;
  readonly response: Response;
}

/** Above what a timer holds, 24 days, the time-out would come at once; in seconds. */
const LONGEST_IDLE = 86_400;

const capabilities: SocketCapabilities = {
  terminate: false,
  pings: false,
  closeCodes: true,
};

const differences: StandardDifferences = {
  capabilities,
  closesInLull: true,
  ending({ code, reason, wasClean }: Closing, error: string): Ending {
    if (wasClean) return { code, reason };
    // Deno gave up a peer that did not answer its ping: the hub's own code for that.
    if (code === 1001) return closeTable.not_alive;
    return { code: 1006, reason: error };
  },
};

/**
 * Makes the handler of `Deno.serve` for a hub and its routes.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub } from "heddle";
 * import { denoHandler } from "heddle/deno";
 *
 * await using hub = createHub({ auth: allowAnonymous() });
 * await using server = Deno.serve({ port: 0 }, denoHandler(hub));
 * ```
 */
export function denoHandler(
  hub: AnyHub,
  options: DenoOptions = {},
): (request: Request, info: DenoInfo) => MaybePromise<Response> {
  return handler(hub, options, upgrader(hub));
}

function handler(
  hub: AnyHub,
  options: DenoOptions,
  upgrade: UpgradeHandler,
): (request: Request, info: DenoInfo) => MaybePromise<Response> {
  const app = routes(hub, { ...options, upgrade, peerAddress });
  const isForHub = handshakesAt(options.path);
  return (request, info) => {
    const refusal = refuseHost(request.headers.get("host"));
    if (refusal !== undefined) return refusal.toResponse();
    return isForHub(request) ? upgrade(request, info) : app.fetch(request, info);
  };
}

/**
 * The hub's routes, to be mounted in an application's own Hono app that `Deno.serve` serves:
 * `app.route("/realtime", denoRoutes(hub))`.
 *
 * After the upgrade Deno takes no answer but the upgrade's own, and stops listening if it gets another.
 * So middleware around these routes must neither throw after `next()` nor replace the response; to add
 * header fields is fine.
 */
export function denoRoutes(hub: AnyHub, options: DenoOptions = {}): Hono {
  return routes(hub, { ...options, upgrade: upgrader(hub), peerAddress });
}

/**
 * Serves a hub, with all its routes.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 * @throws where the address cannot be listened at: Deno's own error.
 */
export function serve(hub: AnyHub, options: ServeOptions = {}): Promise<Server> {
  return new Promise((resolve) => resolve(listen(hub, options)));
}

function listen(hub: AnyHub, options: ServeOptions): Server {
  const { port, hostname, signal, routing } = resolveServe(options);
  const stop = new AbortController();
  const server = runtime().serve(
    { port, hostname, signal: stop.signal, onListen() {} },
    handler(hub, routing, upgrader(hub, stop.signal)),
  );
  const close = async () => {
    stop.abort();
    await server.finished;
  };
  return listening({ hostname, port: server.addr.port }, close, signal);
}

/** @param stop Aborted when the server closes: Deno cuts whom it refuses then, and forgets whom it upgrades. */
function upgrader(hub: AnyHub, stop?: AbortSignal): UpgradeHandler {
  // A socket that its peer does not read cannot be cut, so it stays after the hub has let go of it.
  let sockets = 0;
  const endpoint = standardEndpoint(hub, {
    ...differences,
    fanout: new DenoFanout(),
    opened: () => sockets++,
    closed: () => sockets--,
  });
  return (request, env, room) => {
    const address = addressOf(env);
    const origin = room === undefined ? { address } : { address, room };
    return whenReady(hub.judge(request, origin), (admission) => {
      if (admission instanceof Response) return admission;
      if (stop?.aborted === true) return goingDown().toResponse();
      if (sockets >= hub.limits.connections) return serverFull().toResponse();
      return upgrade(endpoint, request, admission);
    });
  };
}

/** From the upgrade to the returned response nothing may throw: Deno would stop listening. */
function upgrade(
  endpoint: StandardEndpoint,
  request: Request,
  admission: Admission,
): Response {
  // Deno pings at half of this and gives up at the whole, whichever frame came last.
  const idleTimeout = Math.min(endpoint.hub.heartbeatTimeout, LONGEST_IDLE);
  const { socket, response } = upgradeWithout(request, idleTimeout);
  socket.binaryType = "arraybuffer";
  connectStandard(endpoint, socket, admission);
  const { subprotocol } = admission;
  // Its own option for this does not see an offer without a space after the comma.
  if (subprotocol !== undefined) response.headers.set("Sec-WebSocket-Protocol", subprotocol);
  return response;
}

/** Whether Deno takes a request only as it made it; a version that does will for as long as it runs. */
let isParticular = false;

/** The request that is being upgraded. */
let upgrading: Request | undefined;

/** Passes for it. Asked later, as Deno asks for the address, it tells of no request. */
const standIn = new Proxy({}, {
  get: (_target, key) =>
    key === "url" ? "http://localhost/" : upgrading && Reflect.get(upgrading, key),
}) as Request;

/**
 * Deno holds what it is given here for as long as the socket lives, where it has an idle time-out: about
 * 1 KiB a connection, with the header fields, a query that may have a token, and all else that a request has. So it
 * is given an object that passes for the request while Deno reads it. A `Proxy`, since an object with the
 * request as its prototype has the engine describe both anew each time, which takes as much.
 */
function upgradeWithout(request: Request, idleTimeout: number): Upgraded {
  const { upgradeWebSocket } = runtime();
  if (isParticular) return upgradeWebSocket(request, { idleTimeout });
  upgrading = request;
  try {
    return upgradeWebSocket(standIn, { idleTimeout });
  } catch {
    isParticular = true; // and where it is the request that cannot be upgraded, that is told now
    return upgradeWebSocket(request, { idleTimeout });
  } finally {
    upgrading = undefined;
  }
}

function peerAddress(_request: Request, env: unknown): string {
  return addressOf(env);
}

function addressOf(env: unknown): string {
  return (env as Partial<DenoInfo> | undefined)?.remoteAddr?.hostname ?? "";
}

function runtime(): DenoRuntime {
  const { Deno } = globalThis as { readonly Deno?: DenoRuntime };
  if (Deno === undefined) throw new TypeError("this adapter needs Deno; this is another runtime");
  return Deno;
}
