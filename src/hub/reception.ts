import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import { failure } from "../protocol/errors.ts";
import type { Position } from "../protocol/messages.ts";
import { resumedFields } from "../session/answers.ts";
import type { Joined, Outcome } from "../session/effect.ts";
import type { Admission } from "./admission.ts";
import type { Connection } from "./connection.ts";
import { type Greeted, Greeting } from "./greeting.ts";
import type { Opened, TakenUp } from "./host.ts";
import type { Membership } from "./membership.ts";
import type { Roster } from "./roster.ts";
import type { Seats } from "./seats.ts";
import type { Sessions } from "./sessions.ts";
import type { Workings } from "./workings.ts";

/** What a connection is received with. */
interface Parts {
  readonly workings: Workings;
  readonly sessions: Sessions;
  readonly membership: Membership;
  readonly roster: Roster;
  readonly seats: Seats;
}

/** What was looked for and opened before a connection is greeted. */
interface Arrival {
  readonly admission: Admission;
  /** The channels it is put on without asking, and a hold on each. */
  readonly own: readonly string[];
  /** Its session, where its request named one. */
  readonly resumption?: { readonly taken: TakenUp; readonly token: string };
  /** The room that its request asks to join. */
  readonly room?: readonly Opened[];
}

const nothing: { readonly positions: Readonly<Record<string, Position>> } = { positions: {} };

/** Receives connections: puts them on their own channels, gives them their session, and greets them. */
export class Reception {
  readonly #workings: Workings;
  readonly #sessions: Sessions;
  readonly #membership: Membership;
  readonly #roster: Roster;
  readonly #seats: Seats;
  readonly #greeting: Greeting;

  constructor({ workings, sessions, membership, roster, seats }: Parts) {
    this.#workings = workings;
    this.#sessions = sessions;
    this.#membership = membership;
    this.#roster = roster;
    this.#seats = seats;
    this.#greeting = new Greeting(workings);
  }

  /** Starts with a connection; `connected` follows in this tick where the broker answers at once. */
  receive(connection: Connection, admission: Admission): void {
    const { clientId } = connection;
    const own = connection.ownChannelNames();
    whenReady(
      this.#reserve(own),
      () => this.#lookForSession(connection, { admission, own }),
      (error) => {
        const { logger } = this.#workings.options;
        logger.error("a connection could not be greeted", { clientId, error });
        connection.close("try_again_later");
      },
    );
  }

  /** Takes holds on all channels, or on none. */
  #reserve(names: readonly string[]): MaybePromise<void> {
    const { channels } = this.#workings;
    const reserved = names.map((name) => channels.reserve(name));
    if (!reserved.some((one) => one instanceof Promise)) return;
    return Promise.allSettled(reserved).then((results) => {
      const reason = results.find((result) => result.status === "rejected")?.reason;
      if (reason === undefined) return;
      results.forEach((result, i) => {
        if (result.status === "fulfilled") channels.release(names[i]!);
      });
      throw reason;
    });
  }

  #lookForSession(connection: Connection, arrival: Arrival): void {
    const { reconnectionToken: token } = arrival.admission;
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
    const { room } = arrival.admission;
    if (room === undefined) return this.#greet(connection, arrival);
    whenReady(
      this.#membership.open(connection, [room]),
      (room) => this.#greet(connection, { ...arrival, room }),
      () => connection.close("internal_error"),
    );
  }

  #greet(connection: Connection, { own, resumption, room = [] }: Arrival): void {
    const { channels, options, timestamp } = this.#workings;
    if (!connection.isOpen) {
      for (const name of own) channels.release(name);
      if (resumption !== undefined) this.resume(connection, resumption.taken, resumption.token);
      this.#membership.join(connection, room);
      return;
    }
    const arrivals = own.map((name) => [name, channels.put(name, connection)] as const);
    connection.arrivals = arrivals;
    const token = this.#sessions.issue(connection);
    const outcome = resumption && this.resume(connection, resumption.taken, resumption.token);
    const resumed = outcome?.kind === "resumed" ? outcome : undefined;
    const again = resumed?.results ?? [];
    const joined = [...again, ...others(again, this.#membership.join(connection, room))];
    const isFresh = resumed === undefined;
    const { positions, ...told } = isFresh && joined.length === 0 ? nothing : resumedFields(joined);
    const { identity } = connection;
    const greeted: Greeted = {
      type: "connected",
      client_id: connection.clientId,
      user_id: identity.userId,
      role: identity.role,
      reconnected: !isFresh,
      reconnection_token: resumed?.reconnectionToken ?? token,
      expires_in: this.#sessions.expiresIn,
      ...(identity.expiresAt === undefined ? {} : {
        token_expires_in: Math.max(0, Math.round(identity.expiresAt - options.clock.wall() / 1000)),
      }),
      ...told,
      // What a new session joined by its path it never left.
      ...(isFresh ? { recovered: undefined } : {}),
      timestamp: timestamp(),
    };
    const places = isFresh ? arrivals : [];
    connection.open(
      this.#greeting.write(greeted, [...Object.entries(positions), ...places]),
      isFresh && room.length === 0 ? undefined : joined,
    );
    if (outcome?.kind === "failed") connection.refuse(outcome.failure);
    if (outcome !== undefined) this.#seats.settle(connection);
    this.#workings.tell(() => options.onConnect(connection.info()));
  }

  /** Makes a connection the one of the session that was found for it. */
  resume(connection: Connection, taken: TakenUp, token: string): Outcome {
    if ("failure" in taken) return { kind: "failed", failure: taken.failure };
    const { record } = taken;
    const former = connection.clientId;
    // Before it is put on its channels, where the others are told which client it is.
    if (connection.isOpen) {
      connection.become(record.clientId);
      this.#roster.rename(connection, former);
    }
    const { results, positions } = this.#membership.rejoin(connection, taken);
    if (!connection.isOpen) {
      // It went while its session was looked for, which so is nobody's still.
      if (!connection.isBanned) this.#sessions.putBack([token], record);
      return { kind: "handled" };
    }
    connection.restoreRates(record.rates ?? new Map());
    // What lies after the place it stands at comes again in any case.
    connection.goOn(record.unacknowledged.filter(({ event }) => {
      const position = positions.get(event.channel);
      return position?.epoch === event.epoch && event.offset <= position.offset;
    }));
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
