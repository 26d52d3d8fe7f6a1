/**
 * The hub over HTTP: what it holds, its channels, and publishing to them.
 *
 * @module
 */
import type { Context, Handler } from "hono";
import type { Identity } from "../guard/identity.ts";
import { Refusal } from "../guard/refusal.ts";
import type { AnyHub, ChannelInfo } from "../hub/hub.ts";
import type { ConnectionInfo } from "../hub/info.ts";
import { errorTable } from "../protocol/errors.ts";
import { describeIssue } from "../protocol/issue.ts";
import { clientSchemas } from "../protocol/messages.ts";
import { isChannelName } from "../protocol/names.ts";
import { readJson } from "./body.ts";
import type { PeerAddress } from "./routes.ts";

/** What the handlers need. */
export interface RestContext {
  readonly hub: AnyHub;
  /** The path of the WebSocket endpoint beside the REST routes. */
  readonly path: string;
  /** The roles that may see client and user ids. */
  readonly adminRoles: ReadonlySet<string>;
  readonly peerAddress: PeerAddress;
}

/** The path all REST routes start with. */
export const REST_PATH = "/api/v1/websocket";

/** Answers `GET …/status`: counts, and for admins who is connected. */
export function status({ hub, path, adminRoles }: RestContext): Handler {
  return async (c) => {
    const { role } = await hub.identify(c.req.raw);
    const { openConnections, channels, subscriptions, eventsKept } = hub.stats();
    // Under a mounted path, only the request tells where the routes are.
    const mounted = c.req.path.slice(0, -`${REST_PATH}/status`.length);
    return c.json({
      status: hub.isDraining ? "draining" : "ok",
      websocket: {
        endpoint: mounted + path,
        protocol: "ws",
        total_connections: openConnections,
        total_channels: channels,
        total_subscriptions: subscriptions,
        buffered_events: eventsKept,
        ...(adminRoles.has(role) ? { clients: hub.connections().map(clientOf) } : {}),
      },
    });
  };
}

function clientOf(info: ConnectionInfo): Record<string, unknown> {
  return {
    client_id: info.clientId,
    user_id: info.userId,
    connected_at: info.connectedAt,
    channels: info.channels,
    last_heartbeat: info.lastHeartbeat,
  };
}

/** Answers `GET …/channels`: the names and patterns declared, with their descriptions. */
export function listChannels({ hub }: RestContext): Handler {
  return async (c) => {
    await hub.identify(c.req.raw);
    const descriptions = [...hub.definitions]
      .map(([name, { description }]) => [name, description] as const);
    return c.json({
      channels: descriptions.map(([name]) => name),
      descriptions: Object.fromEntries(descriptions),
    });
  };
}

/** Answers `GET …/channels/{channel}`: how many are subscribed, and for admins who. */
export function showChannel({ hub, adminRoles }: RestContext): Handler {
  return async (c) => {
    const { role } = await hub.identify(c.req.raw);
    const { name, description, subscribers, subscriberIds } = find(hub, c.req.param("channel"));
    return c.json({
      channel: name,
      description,
      subscribers,
      ...(adminRoles.has(role) ? { subscriber_ids: subscriberIds } : {}),
    });
  };
}

const eventSchema = clientSchemas.publish.pick({ event_type: true, data: true });

/** Answers `POST …/broadcast?channel=X`: publishes the event in the body, for admins that may. */
export function broadcast({ hub, adminRoles, peerAddress }: RestContext): Handler {
  return async (c) => {
    const { raw } = c.req;
    const source = hub.locate(raw, peerAddress(raw, c.env));
    // A page can make a browser send this with its cookies, also where it may not read the answer.
    hub.origins.checkWrite(raw.headers.get("origin"), source);
    const identity = await hub.identify(raw);
    const { name, subscribers } = find(hub, channelOf(c));
    const mayPublish = adminRoles.has(identity.role) && hub.canBroadcast(name, identity.role);
    if (!mayPublish) throw refusal(name, identity);
    // Only now: whoever may not publish cannot make the server read a body.
    const event = eventSchema.safeParse(await readJson(raw));
    if (!event.success) {
      throw new Refusal(
        400,
        "invalid_message",
        `the body is no event: ${describeIssue(event.error)}`,
      );
    }
    const { event_type, data } = event.data;
    const { epoch, offset } = await hub.channel(name).publish(event_type, data);
    return c.json({ status: "ok", channel: name, subscribers, message_sent: true, epoch, offset });
  };
}

function channelOf(c: Context): string {
  const [channel, ...others] = c.req.queries("channel") ?? [];
  if (channel !== undefined && channel !== "" && others.length === 0) return channel;
  throw new Refusal(400, "invalid_channel", 'name one channel in the query: "?channel=NAME"');
}

function find(hub: AnyHub, name = ""): ChannelInfo {
  if (!isChannelName(name)) {
    throw new Refusal(400, "invalid_channel", errorTable.invalid_channel.help);
  }
  const channel = hub.describe(name);
  if (channel !== undefined) return channel;
  throw new Refusal(404, "unknown_channel", `no channel "${name}" is declared`);
}

function refusal(channel: string, { userId, role }: Identity): Refusal {
  if (userId === null) {
    return new Refusal(401, "unauthorized", `publishing to "${channel}" needs a token`, {
      "WWW-Authenticate": 'Bearer realm="heddle"',
    });
  }
  return new Refusal(403, "forbidden", `the role "${role}" may not publish to "${channel}"`);
}
