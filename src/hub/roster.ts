import type { Connection } from "./connection.ts";

/** The open connections, by client and by user. */
export class Roster {
  readonly #all = new Set<Connection>();
  /** A session's newest connection: the one it replaced may still be closing. */
  readonly #byClient = new Map<string, Connection>();
  readonly #byUser = new Map<string, Set<Connection>>();

  /** How many connections there are. */
  get size(): number {
    return this.#all.size;
  }

  /** How many users have one. */
  get users(): number {
    return this.#byUser.size;
  }

  get(clientId: string): Connection | undefined {
    return this.#byClient.get(clientId);
  }

  /** How many connections one user has. */
  sizeOf(userId: string): number {
    return this.#byUser.get(userId)?.size ?? 0;
  }

  /** The connections of one user. */
  ofUser(userId: string): Iterable<Connection> {
    return this.#byUser.get(userId) ?? [];
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    this.#byClient.set(connection.clientId, connection);
    const { userId } = connection;
    if (userId === null) return;
    const connections = this.#byUser.get(userId);
    if (connections === undefined) this.#byUser.set(userId, new Set([connection]));
    else connections.add(connection);
  }

  /** Notes that a connection took up the session of another client id. */
  rename(connection: Connection, former: string): void {
    if (this.#byClient.get(former) === connection) this.#byClient.delete(former);
    this.#byClient.set(connection.clientId, connection);
  }

  /** False where it was not there. */
  delete(connection: Connection): boolean {
    if (!this.#all.delete(connection)) return false;
    const { clientId, userId } = connection;
    if (this.#byClient.get(clientId) === connection) this.#byClient.delete(clientId);
    if (userId === null) return true;
    const connections = this.#byUser.get(userId);
    connections?.delete(connection);
    if (connections?.size === 0) this.#byUser.delete(userId);
    return true;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#all.values();
  }
}
