/**
 * Runs the cases side by side, and makes sure that neither a crowd nor a busy machine is taken for a
 * fault of the server: what did not pass is repeated alone, with more patience, before it counts.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Refused } from "../peer/finding.ts";
import type { Outcome } from "./attempt.ts";

/**
 * How the schedule runs a case: with others and the usual patience, or alone and with more; at first
 * ready to come back where the server has no room, as the connection before may not be gone, then not.
 */
export type Manner = "together" | "alone" | "insisting";

/** What the schedule needs to know and to tell. */
export interface Schedule {
  readonly concurrency: number;
  /** Time-outs are believed at once: the server was seen to be silent, with all patience. */
  readonly believes: boolean;
  /** Runs a case once. @throws Refused */
  readonly attempt: (one: Case, manner: Manner) => Promise<Outcome>;
  readonly onOutcome: (one: Case, outcome: Outcome) => void;
  readonly signal: AbortSignal | null;
}

/** So many times a wait of one kind is repeated alone; where none came, the next is believed. */
const CONFIRMATIONS = 3;

/** Milliseconds to wait before a server that refuses even a single connection is asked again. */
const BACK_OFF = [20, 100, 500, 1500] as const;

/** The pause from which what it answers is taken for its word on the case, and not for lack of room. */
const INSIST_AFTER = 100;

/** Runs all cases. Each gets one outcome. */
export async function runSchedule(cases: readonly Case[], schedule: Schedule): Promise<void> {
  const { attempt, onOutcome, signal } = schedule;
  const waiting = [...cases];
  const doubtful: (readonly [Case, Outcome | null])[] = [];
  let limit = schedule.concurrency;
  let running = 0;

  const worker = async (): Promise<void> => {
    while (running < limit) {
      const one = waiting.shift();
      if (one === undefined) return;
      signal?.throwIfAborted();
      running++;
      try {
        const outcome = await attempt(one, "together");
        if (isDoubtful(outcome)) doubtful.push([one, outcome]);
        else onOutcome(one, outcome);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        limit = Math.max(1, Math.floor(limit / 2));
        doubtful.push([one, null]);
      } finally {
        running--;
      }
    }
  };
  await Promise.all(Array.from({ length: schedule.concurrency }, worker));
  // Workers that a lowered limit sent home may have left some behind.
  while (waiting.length > 0) await worker();

  const confirmed = new Map<string, number>();
  let gone: string | null = null;
  for (const [one, first] of doubtful) {
    signal?.throwIfAborted();
    const kind = first?.awaited ?? null;
    const enough = schedule.believes ? 0 : CONFIRMATIONS;
    if (first !== null && kind !== null && (confirmed.get(kind) ?? 0) >= enough) {
      onOutcome(one, first);
      continue;
    }
    const second: Outcome = await attemptAlone(one, attempt, gone);
    if (second.verdict === "fail" && second.observed.startsWith(GONE)) gone ??= one.id;
    if (kind !== null) {
      confirmed.set(kind, second.awaited === kind ? (confirmed.get(kind) ?? 0) + 1 : -Infinity);
    }
    onOutcome(one, second);
  }
}

/**
 * What is repeated: all but what passed, was skipped for want of something else than an answer, or
 * failed in the kit. A reset is too, since it may hide how the server closed, and come of nothing but
 * that more was sent to it.
 */
function isDoubtful({ verdict, behaviour, awaited, violations, closing }: Outcome): boolean {
  return verdict === "fail" || verdict === "warn" || behaviour === "broken" || awaited !== null ||
    closing?.how === "reset" || violations.some(({ rule }) => rule === "handshake");
}

const GONE = "no connection to be had";

async function attemptAlone(
  one: Case,
  attempt: Schedule["attempt"],
  gone: string | null,
): Promise<Outcome> {
  let reason = "";
  for (const pause of gone === null ? [0, ...BACK_OFF] : [0, BACK_OFF[0]]) {
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    try {
      return await attempt(one, pause < INSIST_AFTER ? "alone" : "insisting");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      reason = error.message;
    }
  }
  const skipped = `the server admits no connection since ${gone}: ${reason}`;
  return {
    verdict: gone === null ? "fail" : "skip",
    behaviour: gone === null ? "broken" : "not observed",
    closing: null,
    expected: "a connection, as at the start of the run",
    observed: gone === null ? `${GONE}, alone and after a pause: ${reason}` : skipped,
    awaited: null,
    counterexample: null,
    violations: [],
    transcript: [],
    milliseconds: 0,
  };
}
