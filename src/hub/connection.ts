import { HeddleError } from "../base/errors.ts";
import { assertNever } from "../base/exhaustive.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Timed } from "../base/wheel.ts";
import type { Channel, Subscriber } from "../channel/channel.ts";
import type { Socket } from "../channel/socket.ts";
import {
  type CloseName,
  closeTable,
  isSendableCloseCode,
  plainCloseCode,
} from "../protocol/close.ts";
import { byteLength, decodeBinary, decodeText } from "../protocol/decode.ts";
import { encodeMessage, type Frame, plainText, type Variant } from "../protocol/encode.ts";
import type { Failure } from "../protocol/errors.ts";
import type {
  ApplicationMessage,
  ApplicationReply,
  Position,
  ServerMessageOf,
} from "../protocol/messages.ts";
import type { Effect, EffectId, Joined, Outcome, PublishRequest } from "../session/effect.ts";
import { Session } from "../session/session.ts";
import type { Admission } from "./admission.ts";
import type { ConnectionInfo } from "./info.ts";
import type { Ending } from "./options.ts";
import type { Workings } from "./workings.ts";

/** How long a peer has to answer a Close frame before it is cut off, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

/** A channel that was opened for a connection and is held for it, or why not. */
export type Opened =
  | { readonly channel: string; readonly held: Channel }
  | { readonly channel: string; readonly failure: Failure };

/** What the hub does for a connection. */
export interface ConnectionHost {
  /** Opens channels for a connection, those that exist and are allowed. */
  open(connection: Connection, channels: readonly string[]): MaybePromise<readonly Opened[]>;
  /** Puts it on them. */
  join(connection: Connection, opened: readonly Opened[]): readonly Joined[];
  leave(connection: Connection, channels: Iterable<string>): void;
  locate(channels: readonly string[]): Readonly<Record<string, Position>>;
  publish(connection: Connection, request: PublishRequest): MaybePromise<Outcome>;
  handle(connection: Connection, message: ApplicationMessage): MaybePromise<Outcome>;
  ended(connection: Connection, ending: Ending): void;
}

/**
 * One open socket and its state: carries out what its session asks for. The adapter tells it what the
 * socket does; nothing it is told makes it throw.
 */
export class Connection implements Subscriber, Timed {
  readonly clientId: string;
  readonly admission: Admission;
  /** The channels it was put on without asking. */
  own: readonly string[] = [];
  /** Whether it was told `connected`. */
  wasGreeted = false;
  readonly #socket: Socket;
  readonly #session: Session;
  readonly #workings: Workings;
  readonly #host: ConnectionHost;
  readonly #connectedAt: number;
  #abort: AbortController | undefined;
  #variant: Variant = plainText;
  #heard: number;
  #messagesReceived = 0;
  #messagesSent = 0;
  #bytesReceived = 0;
  #bytesSent = 0;
  #state: "open" | "closing" | "ended" = "open";
  #ending: Ending | undefined;

