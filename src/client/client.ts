import { HeddleError } from "../base/errors.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Features, ServerMessageOf } from "../protocol/messages.ts";
import { Acknowledger } from "./acknowledger.ts";
import { Connector } from "./connector.ts";
import { RefusedError } from "./errors.ts";
import { type ClientEvents, type ClientStatus, eventNames } from "./events.ts";
import type { Received } from "./frames.ts";
import {
  type ClientPresence,
  type HistoryOptions,
  type HistoryPage,
  toHistoryPage,
} from "./history.ts";
import { Inbox } from "./inbox.ts";
import { type Link, notConnected } from "./link.ts";
import { Listeners } from "./listeners.ts";
import { type ClientOptions, type ResolvedClientOptions, resolveOptions } from "./options.ts";
import { Positions } from "./positions.ts";
import { Queue } from "./queue.ts";
import { type RequestOptions, Requests } from "./requests.ts";
import {
  type ClientPublishOptions,
  type ClientSendOptions,
  type MessageOptions,
  Sender,
} from "./sender.ts";
import { type ClientSession, Session } from "./session.ts";
import { type StreamOptions, streamReplies, toReply } from "./stream.ts";
import {
  checkSubscribe,
  type SubscribeOptions,
  type Subscription,
  Subscriptions,
} from "./subscriptions.ts";
import type {
  ChannelOf,
  ClientEvent,
  DataOf,
  EventHandler,
  EventOf,
  EventTypeOf,
  HubShape,
  MessageTypeOf,
  PayloadArguments,
  PayloadOf,
  Reply,
} from "./types.ts";

/** Where a publication ended up. */
export interface ClientPublished {
  readonly channel: string;
  readonly epoch: string;
  /** Its place in the channel: 1, 2, 3 … */
  readonly offset: number;
  readonly id?: string;
}

/**
 * A client of a hub. It comes back when the connection is lost and resumes its session: it keeps its id
 * and its subscriptions, gets every event that it missed, in order and each once, and is told with `gap`
 * of those that the server no longer has. What it sends meanwhile waits. Where the session is over by
 * then, it subscribes anew from where it stood.
 *
 * An event that the server wants acknowledged is acknowledged when its handlers and the `event` listeners
 * are done, their promises included, and also where one throws: the server would only repeat it to all.
 *
 * Nothing that a listener or handler throws comes out of a socket's callback: it goes to the `error`
 * listeners, and where there are none, to the console.
 *
 * @typeParam H The hub: `createClient<typeof hub>()`. Without it, every channel and message is permitted.
 */
export class Client<H extends HubShape = HubShape> implements AsyncDisposable {
  readonly #options: ResolvedClientOptions;
  readonly #listeners = new Listeners<ClientEvents>(eventNames);
  readonly #queue: Queue;
  readonly #requests: Requests;
  readonly #sender: Sender;
  readonly #subscriptions: Subscriptions;
  readonly #positions: Positions;
  readonly #acknowledger: Acknowledger;
  readonly #inbox: Inbox;
  readonly #session: Session;
  readonly #connector: Connector;
  #clientId: string | undefined;

