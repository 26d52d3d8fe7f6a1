import { assertNever } from "../base/exhaustive.ts";
import { type Collection, SmallSet } from "../base/small_set.ts";
import { type Close, closeTable } from "../protocol/close.ts";
import { correlationIdIn, type Inbound } from "../protocol/decode.ts";
import type { Dictionary } from "../protocol/compression.ts";
import { grant, type Written } from "../protocol/encode.ts";
import { type Failure, failure } from "../protocol/errors.ts";
import type { Request, ServerMessageOf } from "../protocol/messages.ts";
import { isOwnChannelName } from "../protocol/names.ts";
import { type Answer, answerTo, errorMessage, type Rejection, stamped } from "./answers.ts";
import { joinsOf, nameFailure, sortNames } from "./channel_names.ts";
import type { Effect, EffectId, Joined, Outcome } from "./effect.ts";
import { type Credential, Expiry } from "./expiry.ts";
import { InFlight, type InFlightLimits, type Pending } from "./in_flight.ts";
import { isDead, livenessDeadline, type LivenessOptions, type Pings } from "./liveness.ts";

/** What a session must know of the hub. */
export interface SessionOptions extends InFlightLimits {
  /** The most channels it may be subscribed to. */
  readonly subscriptions: number;
  /** When to ping, and when to give up; absent where the socket cannot ping. */
  readonly liveness?: LivenessOptions;
  /** What short messages may be compressed with. */
  readonly dictionary?: Dictionary | undefined;
  /** Whether the application declares a message of this type. */
  readonly declares: (type: string) => boolean;
  /** The wall time now, as RFC 3339 in UTC. */
  readonly timestamp: () => string;
}

/** What a peer is told beside the reason, where it may come back. */
export type Farewell = Pick<
  ServerMessageOf<"disconnected">,
  "reconnection_token" | "expires_in" | "retry_after"
>;

/**
 * The protocol of one connection, without a socket, a clock or a promise: messages and times go in,
 * effects come out, and whoever holds the session carries them out, in order.
 *
 * Messages take effect and are answered in the order in which they came. While a request waits for its
 * outcome those behind it wait too; an application message only has to be handed over.
 */
export class Session {
  readonly #options: SessionOptions;
  #heard: number;
  #pings: Pings | undefined;
  #expiry: Expiry | undefined;
  readonly #subscriptions = new SmallSet<string>();
  /** Undefined while nothing is. */
  #inFlight: InFlight | undefined;
  #nextId: EffectId = 1;
  #state: "opening" | "open" | "closed" = "opening";
  #mayResume = true;

  constructor(options: SessionOptions, now: number) {
    this.#options = options;
    this.#heard = now;
  }

  /** The channels it is subscribed to, in the order it asked for them. */
  get subscriptions(): Collection<string> {
    return this.#subscriptions;
  }

  /** How many messages wait for their answers. */
  get inFlight(): number {
    return this.#inFlight?.size ?? 0;
  }

