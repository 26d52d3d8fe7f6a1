import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { Channel } from "../channel/channel.ts";
import { offeredAlgorithms } from "../protocol/encode.ts";
import { failure } from "../protocol/errors.ts";
import { SUBPROTOCOL } from "../protocol/messages.ts";
import { clientChannel, EVERYONE, isOwnChannelName, userChannel } from "../protocol/names.ts";
import { resumedFields } from "../session/answers.ts";
import type { Joined, Outcome } from "../session/effect.ts";
import type { Connection } from "./connection.ts";
import type { Opened, TakenUp } from "./host.ts";
import type { Membership } from "./membership.ts";
import { bucketTable, rateLimits } from "./rate_options.ts";
import type { Roster } from "./roster.ts";
import type { Sessions } from "./sessions.ts";
import type { Workings } from "./workings.ts";

/** What a connection is received with. */
interface Parts {
  readonly workings: Workings;
  readonly sessions: Sessions;
  readonly membership: Membership;
  readonly roster: Roster;
}

/** What was looked for and opened before a connection is greeted. */
interface Arrival {
  /** The channels it is put on without asking, and a hold on each. */
  readonly own: readonly string[];
  readonly held: readonly Channel[];
  /** Its session, where its request named one. */
  readonly resumption?: { readonly taken: TakenUp; readonly token: string };
  /** The room that its request asks to join. */
  readonly room?: readonly Opened[];
}

/** Receives connections: puts them on their own channels, gives them their session, and greets them. */
export class Reception {
  readonly #workings: Workings;
  readonly #sessions: Sessions;
  readonly #membership: Membership;
  readonly #roster: Roster;

  constructor({ workings, sessions, membership, roster }: Parts) {
    this.#workings = workings;
    this.#sessions = sessions;
    this.#membership = membership;
    this.#roster = roster;
  }

  /** Starts with a connection; `connected` follows in this tick where the broker answers at once. */
  receive(connection: Connection): void {
    const { clientId, userId } = connection;
    const own = [EVERYONE, clientChannel(clientId)];
    if (userId !== null) own.push(userChannel(userId));
    whenReady(
      this.#hold(own),
      (held) => this.#lookForSession(connection, { own, held }),
      (error) => {
        const { logger } = this.#workings.options;
        logger.error("a connection could not be greeted", { clientId, error });
        connection.close("try_again_later");
      },
    );
  }