  constructor(
    clientId: string,
    socket: Socket,
    admission: Admission,
    workings: Workings,
    host: ConnectionHost,
  ) {
    const { options } = workings;
    const now = options.clock.now();
    this.clientId = clientId;
    this.admission = admission;
    this.#socket = socket;
    this.#workings = workings;
    this.#host = host;
    this.#connectedAt = options.clock.wall();
    this.#heard = now;
    this.#session = new Session({
      subscriptions: options.limits.subscriptions,
      inFlight: options.limits.inFlight,
      ...(socket.capabilities.pings ? { liveness: options.heartbeat } : {}),
      declares: workings.declares,
      timestamp: workings.timestamp,
    }, now);
    this.#schedule();
  }

  get userId(): string | null {
    return this.admission.identity.userId;
  }

  get variant(): Variant {
    return this.#variant;
  }

  /** What it asked to be subscribed to. */
  get subscriptions(): ReadonlySet<string> {
    return this.#session.subscriptions;
  }

  /** Aborted when the connection has ended. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#state === "ended") this.#abort.abort();
    return this.#abort.signal;
  }

  /** Whether messages can still be sent. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  info(): ConnectionInfo {
    const { identity, address } = this.admission;
    const { clock } = this.#workings.options;
    return {
      clientId: this.clientId,
      userId: identity.userId,
      role: identity.role,
      claims: identity.claims,
      address,
      connectedAt: new Date(this.#connectedAt).toISOString(),
      lastHeartbeat: new Date(clock.wall() - (clock.now() - this.#heard)).toISOString(),
      channels: [...this.#session.subscriptions],
      messagesReceived: this.#messagesReceived,
      messagesSent: this.#messagesSent,
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent,
    };
  }

  /** Greets the peer. */
  open(connected: ServerMessageOf<"connected">): void {
    this.wasGreeted = true;
    this.#carryOut(this.#session.open(connected));
  }

  /** The socket received a message: a string is text, bytes are binary. */
  receive(data: string | Uint8Array): void {
    if (this.#state !== "open") return;
    const size = typeof data === "string" ? data.length : data.byteLength;
    const { stats, options, sizes } = this.#workings;
    this.#messagesReceived++;
    this.#bytesReceived += size;
    stats.messagesReceived++;
    stats.bytesReceived += size;
    this.pong();
    try {
      const inbound = typeof data === "string"
        ? decodeText(data, sizes)
        : decodeBinary(data, sizes, this.#variant.compression?.algorithm);
      this.#carryOut(this.#session.receive(inbound));
    } catch (error) {
      // No message of a peer may throw past here: on Deno and Bun that would end the process.
      options.logger.error("a message could not be processed", { clientId: this.clientId, error });
      this.close("internal_error");
    }
  }

  /** The socket received a Pong frame. */
  pong(): void {
    this.#heard = this.#workings.options.clock.now();
    this.#session.heard(this.#heard);
  }

  /** The socket has closed, for whatever reason. Only the first call counts. */
  closed(code: number, reason: string): void {
    this.#end(this.#ending ?? { code: code === 0 ? 1006 : code, reason });
  }

  deliver(frame: Frame): void {
    this.#workings.stats.eventsDelivered++;
    this.#write(frame);
  }

  /** Sends a message of the application; false where it is too late. */
  send(message: ApplicationReply): boolean {
    if (this.#state !== "open") return false;
    this.#write(encodeMessage(message, this.#variant, this.#workings.compressor));
    return true;
  }

  /** Tells the peer why, and closes. */
  close(name: CloseName, retryAfter?: number): void {
    this.#carryOut(this.#session.close(closeTable[name], retryAfter));
  }

  /** The same, with a code and reason of the application's. */
  closeWith(ending: Ending): void {
    this.#carryOut(this.#session.close(ending));
  }

  /** Cuts the connection off, where the runtime can. */
  terminate(ending: Ending): void {
    this.#session.closed();
    this.#ending = ending; // Bun tells of the end before `terminate` returns
    this.#socket.terminate();
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
    this.#carryOut(this.#session.advance(now));
    this.#schedule();
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
        if (effect.message.type === "error") this.#workings.stats.errors++;
        this.#write(encodeMessage(effect.message, this.#variant, this.#workings.compressor));
        return;
      case "vary":
        this.#vary(effect.variant);
        return;
      case "join":
        this.#settle(
          effect.id,
          () => this.#host.open(this, effect.channels),
          (opened) => ({ kind: "joined", results: this.#host.join(this, opened) }),
        );
        return;
      case "leave":
        this.#host.leave(this, effect.channels);
        return;
      case "locate":
        this.#settle(
          effect.id,
          () => this.#host.locate(effect.channels),
          (positions) => ({ kind: "located", positions }),
        );
        return;
      case "publish":
        this.#settle(effect.id, () => this.#host.publish(this, effect.request), (done) => done);
        return;
      case "handle":
        this.#settle(effect.id, () => this.#host.handle(this, effect.message), (done) => done);
        return;
      case "ping":
        this.#socket.ping();
        return;
      case "close":
        this.#startClosing(effect.close);
        return;
      default:
        assertNever(effect);
    }
  }

  /** Does the work of an effect and gives the session its outcome: in this tick where it can be. */
  #settle<T>(id: EffectId, work: () => MaybePromise<T>, outcome: (value: T) => Outcome): void {
    let result: MaybePromise<T>;
    try {
      result = work();
    } catch (error) {
      this.#carryOut(this.#session.settle(id, this.#failed(error)));
      return;
    }
    if (!(result instanceof Promise)) {
      this.#carryOut(this.#session.settle(id, outcome(result)));
      return;
    }
    // The outcome is taken and answered in one tick, so that no event can come between.
    result.then(
      (value) => this.#carryOut(this.#session.settle(id, outcome(value))),
      (error: unknown) => this.#carryOut(this.#session.settle(id, this.#failed(error))),
    )
      .catch((error: unknown) => {
        this.#workings.options.logger.error("an answer could not be sent", { error });
        this.close("internal_error");
      });
  }

  #failed(error: unknown): Outcome {
    if (error instanceof HeddleError && error.code === "broker_unavailable") {
      const message = "the message could not be passed on";
      return { kind: "failed", failure: { code: "broker_unavailable", message } };
    }
    this.#workings.options.logger.error("a request failed", { clientId: this.clientId, error });
    return { kind: "failed", failure: { code: "internal", message: "the server failed" } };
  }

  #vary(variant: Variant): void {
    const former = this.#variant;
    if (variant === former) return;
    this.#variant = variant;
    for (const names of [this.own, this.#session.subscriptions]) {
      for (const name of names) this.#workings.channels.get(name)?.regroup(this, former);
    }
  }

  #write(frame: Frame): void {
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    const { stats, options } = this.#workings;
    this.#messagesSent++;
    this.#bytesSent += size;
    stats.messagesSent++;
    stats.bytesSent += size;
    this.#socket.send(frame);
    if (this.#socket.bufferedAmount > options.limits.outbox && this.#state === "open") {
      // A frame left out would be a hole that nobody is told of, so the whole connection goes.
      options.logger.warn("a slow connection was cut off", { clientId: this.clientId });
      const { code, reason } = closeTable.slow_consumer;
      this.#state = "closing";
      if (this.#socket.capabilities.terminate) this.terminate({ code, reason });
      else this.#shut({ code, reason });
    }
  }

  #startClosing(ending: Ending): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#shut(ending);
  }

  #shut(ending: Ending): void {
    const { code, reason } = ending;
    this.#session.closed();
    this.#ending = ending;
    // Its channels are left at once, so that nothing more is written to a socket that is closing.
    this.#host.leave(this, this.own);
    this.#host.leave(this, this.#session.subscriptions);
    this.#workings.wheel.schedule(this, this.#workings.options.clock.now() + CLOSE_TIMEOUT);
    const sendable = this.#socket.capabilities.closeCodes ? code : plainCloseCode(code);
    this.#socket.close(sendable, reason);
  }

  #end(ending: Ending): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#session.closed();
    this.#workings.wheel.cancel(this);
    this.#abort?.abort();
    this.#host.leave(this, this.own);
    this.#host.leave(this, this.#session.subscriptions);
    this.#host.ended(this, ending);
  }

  #schedule(): void {
    const { deadline } = this.#session;
    if (deadline !== undefined && this.#state === "open") {
      this.#workings.wheel.schedule(this, deadline);
    }
  }
}

/** @throws {HeddleError} `option_invalid` for what cannot stand in a Close frame. */
export function checkEnding({ code, reason }: Ending): void {
  if (!isSendableCloseCode(code)) {
    throw new HeddleError(
      "option_invalid",
      `${code} is no close code that may be sent: 1000, 1001, 1003, 1007 to 1014 and 3000 to 4999 are`,
    );
  }
  if (byteLength(reason) > 123) {
    throw new HeddleError("option_invalid", "a close reason has at most 123 bytes");
  }
}
