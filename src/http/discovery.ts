/**
 * What a client may ask before it connects: where, how, and whether the hub is there.
 *
 * @module
 */
import type { Handler } from "hono";
import { Refusal } from "../guard/refusal.ts";
import type { AnyHub } from "../hub/hub.ts";

/** The answer of `GET /ws/config`. */
export interface DiscoveryDocument {
  readonly websocket_config: {
    readonly version: "1.0";
    readonly features: {
      /** Messages are JSON text unless a client asks for more. */
      readonly json_first: boolean;
      /** Whether a connection without a credential is refused. */
      readonly auth_required: boolean;
      readonly heartbeat_supported: boolean;
      /** Whether a session can be resumed after a disconnect. */
      readonly reconnection_supported: boolean;
      readonly rate_limiting: boolean;
      /** Whether events are kept for a client that has gone. */
      readonly message_queuing: boolean;
    };
    /** Paths on this server. */
    readonly endpoints: { readonly websocket: string; readonly service_discovery: string };
    /** What is in force of these; of the rates that hold besides, `connected` tells. */
    readonly connection_limits: {
      /** Bytes of a text message. */
      readonly max_message_size: number;
      /** Channels a connection may be subscribed to. */
      readonly max_subscriptions: number;
      /** Open connections of one user. */
      readonly max_connections_per_user: number;
      /** Milliseconds, here alone: existing clients read it so. */
      readonly heartbeat_interval: number;
      /** Messages a minute of one user, or of one address without. */
      readonly max_message_rate?: number;
    };
    readonly server_status: "healthy" | "draining";
  };
  readonly status: "success";
}

/** Answers `GET {path}/config`, for anybody. */
export function discovery(hub: AnyHub): Handler {
  const authRequired = asksForCredential(hub);
  return async (c) => {
    // Under a mounted path, only the request tells where the routes are.
    const endpoint = c.req.path.replace(/\/config$/, "");
    const document: DiscoveryDocument = {
      websocket_config: {
        version: "1.0",
        features: {
          json_first: true,
          auth_required: await authRequired(c.req.url),
          heartbeat_supported: true,
          reconnection_supported: true,
          rate_limiting: hub.rates !== undefined,
          message_queuing: true,
        },
        endpoints: { websocket: endpoint || "/", service_discovery: c.req.path },
        connection_limits: {
          max_message_size: hub.limits.text,
          max_subscriptions: hub.limits.subscriptions,
          max_connections_per_user: hub.limits.connectionsPerUser,
          heartbeat_interval: Math.round(hub.heartbeatInterval * 1000),
          ...(hub.rates?.user === undefined ? {} : { max_message_rate: hub.rates.user.limit }),
        },
        server_status: hub.isDraining ? "draining" : "healthy",
      },
      status: "success",
    };
    return c.json(document);
  };
}

/**
 * Makes the test whether a request that carries nothing is refused. Only the authenticator knows, so it
 * is asked, until it has answered once.
 */
function asksForCredential(hub: AnyHub): (url: string) => Promise<boolean> {
  let known: boolean | undefined;
  return async (url) => {
    if (known !== undefined) return known;
    const { origin, pathname } = new URL(url);
    try {
      await hub.identify(new Request(origin + pathname));
      known = false;
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) return true;
      known = true;
    }
    return known;
  };
}

/** Answers `GET /health`, for anybody: 200 while connections are taken, 503 while the hub drains. */
export function health(hub: AnyHub): Handler {
  return (c) => {
    const uptime_seconds = Math.floor(hub.uptime / 1000);
    if (!hub.isDraining) return c.json({ status: "healthy", uptime_seconds });
    const message = "the server is going down; come back";
    return c.json({ status: "draining", uptime_seconds, error: "draining", message }, 503, {
      "Retry-After": "1",
    });
  };
}
