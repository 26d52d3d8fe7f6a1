/**
 * What a target offers, found out by asking where the profile does not say.
 *
 * @module
 */
import { Broken, Refused, Skipped } from "../peer/finding.ts";
import type { Peer } from "../peer/peer.ts";
import { type Action, type ChannelOffer, type Offer } from "../target/offer.ts";
import { NotHttp } from "../wire/handshake.ts";
import { TimeOut } from "../wire/socket.ts";
import type { Client } from "./client.ts";
import { fresh, roleOf, Server } from "./server.ts";
import { isRecord } from "./shape.ts";

/** What a room's server may be asked, which is not said to have any. */
const ROOM_PREFIX = "room:";

/** The profile with what it left open filled in from `/ws/config`, `connected` and what is answered. */
export async function askOffer(given: Offer, peer: Peer): Promise<Offer> {
  const anonymous = given.anonymous ?? await letsInNobody(given, peer);
  const known: Offer = { ...given, anonymous };
  const server = new Server(peer, known);
  const client = await attempt(() => server.connect());
  if (client === null) return { ...known, channels: given.channels ?? {} };
  const role = given.role ??
    (given.tokens === undefined ? String(client.greeting["role"]) : roleOf(given));
  const channels = given.channels ?? await findChannels(server, client, role);
  return { ...known, role, channels };
}

async function letsInNobody(given: Offer, peer: Peer): Promise<boolean> {
  const server = new Server(peer, { ...given, anonymous: true });
  const handshake = await attempt(() => server.handshake({ user: null }));
  return handshake?.response?.status === 101;
}

/** The channels that the server lists, or that any server of rooms has, tried one by one. */
async function findChannels(
  server: Server,
  client: Client,
  role: string,
): Promise<Record<string, ChannelOffer>> {
  const list = await attempt(() => server.http({ path: "/api/v1/websocket/channels" }));
  const listed = isRecord(list?.json) ? list.json["channels"] : undefined;
  const names = Array.isArray(listed)
    ? listed.filter((name) => typeof name === "string")
    : [`${ROOM_PREFIX}*`];
  const channels: Record<string, ChannelOffer> = {};
  for (const name of names) {
    const found = await attempt(() => tryChannel(client, name, role));
    if (found !== null) channels[name] = found;
  }
  return channels;
}

async function tryChannel(
  client: Client,
  declared: string,
  role: string,
): Promise<ChannelOffer | null> {
  const name = declared.endsWith("*") ? `${declared.slice(0, -1)}${fresh()}` : declared;
  const { channels } = await client.ask({ type: "subscribe", channels: [name] });
  const subscribed = Array.isArray(channels) && channels.includes(name);
  const presence = await client.ask({ type: "presence", channel: name });
  const published = await client.ask({
    type: "publish",
    channel: name,
    event_type: "kit",
    data: {},
  });
  // A channel whose schemas nobody knows is no use to any case.
  if (published["code"] === "payload_invalid") return null;
  const taken = published.type === "published";
  const own = (await client.fence()).some(({ type, channel }) =>
    type === "event" && channel === name
  );
  const actions: Action[] = [
    ...(subscribed ? ["subscribe" as const] : []),
    ...(taken ? ["broadcast" as const] : []),
  ];
  await client.ask({ type: "unsubscribe", channels: [name] });
  return {
    permissions: { [role]: actions },
    tried: true,
    ...(presence.type === "presence" ? { presence: {} } : {}),
    ...(subscribed && taken ? { echo: own } : {}),
  };
}

/** What came of it; null where the server does not do what a case would find it at fault for. */
async function attempt<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    const excused = error instanceof Broken || error instanceof Skipped ||
      error instanceof Refused || error instanceof TimeOut || error instanceof NotHttp;
    if (!excused) throw error;
    return null;
  }
}
