import type { Clock } from "../base/clock.ts";
import { assertNever } from "../base/exhaustive.ts";
import { type Timed, TimerWheel } from "../base/wheel.ts";
import type { NewEvent } from "../protocol/event.ts";
import { Members, type PresenceChange } from "./members.ts";
import type { Entrant, PresenceList, PresenceStore, PresenceTerms } from "./presence.ts";

/** How exact the times of presence are, in milliseconds. */
const TICK = 20;

/** What presence in memory is made with. */
export interface MemoryPresenceOptions {
  readonly clock: Clock;
  /** How many that went may be counted in for their grace; of more, the longest gone go at once. */
  readonly lingering: number;
  /** Tells those who listen to a channel. */
  readonly announce: (channel: string, event: NewEvent) => void;
}

/** A channel that somebody is on. */
interface Attended extends Timed {
  readonly members: Members;
  /** Those who went and are still counted in, by client id. */
  readonly lingering: Map<string, Lingering>;
  coalesce: number;
  maxMembers: number;
  /** Whether what happened will be told in a while. */
  isTelling: boolean;
}

/** A connection that went and may come back. */
interface Lingering extends Timed {
  readonly clientId: string;
  readonly attended: Attended;
}

/** Presence in one process: one timer for all channels, and none while nothing is awaited. */
export class MemoryPresence implements PresenceStore {
  readonly #options: MemoryPresenceOptions;
  readonly #wheel: TimerWheel;
  readonly #channels = new Map<string, Attended>();
  /** Over all channels, the longest gone first. */
  readonly #lingering = new Set<Lingering>();

  constructor(options: MemoryPresenceOptions) {
    this.#options = options;
    this.#wheel = new TimerWheel(options.clock, TICK);
  }

  /** How many channels have members. */
  get size(): number {
    return this.#channels.size;
  }

  enter(channel: string, entrant: Entrant, { maxMembers, coalesce }: PresenceTerms): void {
    const attended = this.#channels.get(channel) ?? this.#attend(channel);
    attended.maxMembers = maxMembers;
    attended.coalesce = coalesce;
    this.#forget(attended.lingering.get(entrant.clientId));
    attended.members.enter(entrant);
    this.#tellSoon(attended);
  }

  leave(channel: string, entrant: Entrant, grace: number): void {
    const attended = this.#channels.get(channel);
    if (attended === undefined) return;
    const { clientId, userId } = entrant;
    this.#forget(attended.lingering.get(clientId));
    const go = () => {
      if (attended.members.leave({ clientId, userId })) this.#tellSoon(attended);
    };
    if (grace <= 0) go();
    else this.#linger(attended, clientId, grace, go);
  }

  list(channel: string, most: number): PresenceList {
    const attended = this.#channels.get(channel);
    if (attended === undefined) return { count: 0, members: [] };
    // Whoever is told who is there must be told who goes, also of those who came a moment ago.
    if (attended.isTelling && attended.members.count <= most) {
      this.#wheel.cancel(attended);
      this.#tell(channel, attended);
    }
    return attended.members.list(most);
  }

  clear(): void {
    this.#wheel.clear();
    this.#channels.clear();
    this.#lingering.clear();
  }

  #attend(channel: string): Attended {
    const attended: Attended = {
      members: new Members(),
      lingering: new Map(),
      coalesce: 0,
      maxMembers: 0,
      isTelling: false,
      due: () => this.#tell(channel, attended),
    };
    this.#channels.set(channel, attended);
    return attended;
  }

  #linger(attended: Attended, clientId: string, grace: number, go: () => void): void {
    const lingering: Lingering = {
      clientId,
      attended,
      due: () => {
        this.#forget(lingering);
        go();
      },
    };
    attended.lingering.set(clientId, lingering);
    this.#lingering.add(lingering);
    this.#wheel.schedule(lingering, this.#options.clock.now() + grace);
    if (this.#lingering.size <= this.#options.lingering) return;
    const [longest] = this.#lingering;
    longest?.due(this.#options.clock.now());
  }

  #forget(lingering: Lingering | undefined): void {
    if (lingering === undefined) return;
    lingering.attended.lingering.delete(lingering.clientId);
    this.#lingering.delete(lingering);
    this.#wheel.cancel(lingering);
  }

  #tellSoon(attended: Attended): void {
    if (attended.isTelling) return;
    const now = this.#options.clock.now();
    attended.isTelling = true;
    if (attended.coalesce === 0) attended.due(now);
    else this.#wheel.schedule(attended, now + attended.coalesce);
  }

  #tell(channel: string, attended: Attended): void {
    attended.isTelling = false;
    const changes = attended.members.changes(attended.maxMembers);
    if (attended.members.isSpent) this.#channels.delete(channel);
    if (changes.length === 0) return;
    const timestamp = new Date(this.#options.clock.wall()).toISOString();
    for (const change of changes) this.#options.announce(channel, eventOf(change, timestamp));
  }
}

function eventOf(change: PresenceChange, timestamp: string): NewEvent {
  const { kind, count } = change;
  switch (kind) {
    case "count":
      return { eventType: "presence.count", data: JSON.stringify({ count }), timestamp };
    case "join":
    case "leave":
    case "update": {
      const { member: { userId, clientId, metadata, connections }, isAlone } = change;
      // The metadata are JSON text already.
      const data = `{"user_id":${JSON.stringify(userId)},"client_id":${JSON.stringify(clientId)},` +
        `"metadata":${metadata},"connections":${connections},"count":${count}}`;
      // Nobody needs to be told what it did itself.
      const exclude = isAlone ? { exclude: { clients: [clientId] } } : {};
      return { eventType: `presence.${kind}`, data, timestamp, ...exclude };
    }
    default:
      return assertNever(change);
  }
}
