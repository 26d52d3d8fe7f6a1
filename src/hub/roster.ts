import type { Connection } from "./connection.ts";

/** The connections whose socket has not ended, by client and by user: open ones, and those that are closing. */
export class Roster {
  /** A session's newest connection. */
  readonly #byClient = new Map<string, Connection>();
  /** Those that were replaced in their session and are still closing. */
  readonly #replaced = new Set<Connection>();
  readonly #byUser = new Map<string, Set<Connection>>();

  /** How many connections there are. */
  get size(): number {
    return this.#byClient.size + this.#replaced.size;
  }

  /** How many of them are open. */
  get open(): number {
    let open = 0;
    for (const { isOpen } of this) if (isOpen) open++;
    return open;
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
    const replaced = this.#byClient.get(connection.clientId);
    if (replaced !== undefined) this.#replaced.add(replaced);
    this.#byClient.set(connection.clientId, connection);
  }

  /** False where it was not there. */
  delete(connection: Connection): boolean {
    const { clientId, userId } = connection;
    if (this.#byClient.get(clientId) === connection) this.#byClient.delete(clientId);
    else if (!this.#replaced.delete(connection)) return false;
    if (userId === null) return true;
    const connections = this.#byUser.get(userId);
    connections?.delete(connection);
    if (connections?.size === 0) this.#byUser.delete(userId);
    return true;
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    yield* this.#byClient.values();
    yield* this.#replaced;
  }
}
