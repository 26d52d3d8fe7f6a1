import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { PresenceList as StoredList } from "../broker/presence.ts";
import type { Channel } from "../channel/channel.ts";
import { failure } from "../protocol/errors.ts";
import type { ServerMessageOf } from "../protocol/messages.ts";
import type { Outcome } from "../session/effect.ts";
import type { Connection } from "./connection.ts";
import type { Workings } from "./workings.ts";

/** One who is on a channel: a user with all their connections, or one anonymous connection. */
export interface MemberInfo {
  readonly userId: string | null;
  /** The connection that came, changed or went last. */
  readonly clientId: string;
  /** What it says of itself. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly connections: number;
}

/** Who is on a channel, on whichever hub of the same broker. */
export interface PresenceInfo {
  readonly count: number;
  /** Absent where there are more than the channel's `maxMembers`. */
  readonly members?: readonly MemberInfo[];
}

/** What one said of itself who is on no channel with presence. */
const silent: ReadonlyMap<string, string> = new Map();

/** Tells the broker who comes to channels with presence and who goes, and asks it who is there. */
export class Presence {
  readonly #workings: Workings;
  /** Where each connection is present, and what it says of itself there. */
  readonly #present = new Map<Connection, Map<string, string | null>>();

  constructor(workings: Workings) {
    this.#workings = workings;
  }

  /** A connection was put on a channel, or says something else of itself there. */
  enter(connection: Connection, { name, definition }: Channel, metadata?: string): void {
    const terms = definition?.presence;
    if (terms === undefined) return;
    let present = this.#present.get(connection);
    if (present === undefined) this.#present.set(connection, present = new Map());
    const said = metadata ?? present.get(name) ?? null;
    present.set(name, said);
    const { clientId, userId } = connection;
    const { presence } = this.#workings.options.broker;
    this.#do(name, () => presence.enter(name, { clientId, userId, metadata: said }, terms));
  }

  /** A connection was taken off a channel: by its end, or because it was unsubscribed. */
  leave(connection: Connection, { name, definition }: Channel, mayReturn: boolean): void {
    const terms = definition?.presence;
    const present = this.#present.get(connection);
    if (terms === undefined || !present?.delete(name)) return;
    if (present.size === 0) this.#present.delete(connection);
    const { clientId, userId } = connection;
    const grace = mayReturn ? terms.grace : 0;
    const { presence } = this.#workings.options.broker;
    this.#do(name, () => presence.leave(name, { clientId, userId }, grace));
  }

  /** What a connection says of itself, by channel. */
  saidBy(connection: Connection): ReadonlyMap<string, string> {
    const present = this.#present.get(connection);
    if (present === undefined) return silent; // as most are, and sessions keep it
    const said = new Map<string, string>();
    for (const [channel, metadata] of present) {
      if (metadata !== null) said.set(channel, metadata);
    }
    return said;
  }

  /** Tells who is on a channel; undefined for one without presence. */
  list(channel: string): MaybePromise<PresenceInfo | undefined> {
    const terms = this.#workings.registry.find(channel)?.presence;
    if (terms === undefined) return undefined;
    const { presence } = this.#workings.options.broker;
    return whenReady(presence.list(channel, terms.maxMembers), infoOf);
  }

  /** Answers a `presence` of a client that may see the channel. */
  answer(channel: string): MaybePromise<Outcome> {
    return whenReady(
      this.list(channel),
      (info): Outcome =>
        info === undefined
          ? { kind: "failed", failure: failure("unsupported", `"${channel}" has no presence`) }
          : { kind: "present", presence: { channel, ...onTheWire(info) } },
      (): Outcome => ({
        kind: "failed",
        failure: failure("broker_unavailable", "who is there cannot be told now; try again"),
      }),
    );
  }

  /** Presence that cannot be told is no reason to refuse the channel. */
  #do(channel: string, tell: () => MaybePromise<void>): void {
    const failed = (error: unknown) =>
      this.#workings.options.logger.error("presence could not be told", { channel, error });
    try {
      whenReady(tell(), () => {}, failed);
    } catch (error) {
      failed(error);
    }
  }
}

function infoOf({ count, members }: StoredList): PresenceInfo {
  if (members === undefined) return { count };
  return {
    count,
    members: members.map(({ metadata, ...member }) => ({
      ...member,
      metadata: metadata === null ? null : JSON.parse(metadata),
    })),
  };
}

function onTheWire({ count, members }: PresenceInfo): Pick<
  ServerMessageOf<"presence">,
  "count" | "members"
> {
  if (members === undefined) return { count };
  return {
    count,
    members: members.map(({ userId, clientId, metadata, connections }) => ({
      user_id: userId,
      client_id: clientId,
      metadata,
      connections,
    })),
  };
}
