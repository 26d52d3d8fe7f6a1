import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Identity } from "../guard/identity.ts";
import type { Failure } from "../protocol/errors.ts";
import type { Position } from "../protocol/messages.ts";
import type { Effect, EffectId, Outcome, Ticket } from "../session/effect.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionHost, Opened, TakenUp } from "./host.ts";

/** An effect that wants an outcome. */
export type Errand = Extract<Effect, { readonly id: EffectId }>;

type ErrandOf<K extends Errand["kind"]> = Extract<Errand, { readonly kind: K }>;

/** How an errand is done. */
export interface Procedure<E extends Errand, T> {
  /** Has the hub do it, now or later. */
  work(host: ConnectionHost, connection: Connection, errand: E): MaybePromise<T>;
  /** Makes the outcome of what came of it; what it changes is told in the same tick. */
  outcome(value: T, host: ConnectionHost, connection: Connection, errand: E): Outcome;
}

const done = (outcome: Outcome) => outcome;

const procedures = {
  join: procedure<"join", readonly Opened[]>(
    (host, connection, { joins }) => host.open(connection, joins),
    (opened, host, connection) => ({ kind: "joined", results: host.join(connection, opened) }),
  ),
  locate: procedure<"locate", Readonly<Record<string, Position>>>(
    (host, connection, { channels }) => host.locate(connection, channels),
    (positions) => ({ kind: "located", positions }),
  ),
  remind: procedure<"remind", Ticket>(
    (host, connection) => host.remind(connection),
    (ticket) => ({ kind: "reminded", ...ticket }),
  ),
  publish: procedure<"publish", Outcome>(
    (host, connection, { request }) => host.publish(connection, request),
    done,
  ),
  history: procedure<"history", Outcome>(
    (host, connection, { request }) => host.history(connection, request),
    done,
  ),
  presence: procedure<"presence", Outcome>(
    (host, connection, { channel }) => host.presence(connection, channel),
    done,
  ),
  resume: procedure<"resume", TakenUp>(
    (host, connection, { request }) => host.takeUp(connection, request),
    (taken, host, connection, { request }) =>
      host.resume(connection, taken, request.reconnection_token),
  ),
  authenticate: procedure<"authenticate", Identity | Failure>(
    (host, connection, { token }) => host.authenticate(connection, token),
    (found, host, connection) => host.assume(connection, found),
  ),
  handle: procedure<"handle", Outcome>(
    (host, connection, { message }) => host.handle(connection, message),
    done,
  ),
} satisfies Record<Errand["kind"], unknown>;

function procedure<K extends Errand["kind"], T>(
  work: Procedure<ErrandOf<K>, T>["work"],
  outcome: Procedure<ErrandOf<K>, T>["outcome"],
): Procedure<ErrandOf<K>, T> {
  return { work, outcome };
}

/** How the errands of a kind are done. */
export function procedureOf(errand: Errand): Procedure<Errand, unknown> {
  return procedures[errand.kind] as unknown as Procedure<Errand, unknown>;
}
