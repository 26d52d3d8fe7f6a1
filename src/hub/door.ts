import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { Source } from "../guard/proxies.ts";
import { goingDown, Refusal, serverFull } from "../guard/refusal.ts";
import { RequestTraces } from "../guard/renewal.ts";
import type { RequestHead } from "../guard/request_head.ts";
import { type Admission, judge, type Judged, type RequestOrigin } from "./admission.ts";
import type { Identities } from "./identities.ts";
import type { Rooms } from "./rooms.ts";
import type { Roster } from "./roster.ts";
import type { Seats } from "./seats.ts";
import type { Sessions } from "./sessions.ts";
import type { Workings } from "./workings.ts";

/** Whom the door asks. */
interface Parts {
  readonly workings: Workings;
  readonly roster: Roster;
  readonly identities: Identities;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly seats: Seats;
}

/** Judges who asks for a connection: by what costs least first, and before anything is upgraded. */
export class Door {
  readonly #parts: Parts;
  readonly #traces = new RequestTraces();
  #judging = 0;
  #isShut = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** How many requests wait for the authenticator. */
  get judging(): number {
    return this.#judging;
  }

  /** Lets nobody in any more. */
  shut(): void {
    this.#isShut = true;
  }

  /** Gives the right to open one connection, or the answer that refuses it. */
  admit(request: RequestHead, origin: RequestOrigin): MaybePromise<Admission | Response> {
    return whenReady(
      attempt(() => this.#admit(request, origin)),
      (admission): Admission | Response => admission,
      (error) => this.#refused(error),
    );
  }

  #admit(request: RequestHead, origin: RequestOrigin): MaybePromise<Admission> {
    const { workings, identities, rooms, seats } = this.#parts;
    const { options, rates } = workings;
    const { changes } = identities;
    const source = options.proxies.locate(request, origin.address);
    rates?.admit(source.address, options.clock.now());
    this.#refuseIfFull();
    this.#refuseIfBusy(source);
    const room = origin.room === undefined ? undefined : rooms.read(origin.room, request);
    return whenReady(this.#judge(request, source), (judged) => {
      this.#refuseIfFull();
      // In one piece and always with all its fields: an object with others has to be described anew.
      const admission: Admission = {
        identity: judged.identity,
        address: source.address,
        subprotocol: judged.subprotocol,
        reconnectionToken: judged.reconnectionToken,
        resumes: judged.resumes,
        request: this.#traces.of(request),
        changes,
        room,
      };
      seats.check(admission, this.#replaces(admission));
      if (room !== undefined) rooms.check(room, admission.identity);
      return admission;
    });
  }

  #judge(request: RequestHead, source: Source): MaybePromise<Judged> {
    const judged = judge(request, source, this.#parts.workings.options);
    if (!(judged instanceof Promise)) return judged;
    this.#judging++;
    return judged.finally(() => this.#judging--);
  }

  /** Whether it resumes, or says it will, the session of a connection of the same user that is open. */
  #replaces({ identity: { userId }, reconnectionToken: token, resumes }: Admission): boolean {
    const { sessions, roster } = this.#parts;
    if (token !== undefined && sessions.isOpen(token, userId)) return true;
    const former = resumes === undefined ? undefined : roster.get(resumes);
    return former !== undefined && former.isOpen && former.userId === userId;
  }

  /** Those that wait count: an authenticator that does not answer would else let them pile up. */
  #refuseIfFull(): void {
    if (this.#isShut) throw goingDown();
    const { roster, workings } = this.#parts;
    if (roster.size + this.#judging >= workings.options.limits.connections) throw serverFull();
  }

  #refuseIfBusy({ address }: Source): void {
    const { throttle, clock } = this.#parts.workings.options;
    const wait = throttle.take(address, clock.now());
    if (wait === 0) return;
    throw new Refusal(503, "busy", "too many connections are made at this moment; try again", {
      "Retry-After": String(Math.ceil(wait / 1000)),
    });
  }

  #refused(thrown: unknown): Response {
    const { stats, refusals, options } = this.#parts.workings;
    if (!(thrown instanceof Refusal)) {
      options.logger.error("a request could not be judged", { error: thrown });
    }
    const refusal = thrown instanceof Refusal
      ? thrown
      : new Refusal(500, "internal", "the server failed");
    const { error, message } = refusal;
    const before = refusals.get(error) ?? 0;
    // Browsers do not tell a page why; and whoever knocks may not fill the log.
    if (before === 0) {
      options.logger.warn(
        "a request for a connection was refused; more of its kind are counted alone",
        {
          error,
          message,
        },
      );
    }
    stats.refused++;
    refusals.set(error, before + 1);
    return refusal.toResponse();
  }
}