  /** Use {@linkcode createClient}. */
  constructor(options: ClientOptions) {
    this.#options = resolveOptions(options);
    const { clock, random, requestTimeout: timeout, queue, session } = this.#options;
    this.#queue = new Queue({
      options: queue,
      clock,
      random,
      isAwaited: () => this.#isAwaited,
      report: (error) => this.#listeners.report(error),
    });
    this.#requests = new Requests(clock, random, {
      timeout,
      closed: (id) => this.#queue.close(id),
    });
    this.#sender = new Sender(this.#requests, this.#queue);
    this.#positions = new Positions(session?.positions);
    this.#subscriptions = new Subscriptions({
      subscribe: (channels, options) => this.#subscribe(channels, options),
      unsubscribe: (channels) =>
        this.#sender.ask("unsubscribed", { type: "unsubscribe", channels }, { isUrgent: true }),
      later: (ms, fn) => clock.after(ms, fn),
      call: (handlers, event) => this.#listeners.callAll(handlers, event),
      left: (channel) => this.#positions.leave(channel),
      lost: (channels, { code, message }) =>
        this.#listeners.emit("unsubscribed", { channels, code, message }),
      report: (error) => this.#listeners.report(error),
    });
    this.#acknowledger = new Acknowledger((ids) => this.#acknowledge(ids));
    this.#inbox = new Inbox(this.#positions, this.#acknowledger, {
      clock,
      owner: {
        hand: (event) => this.#hand(event),
        gap: (info) => this.#listeners.emit("gap", info),
        recovered: (info) => this.#listeners.emit("recovered", info),
        wants: (channel) => this.#subscriptions.wants(channel),
      },
    });
    this.#session = new Session({
      positions: this.#positions,
      inbox: this.#inbox,
      sender: this.#sender,
    }, session?.token);
    this.#connector = new Connector(this.#options, this.#listeners, {
      greeted: (message, link, begin) => this.#greeted(message, link, begin),
      offline: (error) => this.#offline(error),
      abandoned: (error) => {
        this.#subscriptions.abandon(error);
        this.#queue.abandon(error);
      },
      received: (message) => this.#received(message),
    });
  }

  /** Where the client stands. `on("status", …)` tells of every change. */
  get status(): ClientStatus {
    return this.#connector.status;
  }

  /** Whether there is a connection. */
  get isConnected(): boolean {
    return this.status === "connected";
  }

  /** The client's id at the server, undefined while there is no connection. A session keeps it. */
  get clientId(): string | undefined {
    return this.#clientId;
  }

  /** How many messages wait for a connection, or for the server to take more. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * What another client needs to go on where this one is, such as that of a reloaded page:
   * `createClient({ session })`. Undefined before the first connection and after `disconnect`.
   */
  get session(): ClientSession | undefined {
    return this.#session.saved;
  }

  /** What the server granted of the features asked for; nothing until it has. */
  get features(): Features {
    return this.#connector.link?.granted ?? {};
  }

  /**
   * Connects. Called again while connecting or reconnecting it waits for the same connection, called when
   * there is one it does nothing.
   *
   * The first attempt is the only one: the backoff is for connections that were lost.
   *
   * @throws {HeddleError} `closed` ({@linkcode ClosedError}) where the server refused or is not there (a
   * standard WebSocket does not tell which), or `disconnect` was called; `timeout`; `unauthorized`
   * where the token function failed.
   */
  connect(): Promise<void> {
    return this.#connector.connect();
  }

  /**
   * Ends the connection, or the attempts to get one, and stays away. The session ends with it, and what
   * still waits to be sent is not. Listeners and the handlers of subscriptions that stood are kept for a
   * next `connect`, which begins anew. Never rejects, and may be called any time.
   */
  disconnect(): Promise<void> {
    this.#session.end();
    this.#acknowledger.clear();
    return this.#connector.disconnect();
  }

  /** The same as {@linkcode Client.disconnect}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  /**
   * Listens to what happens to the client.
   *
   * @returns A function that stops it.
   * @throws {HeddleError} `option_invalid` for a name that is not in {@linkcode ClientEvents}.
   */
  on<N extends keyof ClientEvents>(
    name: N,
    listener: (value: ClientEvents[N]) => MaybePromise<void>,
  ): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Subscribes to a channel. Handlers of one channel share one subscription on the wire, which is taken up
   * again after a reconnection. While there is no connection yet, it waits for one.
   *
   * The events of `@all` and of this user's and connection's own channels come unasked: see `on("event")`.
   *
   * @param handler Gets every event of the channel, in order, each once.
   * @param options How much of the past it wants first, and what the others are told.
   * @returns The subscription, once it stands.
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `forbidden`,
   * `unknown_channel` …), `timeout`, `option_invalid`, or `closed` where `connect` was not called or the
   * client was closed.
   */
  async subscribe<N extends ChannelOf<H>>(
    channel: N,
    handler: EventHandler<EventOf<H, N>>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    checkSubscribe(options);
    if (!this.#isAwaited) throw notConnected();
    // The types say what the hub's schemas see to: this channel has no other events.
    const untyped = handler as EventHandler<never> as EventHandler<ClientEvent>;
    return await this.#subscriptions.add(channel, untyped, options);
  }

  /** Asks the server which channels this connection is subscribed to. Throws as `request` does. */
  async subscriptions(options?: RequestOptions): Promise<readonly string[]> {
    const { channels } = await this.#sender.ask(
      "subscriptions",
      { type: "get_subscriptions" },
      options,
    );
    return channels;
  }

  /**
   * Gives a part of a channel's past, oldest first. Whoever may subscribe to the channel may ask.
   *
   * @example
   * ```ts
   * import { allowAnonymous, channel, createHub } from "heddle";
   * import { createClient } from "heddle/client";
   * import { serve } from "heddle/node";
   *
   * await using hub = createHub({ auth: allowAnonymous(), channels: { news: channel() } });
   * const server = await serve(hub, { port: 0 });
   * const client = createClient<typeof hub>({ url: `${server.url}/ws` });
   * await client.connect();
   * for (const n of [1, 2, 3]) await hub.channel("news").publish("item", { n });
   *
   * const first = await client.history("news", { limit: 2 });
   * const rest = await client.history("news", { since: first.next });
   * if (first.events.length !== 2 || rest.events.length !== 1) throw new Error("not the whole past");
   *
   * await client.disconnect();
   * await server.close();
   * ```
   *
   * @throws {HeddleError} `refused`, `timeout`, `closed` as `request`.
   */
  async history<N extends ChannelOf<H>>(
    channel: N,
    options: HistoryOptions = {},
  ): Promise<HistoryPage<EventOf<H, N>>> {
    const { since, limit, ...waiting } = options;
    return toHistoryPage(
      await this.#sender.ask("history", { type: "history", channel, since, limit }, waiting),
    ) as HistoryPage<ClientEvent> as HistoryPage<never> as HistoryPage<EventOf<H, N>>;
  }

  /**
   * Tells who is on a channel that has presence.
   *
   * @throws {HeddleError} `refused` (`reason` being `unsupported` for a channel without presence),
   * `timeout`, `closed` as `request`.
   */
  async presence<N extends ChannelOf<H>>(
    channel: N,
    options?: RequestOptions,
  ): Promise<ClientPresence> {
    const answer = await this.#sender.ask("presence", { type: "presence", channel }, options);
    const { count, members } = answer;
    return members === undefined ? { channel, count } : { channel, count, members };
  }

  /**
   * Publishes an event. {@linkcode Media} goes as a binary envelope, anything else as JSON.
   *
   * While there is no connection it waits for one, and so do those after it: they are published in order,
   * each once. Where the connection is lost before the answer, it is published again when the session is
   * resumed, under the same `id`, so that the server takes it once.
   *
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `forbidden`,
   * `unknown_channel`, `payload_invalid` …), `payload_invalid` for data that JSON cannot hold, `too_large`,
   * `queue_full` where more waits than the option `queue` allows, `timeout`; or `closed`: where the client
   * is not connecting or was closed meanwhile, or where the session was lost after the event had been
   * sent, so that nobody knows what became of it.
   */
  async publish<N extends ChannelOf<H>, T extends EventTypeOf<H, N>>(
    channel: N,
    eventType: T,
    data: DataOf<H, N, T>,
    options: ClientPublishOptions = {},
  ): Promise<ClientPublished> {
    const { epoch, offset, id } = await this.#sender.publish(channel, eventType, data, options);
    return { channel, epoch, offset, ...(id === undefined ? {} : { id }) };
  }

  /**
   * Sends a message to the application and waits for the first reply. While there is no connection it
   * waits for one.
   *
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `unknown_type`,
   * `payload_invalid` …), `payload_invalid` for a payload that JSON cannot hold, `option_invalid` for a
   * type of the protocol's own, `too_large`, `queue_full`, `timeout`; `closed` where the client is not
   * connecting, or the connection was lost before the answer, unless the option `resend` says to send it
   * again; or the reason of the signal.
   */
  async request<T extends MessageTypeOf<H>>(
    type: T,
    ...[payload, options]: PayloadArguments<PayloadOf<H, T>, MessageOptions>
  ): Promise<Reply> {
    const resend = options?.resend;
    return toReply(
      await this.#requests.ask(
        (id, waiting) => this.#sender.message(type, payload, { id, waiting, resend }),
        options,
      ),
    );
  }

  /**
   * Sends a message to the application and gives its replies as they come, up to one whose type is in
   * `until`. The message goes out when the first is asked for. Throws as `request` does, but waits for as
   * long as it takes.
   *
   * @example
   * ```ts ignore
   * for await (const { type, payload } of client.stream("agent_request", { task }, {
   *   until: ["agent_completed"],
   * })) console.log(type, payload);
   * ```
   */
  stream<T extends MessageTypeOf<H>>(
    type: T,
    ...[payload, options = {}]: PayloadArguments<PayloadOf<H, T>, StreamOptions>
  ): AsyncIterableIterator<Reply> {
    return streamReplies(
      this.#requests,
      (id, waiting) => this.#sender.message(type, payload, { id, waiting }),
      options,
    );
  }

  /**
   * Sends a message to the application and waits for nothing. While there is no connection the message
   * waits for one; one that was on its way when the connection was lost may have arrived or not, unless
   * the option `resend` says to send it again. What comes back goes to `on("message")`, a refusal to
   * `on("error")`.
   *
   * @throws {HeddleError} `closed` where the client is not connecting; `payload_invalid`,
   * `option_invalid`, `too_large` or `queue_full`, as `request`.
   */
  send<T extends MessageTypeOf<H>>(
    type: T,
    ...[payload, options]: PayloadArguments<PayloadOf<H, T>, ClientSendOptions>
  ): void {
    this.#sender.message(type, payload, { resend: options?.resend });
  }

  /** Measures the way to the server and back, in milliseconds. Throws as `request` does. */
  async ping(options?: RequestOptions): Promise<number> {
    const { clock } = this.#options;
    const sent = clock.now();
    await this.#sender.ask("pong", { type: "ping" }, options);
    return clock.now() - sent;
  }

  /** Whether there is a connection, or may be one again. */
  get #isAwaited(): boolean {
    return this.status !== "idle" && this.status !== "closed";
  }

  #greeted(
    greeting: ServerMessageOf<"connected">,
    link: Link,
    connected: (beginning: { readonly clientId: string; readonly resumed: boolean }) => void,
  ): void {
    this.#queue.greet(link);
    this.#sayHello();
    this.#session.greeted(greeting, link, ({ clientId, resumed }) => {
      const isResumed = resumed !== undefined;
      this.#clientId = clientId;
      this.#queue.open(greeting.limits, isResumed);
      connected({ clientId, resumed: isResumed });
      // Whoever was told may have disconnected, here and below.
      if (this.#connector.link !== link) return;
      const { channels: granted = [], rejected } = resumed ?? greeting;
      if (resumed !== undefined) {
        this.#listeners.emit("resumed", { clientId, channels: granted });
        if (this.#connector.link !== link) return;
        this.#inbox.resume(resumed);
      } else this.#inbox.begin(greeting.positions);
      if (this.#connector.link !== link) return;
      const wanted = granted.filter((channel) => this.#subscriptions.wants(channel));
      const standing = wanted.filter((channel) => this.#positions.isStanding(channel));
      // What a former page had is left, until this one asks for it; what a path joined stays.
      const unasked = (isResumed ? granted : wanted).filter((name) => !standing.includes(name));
      this.#subscriptions.online(standing, unasked, rejected);
    });
  }

  /** Before anything else, so that what is recovered comes as it was asked for. */
  #sayHello(): void {
    const { features } = this.#options;
    if (features === undefined) return;
    const hello = { type: "hello", features } as const;
    this.#sender.ask("welcome", hello, { fate: "opening" }).catch((error: unknown) => {
      // That the connection is gone has been told.
      if (!(error instanceof HeddleError && error.code === "closed")) this.#listeners.report(error);
    });
  }

  #subscribe(
    channels: readonly string[],
    options: SubscribeOptions,
  ): Promise<ServerMessageOf<"subscribed">> {
    const known = channels.filter((channel) => this.#positions.get(channel) !== undefined);
    const positions = Object.fromEntries(known.map((name) => [name, this.#positions.get(name)]));
    return this.#sender.ask("subscribed", {
      type: "subscribe",
      channels,
      ...(known.length === 0 ? {} : { positions }),
      ...options,
    }, { isUrgent: true });
  }

  #offline(error: HeddleError): void {
    this.#clientId = undefined;
    this.#session.offline();
    this.#inbox.offline();
    this.#subscriptions.offline();
    this.#queue.offline(error);
  }

  #hand(event: ClientEvent): Promise<unknown> | undefined {
    const listening = this.#listeners.emit("event", event);
    const handling = this.#subscriptions.deliver(event);
    return listening && handling ? Promise.all([listening, handling]) : listening ?? handling;
  }

  #acknowledge(ack_ids: readonly string[]): void {
    const { link } = this.#connector;
    // What is not said now is asked for again by a repeat.
    if (link?.isWritable) link.send(JSON.stringify({ type: "ack", ack_ids }), "text");
  }

  #received(message: Received): void {
    this.#listeners.emit("message", message.raw);
    const { known } = message;
    // Both take effect before anything that follows, which may be in the same tick.
    if (known?.type === "subscribed") this.#inbox.subscribed(known);
    if (known?.type === "resumed") this.#session.resumed(known);
    if (this.#queue.answered(message) || this.#requests.take(message)) return;
    switch (known?.type) {
      case "event":
      case "gap":
        if (this.#inbox.receive(known)) return;
        this.#connector.fail(new HeddleError("too_large", "too much came before the session"));
        return;
      case "disconnected":
        this.#session.disconnected(known);
        return;
      case "error":
        this.#listeners.report(new RefusedError(known));
        return;
      case "unsubscribed": {
        const { channels, code = "forbidden", message = "" } = known;
        this.#subscriptions.revoked(channels, { code, message });
        return;
      }
      default:
        // Late answers, and what later versions of the protocol or the application send.
    }
  }
}

/**
 * Makes a client. It connects when it is told to.
 *
 * @example
 * ```ts
 * import { allowAnonymous, channel, createHub } from "heddle";
 * import { createClient } from "heddle/client";
 * import { serve } from "heddle/node";
 * import { z } from "zod";
 *
 * await using hub = createHub({
 *   auth: allowAnonymous(),
 *   channels: {
 *     metrics: channel({ events: { system_metrics: z.object({ cpu_percent: z.number() }) } }),
 *   },
 * });
 * const server = await serve(hub, { port: 0 });
 * const client = createClient<typeof hub>({ url: `${server.url}/ws` });
 * await client.connect();
 *
 * const seen: number[] = [];
 * const metrics = await client.subscribe("metrics", ({ data }) => void seen.push(data.cpu_percent));
 * await hub.channel("metrics").publish("system_metrics", { cpu_percent: 45.2 });
 * await client.ping();
 * if (seen[0] !== 45.2) throw new Error("the event did not come before the answer");
 *
 * await metrics.unsubscribe();
 * await client.disconnect();
 * await server.close();
 * ```
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 */
export function createClient<H extends HubShape = HubShape>(options: ClientOptions): Client<H> {
  return new Client(options);
}
