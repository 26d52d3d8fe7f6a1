import { byteLength } from "../base/byte_length.ts";
import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { HistoryPage, SessionRecord } from "../broker/broker.ts";
import type { Channel } from "../channel/channel.ts";
import { isFor } from "../channel/subscriber.ts";
import { permits } from "../guard/permissions.ts";
import { eventMessage } from "../protocol/encode.ts";
import { type Failure, failure } from "../protocol/errors.ts";
import type { Position } from "../protocol/messages.ts";
import { isChannelName, isOwnChannelName } from "../protocol/names.ts";
import type { Join, Joined, Outcome, RequestOf } from "../session/effect.ts";
import { type Connection, nowhere } from "./connection.ts";
import type { Opened, Start, TakenUp } from "./host.ts";
import type { Ending } from "./options.ts";
import type { Presence } from "./presence.ts";
import type { Sessions } from "./sessions.ts";
import type { Workings } from "./workings.ts";

/** Events a `history` gives where it does not say how many. */
const HISTORY_LIMIT = 100;

/** Bytes of events in one answer to `history`. */
const HISTORY_BYTES = 262_144;

/** Which connection is on which channel, from where on, and how a session comes back to its own. */
export class Membership {
  readonly #workings: Workings;
  readonly #sessions: Sessions;
  readonly #presence: Presence;

  constructor(workings: Workings, sessions: Sessions, presence: Presence) {
    this.#workings = workings;
    this.#sessions = sessions;
    this.#presence = presence;
  }

  /** Opens the channels that exist and that the connection may have; the rest say why not. */
  open(connection: Connection, joins: readonly Join[]): MaybePromise<readonly Opened[]> {
    const opening = joins.map((join) => this.#openOne(connection, join));
    return opening.some((opened) => opened instanceof Promise)
      ? Promise.all(opening)
      : opening as Opened[];
  }

  /** Puts a connection on the channels that were opened for it. From here to its answer nothing waits. */
  join(connection: Connection, opened: readonly Opened[]): readonly Joined[] {
    const { channels } = this.#workings;
    return opened.map((result): Joined => {
      if ("failure" in result) return result;
      const { channel, held, start, metadata } = result;
      // The role may be another than when the channel was opened.
      const refusal = connection.isOpen ? this.#refusal(connection, channel) : undefined;
      if (refusal !== undefined) {
        channels.release(channel);
        return { channel, failure: refusal };
      }
      // One hold belongs to each subscription: a repeat or a connection that has gone needs none.
      if (held.has(connection) || !connection.isOpen) {
        channels.release(channel);
        if (connection.isOpen && metadata !== undefined) {
          this.#presence.enter(connection, held, metadata);
        }
        return { channel, position: held.positionOf(connection) };
      }
      if (start === undefined) held.add(connection);
      else held.addBehind(connection, start.cursor, start);
      this.#presence.enter(connection, held, metadata);
      if (start === undefined) return { channel, position: held.position };
      const { position, recovered } = start;
      return { channel, position, ...(recovered === undefined ? {} : { recovered }) };
    });
  }

  /** Takes a connection off channels: by its end, or because it was unsubscribed. */
  leave(connection: Connection, names: Iterable<string>, ending?: Ending): void {
    const { channels } = this.#workings;
    for (const name of names) {
      if (!channels.remove(name, connection)) continue;
      const channel = channels.get(name);
      if (channel !== undefined) this.#presence.leave(connection, channel, ending);
      channels.release(name);
    }
  }

  /** Tells where a connection stands. */
  locate(connection: Connection, names: Iterable<string>): Readonly<Record<string, Position>> {
    const positions: [string, Position][] = [];
    for (const name of names) {
      const position = this.#workings.channels.positionOf(name, connection);
      if (position !== undefined) positions.push([name, position]);
    }
    return Object.fromEntries(positions);
  }

  /** Answers a `history`. */
  history(connection: Connection, request: RequestOf<"history">): MaybePromise<Outcome> {
    const { channel, since, limit = HISTORY_LIMIT } = request;
    const refusal = this.#refusal(connection, channel) ?? this.#crowded(connection, channel);
    if (refusal !== undefined) return { kind: "failed", failure: refusal };
    const { broker } = this.#workings.options;
    const query = { limit, bytes: HISTORY_BYTES, ...(since === undefined ? {} : { since }) };
    return whenReady(
      // Held while it is read, so that a channel nobody is on has an epoch to tell.
      this.#workings.channels.hold(channel),
      () =>
        whenReady(
          attempt(() => broker.history(channel, query)),
          (page): Outcome => {
            this.#workings.channels.release(channel);
            const lost = this.#refusal(connection, channel);
            if (lost !== undefined) return { kind: "failed", failure: lost };
            return pageOutcome(connection, channel, page);
          },
          () => {
            this.#workings.channels.release(channel);
            return unavailable();
          },
        ),
      unavailable,
    ) as MaybePromise<Outcome>;
  }

  /** Answers a `presence`. */
  present(connection: Connection, channel: string): MaybePromise<Outcome> {
    const refusal = this.#refusal(connection, channel);
    if (refusal !== undefined) return { kind: "failed", failure: refusal };
    return whenReady(this.#presence.answer(channel), (answer): Outcome => {
      const lost = this.#refusal(connection, channel);
      return lost === undefined ? answer : { kind: "failed", failure: lost };
    }, unavailable);
  }

