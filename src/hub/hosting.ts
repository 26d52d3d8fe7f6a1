import type { MaybePromise } from "../base/maybe_promise.ts";
import { uuid } from "../base/random.ts";
import type { Socket } from "../channel/socket.ts";
import type { Identity } from "../guard/identity.ts";
import { closeTable } from "../protocol/close.ts";
import type { Failure } from "../protocol/errors.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { ApplicationMessage, Position } from "../protocol/messages.ts";
import type {
  Join,
  Joined,
  Outcome,
  PublishRequest,
  RequestOf,
  Ticket,
} from "../session/effect.ts";
import type { Farewell } from "../session/session.ts";
import type { DeliveryOutcome } from "./acknowledgements.ts";
import type { Admission } from "./admission.ts";
import { Connection, nowhere } from "./connection.ts";
import type { Drain } from "./drain.ts";
import { handleMessage } from "./handling.ts";
import type { ConnectionHost, Opened, TakenUp } from "./host.ts";
import type { Identities } from "./identities.ts";
import { Membership } from "./membership.ts";
import type { Ending } from "./options.ts";
import { readPast } from "./past.ts";
import type { Presence } from "./presence.ts";
import type { Publishing } from "./publishing.ts";
import { Reception } from "./reception.ts";
import type { Roster } from "./roster.ts";
import type { Seats } from "./seats.ts";
import type { Sessions } from "./sessions.ts";
import type { Workings } from "./workings.ts";

/** Whom connections need. */
interface Parts {
  readonly workings: Workings;
  readonly roster: Roster;
  readonly presence: Presence;
  readonly publishing: Publishing;
  readonly sessions: Sessions;
  readonly identities: Identities;
  readonly seats: Seats;
  readonly drain: Drain;
}

/** Takes over open sockets, and does for the connections whatever they ask for until they have ended. */
export class Hosting implements ConnectionHost {
  readonly #parts: Parts;
  readonly #membership: Membership;
  readonly #reception: Reception;

  constructor(parts: Parts) {
    const { workings, roster, sessions, presence, seats } = parts;
    this.#parts = parts;
    this.#membership = new Membership(workings, sessions, presence);
    const membership = this.#membership;
    this.#reception = new Reception({ workings, roster, sessions, membership, seats });
  }

  /** Takes over a socket that was let in, or closes it where that no longer holds. */
  accept(socket: Socket, admission: Admission): Connection {
    const { workings, roster, seats, identities, drain } = this.#parts;
    const { options, stats } = workings;
    const connection = new Connection(uuid(options.random), socket, admission, workings, this);
    roster.add(connection);
    stats.totalConnections++;
    stats.peakConnections = Math.max(stats.peakConnections, roster.size);
    const isSeated = seats.take(connection, admission);
    if (drain.hasBegun || !isSeated || roster.size > options.limits.connections) {
      connection.close(drain.hasBegun ? "service_restart" : "try_again_later");
      return connection;
    }
    const { changes = Infinity, identity } = admission;
    const revoked = identities.revokedSince(changes, identity);
    if (revoked !== undefined) {
      connection.close(revoked);
      return connection;
    }
    const role = identities.roleSince(changes, identity);
    if (role !== identity.role) connection.assumeRole(role);
    this.#reception.receive(connection, admission);
    return connection;
  }

  open(connection: Connection, joins: readonly Join[]): MaybePromise<readonly Opened[]> {
    // After a `subscribe` it resumes no session.
    this.#parts.seats.settle(connection);
    connection.arrivals = nowhere;
    return this.#membership.open(connection, joins);
  }

  join(connection: Connection, opened: readonly Opened[]): readonly Joined[] {
    return this.#membership.join(connection, opened);
  }

  leave(connection: Connection, channels: Iterable<string>): void {
    this.#membership.leave(connection, channels);
  }

  locate(connection: Connection, channels: readonly string[]): Readonly<Record<string, Position>> {
    return this.#membership.locate(connection, channels);
  }

  remind(connection: Connection): Ticket {
    return this.#parts.sessions.remind(connection);
  }

  publish(connection: Connection, request: PublishRequest): MaybePromise<Outcome> {
    return this.#parts.publishing.fromClient(connection, request);
  }

  history(connection: Connection, request: RequestOf<"history">): MaybePromise<Outcome> {
    return readPast(this.#parts.workings, connection, request);
  }

  presence(connection: Connection, channel: string): MaybePromise<Outcome> {
    return this.#membership.present(connection, channel);
  }

  handle(connection: Connection, message: ApplicationMessage): MaybePromise<Outcome> {
    return handleMessage(this.#parts.workings, connection, message);
  }

  takeUp(connection: Connection, request: RequestOf<"resume">): MaybePromise<TakenUp> {
    return this.#membership.takeUp(connection, request.reconnection_token, request.positions);
  }

  resume(connection: Connection, taken: TakenUp, token: string): Outcome {
    const outcome = this.#reception.resume(connection, taken, token);
    this.#parts.seats.settle(connection);
    return outcome;
  }

  authenticate(connection: Connection, token: string): Promise<Identity | Failure> {
    return this.#parts.identities.authenticate(connection, token);
  }

  assume(connection: Connection, found: Identity | Failure): Outcome {
    return this.#parts.identities.assume(connection, found);
  }

  heard(connection: Connection): void {
    this.#parts.sessions.heard(connection);
  }

  farewell(connection: Connection, code: number): Farewell {
    return this.#parts.sessions.farewell(connection, code);
  }

  settled(
    { clientId, userId }: Connection,
    { channel, epoch, offset }: ChannelEvent,
    outcome: DeliveryOutcome,
    attempts: number,
  ): void {
    const { workings } = this.#parts;
    const delivery = { outcome, clientId, userId, channel, epoch, offset, attempts };
    workings.tell(() => workings.options.onDelivery(delivery));
  }

  left(connection: Connection, ending: Ending): void {
    const { seats, sessions } = this.#parts;
    seats.leave(connection);
    // One that was replaced is here again already.
    const mayReturn = sessions.keep(connection, ending) || ending.code === closeTable.replaced.code;
    this.#membership.leave(connection, connection.ownChannelNames());
    this.#membership.leave(connection, connection.subscriptions, mayReturn);
  }

  ended(connection: Connection, ending: Ending): void {
    const { workings, roster, seats, drain } = this.#parts;
    if (!roster.delete(connection)) return;
    seats.free(connection);
    workings.stats.totalDisconnections++;
    if (ending.code === closeTable.not_alive.code) workings.stats.notAlive++;
    if (connection.wasGreeted) {
      workings.tell(() => workings.options.onDisconnect(connection.info(), ending));
    }
    drain.ended();
  }
}
