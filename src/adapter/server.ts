import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import { DEFAULT_PATH, routeOptionNames, type RouteOptions } from "../http/routes.ts";
import { isAt } from "../guard/request_url.ts";
import type { AnyHub } from "../hub/hub.ts";

/** What the `serve` of every adapter takes. */
export interface ServeOptions extends Omit<RouteOptions, "upgrade" | "peerAddress"> {
  /** The TCP port; 0 takes a free one. @default 8000 */
  readonly port?: number;
  /** The address to listen at. @default "127.0.0.1" */
  readonly hostname?: string;
  /** Closes the server when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A server that listens. */
export interface Server {
  /** Where it is reached: `http://HOST:PORT`, without a path. */
  readonly url: string;
  /** The address it listens at. */
  readonly hostname: string;
  /** The TCP port it listens at, also where 0 was asked for. */
  readonly port: number;
  /**
   * Stops listening, frees the port and cuts what is still open. It does not end the hub: call
   * `hub.drain()` first, so that clients are told. Called again, it gives the same promise.
   */
  close(): Promise<void>;
}

/** Where to listen, for how long, and what the routes take. */
interface ResolvedServe {
  readonly port: number;
  readonly hostname: string;
  readonly signal: AbortSignal | undefined;
  readonly routing: Pick<ServeOptions, "path" | "cors" | "adminRoles">;
}

/**
 * Fills in where `serve` listens.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed; the reason
 * of a signal that is aborted already.
 */
export function resolveServe(options: ServeOptions): ResolvedServe {
  checkNames("", options, ["port", "hostname", "signal", ...routeOptionNames]);
  const { port = 8000, hostname = "127.0.0.1", signal, ...routing } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new HeddleError(
      "option_invalid",
      `port is ${JSON.stringify(port)}; it must be an integer from 0 to 65535`,
    );
  }
  if (typeof hostname !== "string" || hostname === "") {
    throw new HeddleError("option_invalid", "hostname must be a host name or an IP address");
  }
  signal?.throwIfAborted();
  return { port, hostname, signal, routing };
}

/**
 * Tells the requests for a connection, so that an adapter can take them past the routes, which would only
 * hand them back to it. All others are for the routes to judge.
 */
export function handshakesAt(path: string = DEFAULT_PATH): (request: Request) => boolean {
  return (request) => request.method === "GET" && isAt(request, path);
}

/** How much a message may exceed the hub's largest limit before the connection is closed for it. */
const HEADROOM = 65_536;

/**
 * The largest message, in bytes, that an adapter takes from the network: more than the hub's limits,
 * so that the hub itself can answer `message_too_large` to a mistake, and the connection lives.
 */
export function transportLimit(...hubs: readonly Pick<AnyHub, "limits">[]): number {
  const largest = hubs.flatMap(({ limits }) => [limits.text, limits.subscribe, limits.binary]);
  return Math.max(...largest) + HEADROOM;
}

/** Makes a {@linkcode Server} of one that listens. `close` is called at most once. */
export function listening(
  address: { readonly hostname: string; readonly port: number },
  close: () => Promise<void>,
  signal?: AbortSignal,
): Server {
  const { hostname, port } = address;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  let closed: Promise<void> | undefined;
  const server: Server = {
    url: `http://${host}:${port}`,
    hostname,
    port,
    close() {
      signal?.removeEventListener("abort", onAbort);
      closed ??= close();
      return closed;
    },
  };
  const onAbort = () => void server.close();
  signal?.addEventListener("abort", onAbort, { once: true });
  return server;
}
