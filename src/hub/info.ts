/**
 * What the hub tells of itself and of its connections.
 *
 * @module
 */

/** What is known of a connection: a copy, as things stood when it was asked for. */
export interface ConnectionInfo {
  /** A UUID, new with each connection. */
  readonly clientId: string;
  /** Null for an anonymous connection. */
  readonly userId: string | null;
  readonly role: string;
  /** What the credential said. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The client's IP address: that of its socket, or what a proxy that is believed tells. */
  readonly address: string;
  /** RFC 3339, UTC. */
  readonly connectedAt: string;
  /** When the peer last gave a sign of life. RFC 3339, UTC. */
  readonly lastHeartbeat: string;
  /** What it is subscribed to, its own `@` channels left out. */
  readonly channels: readonly string[];
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Bytes of messages, before the framing of WebSocket. */
  readonly bytesReceived: number;
  /** Bytes of messages, before the framing of WebSocket; a text counts its UTF-16 units. */
  readonly bytesSent: number;
}

/** What a hub refused since it came too often, by the limit that refused it. */
export interface RateStats {
  /** Messages, by their session's bucket for their type. */
  readonly messages: number;
  /** Messages, since there were too many on their connection. */
  readonly connection: number;
  /** Messages, since there were too many of their user, or of their address. */
  readonly user: number;
  /** Messages, since there were too many in all. */
  readonly hub: number;
  /** Requests for a connection, since there were too many of their address. */
  readonly upgrades: number;
  /** Connections that were closed since too many of their messages were refused. */
  readonly abuse: number;
}

/** Counters of a hub since it was made, and what it holds now. */
export interface HubStats {
  /**
   * Connections whose socket is there, which `limits.connections` is about: the open ones, and those that are
   * closing, for up to 5 s where their peer does not answer.
   */
  readonly connections: number;
  /** Those of them that are open: what `hub.connections()` lists. */
  readonly openConnections: number;
  /** Users with such a connection. */
  readonly users: number;
  /** Requests for a connection that wait for the authenticator. */
  readonly connecting: number;
  /** Channels with a subscriber, the hub's own left out. */
  readonly channels: number;
  /** Subscriptions in all, the hub's own left out. */
  readonly subscriptions: number;
  /** Channels that were not opened for a client, since too many were. */
  readonly channelsRefused: number;
  /** The most connections there were at once. */
  readonly peakConnections: number;
  /** Connections ever accepted. */
  readonly totalConnections: number;
  readonly totalDisconnections: number;
  /** Requests for a connection that were refused before the upgrade. */
  readonly refused: number;
  /** The same by the `error` of the answer. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Connections closed since a newer one of the same user took their place over the limit. */
  readonly evicted: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Events taken from the application, from clients and from REST. */
  readonly eventsPublished: number;
  /** Deliveries of events to subscribers. */
  readonly eventsDelivered: number;
  /** Sessions that nobody has now, kept for those who may come back. */
  readonly sessionsKept: number;
  /** Those that went early, since there were too many in all, or of one user or address. */
  readonly sessionsEvicted: number;
  /** Ping frames sent to silent connections. */
  readonly pings: number;
  /** Those that were not answered before the next was due. */
  readonly missedPongs: number;
  /** Connections given up, since they gave no sign of life. */
  readonly notAlive: number;
  /** What was refused since it came too often. */
  readonly rateLimited: RateStats;
  /** Users and addresses whose messages or requests for a connection are remembered, to limit them. */
  readonly ratesKept: number;
  /** Those that were forgotten early, since there were too many. */
  readonly ratesEvicted: number;
  /** `error` messages sent. */
  readonly errors: number;
  /** Events that the channels' histories hold for those who come back. */
  readonly eventsKept: number;
  /** Milliseconds since the hub was made. */
  readonly uptime: number;
}
