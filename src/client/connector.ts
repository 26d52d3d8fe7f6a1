import { assertNever } from "../base/exhaustive.ts";
import { HeddleError } from "../base/errors.ts";
import { closeAction, closeTable } from "../protocol/close.ts";
import type { ServerMessageOf } from "../protocol/messages.ts";
import { backoffDelay, retryAfterDelay } from "./backoff.ts";
import type { ClientEvents, ClientStatus } from "./events.ts";
import type { Received } from "./frames.ts";
import { type KnownDictionary, Link, type LinkEnding } from "./link.ts";
import type { Listeners } from "./listeners.ts";
import type { ResolvedClientOptions } from "./options.ts";
import { resuming } from "./url.ts";

/** What else has to know of a connection. */
export interface ConnectorOwner {
  /** The id of the client whose session the next connection resumes, where that is known. */
  resumes(): string | undefined;
  /**
   * The server greeted.
   *
   * @param begin To be called when it is known how the connection begins; from then on there is one.
   */
  greeted(
    message: ServerMessageOf<"connected">,
    link: Link,
    begin: (beginning: { readonly clientId: string; readonly resumed: boolean }) => void,
  ): void;
  /** There is none any more. */
  offline(error: HeddleError): void;
  /** There will be none until `connect` is called. */
  abandoned(error: HeddleError): void;
  received(message: Received): void;
}

interface Waiter {
  resolve(): void;
  reject(error: HeddleError): void;
}

/** Gets a connection, and another one when it is lost. */
export class Connector {
  /** What the server may compress by. */
  readonly dictionary: KnownDictionary = { current: undefined };
  readonly #options: ResolvedClientOptions;
  readonly #listeners: Listeners<ClientEvents>;
  readonly #owner: ConnectorOwner;
  #status: ClientStatus = "idle";
  #link: Link | undefined;
  #leaving: Promise<void> = Promise.resolve();
  /** Attempts since there was a connection. */
  #attempt = 0;
  #stopWaiting: (() => void) | undefined;
  #waiters: Waiter[] = [];

  constructor(
    options: ResolvedClientOptions,
    listeners: Listeners<ClientEvents>,
    owner: ConnectorOwner,
  ) {
    this.#options = options;
    this.#listeners = listeners;
    this.#owner = owner;
  }

  get status(): ClientStatus {
    return this.#status;
  }

  /** The connection, undefined while there is none. */
  get link(): Link | undefined {
    return this.#status === "connected" ? this.#link : undefined;
  }

  /** Resolves once there is a connection; whoever calls meanwhile waits for the same one. */
  connect(): Promise<void> {
    switch (this.#status) {
      case "connected":
        return Promise.resolve();
      case "idle":
      case "closed": {
        const connected = this.#wait();
        this.#attempt = 0;
        this.#open();
        this.#become("connecting");
        return connected;
      }
      case "connecting":
      case "reconnecting":
        return this.#wait();
      default:
        return assertNever(this.#status);
    }
  }

  /** Gives up the connection there is, since the server does what it should not. */
  fail(error: HeddleError): void {
    this.#link?.fail(error);
  }

  /** Ends it. The promise waits for the peer to agree, though not for long. */
  disconnect(): Promise<void> {
    if (this.#status === "idle" || this.#status === "closed") return this.#leaving;
    const wasConnected = this.#status === "connected";
    this.#leaving = this.#link?.close() ?? Promise.resolve();
    this.#close(new HeddleError("closed", "the client was disconnected"));
    if (wasConnected) {
      this.#listeners.emit("disconnected", { code: 1000, reason: "", willReconnect: false });
    }
    return this.#leaving;
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #open(): void {
    const address = resuming(this.#options.address, this.#owner.resumes());
    const link: Link = new Link({ ...this.#options, address }, {
      connected: (message) => {
        this.#owner.greeted(message, link, (beginning) => {
          if (this.#link === link) this.#connected(message, beginning);
        });
      },
      received: (message) => this.#owner.received(message),
      failed: (error) => this.#listeners.report(error),
      ended: (ending) => this.#ended(ending),
    }, this.dictionary);
    this.#link = link;
  }

  #connected(
    { user_id: userId, role }: ServerMessageOf<"connected">,
    beginning: { readonly clientId: string; readonly resumed: boolean },
  ): void {
    const attempt = this.#attempt;
    this.#attempt = 0;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
    this.#become("connected");
    this.#listeners.emit("connected", { ...beginning, userId, role, attempt });
  }

  #ended(ending: LinkEnding): void {
    const { code, reason, error } = ending;
    const former = this.#status;
    const attempt = this.#attempt;
    const next = former === "connecting" ? undefined : this.#next(ending);
    if (next === undefined) this.#close(error);
    else this.#pause(next, error);
    if (former === "connected") {
      this.#listeners.emit("disconnected", { code, reason, willReconnect: next !== undefined });
    } else if (former === "reconnecting") {
      this.#listeners.emit("failed", { attempt, error });
    }
    if (next !== undefined) {
      this.#listeners.emit("reconnecting", next);
    } else if (former === "reconnecting" && closeAction(code) === "retry") {
      this.#listeners.emit("exhausted", { attempts: attempt, error });
    }
  }

  /** The next attempt and the wait before it, undefined where there is to be none. */
  #next({ code, retryAfter }: LinkEnding): ClientEvents["reconnecting"] | undefined {
    const { reconnect, random, credentials } = this.#options;
    if (reconnect === undefined || closeAction(code) === "terminal") return undefined;
    if (code === closeTable.token_expired.code && credentials.isFixed) return undefined;
    const attempt = this.#attempt + 1;
    if (reconnect.attempts !== 0 && attempt > reconnect.attempts) return undefined;
    // Added, not compared: all clients of a server are told the same, and should still spread out.
    const delay = retryAfterDelay(retryAfter) + backoffDelay(attempt, reconnect, random);
    return { attempt, delay };
  }

  #pause({ attempt, delay }: ClientEvents["reconnecting"], error: HeddleError): void {
    this.#attempt = attempt;
    this.#link = undefined;
    this.#stopWaiting = this.#options.clock.after(delay, () => {
      this.#stopWaiting = undefined;
      this.#open();
    });
    this.#owner.offline(error);
    this.#become("reconnecting");
  }

  #close(error: HeddleError): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#link = undefined;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    this.#owner.offline(error);
    this.#owner.abandoned(error);
    this.#become("closed");
  }

  #become(status: ClientStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#listeners.emit("status", status);
  }
}
