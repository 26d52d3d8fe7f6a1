import { assertNever } from "../base/exhaustive.ts";
import { type Collection, SmallSet } from "../base/small_set.ts";
import { type Close, closeTable } from "../protocol/close.ts";
import { correlationIdIn, type Inbound } from "../protocol/decode.ts";
import type { Dictionary } from "../protocol/compression.ts";
import { grant, type Written } from "../protocol/encode.ts";
import { errorTable, type Failure, failure } from "../protocol/errors.ts";
import type { Request, ServerMessage, ServerMessageOf } from "../protocol/messages.ts";
import { isChannelName, isOwnChannelName } from "../protocol/names.ts";
import { type Answer, answerTo, type Rejection } from "./answers.ts";
import type { Effect, EffectId, Join, Joined, Outcome, RequestOf } from "./effect.ts";
import { type Credential, Expiry } from "./expiry.ts";
import { Liveness, type LivenessOptions } from "./liveness.ts";

/** What a session must know of the hub. */
export interface SessionOptions {
  /** The most channels it may be subscribed to. */
  readonly subscriptions: number;
  /** The most messages that may wait for their answers. */
  readonly inFlight: number;
  /** The most bytes they may have together; one message may wait in any case. */
  readonly inFlightBytes: number;
  /** When to ping, and when to give up; absent where the socket cannot ping. */
  readonly liveness?: LivenessOptions;
  /** What short messages may be compressed with. */
  readonly dictionary?: Dictionary | undefined;
  /** Whether the application declares a message of this type. */
  readonly declares: (type: string) => boolean;
  /** The wall time now, as RFC 3339 in UTC. */
  readonly timestamp: () => string;
}

/** A request whose answer is awaited: the message, and what is known of the answer. */
interface Pending {
  readonly id: EffectId;
  readonly request: Request;
  readonly bytes: number;
  readonly rejected: readonly Rejection[];
}

/** A message that waits for its turn. */
interface Queued {
  readonly inbound: Inbound;
  readonly bytes: number;
}

/** A message whose handler runs. */
interface Handling {
  readonly correlationId: string | undefined;
  readonly bytes: number;
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
  readonly #liveness: Liveness | undefined;
  #expiry: Expiry | undefined;
  readonly #subscriptions = new SmallSet<string>();
  /** Made when a message first has to wait. */
  #queue: Queued[] | undefined;
  /** The same for handlers that run. */
  #handling: Map<EffectId, Handling> | undefined;
  /** Bytes of the messages that wait for their answers. */
  #bytes = 0;
  #pending: Pending | undefined;
  #state: "opening" | "open" | "closed" = "opening";
  #mayResume = true;
  #nextId: EffectId = 1;

  constructor(options: SessionOptions, now: number) {
    this.#options = options;
    this.#liveness = options.liveness && new Liveness(options.liveness, now);
  }

  /** The channels it is subscribed to, in the order it asked for them. */
  get subscriptions(): Collection<string> {
    return this.#subscriptions;
  }

