import type { Timed } from "../base/wheel.ts";
import { networkOf } from "../guard/network.ts";
import { Refusal } from "../guard/refusal.ts";
import type { Admission } from "./admission.ts";
import { ANSWER_TIMEOUT, type Connection } from "./connection.ts";
import type { Roster } from "./roster.ts";
import type { Workings } from "./workings.ts";

/** How long one may take to say that it resumes a session whose request has not named it; milliseconds. */
const UNANNOUNCED = 1_000;

/** What a user is told to wait for who has too many connections, in seconds. */
const RETRY_AFTER = 5;

/**
 * How many times its number a user may have with those that are closing: peers that do not answer a
 * close would else pile up until they are cut off.
 */
const CLOSING = 4;

/**
 * Sees that no user and no address has more connections than they may.
 *
 * One too many of a user may yet say that it takes up the session of one that is still there, since its
 * peer knows sooner than the hub that it is gone: then that one goes, and no other. It has as long for that
 * as for any answer where its request has named the session, and else a second, after which the oldest goes
 * or, where the policy is to refuse, itself. So a user may have up to twice as many for that time.
 */
export class Seats {
  readonly #workings: Workings;
  readonly #roster: Roster;
  /** Those that are not closing, the oldest first. */
  readonly #users = new Map<string, Set<Connection>>();
  readonly #addresses = new Map<string, number>();
  readonly #undecided = new Map<Connection, Timed>();

  constructor(workings: Workings, roster: Roster) {
    this.#workings = workings;
    this.#roster = roster;
  }

  /**
   * Judges who asks for one more, before the upgrade.
   *
   * @param replaces Whether it takes up the session of one that is there, which then goes.
   * @throws {Refusal} 429.
   */
  check({ identity, address }: Admission, replaces: boolean): void {
    const { limits, userLimitPolicy } = this.#workings.options;
    if (this.#of(address) - Number(replaces) >= limits.connectionsPerAddress) {
      throw tooMany("too_many_of_address", "your address", limits.connectionsPerAddress);
    }
    const { userId } = identity;
    if (userId === null) return;
    const most = limits.connectionsPerUser;
    const mayCloseOthers = userLimitPolicy === "close-oldest" || replaces;
    const isFull = !mayCloseOthers && (this.#users.get(userId)?.size ?? 0) >= most;
    if (isFull || this.#roster.sizeOf(userId) >= CLOSING * most) {
      throw tooMany("too_many_of_user", "the user", most);
    }
  }

  /** Counts a connection that has come. False where it is one too many, and must go. */
  take(connection: Connection, admission: Admission): boolean {
    const { limits, userLimitPolicy } = this.#workings.options;
    const { userId } = connection;
    const network = networkOf(admission.address);
    const ofAddress = this.#of(admission.address) + 1;
    this.#addresses.set(network, ofAddress);
    // One that replaces another may come over the limit until that has ended.
    const replaces = admission.reconnectionToken !== undefined || admission.resumes !== undefined;
    if (ofAddress > limits.connectionsPerAddress + Number(replaces)) return false;
    if (userId === null) return true;
    const connections = this.#users.get(userId) ?? new Set();
    this.#users.set(userId, connections.add(connection));
    if (connections.size <= limits.connectionsPerUser) return true;
    const isRefused = userLimitPolicy === "refuse" &&
      (!replaces || connections.size > 2 * limits.connectionsPerUser);
    if (isRefused) return false;
    const decision: Timed = { due: () => this.settle(connection) };
    this.#undecided.set(connection, decision);
    const patience = replaces ? ANSWER_TIMEOUT : UNANNOUNCED;
    this.#workings.wheel.schedule(decision, this.#workings.options.clock.now() + patience);
    this.#trim(connections, connection);
    return true;
  }

  /** A connection takes up no session, or none any more. */
  settle(connection: Connection): void {
    const decision = this.#undecided.get(connection);
    if (decision === undefined) return;
    this.#forget(connection, decision);
    this.#trim(this.#users.get(connection.userId!) ?? new Set(), connection);
  }

  /** A connection begins to close. */
  leave(connection: Connection): void {
    const decision = this.#undecided.get(connection);
    if (decision !== undefined) this.#forget(connection, decision);
    const { userId } = connection;
    const connections = userId === null ? undefined : this.#users.get(userId);
    connections?.delete(connection);
    if (connections?.size === 0) this.#users.delete(userId!);
  }

  /** A connection that was counted has ended. */
  free({ address }: Connection): void {
    const network = networkOf(address);
    const left = (this.#addresses.get(network) ?? 1) - 1;
    if (left > 0) this.#addresses.set(network, left);
    else this.#addresses.delete(network);
  }

  /** Where the runtime knows no address, everybody has the same, which is nobody's. */
  #of(address: string): number {
    return address === "" ? 0 : this.#addresses.get(networkOf(address)) ?? 0;
  }

  /** Ends what a user has too many: the oldest, or the newest where the policy is to refuse. */
  #trim(connections: ReadonlySet<Connection>, newest: Connection): void {
    const { stats, options } = this.#workings;
    const { connectionsPerUser } = options.limits;
    let undecided = 0;
    for (const connection of connections) if (this.#undecided.has(connection)) undecided++;
    const most = connectionsPerUser + Math.min(undecided, connectionsPerUser);
    if (options.userLimitPolicy === "refuse") {
      if (connections.size > most) newest.close("try_again_later", RETRY_AFTER);
      return;
    }
    for (const connection of connections) {
      if (connections.size <= most) return;
      stats.evicted++;
      connection.close("replaced");
    }
  }

  #forget(connection: Connection, decision: Timed): void {
    this.#undecided.delete(connection);
    this.#workings.wheel.cancel(decision);
  }
}

function tooMany(error: string, whose: string, limit: number): Refusal {
  const message = `${whose} has as many connections as may be: ${limit}`;
  return new Refusal(429, error, message, { "Retry-After": String(RETRY_AFTER) });
}
