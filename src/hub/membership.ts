import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { HistoryPage, SessionRecord } from "../broker/broker.ts";
import type { Channel } from "../channel/channel.ts";
import { failure } from "../protocol/errors.ts";
import type { Position } from "../protocol/messages.ts";
import { isOwnChannelName } from "../protocol/names.ts";
import type { Join, Joined, Outcome } from "../session/effect.ts";
import { channelRefusal, openingRefusal } from "./access.ts";
import { type Connection, nowhere } from "./connection.ts";
import type { Opened, Start, TakenUp } from "./host.ts";
import type { Presence } from "./presence.ts";
import type { Sessions } from "./sessions.ts";
import type { Workings } from "./workings.ts";

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
      const refusal = connection.isOpen
        ? channelRefusal(this.#workings, connection, channel)
        : undefined;
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
  leave(connection: Connection, names: Iterable<string>, mayReturn = false): void {
    const { channels } = this.#workings;
    for (const name of names) {
      if (!channels.remove(name, connection)) continue;
      const channel = channels.get(name);
      if (channel !== undefined) this.#presence.leave(connection, channel, mayReturn);
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

  /** Answers a `presence`. */
  present(connection: Connection, channel: string): MaybePromise<Outcome> {
    const refusal = channelRefusal(this.#workings, connection, channel);
    if (refusal !== undefined) return { kind: "failed", failure: refusal };
    return whenReady(this.#presence.answer(channel), (answer): Outcome => {
      const lost = channelRefusal(this.#workings, connection, channel);
      return lost === undefined ? answer : { kind: "failed", failure: lost };
    });
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
    const refusal = openingRefusal(this.#workings, connection, channel);
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
