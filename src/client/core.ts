import { HeddleError } from "../base/errors.ts";
import type { Features, ServerMessageOf } from "../protocol/messages.ts";
import { Acknowledger } from "./acknowledger.ts";
import { Connector } from "./connector.ts";
import { RefusedError } from "./errors.ts";
import { type ClientEvents, eventNames } from "./events.ts";
import type { Received } from "./frames.ts";
import { Inbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import { Listeners } from "./listeners.ts";
import { type ClientOptions, type ResolvedClientOptions, resolveOptions } from "./options.ts";
import { Positions } from "./positions.ts";
import { Queue } from "./queue.ts";
import { Renewal } from "./renewal.ts";
import { Requests } from "./requests.ts";
import { Sender } from "./sender.ts";
import { Session } from "./session.ts";
import type { SubscribeOptions } from "./subscription.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { ClientEvent } from "./types.ts";

/** What a client is made of, and what passes between its parts. */
export class Core {
  readonly options: ResolvedClientOptions;
  readonly listeners = new Listeners<ClientEvents>(eventNames);
  readonly queue: Queue;
  readonly requests: Requests;
  readonly sender: Sender;
  readonly subscriptions: Subscriptions;
  readonly #positions: Positions;
  readonly #acknowledger: Acknowledger;
  readonly #inbox: Inbox;
  readonly session: Session;
  readonly renewal: Renewal;
  readonly connector: Connector;
  #clientId: string | undefined;

  constructor(options: ClientOptions) {
    this.options = resolveOptions(options);
    const { clock, random, requestTimeout: timeout, queue, session } = this.options;
    this.queue = new Queue({
      options: queue,
      clock,
      random,
      isAwaited: () => this.isAwaited,
      report: (error) => this.listeners.report(error),
    });
    this.requests = new Requests(clock, random, {
      timeout,
      closed: (id) => this.queue.close(id),
    });
    this.sender = new Sender(this.requests, this.queue);
    this.#positions = new Positions(session?.positions);
    this.subscriptions = new Subscriptions({
      subscribe: (channels, options) => this.#subscribe(channels, options),
      unsubscribe: (channels) =>
        this.sender.ask("unsubscribed", { type: "unsubscribe", channels }, { isUrgent: true }),
      later: (ms, fn) => clock.after(ms, fn),
      call: (handlers, event) => this.listeners.callAll(handlers, event),
      left: (channel) => this.#positions.leave(channel),
      lost: (channels, { code, message }) =>
        this.listeners.emit("unsubscribed", { channels, code, message }),
      report: (error) => this.listeners.report(error),
    });
    this.#acknowledger = new Acknowledger((ids) => this.#acknowledge(ids));
    this.#inbox = new Inbox(this.#positions, this.#acknowledger, {
      clock,
      owner: {
        hand: (event) => this.#hand(event),
        gap: (info) => this.listeners.emit("gap", info),
        recovered: (info) => this.listeners.emit("recovered", info),
        wants: (channel) => this.subscriptions.wants(channel),
      },
    });
    this.session = new Session({
      positions: this.#positions,
      inbox: this.#inbox,
      sender: this.sender,
    }, session?.token);
    this.renewal = new Renewal({
      credentials: this.options.credentials,
      sender: this.sender,
      listeners: this.listeners,
      clock,
    });
    this.connector = new Connector(this.options, this.listeners, {
      resumes: () => this.session.clientId,
      greeted: (message, link, begin) => this.#greeted(message, link, begin),
      offline: (error) => this.#offline(error),
      abandoned: (error) => {
        this.subscriptions.abandon(error);
        this.queue.abandon(error);
      },
      received: (message) => this.#received(message),
    });
  }

  /** The client's id at the server, undefined while there is no connection. */
  get clientId(): string | undefined {
    return this.#clientId;
  }

  /** Ends the connection and the session. */
  disconnect(): Promise<void> {
    this.session.end();
    this.#acknowledger.clear();
    return this.connector.disconnect();
  }

  /** Whether there is a connection, or may be one again. */
  get isAwaited(): boolean {
    return this.connector.status !== "idle" && this.connector.status !== "closed";
  }

  #greeted(
    greeting: ServerMessageOf<"connected">,
    link: Link,
    connected: (beginning: { readonly clientId: string; readonly resumed: boolean }) => void,
  ): void {
    this.queue.greet(link);
    this.#sayHello(greeting);
    this.session.greeted(greeting, link, ({ clientId, resumed }) => {
      const isResumed = resumed !== undefined;
      this.#clientId = clientId;
      this.queue.open(greeting, isResumed);
      connected({ clientId, resumed: isResumed });
      // Whoever was told may have disconnected, here and below.
      if (this.connector.link !== link) return;
      const { channels: granted = [], rejected } = resumed ?? greeting;
      if (resumed !== undefined) {
        this.listeners.emit("resumed", { clientId, channels: granted });
        if (this.connector.link !== link) return;
        this.#inbox.resume(resumed);
      } else this.#inbox.begin(greeting.positions);
      if (this.connector.link !== link) return;
      const wanted = granted.filter((channel) => this.subscriptions.wants(channel));
      const standing = wanted.filter((channel) => this.#positions.isStanding(channel));
      // What a former page had is left, until this one asks for it; what a path joined stays.
      const unasked = (isResumed ? granted : wanted).filter((name) => !standing.includes(name));
      this.subscriptions.online(standing, unasked, rejected);
    });
  }

  /** Before anything else, so that what is recovered comes as it was asked for. */
  #sayHello(greeting: ServerMessageOf<"connected">): void {
    const { features } = this.options;
    if (features === undefined) return;
    const hello = { type: "hello", features: this.#withKnown(features, greeting) } as const;
    this.sender.ask("welcome", hello, { fate: "opening" }).catch((error: unknown) => {
      // That the connection is gone has been told.
      if (!(error instanceof HeddleError && error.code === "closed")) this.listeners.report(error);
    });
  }

  /** A dictionary that is known from an earlier connection need not be sent again. */
  #withKnown(features: Features, greeting: ServerMessageOf<"connected">): Features {
    const { compression } = features;
    const id = this.connector.dictionary.current?.id;
    const offered = greeting.features["compression"] as
      | { readonly dictionary?: { readonly id?: unknown } }
      | undefined;
    if (compression?.dictionary === undefined || id === undefined) return features;
    if (offered?.dictionary?.id !== id) return features;
    return { ...features, compression: { ...compression, dictionary: { id } } };
  }

  #subscribe(
    channels: readonly string[],
    options: SubscribeOptions,
  ): Promise<ServerMessageOf<"subscribed">> {
    const known = channels.filter((channel) => this.#positions.get(channel) !== undefined);
    const positions = Object.fromEntries(known.map((name) => [name, this.#positions.get(name)]));
    return this.sender.ask("subscribed", {
      type: "subscribe",
      channels,
      ...(known.length === 0 ? {} : { positions }),
      ...options,
    }, { isUrgent: true });
  }

  #offline(error: HeddleError): void {
    this.#clientId = undefined;
    this.session.offline();
    this.renewal.offline();
    this.#inbox.offline();
    this.subscriptions.offline();
    this.queue.offline(error);
  }

  #hand(event: ClientEvent): Promise<unknown> | undefined {
    const listening = this.listeners.emit("event", event);
    const handling = this.subscriptions.deliver(event);
    return listening && handling ? Promise.all([listening, handling]) : listening ?? handling;
  }

  #acknowledge(ack_ids: readonly string[]): void {
    const { link } = this.connector;
    // What is not said now is asked for again by a repeat.
    if (link?.isWritable) link.send(JSON.stringify({ type: "ack", ack_ids }), "text");
  }

  #received(message: Received): void {
    this.listeners.emit("message", message.raw);
    const { known } = message;
    // These take effect before anything that follows, which may be in the same tick.
    if (known?.type === "subscribed") this.#inbox.subscribed(known);
    if (known?.type === "resumed") this.session.resumed(known);
    if (known?.type === "authenticated") this.renewal.authenticated(known);
    if (this.queue.answered(message) || this.requests.take(message)) return;
    switch (known?.type) {
      case "event":
      case "gap":
        if (this.#inbox.receive(known)) return;
        this.connector.fail(new HeddleError("too_large", "too much came before the session"));
        return;
      case "disconnected":
        this.session.disconnected(known);
        return;
      case "token_expiring":
        this.renewal.expiring(known);
        return;
      case "error":
        this.listeners.report(new RefusedError(known));
        return;
      case "unsubscribed": {
        const { channels, code = "forbidden", message = "" } = known;
        this.subscriptions.revoked(channels, { code, message });
        return;
      }
      default:
        // Late answers, and what later versions of the protocol or the application send.
    }
  }
}