  /** Finds the session that a token stands for, and opens its channels. */
  takeUp(
    connection: Connection,
    token: string,
    positions: Readonly<Record<string, Position>> = {},
  ): MaybePromise<TakenUp> {
    const unavailable: TakenUp = {
      failure: failure("broker_unavailable", "the session cannot be taken up now; try again"),
    };
    return whenReady(
      this.#sessions.take(token, connection),
      (record): MaybePromise<TakenUp> => {
        if (record === undefined) {
          return {
            failure: failure("session_expired", "no session can be resumed with this token"),
          };
        }
        return whenReady(
          this.open(connection, joinsOf(record, positions)),
          (opened): TakenUp => {
            // Without its own channels it would be deaf, and a client cannot ask for those.
            if (opened.some((one) => "failure" in one && isOwnChannelName(one.channel))) {
              this.#releaseAll(opened);
              this.#sessions.putBack([token], record);
              return unavailable;
            }
            return { record, opened: [...opened, ...strangers(record, positions)] };
          },
          () => unavailable,
        );
      },
      () => unavailable,
    ) as MaybePromise<TakenUp>;
  }

  /** Puts a connection on the channels of the session it takes up. */
  rejoin(connection: Connection, { opened }: Extract<TakenUp, { record: SessionRecord }>): {
    readonly results: readonly Joined[];
    /** Where it stands now in each that it has. */
    readonly positions: ReadonlyMap<string, Position>;
  } {
    // The session goes on in the hub's own channels too, from where it stood; what the connection got
    // there in the meantime does not come again.
    const resumed = opened.map((one) => ("failure" in one ? one : this.#unseen(connection, one)));
    this.leave(connection, connection.arrivals.map(([name]) => name));
    connection.arrivals = nowhere;
    const results = this.join(connection, resumed);
    const positions = new Map<string, Position>();
    for (const one of results) if (!("failure" in one)) positions.set(one.channel, one.position);
    return { results, positions };
  }

  #unseen(connection: Connection, opened: Extract<Opened, { held: Channel }>): Opened {
    const after = connection.arrivals.find(([name]) => name === opened.channel)?.[1];
    if (after === undefined || opened.start === undefined) return opened;
    const { epoch, offset } = opened.held.positionOf(connection);
    if (epoch !== after.epoch || offset === after.offset) return opened;
    return { ...opened, start: { ...opened.start, seen: { after, to: offset } } };
  }

  #releaseAll(opened: readonly Opened[]): void {
    for (const one of opened) if (!("failure" in one)) this.#workings.channels.release(one.channel);
  }

