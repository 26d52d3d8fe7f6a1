import type { MaybePromise } from "../base/maybe_promise.ts";
import { checkNames, checkStrings } from "../base/option_checks.ts";
import type { ChannelDefinition, ChannelDefinitions } from "../channel/definition.ts";
import type { Socket } from "../channel/socket.ts";
import type { Identity } from "../guard/identity.ts";
import type { OriginPolicy } from "../guard/origin.ts";
import { type Action, permits } from "../guard/permissions.ts";
import type { Source } from "../guard/proxies.ts";
import type { RequestHead } from "../guard/request_head.ts";
import { failure } from "../protocol/errors.ts";
import { EVERYONE, isChannelName, isOwnChannelName } from "../protocol/names.ts";
import { type Admission, identify, type RequestOrigin } from "./admission.ts";
import type { Connection } from "./connection.ts";
import { Door } from "./door.ts";
import { Drain, type DrainOptions } from "./drain.ts";
import { Hosting } from "./hosting.ts";
import { Identities, type Revocation } from "./identities.ts";
import type { ConnectionInfo, HubStats } from "./info.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { MessageDefinitions } from "./message.ts";
import { checkEnding, type Ending, type HubOptions, resolveOptions } from "./options.ts";
import { Presence, type PresenceInfo } from "./presence.ts";
import type { ChannelNames, DefinitionOf, EventsOf, Publisher } from "./publication.ts";
import { Publishing } from "./publishing.ts";
import type { ResolvedRates } from "./rate_options.ts";
import { noRefusals } from "./rates.ts";
import { Rooms } from "./rooms.ts";
import { Roster } from "./roster.ts";
import { Seats } from "./seats.ts";
import { Sessions } from "./sessions.ts";
import { createWorkings, type Workings } from "./workings.ts";

/** What an adapter holds of a connection it handed over. No method throws. */
export interface Peer {
  /** The connection's UUID. */
  readonly clientId: string;
  /** The socket received a message: a string is text, bytes are binary. */
  receive(data: string | Uint8Array): void;
  /** The socket received a Pong frame. */
  pong(): void;
  /** The peer's Close frame came, where the socket closes later; nothing is sent to it any more. */
  closing(code: number, reason: string): void;
  /** The socket closed; 0 stands for 1006. Only the first call counts. */
  closed(code: number, reason: string): void;
}

/** What a hub tells about one of its channels. */
export interface ChannelInfo {
  readonly name: string;
  readonly description: string;
  /** How many connections are subscribed. */
  readonly subscribers: number;
  /** Their client ids. */
  readonly subscriberIds: readonly string[];
}

/** Which connections are meant. */
export interface ConnectionFilter {
  /** Those of one user. */
  readonly userId?: string;
}

/**
 * A realtime hub: channels, the connections that are subscribed to them, and what passes between.
 *
 * @typeParam C The channels it declares.
 * @typeParam M The messages it declares.
 */
export class Hub<
  C extends ChannelDefinitions = ChannelDefinitions,
  M extends MessageDefinitions = MessageDefinitions,
