import { clientChannel, userChannel } from "../protocol/names.ts";
import type { Entrant, Member, PresenceList } from "./presence.ts";

/** What is to be told of who is on a channel. */
export type PresenceChange =
  | {
    readonly kind: "join" | "leave" | "update";
    /** The member, as it is now; one that left as it was last told, without connections. */
    readonly member: Member;
    /** Members there are, as far as this and what was told before tells. */
    readonly count: number;
    /** Whether the connection the member names is the only one that changed anything. */
    readonly isAlone: boolean;
  }
  /** There are, or were until now, too many to tell of each. */
  | { readonly kind: "count"; readonly count: number };

/** One who is on the channel, with some connections. */
interface Entry {
  readonly key: string;
  readonly userId: string | null;
  /** What each connection says of itself, the newest last. */
  readonly connections: Map<string, string | null>;
  /** The connection that came, went or changed last. */
  clientId: string;
  /** What counts of what they say: of the newest that says something. */
  saying: { readonly clientId: string; readonly metadata: string } | undefined;
  /** What was told of it last. */
  told: { readonly connections: number; readonly metadata: string | null } | undefined;
}

/**
 * Who is on one channel, and the difference to what was told of it.
 *
 * It knows no time: whoever holds it gathers what happens for a while and then asks for the
 * {@linkcode changes}, so that one who came and went in between is not spoken of.
 */
export class Members {
  readonly #entries = new Map<string, Entry>();
  /** Whom something happened to since it was last told, and whether one connection did it all. */
  readonly #changed = new Map<Entry, boolean>();
  #count = 0;
  #toldCount = 0;
  #wasListed = true;

  /** How many members there are. */
  get count(): number {
    return this.#count;
  }

  /** Whether nobody is here, and nobody who went is still to be told of. */
  get isSpent(): boolean {
    return this.#entries.size === 0 && this.#toldCount === 0;
  }

  /** A connection comes, or says something else. Metadata left out stay as they are. */
  enter({ clientId, userId, metadata }: Entrant): void {
    const key = keyOf({ clientId, userId });
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const connections = new Map<string, string | null>();
      entry = { key, userId, connections, clientId, saying: undefined, told: undefined };
      this.#entries.set(key, entry);
    }
    const { connections } = entry;
    if (connections.size === 0) this.#count++;
    const said = metadata === undefined ? connections.get(clientId) ?? null : metadata;
    connections.delete(clientId);
    connections.set(clientId, said);
    if (said !== null) entry.saying = { clientId, metadata: said };
    else if (entry.saying?.clientId === clientId) entry.saying = newestSaying(entry);
    this.#touch(entry, clientId);
  }

  /** A connection goes. False where it was not here. */
  leave({ clientId, userId }: Entrant): boolean {
    const entry = this.#entries.get(keyOf({ clientId, userId }));
    if (entry === undefined || !entry.connections.delete(clientId)) return false;
    if (entry.connections.size === 0) this.#count--;
    if (entry.saying?.clientId === clientId) entry.saying = newestSaying(entry);
    this.#touch(entry, clientId);
    return true;
  }

  /** Gives the members; their number alone where there are more than `most`. */
  list(most: number): PresenceList {
    const count = this.#count;
    if (count > most) return { count };
    const present = [...this.#entries.values()].filter(({ connections }) => connections.size > 0);
    return { count, members: present.map(memberOf) };
  }

  /** What happened since this was last asked; of more than `most` members their number alone. */
  changes(most: number): PresenceChange[] {
    const isListed = this.#count <= most;
    const changes = isListed && this.#wasListed ? this.#each() : this.#number(isListed);
    this.#changed.clear();
    this.#wasListed = isListed;
    this.#toldCount = this.#count;
    return changes;
  }

  #each(): PresenceChange[] {
    const changes: PresenceChange[] = [];
    let count = this.#toldCount;
    for (const [entry, isAlone] of this.#changed) {
      const kind = difference(entry);
      const metadata = (kind === "leave" ? entry.told : stateOf(entry))?.metadata ?? null;
      this.#settle(entry);
      if (kind === undefined) continue;
      if (kind === "join") count++;
      else if (kind === "leave") count--;
      changes.push({ kind, member: { ...memberOf(entry), metadata }, count, isAlone });
    }
    return changes;
  }

  #number(isListed: boolean): PresenceChange[] {
    // What is told of each again starts from those who are here now.
    for (const entry of this.#changed.keys()) this.#settle(entry);
    const isNews = this.#count !== this.#toldCount || isListed !== this.#wasListed;
    return isNews ? [{ kind: "count", count: this.#count }] : [];
  }

  #settle(entry: Entry): void {
    const { key, connections } = entry;
    if (connections.size === 0) this.#entries.delete(key);
    entry.told = connections.size === 0 ? undefined : stateOf(entry);
  }

  #touch(entry: Entry, clientId: string): void {
    const before = this.#changed.get(entry);
    this.#changed.set(entry, before === undefined || (before && entry.clientId === clientId));
    entry.clientId = clientId;
  }
}

function difference(entry: Entry): "join" | "leave" | "update" | undefined {
  const { told, connections } = entry;
  if (connections.size === 0) return told === undefined ? undefined : "leave";
  if (told === undefined) return "join";
  const now = stateOf(entry);
  const isSame = told.connections === now.connections && told.metadata === now.metadata;
  return isSame ? undefined : "update";
}

function stateOf({ connections, saying }: Entry) {
  return { connections: connections.size, metadata: saying?.metadata ?? null };
}

function memberOf(entry: Entry): Member {
  const { userId, clientId } = entry;
  return { userId, clientId, ...stateOf(entry) };
}

function newestSaying({ connections }: Entry): Entry["saying"] {
  let newest: Entry["saying"];
  for (const [clientId, metadata] of connections) {
    if (metadata !== null) newest = { clientId, metadata };
  }
  return newest;
}

/** A user is one member on any number of connections; of others each connection is one. */
function keyOf({ clientId, userId }: Entrant): string {
  return userId === null ? clientChannel(clientId) : userChannel(userId);
}