  /** How many messages wait for their answers. */
  get inFlight(): number {
    return (this.#pending === undefined ? 0 : 1) + (this.#queue?.length ?? 0) +
      (this.#handling?.size ?? 0);
  }

  /** When {@linkcode advance} wants to be called, in monotonic milliseconds; undefined for never. */
  get deadline(): number | undefined {
    if (this.#state === "closed") return undefined;
    const liveness = this.#liveness?.deadline;
    const expiry = this.#expiry?.deadline;
    return liveness === undefined || (expiry ?? Infinity) < liveness ? expiry : liveness;
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
    this.#liveness?.heard(now);
  }

  /**
   * Takes a message of the peer.
   *
   * @param bytes How large it was.
   */
  receive(inbound: Inbound, bytes: number): readonly Effect[] {
    if (this.#state === "closed") return [];
    const effects: Effect[] = [];
    const fullness = this.#fullness(bytes);
    if (fullness !== undefined) {
      // Nothing may be sent before `connected`, not even a refusal.
      if (this.#state === "opening") return this.close(closeTable.try_again_later);
      // Answered out of turn: to keep its turn would mean to keep it, and a peer could send any number.
      effects.push(this.#error(failure("rate_limited", fullness), correlationIdIn(inbound)));
    } else {
      this.#take({ inbound, bytes }, effects);
    }
    return effects;
  }

  /** Takes the outcome of an effect. One that nobody waits for any more changes nothing. */
  settle(id: EffectId, outcome: Outcome): readonly Effect[] {
    if (this.#state === "closed") return [];
    const effects: Effect[] = [];
    const handling = this.#handling?.get(id);
    if (handling !== undefined) {
      this.#handling?.delete(id);
      this.#bytes -= handling.bytes;
      if (outcome.kind === "failed") {
        effects.push(this.#error(outcome.failure, handling.correlationId));
      }
    } else if (this.#pending?.id === id) {
      const pending = this.#pending;
      this.#pending = undefined;
      this.#bytes -= pending.bytes;
      this.#answer(pending, outcome, effects);
      this.#proceed(effects);
    }
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
    switch (this.#liveness?.advance(now)) {
      case "ping":
        effects.push({ kind: "ping", missed: this.#liveness!.unanswered - 1 });
        break;
      case "dead":
        effects.push(...this.close(closeTable.not_alive));
        break;
    }
    return effects;
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
    this.#queue = undefined;
    this.#pending = undefined;
    this.#handling = undefined;
    this.#bytes = 0;
  }

  /** Why no further message can wait; undefined where it can. */
  #fullness(bytes: number): string | undefined {
    const { inFlight, inFlightBytes } = this.#options;
    if (this.inFlight >= inFlight) return `${inFlight} messages already wait for their answers`;
    if (this.inFlight === 0 || this.#bytes + bytes <= inFlightBytes) return undefined;
    return `messages of more than ${inFlightBytes} bytes would wait for their answers`;
  }

  /** Most messages find nothing before them, and need not wait. */
  #take(queued: Queued, effects: Effect[]): void {
    if (this.#state === "open" && this.#pending === undefined && !this.#queue?.length) {
      this.#begin(queued, effects);
      return;
    }
    this.#queue ??= [];
    this.#queue.push(queued);
    this.#bytes += queued.bytes;
  }

  #proceed(effects: Effect[]): void {
    if (this.#state !== "open") return;
    while (this.#pending === undefined) {
      const queued = this.#queue?.shift();
      if (queued === undefined) return;
      this.#bytes -= queued.bytes;
      this.#begin(queued, effects);
    }
  }

  #begin({ inbound, bytes }: Queued, effects: Effect[]): void {
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
        this.#handling ??= new Map();
        this.#handling.set(id, { correlationId: message.correlation_id, bytes });
        this.#bytes += bytes;
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
        effects.push({ kind: "vary", variant, batching: granted.batch });
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

  /** Sorts the names of a `subscribe` into those to try and those that cannot be. */
  #admissible(names: readonly string[]): { channels: string[]; rejected: Rejection[] } {
    const { channels, rejected } = sortNames(names);
    const { subscriptions: limit } = this.#options;
    let room = limit - this.#subscriptions.size;
    const admissible = channels.filter((channel) => {
      if (this.#subscriptions.has(channel) || room-- > 0) return true;
      const message = `a connection may have ${limit} subscriptions`;
      rejected.push({ channel, code: "too_many_subscriptions", message });
      return false;
    });
    return { channels: admissible, rejected };
  }

  #await(request: Request, bytes: number, rejected: readonly Rejection[] = []): EffectId {
    const id = this.#nextId++;
    this.#pending = { id, request, rejected, bytes };
    this.#bytes += bytes;
    return id;
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

  #reply(request: Request, answer: Answer): Effect {
    const { correlation_id } = request;
    // The answer was made for this: to copy it costs more than all else that is done for a message.
    const message = answer as { correlation_id?: string; timestamp?: string };
    if (correlation_id !== undefined) message.correlation_id = correlation_id;
    message.timestamp = this.#options.timestamp();
    return { kind: "send", message: message as ServerMessage };
  }

  #error(reason: Failure, correlationId: string | undefined): Effect {
    return {
      kind: "send",
      message: {
        type: "error",
        code: reason.code,
        message: reason.message,
        ...errorTable[reason.code],
        ...(reason.retryAfter === undefined ? {} : { retry_after: reason.retryAfter }),
        ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
        timestamp: this.#options.timestamp(),
      },
    };
  }
}

/** Sorts names, each once, into those that may be a channel's and those that no client may use. */
function sortNames(names: readonly string[]): { channels: string[]; rejected: Rejection[] } {
  const channels: string[] = [];
  const rejected: Rejection[] = [];
  for (const channel of new Set(names)) {
    const refusal = nameFailure(channel);
    if (refusal === undefined) channels.push(channel);
    else rejected.push({ channel, code: refusal.code, message: refusal.message });
  }
  return { channels, rejected };
}

/** Why a client may not name a channel so, whatever channels there are. */
function nameFailure(channel: string): Failure | undefined {
  if (isOwnChannelName(channel)) {
    return failure("forbidden", 'channels that start with "@" are the server\'s own');
  }
  if (isChannelName(channel)) return undefined;
  return failure("invalid_channel", "the channel name is empty, too long or has other characters");
}

function joinsOf(
  { positions, last, metadata }: RequestOf<"subscribe">,
  channels: readonly string[],
): readonly Join[] {
  const described = metadata === undefined ? {} : { metadata: JSON.stringify(metadata) };
  return channels.map((channel): Join => {
    if (positions !== undefined && Object.hasOwn(positions, channel)) {
      return { channel, since: positions[channel]!, ...described };
    }
    return { channel, ...(last === undefined ? {} : { last }), ...described };
  });
}