  /** When {@linkcode advance} wants to be called, in monotonic milliseconds; undefined for never. */
  get deadline(): number | undefined {
    if (this.#state === "closed") return undefined;
    const { liveness } = this.#options;
    const expiry = this.#expiry?.deadline;
    if (liveness === undefined) return expiry;
    return Math.min(livenessDeadline(liveness, this.#heard, this.#pings), expiry ?? Infinity);
  }

  /**
   * Greets the peer, then takes what came before: `connected` is the first message there is.
   *
   * @param joined The channels that its request put it on: after that it is too late for a `resume`.
   */
  open(
    connected: ServerMessageOf<"connected"> | Written<"connected">,
    joined?: readonly Joined[],
  ): readonly Effect[] {
    if (this.#state !== "opening") return [];
    this.#state = "open";
    if (joined !== undefined) {
      this.#mayResume = false;
      this.#joined(joined);
    }
    const effects: Effect[] = [{ kind: "send", message: connected }];
    this.#proceed(effects);
    return effects;
  }

  /** Notes that the peer gave a sign of life: a Pong, or any frame. */
  heard(now: number): void {
    this.#heard = now;
    this.#pings = undefined;
  }

  /** When it gave the last one: monotonic milliseconds. */
  get lastHeard(): number {
    return this.#heard;
  }

  /**
   * Takes a message of the peer.
   *
   * @param bytes How large it was.
   */
  receive(inbound: Inbound, bytes: number): readonly Effect[] {
    if (this.#state === "closed") return [];
    const effects: Effect[] = [];
    const fullness = this.#inFlight?.fullness(bytes);
    if (fullness !== undefined) {
      // Nothing may be sent before `connected`, not even a refusal.
      if (this.#state === "opening") return this.close(closeTable.try_again_later);
      // Answered out of turn: to keep its turn would mean to keep it, and a peer could send any number.
      effects.push(this.#error(failure("rate_limited", fullness), correlationIdIn(inbound)));
    } else if (this.#state === "open" && this.#inFlight?.isBusy !== true) {
      this.#begin(inbound, bytes, effects);
    } else {
      this.#waiting().enqueue(inbound, bytes);
    }
    return effects;
  }

  /** Takes the outcome of an effect. One that nobody waits for any more changes nothing. */
  settle(id: EffectId, outcome: Outcome): readonly Effect[] {
    const effects: Effect[] = [];
    const handling = this.#inFlight?.takeHandling(id);
    if (handling !== undefined && outcome.kind === "failed") {
      effects.push(this.#error(outcome.failure, handling.correlationId));
    }
    const pending = this.#inFlight?.takeRequest(id);
    if (pending !== undefined) this.#answer(pending, outcome, effects);
    this.#proceed(effects);
    return effects;
  }

  /**
   * Takes the credential that holds from now on; undefined for one that does not run out.
   *
   * @param now Monotonic milliseconds.
   * @param wall Milliseconds since 1970.
   */
  renew(credential: Credential | undefined, now: number, wall: number): void {
    this.#expiry = credential && new Expiry(credential, now, wall);
  }

  /**
   * Lets time pass: pings a peer that is silent, gives up on one that stays so, and watches over the
   * credential.
   *
   * @param now Monotonic milliseconds.
   * @param wall Milliseconds since 1970, by which credentials run out.
   */
  advance(now: number, wall: number): readonly Effect[] {
    if (this.#state === "closed") return [];
    const told = this.#state === "open" ? "told" : "untold";
    const expiry = this.#expiry?.advance(now, wall, told) ?? "valid";
    if (expiry === "expired") return [{ kind: "expire" }];
    const effects: Effect[] = [];
    if (expiry === "expiring") {
      const token_expires_in = this.#expiry!.secondsLeft(wall);
      const timestamp = this.#options.timestamp();
      effects.push({
        kind: "send",
        message: { type: "token_expiring", token_expires_in, timestamp },
      });
    }
    this.#watch(now, effects);
    return effects;
  }

  /** Pings a peer that is silent, and gives up one that stays so. */
  #watch(now: number, effects: Effect[]): void {
    const { liveness } = this.#options;
    const pings = this.#pings;
    if (liveness === undefined || now < livenessDeadline(liveness, this.#heard, pings)) return;
    if (isDead(liveness, pings, now)) {
      effects.push(...this.close(closeTable.not_alive));
      return;
    }
    const missed = pings?.count ?? 0;
    this.#pings = { first: pings?.first ?? now, last: now, count: missed + 1 };
    effects.push({ kind: "ping", missed });
  }

  /**
   * Refuses a message of the peer, which is not carried out: at once and out of turn, and before
   * `connected` when its turn comes.
   */
  limit(inbound: Inbound, reason: Failure): readonly Effect[] {
    const correlationId = correlationIdIn(inbound);
    if (this.#state === "open") return [this.#error(reason, correlationId)];
    const correlated = correlationId === undefined ? {} : { correlationId };
    return this.receive({ kind: "failure", failure: reason, ...correlated }, 0);
  }

  /** Tells the peer that something it asked for with its request could not be had. */
  refuse(reason: Failure): readonly Effect[] {
    return this.#state === "open" ? [this.#error(reason, undefined)] : [];
  }

  /** Takes a subscription away: the application's doing, or a permission that was lost. */
  revoke(channels: readonly string[], reason: Failure): readonly Effect[] {
    const lost = channels.filter((channel) => this.#subscriptions.delete(channel));
    if (this.#state !== "open" || lost.length === 0) return [];
    const { code, message } = reason;
    return [
      { kind: "leave", channels: lost },
      {
        kind: "send",
        message: {
          type: "unsubscribed",
          channels: lost,
          code,
          message,
          timestamp: this.#options.timestamp(),
        },
      },
    ];
  }

  /** Ends the connection from this side: tells why, where the peer can still be told, and closes. */
  close({ code, reason }: Close, farewell: Farewell = {}): readonly Effect[] {
    if (this.#state === "closed") return [];
    const effects: Effect[] = [];
    // A peer that does not answer would not read it, and before `connected` nothing may be sent.
    if (this.#state === "open" && code !== closeTable.not_alive.code) {
      effects.push({
        kind: "send",
        message: {
          type: "disconnected",
          reason,
          ...farewell,
          timestamp: this.#options.timestamp(),
        },
      });
    }
    effects.push({ kind: "close", close: { code, reason } });
    this.closed();
    return effects;
  }

  /** Notes that the connection has ended. Nothing comes out of the session any more. */
  closed(): void {
    this.#state = "closed";
    this.#inFlight = undefined;
  }

  #proceed(effects: Effect[]): void {
    if (this.#state !== "open") return;
    for (let next = this.#inFlight?.next(); next !== undefined; next = this.#inFlight?.next()) {
      this.#begin(next.inbound, next.bytes, effects);
    }
    if (this.#inFlight?.size === 0) this.#inFlight = undefined;
  }

  #begin(inbound: Inbound, bytes: number, effects: Effect[]): void {
    switch (inbound.kind) {
      case "failure":
        effects.push(this.#error(inbound.failure, inbound.correlationId));
        return;
      case "application": {
        const { message } = inbound;
        if (!this.#options.declares(message.type)) {
          const refusal = failure("unknown_type", `Unknown message type: ${message.type}`);
          effects.push(this.#error(refusal, message.correlation_id));
          return;
        }
        const id = this.#nextId++;
        this.#waiting().handle(id, { correlationId: message.correlation_id, bytes });
        effects.push({ kind: "handle", id, message });
        return;
      }
      case "request":
        this.#request(inbound.request, bytes, effects);
        return;
      default:
        assertNever(inbound);
    }
  }

  #request(request: Request, bytes: number, effects: Effect[]): void {
    switch (request.type) {
      case "hello": {
        const { granted, variant } = grant(request.features, this.#options.dictionary);
        effects.push(this.#reply(request, { type: "welcome", features: granted }));
        const subscriptions = [...this.#subscriptions];
        effects.push({ kind: "vary", variant, batching: granted.batch, subscriptions });
        return;
      }
      case "ping":
        effects.push(this.#reply(request, { type: "pong" }));
        return;
      case "subscribe": {
        this.#mayResume = false;
        const { channels, rejected } = this.#admissible(request.channels);
        const id = this.#await(request, bytes, rejected);
        effects.push({ kind: "join", id, joins: joinsOf(request, channels) });
        return;
      }
      case "unsubscribe": {
        const { channels, rejected } = sortNames(request.channels);
        const left = channels.filter((channel) => this.#subscriptions.delete(channel));
        if (left.length > 0) effects.push({ kind: "leave", channels: left });
        effects.push(this.#reply(request, {
          type: "unsubscribed",
          channels,
          ...(rejected.length === 0 ? {} : { rejected }),
        }));
        return;
      }
      case "get_subscriptions": {
        const id = this.#await(request, bytes);
        effects.push({ kind: "locate", id, channels: [...this.#subscriptions] });
        return;
      }
      case "get_reconnection_token":
        effects.push({ kind: "remind", id: this.#await(request, bytes) });
        return;
      case "publish": {
        const refusal = nameFailure(request.channel);
        if (refusal !== undefined) {
          effects.push(this.#error(refusal, request.correlation_id));
          return;
        }
        effects.push({ kind: "publish", id: this.#await(request, bytes), request });
        return;
      }
      case "history":
      case "presence": {
        const refusal = nameFailure(request.channel);
        if (refusal !== undefined) {
          effects.push(this.#error(refusal, request.correlation_id));
          return;
        }
        const id = this.#await(request, bytes);
        effects.push(
          request.type === "history"
            ? { kind: "history", id, request }
            : { kind: "presence", id, channel: request.channel },
        );
        return;
      }
      case "ack":
        effects.push({ kind: "acknowledge", ackIds: request.ack_ids });
        return;
      case "resume": {
        if (!this.#mayResume) {
          const refusal = failure(
            "invalid_message",
            '"resume" comes once, and before any "subscribe"',
          );
          effects.push(this.#error(refusal, request.correlation_id));
          return;
        }
        this.#mayResume = false;
        effects.push({ kind: "resume", id: this.#await(request, bytes), request });
        return;
      }
      case "authenticate": {
        const { token } = request;
        effects.push({ kind: "authenticate", id: this.#await(request, bytes), token });
        return;
      }
      default:
        assertNever(request);
    }
  }

  /** Awaits the outcome of a request. */
  #await(request: Request, bytes: number, rejected: readonly Rejection[] = []): EffectId {
    const id = this.#nextId++;
    this.#waiting().await({ id, request, bytes, rejected });
    return id;
  }

  #waiting(): InFlight {
    return this.#inFlight ??= new InFlight(this.#options);
  }

  /** Sorts the names of a `subscribe` into those to try and those that cannot be. */
  #admissible(names: readonly string[]): { channels: string[]; rejected: Rejection[] } {
    const { channels, rejected } = sortNames(names);
    const { subscriptions: limit } = this.#options;
    let room = limit - this.#subscriptions.size;
    const admissible = channels.filter((channel) => {
      if (this.#subscriptions.has(channel) || room-- > 0) return true;
      const message = `a connection may have at most ${limit} subscriptions`;
      rejected.push({ channel, code: "too_many_subscriptions", message });
      return false;
    });
    return { channels: admissible, rejected };
  }

  #answer({ request, rejected }: Pending, outcome: Outcome, effects: Effect[]): void {
    if (outcome.kind === "failed") {
      // The session is there still, and its client was told to try again.
      if (request.type === "resume") {
        this.#mayResume = outcome.failure.code === "broker_unavailable";
      }
      effects.push(this.#error(outcome.failure, request.correlation_id));
      return;
    }
    if (outcome.kind === "handled") return;
    if (outcome.kind === "joined" || outcome.kind === "resumed") this.#joined(outcome.results);
    const context = { rejections: rejected, subscriptions: this.#subscriptions };
    effects.push(this.#reply(request, answerTo(request, outcome, context)));
    if (outcome.kind === "authenticated") {
      const { channels, reason } = outcome.lost;
      effects.push(...this.revoke(channels, reason));
    }
  }

  #joined(results: readonly Joined[]): void {
    for (const result of results) {
      // What a resumed session has of the hub's own channels is no subscription of its asking.
      if ("failure" in result || isOwnChannelName(result.channel)) continue;
      this.#subscriptions.add(result.channel);
    }
  }

  #reply({ correlation_id }: Request, answer: Answer): Effect {
    return { kind: "send", message: stamped(answer, correlation_id, this.#options.timestamp()) };
  }

  #error(reason: Failure, correlationId: string | undefined): Effect {
    const timestamp = this.#options.timestamp();
    return { kind: "send", message: errorMessage(reason, correlationId, timestamp) };
  }
}
