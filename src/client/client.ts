import { HeddleError } from "../base/errors.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Features, ServerMessageOf } from "../protocol/messages.ts";
import { Connector } from "./connector.ts";
import { RefusedError } from "./errors.ts";
import { type ClientEvents, type ClientStatus, eventNames } from "./events.ts";
import type { Received } from "./frames.ts";
import { notConnected } from "./link.ts";
import { Listeners } from "./listeners.ts";
import { type ClientOptions, type ResolvedClientOptions, resolveOptions } from "./options.ts";
import { type RequestOptions, Requests } from "./requests.ts";
import { type ClientPublishOptions, Sender } from "./sender.ts";
import { type StreamOptions, streamReplies, toReply } from "./stream.ts";
import { type Subscription, Subscriptions } from "./subscriptions.ts";
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
 * A client of a hub. It comes back when the connection is lost, and takes up its subscriptions again;
 * what it had asked and not yet heard of fails with `closed`, since nobody knows what became of it.
 *
 * Nothing that a listener or handler throws comes out of a socket's callback: it goes to the `error`
 * listeners, and where there are none, to the console.
 *
 * @typeParam H The hub: `createClient<typeof hub>()`. Without it, every channel and message is permitted.
 */
export class Client<H extends HubShape = HubShape> implements AsyncDisposable {
  readonly #options: ResolvedClientOptions;
  readonly #listeners = new Listeners<ClientEvents>(eventNames);
  readonly #requests: Requests;
  readonly #sender: Sender;
  readonly #subscriptions: Subscriptions;
  readonly #connector: Connector;
  #greeting: ServerMessageOf<"connected"> | undefined;

  /** Use {@linkcode createClient}. */
  constructor(options: ClientOptions) {
    this.#options = resolveOptions(options);
    const { clock, random, requestTimeout } = this.#options;
    this.#requests = new Requests(clock, random, requestTimeout);
    this.#sender = new Sender(this.#requests, () => this.#connector.link);
    this.#subscriptions = new Subscriptions({
      subscribe: (channels) => this.#sender.ask("subscribed", { type: "subscribe", channels }),
      unsubscribe: (channels) =>
        this.#sender.ask("unsubscribed", { type: "unsubscribe", channels }),
      later: (ms, fn) => clock.after(ms, fn),
      call: (handler, event) => this.#listeners.call(handler, event),
      lost: (channels, { code, message }) =>
        this.#listeners.emit("unsubscribed", { channels, code, message }),
      report: (error) => this.#listeners.report(error),
    });
    this.#connector = new Connector(this.#options, this.#listeners, {
      online: (message) => this.#online(message),
      offline: (error) => this.#offline(error),
      abandoned: (error) => this.#subscriptions.abandon(error),
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

  /** The connection's id, undefined while there is none. Every connection has another. */
  get clientId(): string | undefined {
    return this.#greeting?.client_id;
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
   * Ends the connection, or the attempts to get one, and stays away. Listeners and the handlers of
   * subscriptions that stood are kept for a next `connect`. Never rejects, and may be called any time.
   */
  disconnect(): Promise<void> {
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
   * @param handler Gets every event of the channel, in order.
   * @returns The subscription, once it stands.
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `forbidden`,
   * `unknown_channel` …), `timeout`, or `closed` where `connect` was not called or the client was closed.
   */
  async subscribe<N extends ChannelOf<H>>(
    channel: N,
    handler: EventHandler<EventOf<H, N>>,
  ): Promise<Subscription> {
    if (this.status === "idle" || this.status === "closed") throw notConnected();
    // The types say what the hub's schemas see to: this channel has no other events.
    const untyped = handler as EventHandler<never> as EventHandler<ClientEvent>;
    return await this.#subscriptions.add(channel, untyped);
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
   * Publishes an event. {@linkcode Media} goes as a binary envelope, anything else as JSON.
   *
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `forbidden`,
   * `unknown_channel`, `payload_invalid` …), `payload_invalid` for data that JSON cannot hold, `too_large`,
   * `timeout`, or `closed`, after which the event may have been published or not.
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
   * Sends a message to the application and waits for the first reply.
   *
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}, `reason` being `unknown_type`,
   * `payload_invalid` …), `payload_invalid` for a payload that JSON cannot hold, `option_invalid` for a
   * type of the protocol's own, `too_large`, `timeout`, `closed`; or the reason of the signal.
   */
  async request<T extends MessageTypeOf<H>>(
    type: T,
    ...[payload, options]: PayloadArguments<PayloadOf<H, T>, RequestOptions>
  ): Promise<Reply> {
    return toReply(
      await this.#requests.ask((id) => this.#sender.message(type, payload, id), options),
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
    return streamReplies(this.#requests, (id) => this.#sender.message(type, payload, id), options);
  }

  /**
   * Sends a message to the application and waits for nothing. What comes back goes to `on("message")`, a
   * refusal to `on("error")`.
   *
   * @throws {HeddleError} `closed`, `payload_invalid`, `option_invalid` or `too_large`, as `request`.
   */
  send<T extends MessageTypeOf<H>>(
    type: T,
    ...[payload]: PayloadArguments<PayloadOf<H, T>, never>
  ): void {
    this.#sender.message(type, payload);
  }

  /** Measures the way to the server and back, in milliseconds. Throws as `request` does. */
  async ping(options?: RequestOptions): Promise<number> {
    const { clock } = this.#options;
    const sent = clock.now();
    await this.#sender.ask("pong", { type: "ping" }, options);
    return clock.now() - sent;
  }

  #online(message: ServerMessageOf<"connected">): void {
    this.#greeting = message;
    const { features } = this.#options;
    if (features !== undefined) {
      this.#sender.ask("welcome", { type: "hello", features })
        .catch((error: unknown) => {
          // That the connection is gone has been told.
          if (this.#greeting === message) this.#listeners.report(error);
        });
    }
    this.#subscriptions.online();
  }

  #offline(error: HeddleError): void {
    this.#greeting = undefined;
    this.#subscriptions.offline();
    this.#requests.failAll(error);
  }

  #received(message: Received): void {
    this.#listeners.emit("message", message.raw);
    if (this.#requests.take(message)) return;
    const { known } = message;
    switch (known?.type) {
      case "event": {
        const { channel, event_type, data, timestamp, offset = 0 } = known;
        const event: ClientEvent = { channel, event_type, data, timestamp, offset };
        this.#listeners.emit("event", event);
        this.#subscriptions.deliver(event);
        return;
      }
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
