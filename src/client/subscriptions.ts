import { HeddleError } from "../base/errors.ts";
import { MAX_CHANNELS_PER_REQUEST, type ServerMessageOf } from "../protocol/messages.ts";
import { retryAfterDelay } from "./backoff.ts";
import { asError, RefusedError, type ServerFailure, type ServerRejection } from "./errors.ts";
import type { SubscribeOptions, Subscription } from "./subscription.ts";
import type { ClientEvent, EventHandler } from "./types.ts";

/** What subscriptions need of the client. */
export interface SubscriptionsOwner {
  subscribe(
    channels: readonly string[],
    options: SubscribeOptions,
  ): Promise<ServerMessageOf<"subscribed">>;
  unsubscribe(channels: readonly string[]): Promise<unknown>;
  /** Calls back after a while, in milliseconds. */
  later(ms: number, fn: () => void): () => void;
  /** Calls handlers of the application's; a promise where some are not done yet. */
  call(
    handlers: Iterable<EventHandler<ClientEvent>>,
    event: ClientEvent,
  ): Promise<unknown> | undefined;
  /** Nobody here wants the channel any more: where it stood is forgotten. */
  left(channel: string): void;
  /** The server took, or would not give back, subscriptions that had handlers. */
  lost(channels: readonly string[], failure: ServerFailure): void;
  /** Something went wrong that nobody waits for. */
  report(error: unknown): void;
}

interface Member {
  readonly handler: EventHandler<ClientEvent>;
  readonly last: number;
  /** There until the server has said yes or no. */
  pending?: { resolve(): void; reject(error: unknown): void } | undefined;
}

/** Refusals that pass: a subscription that stood before is asked for again. */
const passing: ReadonlySet<string> = new Set(["rate_limited", "broker_unavailable", "internal"]);

/** How long to wait where the server refuses for now and does not say how long, in seconds. */
const PAUSE = 1;

/**
 * Who listens to which channel, and what the server knows of it. One loop brings the second in line
 * with the first, in as few requests as will do; what changes meanwhile it finds on its next round.
 */
export class Subscriptions {
  readonly #owner: SubscriptionsOwner;
  readonly #members = new Map<string, Set<Member>>();
  /** The channels this connection is subscribed to. */
  readonly #granted = new Set<string>();
  /** Channels that came with the connection, or could not be left, and must be before anybody may have them. */
  readonly #unasked = new Set<string>();
  /** What the others on a channel are told, as JSON. */
  readonly #metadata = new Map<string, string>();
  /** Channels where they are told something else yet: asked for again, the server takes note. */
  readonly #outdated = new Set<string>();
  /** The connection's number, undefined while there is none. */
  #connection: number | undefined;
  #connections = 0;
  #running: Promise<void> | undefined;
  #stopPause: (() => void) | undefined;

  constructor(owner: SubscriptionsOwner) {
    this.#owner = owner;
  }

