import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import { uuid } from "../base/random.ts";
import type { Channel } from "../channel/channel.ts";
import type { ChannelDefinition, ChannelDefinitions } from "../channel/definition.ts";
import type { Socket } from "../channel/socket.ts";
import type { Identity } from "../guard/identity.ts";
import { type Action, permits } from "../guard/permissions.ts";
import { Refusal } from "../guard/refusal.ts";
import { offeredAlgorithms } from "../protocol/encode.ts";
import { failure } from "../protocol/errors.ts";
import { type Position, SUBPROTOCOL } from "../protocol/messages.ts";
import {
  clientChannel,
  EVERYONE,
  isChannelName,
  isOwnChannelName,
  userChannel,
} from "../protocol/names.ts";
import type { Joined } from "../session/effect.ts";
import { type Admission, identify, judge, type RequestOrigin } from "./admission.ts";
import { checkEnding, Connection, type ConnectionHost, type Opened } from "./connection.ts";
import { handleMessage } from "./handling.ts";
import type { ConnectionInfo, HubStats } from "./info.ts";
import type { Logger } from "./logger.ts";
import type { MessageDefinitions } from "./message.ts";
import { type Ending, type HubOptions, type Limits, resolveOptions } from "./options.ts";
import type { ChannelNames, DefinitionOf, EventsOf, Publisher } from "./publication.ts";
import { Publishing } from "./publishing.ts";
import { Roster } from "./roster.ts";
import { createWorkings, type Workings } from "./workings.ts";

/** How long `drain` waits for peers to close, in milliseconds. */
const DRAIN_TIMEOUT = 10_000;

/** What an adapter holds of a connection it handed over. No method throws. */
export interface Peer {
  /** The connection's UUID. */
  readonly clientId: string;
  /** The socket received a message: a string is text, bytes are binary. */
  receive(data: string | Uint8Array): void;
  /** The socket received a Pong frame. */
  pong(): void;
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
  readonly #publishing: Publishing;
  readonly #roster = new Roster();
  readonly #host: ConnectionHost;
  readonly #startedAt: number;
  #draining: Promise<void> | undefined;
  #emptied: (() => void) | undefined;

  /** Use {@linkcode createHub}. */
  constructor(options: HubOptions<C, M>) {
    this.#workings = createWorkings(resolveOptions(options));
    this.#publishing = new Publishing(this.#workings);
    this.#startedAt = this.#workings.options.clock.now();
    this.#host = {
      open: (connection, channels) => this.#open(connection, channels),
      join: (connection, opened) => this.#join(connection, opened),
      leave: (connection, channels) => this.#leave(connection, channels),
      locate: (channels) => this.#locate(channels),
      publish: (connection, request) => this.#publishing.fromClient(connection, request),
      handle: (connection, message) => handleMessage(this.#workings, connection, message),
      ended: (connection, ending) => this.#ended(connection, ending),
    };
  }

  /** The limits in force. */
  get limits(): Limits {
    return this.#workings.options.limits;
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
    return this.#draining !== undefined;
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
    return this.#publishing.toOwn(userChannel(userId));
  }

