import { HeddleError } from "../base/errors.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Collection } from "../base/small_set.ts";
import type { Timed } from "../base/wheel.ts";
import type { Socket } from "../channel/socket.ts";
import { CLOCK_TOLERANCE, type Identity } from "../guard/identity.ts";
import type { RequestTrace } from "../guard/renewal.ts";
import { type CloseName, closeTable, plainCloseCode } from "../protocol/close.ts";
import { decodeBinary, decodeText, type Inbound } from "../protocol/decode.ts";
import type { Written } from "../protocol/encode.ts";
import type { Failure } from "../protocol/errors.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import { clientChannel, EVERYONE, userChannel } from "../protocol/names.ts";
import type { Effect, Joined, Outcome } from "../session/effect.ts";
import { Session } from "../session/session.ts";
import type { DeliveryOutcome } from "./acknowledgements.ts";
import type { Admission } from "./admission.ts";
import type { ConnectionRates } from "./connection_rates.ts";
import { type Errand, procedureOf } from "./errands.ts";
import type { ConnectionHost } from "./host.ts";
import type { ConnectionInfo } from "./info.ts";
import type { Ending } from "./options.ts";
import { Recipient } from "./recipient.ts";
import type { Workings } from "./workings.ts";

/** The arrivals of one that resumes nothing any more. */
export const nowhere: readonly never[] = [];

/** The rate limits of one that used none. */
const unused: ReadonlyMap<string, number> = new Map();

/** A token that was used, and until when it may be used again, in monotonic milliseconds. */
export interface FormerToken {
  readonly token: string;
  readonly until: number;
}

/** How long a peer has to answer: a Close frame, before it is cut off. In milliseconds. */
export const ANSWER_TIMEOUT = 5_000;

/**
 * One open socket and its state: carries out what its session asks for. The adapter tells it what the
 * socket does; nothing it is told makes it throw.
 */
export class Connection extends Recipient implements Timed {
  /** The client's IP address. */
  readonly address: string;
  /** What is kept of its request: of its admission nothing else is once it was greeted. */
  readonly request: RequestTrace | undefined;
  /** Where it came onto each of its own channels, as long as it may resume a session that has those too. */
  arrivals: readonly (readonly [channel: string, position: Position])[] = nowhere;
  /** Whether it was told `connected`. */
  wasGreeted = false;
  dueAt: Timed["dueAt"];
  slot: Timed["slot"];
  /** The token that its session can be taken up with; {@linkcode Sessions} gives and takes it. */
  token: string | undefined;
  /** The one it came with, until the peer shows that the resumption reached it. */
  formerToken: FormerToken | undefined;
  /** Whether its client asked for the token, so that a close of its own with 1000 does not end its session. */
  isReturning = false;
  #clientId: string;
  #identity: Identity;
  readonly #session: Session;
  /** Made when a message comes, and forgotten when it is as if none had. */
  #rates: ConnectionRates | undefined;
  readonly #host: ConnectionHost;
  readonly #connectedAt: number;
  #abort: AbortController | undefined;
  #messagesReceived = 0;
  #bytesReceived = 0;
  #state: "open" | "closing" | "ended" = "open";
  #ending: Ending | undefined;

