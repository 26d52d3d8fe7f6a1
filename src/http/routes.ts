import { type Context, type Handler, Hono } from "hono";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkStrings, checkType } from "../base/option_checks.ts";
import { Refusal, upgradeRequired } from "../guard/refusal.ts";
import type { AnyHub } from "../hub/hub.ts";
import { isReservedRoom } from "../hub/rooms.ts";
import { crossOrigin } from "./cors.ts";
import { addRoute, answer, errorHandler, methodNotAllowed } from "./answer.ts";
import { discovery, health } from "./discovery.ts";
import { lingering, lingers } from "./linger.ts";
import { broadcast, listChannels, REST_PATH, showChannel, status } from "./rest.ts";

/**
 * Upgrades a request to a WebSocket, or answers why not.
 *
 * @param env What the runtime hands the handler beside the request: Hono's `c.env`.
 * @param room The id of the room that the path names, where it names one.
 */
export type UpgradeHandler = (
  request: Request,
  env: unknown,
  room?: string,
) => Response | Promise<Response>;

/** Tells the IP address at the other end of a request's socket, from what the runtime hands the handler. */
export type PeerAddress = (request: Request, env: unknown) => string;

/** Options of {@linkcode routes}. */
export interface RouteOptions {
  /** Where the WebSocket endpoint is, under the path the routes are mounted at. @default "/ws" */
  readonly path?: string;
  /** Does the upgrade. @default `GET {path}` is answered with 426, for servers that upgrade elsewhere */
  readonly upgrade?: UpgradeHandler;
  /** Finds the peer. @default by what `@hono/node-server` hands over */
  readonly peerAddress?: PeerAddress;
  /**
   * Whether pages of the origins that the hub names may read the answers (CORS). Those of its own host
   * may in any case. @default true
   */
  readonly cors?: boolean;
  /** The roles that are shown client and user ids, and that may broadcast. @default ["admin"] */
  readonly adminRoles?: readonly string[];
}

/** The options of the routes that whoever serves them leaves to the application. */
export const routeOptionNames: readonly string[] = [
  "path",
  "cors",
  "adminRoles",
] satisfies (keyof RouteOptions)[];

/** Where the WebSocket endpoint is unless the options say otherwise. */
export const DEFAULT_PATH = "/ws";

const optionNames = [...routeOptionNames, "upgrade", "peerAddress"];

const PATH = /^\/$|^(\/[\w.~-]+)+$/;

/**
 * The hub's HTTP routes, to be served as they are or mounted in an application's own Hono app:
 *
 * - `GET {path}` the WebSocket endpoint
 * - `GET {path}/{room_id}` the same, joining a room, where the hub has `rooms`
 * - `GET {path}/config` service discovery; `GET /health` 200, or 503 while the hub drains: for anybody
 * - `GET /api/v1/websocket/status`, `…/channels`, `…/channels/{channel}` counts for whoever may
 *   connect; who it is for `adminRoles` alone
 * - `POST /api/v1/websocket/broadcast?channel=X` publishes the event in the body, up to 64 KiB of
 *   `{"event_type", "data"}`, for those of `adminRoles` that may broadcast on that channel
 *
 * What cannot be done is answered with `{"error", "message"}`: 400 for bad input, 401 without a
 * credential where one is needed, 403 for a role that may not, 404, 405 with `Allow`, 413, and 503
 * where trying again later makes sense. Mounted, other paths are left to the application.
 *
 * A request with `Connection: close` that is answered before it is read is read on past the answer, for 5 s
 * or 16 MiB at most: a server that closes with something unread could else take the answer from who still
 * sends (RFC 9112 section 9.6). Where the connection stays, the server reads on as it likes: on Node,
 * `getRequestListener` for half a second and then closes, with `autoCleanupIncoming: false` for as long as
 * the server's `requestTimeout`. What an application answers on its own routes ends as its server ends it.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 *
 * @example
 * ```ts
 * import { allowAnonymous, channel, createHub, routes } from "heddle";
 * import { Hono } from "hono";
 *
 * await using hub = createHub({ auth: allowAnonymous(), channels: { news: channel() } });
 * const app = new Hono().get("/", (c) => c.text("hello")).route("/realtime", routes(hub));
 * const response = await app.request("/realtime/api/v1/websocket/channels/news");
 * const { subscribers } = await response.json();
 * if (subscribers !== 0) throw new Error(`subscribers ${subscribers}`);
 * ```
 */
export function routes(
  hub: AnyHub,
  options: RouteOptions = {},
): Hono {
  checkNames("", options, optionNames);
  const { path = DEFAULT_PATH, upgrade = upgradeElsewhere, adminRoles = ["admin"] } = options;
  const { cors = true, peerAddress = nodePeer } = options;
  checkPath(path);
  checkType("upgrade", upgrade, "function");
  checkType("peerAddress", peerAddress, "function");
  checkType("cors", cors, "boolean");
  checkStrings("adminRoles", adminRoles);
  const rest = { hub, path, adminRoles: new Set(adminRoles), peerAddress };
  const app = new Hono();
  app.onError(errorHandler(hub.logger));
  // Counts only where these routes are the whole server: a mounted app's own is not asked.
  const refuse = (c: Context, refusal: Refusal) => lingering(c.req.raw, answer(c, refusal));
  app.notFound((c) => refuse(c, new Refusal(404, "not_found", "there is nothing at this path")));
  const endpoint: Handler = (c) => {
    if (c.req.raw.method !== "GET") return refuse(c, methodNotAllowed("GET"));
    return upgrade(c.req.raw, c.env, c.req.param("room"));
  };
  const under = path === "/" ? "" : path;
  const resources = [`${under}/config`, "/health", `${REST_PATH}/*`];
  for (const route of resources) app.use(route, lingers);
  app.all(path, endpoint);
  // Every resource under the path is a room to those who ask for a WebSocket, and refused by its name.
  if (hub.hasRooms) {
    app.all(`${under}/:room`, (c, next) => isUpgrade(c) ? endpoint(c, next) : next());
  }
  if (cors && hub.origins.namesOthers) {
    const middleware = crossOrigin(hub.origins);
    for (const route of resources) app.use(route, middleware);
  }
  addRoute(app, "GET", `${under}/config`, discovery(hub));
  addRoute(app, "GET", "/health", health(hub));
  addRoute(app, "GET", `${REST_PATH}/status`, status(rest));
  addRoute(app, "GET", `${REST_PATH}/channels`, listChannels(rest));
  addRoute(app, "GET", `${REST_PATH}/channels/:channel`, showChannel(rest));
  addRoute(app, "POST", `${REST_PATH}/broadcast`, broadcast(rest));
  if (hub.hasRooms) {
    app.all(`${under}/:room`, (c, next) => {
      return isReservedRoom(c.req.param("room")) ? next() : endpoint(c, next);
    });
  }
  return app;
}

/** @throws {HeddleError} `option_invalid` for what is no path of an endpoint. */
export function checkPath(path: string): void {
  if (typeof path === "string" && PATH.test(path)) return;
  throw new HeddleError(
    "option_invalid",
    `path is ${JSON.stringify(path)}; it must be like "/ws": segments of A-Z a-z 0-9 _ . ~ -`,
  );
}

function isUpgrade(c: Context): boolean {
  return c.req.header("upgrade")?.toLowerCase().includes("websocket") ?? false;
}

function nodePeer(_request: Request, env: unknown): string {
  const { incoming } = (env ?? {}) as {
    readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
  };
  return incoming?.socket?.remoteAddress ?? "";
}

function upgradeElsewhere(): never {
  throw upgradeRequired();
}