  #openOne(connection: Connection, join: Join): MaybePromise<Opened> {
    const { channel, since, last } = join;
    const described = join.metadata === undefined ? {} : { metadata: join.metadata };
    const { channels, options } = this.#workings;
    const refusal = this.#refusal(connection, channel) ?? this.#crowded(connection, channel);
    if (refusal !== undefined) return { channel, failure: refusal };
    const failed = (): Opened => ({
      channel,
      failure: failure("broker_unavailable", "the channel cannot be opened; try again"),
    });
    return whenReady(
      channels.hold(channel),
      (held): MaybePromise<Opened> => {
        const wantsPast = since !== undefined || (last ?? 0) > 0;
        // Of those it asked for, one that it has stays as it is; its own may be its session's soon.
        const stays = !isOwnChannelName(channel) && held.has(connection);
        if (!wantsPast || stays) return { channel, held, ...described };
        const wanted = since === undefined ? { last: last! } : { since };
        return whenReady(
          attempt(() => options.broker.history(channel, { ...wanted, limit: 1, bytes: 0 })),
          (page): Opened => ({
            channel,
            held,
            start: startAt(held, since, page),
            ...described,
          }),
          () => {
            channels.release(channel);
            return failed();
          },
        );
      },
      failed,
    ) as MaybePromise<Opened>;
  }

  /** Why one more channel cannot be opened: clients without a user leave room for the others. */
  #crowded({ userId }: Connection, channel: string): Failure | undefined {
    const { channels, options, stats } = this.#workings;
    const { channels: limit } = options.limits;
    const most = userId === null ? Math.ceil(limit / 2) : limit;
    if (channels.patterned < most || channels.has(channel) || !channels.isPatterned(channel)) {
      return undefined;
    }
    stats.channelsRefused++;
    return failure("broker_unavailable", "too many channels are open at this moment; try again");
  }

  /** Why a connection may not have a channel. Its own it may: a client's names were checked before. */
  #refusal(connection: Connection, channel: string): Failure | undefined {
    if (isOwnChannelName(channel)) return undefined;
    const definition = isChannelName(channel) ? this.#workings.registry.find(channel) : undefined;
    if (definition === undefined) {
      return failure("unknown_channel", `no channel "${channel}" is declared`);
    }
    const { role } = connection.identity;
    if (permits(definition.permissions, role, "subscribe")) return undefined;
    return failure("forbidden", `the role "${role}" may not subscribe to "${channel}"`);
  }
}

/** Where a subscriber starts that wants some of the past. */
function startAt(held: Channel, since: Position | undefined, page: HistoryPage | undefined): Start {
  const first = page?.events[0]?.offset ?? (page?.head ?? held.position.offset) + 1;
  const position = { epoch: page?.epoch ?? held.position.epoch, offset: first - 1 };
  if (since === undefined) return { cursor: position, position };
  if (page !== undefined && page.gap === undefined) {
    return { cursor: since, position: since, recovered: true };
  }
  const gap = page?.gap ?? { from: null, to: null };
  return { cursor: since, position, recovered: false, jump: { gap, to: position } };
}

/** A session's channels, from where its client says it stood, else from where it was written to. */
function joinsOf(
  record: SessionRecord,
  positions: Readonly<Record<string, Position>>,
): readonly Join[] {
  return Array.from(record.positions, ([channel, position]): Join => {
    const metadata = record.metadata?.get(channel);
    return {
      channel,
      since: Object.hasOwn(positions, channel) ? positions[channel]! : position,
      ...(metadata === undefined ? {} : { metadata }),
    };
  });
}

/** Another's own channel is refused; a plain name the session had not is simply not the session's. */
function strangers(
  record: SessionRecord,
  positions: Readonly<Record<string, Position>>,
): readonly Opened[] {
  return Object.keys(positions)
    .filter((channel) => isOwnChannelName(channel) && !record.positions.has(channel))
    .map((channel) => ({
      channel,
      failure: failure("forbidden", "the channel is not one of the session's own"),
    }));
}

function pageOutcome(
  connection: Connection,
  channel: string,
  page: HistoryPage | undefined,
): Outcome {
  if (page === undefined) return unavailable();
  const { epoch, head, gap } = page;
  const events: Readonly<Record<string, unknown>>[] = [];
  let bytes = 0;
  let next = (page.events[0]?.offset ?? head + 1) - 1;
  for (const event of page.events) {
    if (isFor(event, connection)) {
      const message = eventMessage(event);
      bytes += byteLength(JSON.stringify(message));
      if (bytes > HISTORY_BYTES && events.length > 0) break;
      events.push(message);
    }
    next = event.offset;
  }
  return {
    kind: "page",
    page: {
      channel,
      epoch,
      events,
      more: next < head,
      next: { epoch, offset: next },
      ...(gap === undefined ? {} : { gap }),
    },
  };
}

function unavailable(): Outcome {
  return {
    kind: "failed",
    failure: failure("broker_unavailable", "the channel's past cannot be read now; try again"),
  };
}