  /**
   * Puts a handler on a channel. It is called for every event from the moment the server subscribes.
   *
   * @throws {HeddleError} `refused` ({@linkcode RefusedError}), `timeout`, or `closed` where the client is
   * closed before there was an answer.
   */
  async add(
    channel: string,
    handler: EventHandler<ClientEvent>,
    { last = 0, metadata }: SubscribeOptions = {},
  ): Promise<Subscription> {
    const member: Member = { handler, last };
    const members = this.#members.get(channel) ?? new Set();
    this.#members.set(channel, members.add(member));
    const said = metadata === undefined ? undefined : JSON.stringify(metadata);
    if (said !== undefined && said !== this.#metadata.get(channel)) {
      this.#metadata.set(channel, said);
      this.#outdated.add(channel);
    }
    if (!this.#isSettled(channel)) {
      await new Promise<void>((resolve, reject) => {
        member.pending = { resolve, reject };
        this.#align();
      });
    }
    const unsubscribe = () => this.#remove(channel, member);
    return { channel, unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  /** Whether a channel has a handler. */
  wants(channel: string): boolean {
    return this.#members.has(channel);
  }

  /** Hands an event to the handlers of its channel; a promise where some are not done yet. */
  deliver(event: ClientEvent): Promise<unknown> | undefined {
    const members = this.#members.get(event.channel);
    if (members === undefined) return undefined;
    return this.#owner.call(Array.from(members, ({ handler }) => handler), event);
  }

  /**
   * There is a connection: what it does not have is asked for.
   *
   * @param granted The channels that it has and that are wanted.
   * @param unasked Channels that it has and that are to be left first.
   * @param rejected Channels it had before and is not given again.
   */
  online(
    granted: readonly string[] = [],
    unasked: readonly string[] = [],
    rejected: readonly ServerRejection[] = [],
  ): void {
    const connection = this.#connection = ++this.#connections;
    for (const channel of granted) {
      this.#granted.add(channel);
      this.#resolve(channel);
    }
    for (const channel of unasked) this.#unasked.add(channel);
    for (const rejection of rejected) {
      if (this.#connection !== connection) return;
      if (this.wants(rejection.channel)) {
        this.#refused([rejection.channel], new RefusedError(rejection));
      }
    }
    this.#align();
  }

  /** The connection is gone. Handlers stay, for the next. */
  offline(): void {
    this.#connection = undefined;
    for (const channel of this.#granted) if (!this.wants(channel)) this.#owner.left(channel);
    this.#granted.clear();
    this.#unasked.clear();
    this.#running = undefined;
    this.#stopPause?.();
    this.#stopPause = undefined;
  }

  /** The client is closed: nobody waits any more. Handlers that stood stay, for a next `connect`. */
  abandon(error: unknown): void {
    for (const channel of [...this.#members.keys()]) this.#reject(channel, error);
  }

  /** The server took subscriptions away. */
  revoked(channels: readonly string[], failure: ServerFailure): void {
    this.#drop(channels, failure);
  }

  #remove(channel: string, member: Member): Promise<void> {
    const members = this.#members.get(channel);
    if (members?.delete(member) !== true || members.size > 0) return Promise.resolve();
    this.#forget(channel);
    if (!this.#granted.has(channel)) this.#owner.left(channel);
    return this.#align();
  }

  #isSettled(channel: string): boolean {
    return this.#granted.has(channel) && !this.#outdated.has(channel);
  }

  #forget(channel: string): boolean {
    this.#metadata.delete(channel);
    this.#outdated.delete(channel);
    return this.#members.delete(channel);
  }

  /** Starts the loop, in a moment so that what is asked for at once goes out at once. */
  #align(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#stopPause !== undefined) return Promise.resolve();
    this.#running ??= Promise.resolve().then(() => this.#run(connection));
    return this.#running;
  }

  async #run(connection: number): Promise<void> {
    while (this.#connection === connection && this.#stopPause === undefined) {
      const unasked = firstWithout(this.#unasked, nothing);
      const surplus = firstWithout(this.#granted, this.#members);
      const settled = { has: (channel: string) => this.#isSettled(channel) };
      const missing = firstWithout(this.#members.keys(), settled);
      if (unasked.length > 0) await this.#giveUp(unasked, connection);
      else if (surplus.length > 0) await this.#giveUp(surplus, connection);
      else if (missing.length > 0) await this.#askFor(missing, connection);
      else break;
    }
    if (this.#connection === connection) this.#running = undefined;
  }

  /** Asks for the first, and with it for those that are to be had in the same way. */
  async #askFor(missing: readonly string[], connection: number): Promise<void> {
    const [first] = missing;
    const last = this.#lastOf(first!);
    const said = this.#metadata.get(first!);
    const channels = missing.filter((channel) =>
      this.#lastOf(channel) === last && this.#metadata.get(channel) === said
    );
    for (const channel of channels) this.#outdated.delete(channel);
    try {
      const answer = await this.#owner.subscribe(channels, {
        ...(last === 0 ? {} : { last }),
        ...(said === undefined ? {} : { metadata: JSON.parse(said) }),
      });
      if (this.#connection === connection) this.#answered(channels, answer);
    } catch (error) {
      if (this.#connection === connection) this.#refused(channels, error);
    }
  }

  async #giveUp(channels: readonly string[], connection: number): Promise<void> {
    // Whoever comes back meanwhile has to ask again.
    for (const channel of channels) if (this.#granted.delete(channel)) this.#owner.left(channel);
    try {
      await this.#owner.unsubscribe(channels);
      for (const channel of channels) this.#unasked.delete(channel);
    } catch (error) {
      if (this.#connection !== connection) return;
      if (!this.#pauseFor(error)) {
        for (const channel of channels) this.#unasked.delete(channel);
        return this.#owner.report(error);
      }
      for (const channel of channels) this.#unasked.add(channel);
    }
  }

  /** How much of the past the handlers want that wait for a channel. */
  #lastOf(channel: string): number {
    let most = 0;
    for (const { last, pending } of this.#members.get(channel) ?? []) {
      if (pending !== undefined) most = Math.max(most, last);
    }
    return most;
  }

  #answered(asked: readonly string[], answer: ServerMessageOf<"subscribed">): void {
    for (const channel of asked) {
      if (answer.channels.includes(channel)) {
        this.#granted.add(channel);
        this.#resolve(channel);
        continue;
      }
      const rejection = answer.rejected?.find((entry) => entry.channel === channel);
      const error = rejection === undefined
        ? new HeddleError("invalid_frame", `the answer to "subscribe" leaves out "${channel}"`)
        : new RefusedError(rejection);
      this.#refused([channel], error);
    }
  }

  /** The server would not subscribe: new handlers are told; old ones stay where it is only for now. */
  #refused(channels: readonly string[], error: unknown): void {
    const isPassing = this.#pauseFor(error);
    for (const channel of channels) {
      if (isPassing && this.#metadata.has(channel)) this.#outdated.add(channel);
      this.#reject(channel, error);
    }
    if (!isPassing) this.#drop(channels, failureOf(error));
  }

  /** Rests for a while after an error that will pass; false for one that will not. */
  #pauseFor(error: unknown): boolean {
    const isRefusal = error instanceof RefusedError;
    const isPassing = isRefusal
      ? passing.has(error.reason)
      : error instanceof HeddleError && error.code === "timeout";
    if (!isPassing) return false;
    this.#stopPause?.();
    const seconds = isRefusal ? error.retryAfter ?? PAUSE : PAUSE;
    this.#stopPause = this.#owner.later(retryAfterDelay(seconds), () => {
      this.#stopPause = undefined;
      this.#align();
    });
    return true;
  }

  #drop(channels: readonly string[], failure: ServerFailure): void {
    const lost: string[] = [];
    for (const channel of channels) {
      this.#granted.delete(channel);
      this.#reject(channel, new RefusedError(failure));
      this.#owner.left(channel);
      if (this.#forget(channel)) lost.push(channel);
    }
    if (lost.length > 0) this.#owner.lost(lost, failure);
  }

  #resolve(channel: string): void {
    for (const member of this.#members.get(channel) ?? []) {
      member.pending?.resolve();
      member.pending = undefined;
    }
  }

  /** Takes off the handlers that still wait for their channel. */
  #reject(channel: string, error: unknown): void {
    const members = this.#members.get(channel);
    if (members === undefined) return;
    for (const member of [...members]) {
      if (member.pending === undefined) continue;
      members.delete(member);
      member.pending.reject(error);
    }
    if (members.size === 0) this.#forget(channel);
  }
}

const nothing: { has(name: string): boolean } = new Set<string>();

/** Those names that are not in `without`, as many as fit one request. */
function firstWithout(
  names: Iterable<string>,
  without: { has(name: string): boolean },
): string[] {
  const found: string[] = [];
  for (const name of names) {
    if (found.length === MAX_CHANNELS_PER_REQUEST) break;
    if (!without.has(name)) found.push(name);
  }
  return found;
}

function failureOf(error: unknown): ServerFailure {
  if (error instanceof RefusedError) {
    const { reason, help, retryAfter } = error;
    return { code: reason, message: error.message, help, retry_after: retryAfter };
  }
  const { message } = asError(error);
  return { code: error instanceof HeddleError ? error.code : "internal", message };
}