> implements AsyncDisposable {
  /** The channels and messages, for the types of a client: `createClient<typeof hub>()`. */
  declare readonly types: { readonly channels: C; readonly messages: M };
  readonly #workings: Workings;
  readonly #roster = new Roster();
  readonly #publishing: Publishing;
  readonly #presence: Presence;
  readonly #rooms: Rooms;
  readonly #identities: Identities;
  readonly #door: Door;
  readonly #drain: Drain;
  readonly #hosting: Hosting;
  readonly #startedAt: number;

  /** Use {@linkcode createHub}. */
  constructor(options: HubOptions<C, M>) {
    const workings = createWorkings(resolveOptions(options));
    const roster = this.#roster;
    const presence = new Presence(workings);
    const publishing = new Publishing(workings);
    const rooms = new Rooms(workings.registry, options.rooms);
    const sessions = new Sessions(workings, presence);
    const identities = new Identities(workings, roster);
    const seats = new Seats(workings, roster);
    const door = new Door({ workings, roster, identities, rooms, sessions, seats });
    const drain = new Drain(workings, roster, () => door.shut());
    this.#workings = workings;
    this.#publishing = publishing;
    this.#presence = presence;
    this.#rooms = rooms;
    this.#identities = identities;
    this.#door = door;
    this.#drain = drain;
    this.#hosting = new Hosting({
      workings,
      roster,
      presence,
      publishing,
      sessions,
      identities,
      seats,
      drain,
    });
    this.#startedAt = workings.options.clock.now();
  }

  /** The limits in force. */
  get limits(): Limits {
    return this.#workings.options.limits;
  }

  /** How often messages and connections may come; undefined where that is not limited. */
  get rates(): ResolvedRates | undefined {
    return this.#workings.options.rates;
  }

  /** Seconds of silence after which a connection is pinged. */
  get heartbeatInterval(): number {
    return this.#workings.options.heartbeat.interval / 1000;
  }

  /** Seconds of silence after which a connection is given up. */
  get heartbeatTimeout(): number {
    return this.#workings.options.heartbeat.timeout / 1000;
  }

  /** Where the hub says what happens; what is built around it says so there too. */
  get logger(): Logger {
    return this.#workings.options.logger;
  }

  /** Whether the hub is ending: it takes no new connections. */
  get isDraining(): boolean {
    return this.#drain.hasBegun;
  }

  /** Which web pages may connect, and read the answers of the HTTP routes. */
  get origins(): OriginPolicy {
    return this.#workings.options.origins;
  }

  /**
   * Tells where a request comes from, and what it was sent to, behind the proxies that are believed.
   *
   * @param address The IP address at the other end of the socket; "" where it is not known.
   */
  locate(request: Request, address: string): Source {
    return this.#workings.options.proxies.locate(request, address);
  }

  /** Whether connections may join a room by their path. */
  get hasRooms(): boolean {
    return this.#rooms.areOffered;
  }

  /** The channels declared, by name or pattern, with their definitions. */
  get definitions(): ReadonlyMap<string, ChannelDefinition> {
    return this.#workings.registry.definitions;
  }

  /** A channel to publish to. */
  channel<N extends ChannelNames<C>>(name: N): Publisher<EventsOf<DefinitionOf<C, N>>> {
    return this.#publishing.toChannel(name);
  }

  /** All connections of one user, as the channel `@user:ID`. */
  user(userId: string): Publisher<Record<string, unknown>> {
    return this.#publishing.toUser(userId);
  }

  /** One connection, as the channel `@client:ID`. */
  client(clientId: string): Publisher<Record<string, unknown>> {
    return this.#publishing.toClient(clientId);
  }

  /** All connections, as the channel `@all`. */
  everyone(): Publisher<Record<string, unknown>> {
    return this.#publishing.toOwn(EVERYONE);
  }

  /** What is known of a channel, or undefined where none of that name is declared. */
  describe(name: string): ChannelInfo | undefined {
    const definition = isChannelName(name) ? this.#workings.registry.find(name) : undefined;
    if (definition === undefined) return undefined;
    const channel = this.#workings.channels.get(name);
    const subscriberIds = [...channel?.subscribers() ?? []].map(({ clientId }) => clientId);
    const { description } = definition;
    return { name, description, subscribers: subscriberIds.length, subscriberIds };
  }

  /**
   * Who is on a channel, on whichever hub of the same broker; undefined for a channel without presence.
   *
   * @throws {HeddleError} `broker_unavailable`.
   */
  async presence(channel: string): Promise<PresenceInfo | undefined> {
    return isChannelName(channel) ? await this.#presence.list(channel) : undefined;
  }

  /** Whether `role` may subscribe to `channel`. False for a channel that is not declared. */
  canSubscribe(channel: string, role: string): boolean {
    return this.#may(channel, role, "subscribe");
  }

  /** Whether `role` may publish to `channel`. False for a channel that is not declared. */
  canBroadcast(channel: string, role: string): boolean {
    return this.#may(channel, role, "broadcast");
  }

  /** The declared names and patterns that `role` may subscribe to. */
  accessibleChannels(role: string): string[] {
    return [...this.definitions]
      .filter(([, { permissions }]) => permits(permissions, role, "subscribe"))
      .map(([name]) => name);
  }

  /** What is known of a connection, or undefined where it is not open; see {@linkcode Hub.connections}. */
  connection(clientId: string): ConnectionInfo | undefined {
    return this.#find(clientId)?.info();
  }

  /**
   * What is known of all open connections, or of one user's. One whose close has begun, by either side, is
   * not among them: nothing reaches it any more, and it has left its channels and presence. Its socket may
   * take 5 s to end; until then `stats().connections` counts it, and `onDisconnect` and `drain` wait for it.
   *
   * @throws {HeddleError} `option_invalid` for a filter there is not.
   */
  connections(filter: ConnectionFilter = {}): ConnectionInfo[] {
    checkNames("connections", filter, ["userId"]);
    const { userId } = filter;
    const connections = userId === undefined ? this.#roster : this.#roster.ofUser(userId);
    return [...connections].filter(({ isOpen }) => isOpen).map((connection) => connection.info());
  }

  /**
   * Ends a connection.
   *
   * @param ending A close code of RFC 6455 section 7.4 that may be sent, and up to 123 bytes of reason.
   * @returns False where it is not open: it has ended, or closes already.
   * @throws {HeddleError} `option_invalid` for a code or reason that cannot be sent.
   */
  disconnect(clientId: string, ending: Ending = { code: 1000, reason: "" }): boolean {
    checkEnding(ending);
    const connection = this.#find(clientId);
    connection?.closeWith(ending);
    return connection !== undefined;
  }

  /**
   * Says that a user is banned or a token revoked. At once, a user's connections are closed with 4403,
   * which is final, and their sessions are ended; those of a token with 4401, from which clients come
   * back with another. Who comes later is for the authenticator to refuse: see {@linkcode withLookup}.
   *
   * @param revocation `{ userId }`, or `{ tokenId }`: the token's claim `jti`.
   * @returns How many connections were closed, once kept sessions are ended too.
   * @throws {HeddleError} `option_invalid` for an id that is no string, or empty; `broker_unavailable`
   * where kept sessions could not be ended.
   *
   * @example
   * ```ts
   * import { createHub, jwtAuth, withLookup } from "heddle";
   *
   * const banned = new Set<string>();
   * const tokens = jwtAuth({ secret: "a secret of at least thirty-two bytes" });
   * await using hub = createHub({
   *   auth: withLookup(tokens, (identity) => banned.has(identity.userId!) ? null : identity),
   * });
   * banned.add("u1");
   * const closed = await hub.revoke({ userId: "u1" });
   * if (closed !== 0) throw new Error("nobody was there");
   * ```
   */
  async revoke(revocation: Revocation): Promise<number> {
    const closed = this.#identities.revoke(revocation);
    if ("userId" in revocation) {
      await this.#workings.options.broker.sessions.end(revocation.userId);
    }
    return closed;
  }

  /**
   * Puts a user's open connections into another role at once: a subscription that it does not permit is
   * taken away, and the client told so. It holds until a connection ends or authenticates anew; what the
   * role is then says the authenticator, but one whose answer was under way is overruled.
   *
   * @returns How many connections there are.
   * @throws {HeddleError} `option_invalid` for a user id or a role that is no string, or empty.
   */
  setRole(userId: string, role: string): number {
    return this.#identities.setRole(userId, role);
  }

  /**
   * Takes a connection off channels, and tells it so.
   *
   * @returns False where it is not open.
   * @throws {HeddleError} `option_invalid` for channels that are no list of strings.
   */
  unsubscribe(clientId: string, channels: readonly string[], reason: string): boolean {
    checkStrings("unsubscribe: channels", channels ?? null);
    const connection = this.#find(clientId);
    connection?.revoke(channels, failure("forbidden", reason));
    return connection !== undefined;
  }

  /** Milliseconds since the hub was made. */
  get uptime(): number {
    return this.#workings.options.clock.now() - this.#startedAt;
  }

  /** Counters since the hub was made, and what it holds now. It goes through all channels and connections. */
  stats(): HubStats {
    const { stats, channels, options, rates } = this.#workings;
    const counted = [rates?.user?.stats, rates?.upgrades?.stats, options.throttle.stats];
    const sum = (of: "keys" | "evicted") =>
      counted.reduce((sum, stats) => sum + (stats?.[of] ?? 0), 0);
    let open = 0;
    let subscriptions = 0;
    for (const channel of channels) {
      if (isOwnChannelName(channel.name)) continue;
      open++;
      subscriptions += channel.size;
    }
    return {
      ...stats,
      refusals: Object.fromEntries(this.#workings.refusals),
      connections: this.#roster.size,
      openConnections: this.#roster.open,
      users: this.#roster.users,
      channels: open,
      subscriptions,
      eventsKept: options.broker.kept,
      sessionsKept: options.broker.sessions.size,
      sessionsEvicted: options.broker.sessions.evicted,
      rateLimited: { ...rates?.stats ?? noRefusals() },
      ratesKept: sum("keys"),
      ratesEvicted: sum("evicted"),
      connecting: this.#door.judging,
      uptime: this.uptime,
    };
  }

  /**
   * Judges a request for a connection, before anything of it is upgraded.
   *
   * @returns The right to open one connection, or the answer that refuses it: 400, 401, 403, 404, 405,
   * 426, 429 or 503 with `{"error", "message"}`. Never rejects.
   */
  admit(request: Request, origin: RequestOrigin): Promise<Admission | Response> {
    return Promise.resolve(this.#door.admit(request, origin));
  }

  /**
   * The same for an adapter, which may have no `Request` yet: it is let in at once where the authenticator
   * tells at once. Never throws, and never rejects.
   */
  judge(request: RequestHead, origin: RequestOrigin): MaybePromise<Admission | Response> {
    return this.#door.admit(request, origin);
  }

  /**
   * Finds out who makes an HTTP request, by the same rule as for a connection.
   *
   * @throws {Refusal} 401 or 503.
   */
  async identify(request: Request): Promise<Identity> {
    return await identify(request, this.#workings.options.auth, this.#workings.options.logger);
  }

  /** Takes over an open socket. The adapter tells the returned peer what the socket does. */
  accept(socket: Socket, admission: Admission): Peer {
    return this.#hosting.accept(socket, admission);
  }

  /**
   * Ends the hub gently: new connections are refused with 503, those there are told `disconnected` and
   * closed with 1012, which tells clients to come back; whoever has not closed within the deadline is
   * cut off. Then the broker is closed, where it is the hub's own. Called again, it gives the same
   * promise.
   *
   * @param options `within`, the deadline, and `spread`, the time over which the clients are asked to come
   * back: so that in no second more than `connections / spread` do, each is told a time of its own.
   * @throws {HeddleError} `option_invalid` for an option that is none; the hub then goes on.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    return this.#drain.begin(options);
  }

  /** The same as {@linkcode Hub.drain} with its default deadline. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  /** An open connection. */
  #find(clientId: string): Connection | undefined {
    const connection = this.#roster.get(clientId);
    return connection?.isOpen === true ? connection : undefined;
  }

  #may(channel: string, role: string, action: Action): boolean {
    const definition = isChannelName(channel) ? this.#workings.registry.find(channel) : undefined;
    return definition !== undefined && permits(definition.permissions, role, action);
  }
}

/**
 * Makes a hub. Hubs share nothing: any number live in one process.
 *
 * @example
 * ```ts
 * import { channel, createHub, jwtAuth } from "heddle";
 * import { z } from "zod";
 *
 * await using hub = createHub({
 *   auth: jwtAuth({ secret: "a secret of at least thirty-two bytes" }),
 *   channels: {
 *     metrics: channel({ events: { system_metrics: z.object({ cpu_percent: z.number() }) } }),
 *   },
 * });
 * const { offset } = await hub.channel("metrics").publish("system_metrics", { cpu_percent: 45.2 });
 * if (offset !== 1) throw new Error(`offset ${offset}`);
 * ```
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 */
export function createHub<
  const C extends ChannelDefinitions = Record<never, never>,
  const M extends MessageDefinitions = Record<never, never>,
>(options: HubOptions<C, M>): Hub<C, M> {
  return new Hub(options);
}

/** A hub of any channels and messages: what adapters and routes take. */
export type AnyHub = Omit<Hub, "channel" | "types"> & {
  channel(name: string): Publisher<Record<string, unknown>>;
};
