import { toBase64Url } from "../base/base64.ts";
import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { SessionRecord } from "../broker/broker.ts";
import { networkOf } from "../guard/network.ts";
import { closeAction, closeTable } from "../protocol/close.ts";
import type { Position } from "../protocol/messages.ts";
import type { Ticket } from "../session/effect.ts";
import type { Farewell } from "../session/session.ts";
import type { Connection } from "./connection.ts";
import type { Ending } from "./options.ts";
import type { Presence } from "./presence.ts";
import type { Workings } from "./workings.ts";

/** How long a token that was used stays good, in case its user never learned of the next, in milliseconds. */
const CONFIRMATION = 30_000;

/**
 * Sessions: those of open connections, by the tokens that could take them over, and the way to and from
 * the broker for the others.
 *
 * A token is used once. It is consumed by the first sign of life after the resumption, or after half a
 * minute; until then its user may not have learned of the next one, so it still stands for the session.
 */
export class Sessions {
  readonly #workings: Workings;
  readonly #presence: Presence;
  readonly #connections = new Map<string, Connection>();

  constructor(workings: Workings, presence: Presence) {
    this.#workings = workings;
    this.#presence = presence;
  }

  /** Seconds a session lives after a disconnect. */
  get expiresIn(): number {
    return this.#workings.options.session.ttl / 1000;
  }

  /** Gives a connection a token of its own, in place of one it came with. */
  issue(connection: Connection, used?: string): string {
    const { options } = this.#workings;
    this.#forget(connection);
    const token = toBase64Url(options.random.bytes(32));
    connection.token = token;
    this.#connections.set(token, connection);
    if (used !== undefined) {
      connection.formerToken = { token: used, until: options.clock.now() + CONFIRMATION };
      this.#connections.set(used, connection);
    }
    return token;
  }

  /** The peer gave a sign of life: what it used to resume is consumed. */
  heard(connection: Connection): void {
    if (connection.formerToken === undefined) return;
    this.#connections.delete(connection.formerToken.token);
    connection.formerToken = undefined;
  }

  /** Tells a client its token, which means to come back also after a close of its own with 1000. */
  remind(connection: Connection): Ticket {
    connection.isReturning = true;
    return { reconnectionToken: connection.token!, expiresIn: this.expiresIn };
  }

  /** Whether a token stands for the session of an open connection of this user, or of nobody. */
  isOpen(token: string, userId: string | null): boolean {
    const connection = this.#connections.get(token);
    return connection !== undefined && connection.userId === userId;
  }

  /** What a connection is told when it is closed so: with a token where returning makes sense. */
  farewell(connection: Connection, code: number): Farewell {
    const { token } = connection;
    if (token === undefined || closeAction(code) === "terminal") return {};
    return { reconnection_token: token, expires_in: this.expiresIn };
  }

  /**
   * Finds the session that a token stands for, and ends its hold on an older connection.
   *
   * @returns Undefined where there is none, or it is another user's: the two are not told apart.
   */
  take(token: string, connection: Connection): MaybePromise<SessionRecord | undefined> {
    const { userId } = connection;
    const open = this.#connections.get(token);
    if (open === undefined) {
      return attempt(() => this.#workings.options.broker.sessions.take(token, userId));
    }
    if (open === connection || open.userId !== userId) return undefined;
    const former = open.formerToken;
    const isSpent = former?.token === token && former.until <= this.#workings.options.clock.now();
    if (isSpent) return undefined;
    const record = this.#record(open);
    open.close("replaced");
    return record;
  }

  /** A connection ends: its session is kept where it may be taken up again. Whether it is. */
  keep(connection: Connection, { code }: Ending): boolean {
    const { token, formerToken: former, isReturning } = connection;
    if (token === undefined) return false;
    const record = this.#record(connection);
    this.#forget(connection);
    const isKept = closeAction(code) === "retry" ||
      (code === closeTable.normal.code && isReturning);
    if (!isKept) return false;
    const isGood = former !== undefined && former.until > this.#workings.options.clock.now();
    this.putBack(isGood ? [token, former.token] : [token], record);
    return true;
  }

  /** Keeps a session that no connection has. */
  putBack(tokens: readonly string[], record: SessionRecord): void {
    const { broker, session, logger } = this.#workings.options;
    whenReady(
      attempt(() => broker.sessions.put(tokens, record, session.ttl)),
      () => {},
      (error) => {
        const { clientId } = record;
        logger.error("a session could not be kept", { clientId, error });
      },
    );
  }

  #record(connection: Connection): SessionRecord {
    const positions = new Map<string, Position>();
    for (const name of connection.channelNames()) {
      const position = this.#workings.channels.positionOf(name, connection);
      if (position !== undefined) positions.set(name, position);
    }
    const { clientId, userId, rates, unacknowledged } = connection;
    const metadata = this.#presence.saidBy(connection);
    const network = networkOf(connection.address);
    return { clientId, userId, network, positions, metadata, rates, unacknowledged };
  }

  #forget(connection: Connection): void {
    const { token, formerToken } = connection;
    if (token !== undefined) this.#connections.delete(token);
    if (formerToken !== undefined) this.#connections.delete(formerToken.token);
    connection.token = connection.formerToken = undefined;
    connection.isReturning = false;
  }
}