  /** One connection, as the channel `@client:ID`. */
  client(clientId: string): Publisher<Record<string, unknown>> {
    return this.#publishing.toOwn(clientChannel(clientId));
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

  /** What is known of a connection, or undefined where it is not open. */
  connection(clientId: string): ConnectionInfo | undefined {
    return this.#roster.get(clientId)?.info();
  }

  /** What is known of all connections, or of one user's. */
  connections(filter: ConnectionFilter = {}): ConnectionInfo[] {
    const { userId } = filter;
    const connections = userId === undefined ? this.#roster : this.#roster.ofUser(userId);
    return Array.from(connections, (connection) => connection.info());
  }

  /**
   * Ends a connection.
   *
   * @param ending A close code of RFC 6455 section 7.4 that may be sent, and up to 123 bytes of reason.
   * @returns False where it is not open.
   * @throws {HeddleError} `option_invalid` for a code or reason that cannot be sent.
   */
  disconnect(clientId: string, ending: Ending = { code: 1000, reason: "" }): boolean {
    checkEnding(ending);
    const connection = this.#roster.get(clientId);
    connection?.closeWith(ending);
    return connection !== undefined;
  }

  /** Takes a connection off channels, and tells it so. */
  unsubscribe(clientId: string, channels: readonly string[], reason: string): boolean {
    const connection = this.#roster.get(clientId);
    connection?.revoke(channels, failure("forbidden", reason));
    return connection !== undefined;
  }

  /** Counters since the hub was made, and what it holds now. */
  stats(): HubStats {
    const { stats, channels, options } = this.#workings;
    let open = 0;
    let subscriptions = 0;
    for (const channel of channels) {
      if (isOwnChannelName(channel.name)) continue;
      open++;
      subscriptions += channel.size;
    }
    return {
      ...stats,
      connections: this.#roster.size,
      users: this.#roster.users,
      channels: open,
      subscriptions,
      uptime: options.clock.now() - this.#startedAt,
    };
  }

  /**
   * Judges a request for a connection, before anything of it is upgraded.
   *
   * @returns The right to open one connection, or the answer that refuses it: 400, 401, 403, 405, 426
   * or 503 with `{"error", "message"}`. Never rejects.
   */
  async admit(request: Request, origin: RequestOrigin): Promise<Admission | Response> {
    const { options, stats } = this.#workings;
    try {
      this.#refuseIfFull();
      const admission = await judge(request, origin, options.auth, options.logger);
      this.#refuseIfFull();
      return admission;
    } catch (error) {
      stats.refused++;
      if (error instanceof Refusal) return error.toResponse();
      options.logger.error("a request could not be judged", { error });
      return new Refusal(500, "internal", "the server failed").toResponse();
    }
  }

  /**
   * Finds out who makes an HTTP request, by the same rule as for a connection.
   *
   * @throws {Refusal} 401 or 503.
   */
  identify(request: Request): Promise<Identity> {
    return identify(request, this.#workings.options.auth, this.#workings.options.logger);
  }

  /** Takes over an open socket. The adapter tells the returned peer what the socket does. */
  accept(socket: Socket, admission: Admission): Peer {
    const { options, stats } = this.#workings;
    const clientId = uuid(options.random);
    const connection = new Connection(clientId, socket, admission, this.#workings, this.#host);
    this.#roster.add(connection);
    stats.totalConnections++;
    stats.peakConnections = Math.max(stats.peakConnections, this.#roster.size);
    if (this.isDraining || this.#roster.size > options.limits.connections) {
      connection.close(this.isDraining ? "service_restart" : "try_again_later");
      return connection;
    }
    const { userId } = connection;
    const own = [EVERYONE, clientChannel(clientId)];
    if (userId !== null) own.push(userChannel(userId));
    whenReady(
      this.#hold(own),
      (opened) => this.#greet(connection, own, opened),
      (error) => {
        options.logger.error("a connection could not be greeted", { clientId, error });
        connection.close("try_again_later");
      },
    );
    return connection;
  }

  /**
   * Ends the hub gently: new connections are refused with 503, those there are told `disconnected` and
   * closed with 1012, which tells clients to come back; whoever has not closed within the deadline is
   * cut off. Then the broker is closed. Called again, it gives the same promise.
   *
   * @param options.within The deadline in milliseconds. @default 10000
   */
  drain({ within = DRAIN_TIMEOUT }: { readonly within?: number } = {}): Promise<void> {
    this.#draining ??= this.#drain(within);
    return this.#draining;
  }

  /** The same as {@linkcode Hub.drain} with its default deadline. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  async #drain(within: number): Promise<void> {
    const { options, wheel } = this.#workings;
    for (const connection of [...this.#roster]) connection.close("service_restart");
    await new Promise<void>((resolve) => {
      if (this.#roster.size === 0) return resolve();
      const cancel = options.clock.after(within, resolve);
      this.#emptied = () => {
        cancel();
        resolve();
      };
    });
    for (const connection of [...this.#roster]) {
      connection.terminate({ code: 1006, reason: "did not close in time" });
    }
    wheel.clear();
    await options.broker.close();
  }

  #refuseIfFull(): void {
    if (this.isDraining) {
      throw new Refusal(503, "draining", "the server is going down; come back", {
        "Retry-After": "1",
      });
    }
    if (this.#roster.size >= this.limits.connections) {
      throw new Refusal(503, "too_many_connections", "the server is full; try again", {
        "Retry-After": "5",
      });
    }
  }

  #may(channel: string, role: string, action: Action): boolean {
    const definition = isChannelName(channel) ? this.#workings.registry.find(channel) : undefined;
    return definition !== undefined && permits(definition.permissions, role, action);
  }

  /** Takes holds on all channels, or on none. */
  #hold(names: readonly string[]): MaybePromise<readonly Channel[]> {
    const { channels } = this.#workings;
    const held = names.map((name) => channels.hold(name));
    if (!held.some((channel) => channel instanceof Promise)) return held as Channel[];
    return Promise.allSettled(held).then((results) => {
      const reason = results.find((result) => result.status === "rejected")?.reason;
      if (reason === undefined) return Promise.all(held);
      results.forEach((result, i) => {
        if (result.status === "fulfilled") channels.release(names[i]!);
      });
      throw reason;
    });
  }

  #greet(connection: Connection, own: readonly string[], opened: readonly Channel[]): void {
    const { channels, options, timestamp } = this.#workings;
    if (!connection.isOpen) {
      for (const name of own) channels.release(name);
      return;
    }
    connection.own = own;
    for (const channel of opened) channel.add(connection);
    const { identity } = connection.admission;
    const { text, subscribe, binary, subscriptions } = options.limits;
    connection.open({
      type: "connected",
      client_id: connection.clientId,
      user_id: identity.userId,
      role: identity.role,
      reconnected: false,
      ...(identity.expiresAt === undefined ? {} : {
        token_expires_in: Math.max(0, Math.round(identity.expiresAt - options.clock.wall() / 1000)),
      }),
      heartbeat_interval: this.heartbeatInterval,
      protocol: SUBPROTOCOL,
      features: { binary: {}, compression: { algorithms: offeredAlgorithms } },
      limits: {
        text_bytes: text,
        subscribe_bytes: subscribe,
        binary_bytes: binary,
        subscriptions,
        in_flight: options.limits.inFlight,
      },
      positions: Object.fromEntries(opened.map(({ name, position }) => [name, position])),
      timestamp: timestamp(),
    });
    this.#tell(() => options.onConnect(connection.info()));
  }

  #open(connection: Connection, names: readonly string[]): MaybePromise<readonly Opened[]> {
    const { registry, channels } = this.#workings;
    const { role } = connection.admission.identity;
    const opening = names.map((channel): MaybePromise<Opened> => {
      const definition = registry.find(channel);
      if (definition === undefined) {
        const message = `no channel "${channel}" is declared`;
        return { channel, failure: failure("unknown_channel", message) };
      }
      if (!permits(definition.permissions, role, "subscribe")) {
        const message = `the role "${role}" may not subscribe to "${channel}"`;
        return { channel, failure: failure("forbidden", message) };
      }
      return whenReady(
        channels.hold(channel),
        (held): Opened => ({ channel, held }),
        (): Opened => ({
          channel,
          failure: failure("broker_unavailable", "the channel cannot be opened; try again"),
        }),
      );
    });
    return opening.some((opened) => opened instanceof Promise)
      ? Promise.all(opening)
      : opening as Opened[];
  }

  /** Puts a connection on the channels that were opened for it. From here to its answer nothing waits. */
  #join(connection: Connection, opened: readonly Opened[]): readonly Joined[] {
    const { channels } = this.#workings;
    return opened.map((result): Joined => {
      if ("failure" in result) return result;
      const { channel, held } = result;
      // One hold belongs to each subscription: a repeat or a connection that has gone needs none.
      if (held.has(connection) || !connection.isOpen) channels.release(channel);
      else held.add(connection);
      return { channel, position: held.position };
    });
  }

  #leave(connection: Connection, names: Iterable<string>): void {
    const { channels } = this.#workings;
    for (const name of names) {
      if (channels.get(name)?.delete(connection)) channels.release(name);
    }
  }

  #locate(names: readonly string[]): Readonly<Record<string, Position>> {
    const positions: [string, Position][] = [];
    for (const name of names) {
      const channel = this.#workings.channels.get(name);
      if (channel !== undefined) positions.push([name, channel.position]);
    }
    return Object.fromEntries(positions);
  }

  #ended(connection: Connection, ending: Ending): void {
    if (!this.#roster.delete(connection)) return;
    this.#workings.stats.totalDisconnections++;
    if (connection.wasGreeted) {
      this.#tell(() => this.#workings.options.onDisconnect(connection.info(), ending));
    }
    if (this.#roster.size === 0) this.#emptied?.();
  }

  /** Calls the application, whose mistakes must not become the connection's. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#workings.options.logger.error("a callback of the application threw", { error });
    }
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
