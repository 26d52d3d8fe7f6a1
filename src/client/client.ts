import { checkNames, checkType } from "../base/option_checks.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Features } from "../protocol/messages.ts";
import { Core } from "./core.ts";
import type { AuthenticatedInfo, ClientEvents, ClientStatus } from "./events.ts";
import {
  type ClientPresence,
  type HistoryOptions,
  type HistoryPage,
  toHistoryPage,
} from "./history.ts";
import { notConnected } from "./link.ts";
import type { ClientOptions } from "./options.ts";
import type { RequestOptions } from "./requests.ts";
import type { ClientPublishOptions, ClientSendOptions, MessageOptions } from "./sender.ts";
import type { ClientSession } from "./session.ts";
import { type StreamOptions, streamReplies, toReply } from "./stream.ts";
import { checkSubscribe, type SubscribeOptions, type Subscription } from "./subscription.ts";
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
  readonly #core: Core;

  /** Use {@linkcode createClient}. */
  constructor(options: ClientOptions) {
    this.#core = new Core(options);
  }

  /** Where the client stands. `on("status", …)` tells of every change. */
  get status(): ClientStatus {
    return this.#core.connector.status;
  }

  /** Whether there is a connection. */
  get isConnected(): boolean {
    return this.status === "connected";
  }

  /** The client's id at the server, undefined while there is no connection. A session keeps it. */
  get clientId(): string | undefined {
    return this.#core.clientId;
  }

  /** How many messages wait for a connection, or for the server to take more. */
  get queued(): number {
    return this.#core.queue.size;
  }

  /**
   * What another client needs to go on where this one is, such as that of a reloaded page:
   * `createClient({ session })`. Undefined before the first connection and after `disconnect`.
   *
   * @example
   * ```ts
   * import { allowAnonymous, channel, createHub } from "heddle";
   * import { createClient } from "heddle/client";
   * import { serve } from "heddle/node";
   *
   * await using hub = createHub({ auth: allowAnonymous(), channels: { news: channel() } });
   * const server = await serve(hub, { port: 0 });
   * const url = `${server.url}/ws`;
   * const page = createClient<typeof hub>({ url });
   * await page.connect();
   * await page.subscribe("news", () => {});
   * const kept = JSON.stringify(page.session);
   *
   * const reloaded = createClient<typeof hub>({ url, session: JSON.parse(kept) });
   * await hub.channel("news").publish("item", { n: 1 });
   * await reloaded.connect();
   * const seen: unknown[] = [];
   * await reloaded.subscribe("news", ({ data }) => void seen.push(data));
   * await reloaded.ping();
   * if (seen.length !== 1) throw new Error("what came between was lost");
   *
   * await reloaded.disconnect();
   * await server.close();
   * ```
   */
  get session(): ClientSession | undefined {
    return this.#core.session.saved;
  }

  /** What the server granted of the features asked for; nothing until it has. */
  get features(): Features {
    return this.#core.connector.link?.granted ?? {};
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
    return this.#core.connector.connect();
  }

  /**
   * Ends the connection, or the attempts to get one, and stays away. The session ends with it, and what
   * still waits to be sent is not. Listeners and the handlers of subscriptions that stood are kept for a
   * next `connect`, which begins anew. Never rejects, and may be called any time.
   */
  disconnect(): Promise<void> {
    return this.#core.disconnect();
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
    return this.#core.listeners.on(name, listener);
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
    checkType("subscribe: the handler", handler ?? null, "function");
    checkSubscribe(options);
    if (!this.#core.isAwaited) throw notConnected();
    // The types say what the hub's schemas see to: this channel has no other events.
    const untyped = handler as EventHandler<never> as EventHandler<ClientEvent>;
    return await this.#core.subscriptions.add(channel, untyped, options);
  }

  /** Asks the server which channels this connection is subscribed to. Throws as `request` does. */
  async subscriptions(options?: RequestOptions): Promise<readonly string[]> {
    const { channels } = await this.#core.sender.ask(
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
    checkNames("history", options, ["since", "limit", "timeout", "signal"]);
    const { since, limit, ...waiting } = options;
    return toHistoryPage(
      await this.#core.sender.ask("history", { type: "history", channel, since, limit }, waiting),
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
    const answer = await this.#core.sender.ask("presence", { type: "presence", channel }, options);
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
    const { epoch, offset, id } = await this.#core.sender.publish(
      channel,
      eventType,
      data,
      options,
    );
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
    checkNames("request", options ?? {}, ["resend", "timeout", "signal"]);
    const { resend, ...wait } = options ?? {};
    return toReply(
      await this.#core.requests.ask(
        (id, waiting) => this.#core.sender.message(type, payload, { id, waiting, resend }),
        wait,
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
      this.#core.requests,
      (id, waiting) => this.#core.sender.message(type, payload, { id, waiting }),
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
    checkNames("send", options ?? {}, ["resend"]);
    this.#core.sender.message(type, payload, { resend: options?.resend });
  }

  /**
   * Gives the server a new token for the connection there is: it may bring another role, never another
   * user. Where the option `token` is a function, the client does this by itself before its token runs
   * out.
   *
   * @param token The token. @default what the option `token` gives
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `unauthorized`,
   * `token_expired` or `forbidden`: the connection goes on as it was), `unauthorized` where the token
   * function failed, `option_invalid` where there is no token, `timeout`, `closed` as `request`.
   */
  authenticate(token?: string, options?: RequestOptions): Promise<AuthenticatedInfo> {
    return this.#core.renewal.authenticate(token, options);
  }

  /** Measures the way to the server and back, in milliseconds. Throws as `request` does. */
  async ping(options?: RequestOptions): Promise<number> {
    const { clock } = this.#core.options;
    const sent = clock.now();
    await this.#core.sender.ask("pong", { type: "ping" }, options);
    return clock.now() - sent;
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