  /** Takes holds on all channels, or on none. */
  #hold(names: readonly string[]): MaybePromise<readonly Channel[]> {
    const { channels } = this.#workings;
    const held = names.map((name) => channels.hold(name));
    if (!held.some((channel) => channel instanceof Promise)) return held as Channel[];
    return Promise.allSettled(held).then((results) => {
      const reason = results.find((result) => result.status === "rejected")?.reason;
      if (reason === undefined) return Promise.all(held);
      results.forEach((result, i) => {
        if (result.status === "fulfilled") channels.release(names[i]!);
      });
      throw reason;
    });
  }

  #lookForSession(connection: Connection, arrival: Arrival): void {
    const { reconnectionToken: token } = connection.admission;
    if (token === undefined) return this.#openRoom(connection, arrival);
    const failed = (): TakenUp => ({ failure: failure("internal", "the session was not found") });
    const taken = whenReady(
      this.#membership.takeUp(connection, token),
      (taken) => taken,
      failed,
    );
    whenReady(
      taken,
      (taken) => this.#openRoom(connection, { ...arrival, resumption: { taken, token } }),
      () => connection.close("internal_error"),
    );
  }

  #openRoom(connection: Connection, arrival: Arrival): void {
    const { room } = connection.admission;
    if (room === undefined) return this.#greet(connection, arrival);
    whenReady(
      this.#membership.open(connection, [room]),
      (room) => this.#greet(connection, { ...arrival, room }),
      () => connection.close("internal_error"),
    );
  }

  #greet(connection: Connection, { own, held, resumption, room = [] }: Arrival): void {
    const { channels, options, timestamp, dictionary } = this.#workings;
    if (!connection.isOpen) {
      for (const name of own) channels.release(name);
      if (resumption !== undefined) this.resume(connection, resumption.taken, resumption.token);
      this.#membership.join(connection, room);
      return;
    }
    for (const channel of held) channel.add(connection);
    connection.own = held.map(({ name, position }) => ({ name, position }));
    const token = this.#sessions.issue(connection);
    const outcome = resumption && this.resume(connection, resumption.taken, resumption.token);
    const resumed = outcome?.kind === "resumed" ? outcome : undefined;
    const again = resumed?.results ?? [];
    const joined = [...again, ...others(again, this.#membership.join(connection, room))];
    const { identity } = connection;
    const { text, subscribe, binary, subscriptions } = options.limits;
    connection.open({
      type: "connected",
      client_id: connection.clientId,
      user_id: identity.userId,
      role: identity.role,
      reconnected: resumed !== undefined,
      reconnection_token: resumed?.reconnectionToken ?? token,
      expires_in: this.#sessions.expiresIn,
      ...(identity.expiresAt === undefined ? {} : {
        token_expires_in: Math.max(0, Math.round(identity.expiresAt - options.clock.wall() / 1000)),
      }),
      heartbeat_interval: options.heartbeat.interval / 1000,
      protocol: SUBPROTOCOL,
      features: {
        binary: {},
        compression: {
          algorithms: offeredAlgorithms,
          ...(dictionary === undefined ? {} : { dictionary: { id: dictionary.id } }),
        },
        batch: { max_ms: 1_000, max_bytes: 1_048_576 },
      },
      limits: {
        text_bytes: text,
        subscribe_bytes: subscribe,
        binary_bytes: binary,
        subscriptions,
        connections_per_user: options.limits.connectionsPerUser,
        in_flight: options.limits.inFlight,
        in_flight_bytes: options.limits.inFlightBytes,
        ...rateLimits(options.rates),
      },
      ...(options.rates === undefined ? {} : { rates: bucketTable(options.rates) }),
      ...(resumed === undefined ? this.#freshFields(connection, joined) : resumedFields(joined)),
      timestamp: timestamp(),
    }, resumed === undefined && room.length === 0 ? undefined : joined);
    if (outcome?.kind === "failed") connection.refuse(outcome.failure);
    this.#workings.tell(() => options.onConnect(connection.info()));
  }

  /** Where a new session stands, on its own channels and on what it joined by its path. */
  #freshFields(connection: Connection, joined: readonly Joined[]) {
    const own = this.#membership.locate(connection, connection.own.map(({ name }) => name));
    if (joined.length === 0) return { positions: own };
    const { channels, positions, rejected } = resumedFields(joined);
    return {
      channels,
      positions: { ...own, ...positions },
      ...(rejected === undefined ? {} : { rejected }),
    };
  }

  /** Makes a connection the one of the session that was found for it. */
  resume(connection: Connection, taken: TakenUp, token: string): Outcome {
    if ("failure" in taken) return { kind: "failed", failure: taken.failure };
    const { record } = taken;
    const former = connection.clientId;
    // Before it is put on its channels, where the others are told which client it is.
    if (connection.isOpen) connection.become(record.clientId);
    const { results, positions } = this.#membership.rejoin(connection, taken);
    if (!connection.isOpen) {
      // It went while its session was looked for, which so is nobody's still.
      if (!connection.isBanned) this.#sessions.putBack([token], record);
      return { kind: "handled" };
    }
    connection.own = [...positions]
      .filter(([name]) => isOwnChannelName(name))
      .map(([name, position]) => ({ name, position }));
    connection.restoreRates(record.rates ?? new Map());
    // What lies after the place it stands at comes again in any case.
    connection.goOn(record.unacknowledged.filter(({ event }) => {
      const position = positions.get(event.channel);
      return position?.epoch === event.epoch && event.offset <= position.offset;
    }));
    this.#roster.rename(connection, former);
    return {
      kind: "resumed",
      clientId: record.clientId,
      results,
      reconnectionToken: this.#sessions.issue(connection, token),
      expiresIn: this.#sessions.expiresIn,
    };
  }
}

/** Those of `joined` that are not among `again`. */
function others(again: readonly Joined[], joined: readonly Joined[]): readonly Joined[] {
  const names = new Set(again.map(({ channel }) => channel));
  return joined.filter(({ channel }) => !names.has(channel));
}