  constructor(
    clientId: string,
    socket: Socket,
    admission: Admission,
    workings: Workings,
    host: ConnectionHost,
  ) {
    super(socket, workings);
    const { options } = workings;
    this.#clientId = clientId;
    this.address = admission.address;
    this.request = admission.request;
    this.#host = host;
    this.#connectedAt = options.clock.wall();
    const { sessions } = workings;
    this.#session = new Session(
      socket.capabilities.pings ? sessions.pinged : sessions.unpinged,
      options.clock.now(),
    );
    this.#identity = admission.identity;
    this.renew(admission.identity);
  }

  /** Its UUID: new with the connection, until it takes up a session that had one. */
  override get clientId(): string {
    return this.#clientId;
  }

  override get userId(): string | null {
    return this.#identity.userId;
  }

  /** Who is at the other end: the same user always, in a role that may change. */
  get identity(): Identity {
    return this.#identity;
  }

  /** Is in another role from now on, for as long as its credential holds. */
  assumeRole(role: string): void {
    this.#identity = { ...this.#identity, role };
  }

  /** Has the same user's identity by another credential from now on. */
  renew(identity: Identity): void {
    const { clock } = this.workings.options;
    const { expiresAt, clockTolerance = CLOCK_TOLERANCE } = identity;
    this.#identity = identity;
    const credential = expiresAt === undefined
      ? undefined
      : { expiresAt: expiresAt * 1000, tolerance: clockTolerance * 1000 };
    this.#session.renew(credential, clock.now(), clock.wall());
    this.schedule();
  }

  /** What it asked to be subscribed to. */
  get subscriptions(): Collection<string> {
    return this.#session.subscriptions;
  }

  /** Aborted when the connection has ended. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#state === "ended") this.#abort.abort();
    return this.#abort.signal;
  }

  /** Whether the user was banned while it was open. */
  get isBanned(): boolean {
    return this.#ending?.code === closeTable.banned.code;
  }

  /** Whether messages can still be sent. */
  override get isOpen(): boolean {
    return this.#state === "open";
  }

  info(): ConnectionInfo {
    const { address } = this;
    const identity = this.#identity;
    const { options: { clock }, stamp } = this.workings;
    let { messagesSent, bytesSent } = this;
    for (const channel of this.channels()) {
      const sent = channel.sentTo(this);
      if (sent === undefined) continue;
      messagesSent += sent.messages;
      bytesSent += sent.bytes;
    }
    return {
      clientId: this.clientId,
      userId: identity.userId,
      role: identity.role,
      claims: identity.claims,
      address,
      connectedAt: stamp(this.#connectedAt),
      lastHeartbeat: stamp(clock.wall() - (clock.now() - this.#session.lastHeard)),
      channels: [...this.#session.subscriptions],
      messagesReceived: this.#messagesReceived,
      messagesSent,
      bytesReceived: this.#bytesReceived,
      bytesSent,
    };
  }

  /** Greets the peer, with the channels that its request put it on. */
  open(connected: Written<"connected">, joined?: readonly Joined[]): void {
    this.wasGreeted = true;
    this.#carryOut(this.#session.open(connected, joined));
    this.pump();
  }

  /** Becomes the client whose session it takes up. */
  become(clientId: string): void {
    this.#clientId = clientId;
  }

  /** When each of its rate limits that was used is as if it had not been, by type: wall milliseconds. */
  get rates(): ReadonlyMap<string, number> {
    const { clock } = this.workings.options;
    const used = this.#rates?.used(clock.now()) ?? unused;
    if (used.size === 0) return unused; // of most, and sessions keep it
    return new Map(Array.from(used, ([type, after]) => [type, clock.wall() + after]));
  }

  /** Goes on with the rate limits that the session's former connection had used. */
  restoreRates(rates: ReadonlyMap<string, number>): void {
    if (rates.size === 0) return;
    const { clock } = this.workings.options;
    const used = Array.from(rates, ([type, at]) => [type, at - clock.wall()] as const);
    this.#limits()?.restore(used, clock.now());
  }

  /** Tells the peer that something of what it asked at the handshake could not be had. */
  refuse(reason: Failure): void {
    this.#carryOut(this.#session.refuse(reason));
  }

  /** The socket received a message: a string is text, bytes are binary. */
  receive(data: string | Uint8Array): void {
    if (this.#state !== "open") return;
    const size = typeof data === "string" ? data.length : data.byteLength;
    const { stats, options, sizes } = this.workings;
    this.#messagesReceived++;
    this.#bytesReceived += size;
    stats.messagesReceived++;
    stats.bytesReceived += size;
    this.pong();
    try {
      const inbound = typeof data === "string"
        ? decodeText(data, sizes)
        : decodeBinary(data, sizes, this.variant.compression?.algorithm);
      if (!this.#refuses(inbound)) this.#carryOut(this.#session.receive(inbound, size));
    } catch (error) {
      // No message of a peer may throw past here: on Deno and Bun that would end the process.
      options.logger.error("a message could not be processed", { clientId: this.clientId, error });
      this.close("internal_error");
    }
  }

  /** The socket received a Pong frame. */
  pong(): void {
    this.#session.heard(this.workings.options.clock.now());
    this.#host.heard(this);
  }

  /** The peer closes: a session that goes on has what comes from now on before it. */
  closing(code: number, reason: string): void {
    if (this.#state === "open") this.#leave({ code, reason });
  }

  /** The socket has closed, for whatever reason. Only the first call counts. */
  closed(code: number, reason: string): void {
    this.#end(this.#ending ?? { code: code === 0 ? 1006 : code, reason });
  }

  /** Tells the peer why, and whether to come back, and closes. */
  close(name: CloseName, retryAfter?: number): void {
    const close = closeTable[name];
    this.isReturning = false; // whatever its client meant to do
    const farewell = {
      ...this.#host.farewell(this, close.code),
      ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    };
    this.#carryOut(this.#session.close(close, farewell));
  }

  /** The same, with a code and reason of the application's. */
  closeWith(ending: Ending): void {
    this.isReturning = false;
    this.#carryOut(this.#session.close(ending, this.#host.farewell(this, ending.code)));
  }

  /** Cuts the connection off, where the runtime can. */
  terminate(ending: Ending): void {
    this.#session.closed();
    this.#ending = ending; // Bun tells of the end before `terminate` returns
    this.socket.terminate();
    this.#end(ending);
  }

  /** Takes subscriptions away and tells the peer why. */
  revoke(channels: readonly string[], reason: Failure): void {
    this.#carryOut(this.#session.revoke(channels, reason));
  }

  due(now: number): void {
    if (this.#state === "closing") {
      this.terminate(this.#ending ?? { code: 1006, reason: "" });
      return;
    }
    this.#carryOut(this.#session.advance(now, this.workings.options.clock.wall()));
    this.acknowledgements?.advance(now);
    if (this.#rates !== undefined && this.#rates.idleAt <= now) this.#rates = undefined;
    this.schedule();
  }

  /** Its rate limits; undefined where there are none. */
  #limits(): ConnectionRates | undefined {
    const { rates } = this.workings;
    if (this.#rates === undefined && rates !== undefined) {
      this.#rates = rates.of(this);
      this.schedule(); // with the next turn, which finds out until when they are wanted
    }
    return this.#rates;
  }

  /** Refuses a message that comes too soon, and a connection that sends too many such. */
  #refuses(inbound: Inbound): boolean {
    const limited = this.#limits()?.take(inbound, this.#session.lastHeard);
    if (limited === undefined) return false;
    this.#carryOut(this.#session.limit(inbound, limited.reason));
    if (limited.isAbuse) {
      const { logger } = this.workings.options;
      logger.warn("a connection was closed for abuse", { clientId: this.clientId });
      this.close("abuse");
    }
    return true;
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (this.#state !== "open") return;
      this.#do(effect);
    }
  }

  #do(effect: Effect): void {
    switch (effect.kind) {
      case "send":
        if (effect.message.type === "error") this.workings.stats.errors++;
        this.tell(effect.message);
        return;
      case "vary":
        this.#vary(effect);
        return;
      case "leave":
        this.#host.leave(this, effect.channels);
        for (const channel of effect.channels) this.acknowledgements?.leave(channel);
        return;
      case "acknowledge":
        this.acknowledgements?.acknowledged(effect.ackIds);
        return;
      case "expire":
        this.close("token_expired");
        return;
      case "ping":
        this.#ping(effect.missed);
        return;
      case "close":
        this.#startClosing(effect.close);
        return;
      default:
        this.#run(effect);
    }
  }

  /** Runs an errand and gives the session its outcome: in this tick where it can be. */
  #run(errand: Errand): void {
    const { work } = procedureOf(errand);
    let result: MaybePromise<unknown>;
    try {
      result = work(this.#host, this, errand);
    } catch (error) {
      this.#carryOut(this.#session.settle(errand.id, this.#failed(error)));
      return;
    }
    if (!(result instanceof Promise)) {
      this.#settle(errand, result);
      return;
    }
    // The outcome is taken and answered in one tick, so that no event can come between.
    result.then(
      (value: unknown) => this.#settle(errand, value),
      (error: unknown) => this.#carryOut(this.#session.settle(errand.id, this.#failed(error))),
    )
      .catch((error: unknown) => {
        this.workings.options.logger.error("an answer could not be sent", { error });
        this.close("internal_error");
      });
  }

  #settle(errand: Errand, value: unknown): void {
    const outcome = procedureOf(errand).outcome(value, this.#host, this, errand);
    this.#carryOut(this.#session.settle(errand.id, outcome));
    this.pump();
  }

  #failed(error: unknown): Outcome {
    if (error instanceof HeddleError && error.code === "broker_unavailable") {
      const message = "the message could not be passed on";
      return { kind: "failed", failure: { code: "broker_unavailable", message } };
    }
    this.workings.options.logger.error("a request failed", { clientId: this.clientId, error });
    return { kind: "failed", failure: { code: "internal", message: "the server failed" } };
  }

  #ping(missed: number): void {
    const { stats, options, tell } = this.workings;
    stats.pings++;
    if (missed > 0) {
      stats.missedPongs++;
      tell(() => options.onMissed(this.info(), missed));
    }
    this.socket.ping();
  }

  #vary({ variant, batching, subscriptions }: Extract<Effect, { kind: "vary" }>): void {
    const channels = this.channels([...this.ownChannelNames(), ...subscriptions]);
    // It leaves all groups of the one kind before it joins one of the other: it has one place for both.
    for (const channel of channels) channel.separate(this);
    this.vary(variant, batching);
    for (const channel of channels) channel.regroup(this);
  }

  /** The names of those that it is on, in its own right or because it asked. */
  override channelNames(): readonly string[] {
    return [...this.ownChannelNames(), ...this.#session.subscriptions];
  }

  /** The names of those that it is put on without asking: not kept, since they follow from who it is. */
  ownChannelNames(): readonly string[] {
    const { userId } = this;
    const names = [EVERYONE, clientChannel(this.#clientId)];
    return userId === null ? names : [...names, userChannel(userId)];
  }

  protected override settled(
    event: ChannelEvent,
    outcome: DeliveryOutcome,
    attempts: number,
  ): void {
    this.#host.settled(this, event, outcome, attempts);
  }

  protected override cut(): void {
    const { code, reason } = closeTable.slow_consumer;
    if (this.socket.capabilities.terminate) this.terminate({ code, reason });
    else this.#startClosing({ code, reason });
  }

  #startClosing(ending: Ending): void {
    if (this.#state !== "open") return;
    this.#leave(ending);
    const { code, reason } = ending;
    const sendable = this.socket.capabilities.closeCodes ? code : plainCloseCode(code);
    this.socket.close(sendable, reason);
  }

  /** Its channels are left at once, so that nothing more is written to a socket that is closing. */
  #leave(ending: Ending): void {
    this.#state = "closing";
    this.#session.closed();
    this.#ending = ending;
    this.flush();
    this.#host.left(this, ending);
    this.workings.wheel.schedule(this, this.workings.options.clock.now() + ANSWER_TIMEOUT);
  }

  #end(ending: Ending): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#session.closed();
    this.discard();
    this.workings.wheel.cancel(this);
    this.workings.pump.delete(this);
    this.#abort?.abort();
    this.#host.left(this, ending);
    this.#host.ended(this, ending);
  }

  protected override schedule(): void {
    if (this.#state !== "open") return;
    const deadline = Math.min(
      this.#session.deadline ?? Infinity,
      this.acknowledgements?.deadline ?? Infinity,
      this.#rates?.idleAt ?? Infinity,
    );
    if (deadline < Infinity) this.workings.wheel.schedule(this, deadline);
  }
}
