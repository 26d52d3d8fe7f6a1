/**
 * One case, run once, and what to make of how it ended.
 *
 * @module
 */
import type { Case, Level } from "../case.ts";
import { type CloseFinding, findingOf, Refused, Skipped } from "../peer/finding.ts";
import { Peer, type PeerOptions } from "../peer/peer.ts";
import type { Violation } from "../peer/watch.ts";
import type { CaseReport, Verdict } from "../report/report.ts";
import { setAlarm } from "../wire/clock.ts";
import { TimeOut } from "../wire/socket.ts";

/** What one run of a case showed. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly behaviour: CaseReport["behaviour"];
  readonly closing: CloseFinding | null;
  readonly expected: string;
  readonly observed: string;
  /** What the wait that decided the verdict waited for; null where no wait did. */
  readonly awaited: string | null;
  readonly counterexample: string | null;
  /** Where a property was tried less often than asked for. */
  readonly runs?: NonNullable<CaseReport["runs"]>;
  readonly violations: readonly Violation[];
  readonly transcript: readonly string[];
  readonly milliseconds: number;
}

/** The verdict on a requirement of that level that is not kept. A MAY cannot be broken. */
const NOT_KEPT = { MUST: "fail", SHOULD: "warn", MAY: "skip" } as const satisfies Record<
  Level,
  Verdict
>;

/** How long a case may take in all, in time-outs and in milliseconds: a bound, far above what any takes. */
const LONGEST = { waits: 30, least: 60_000 } as const;

/**
 * Runs a case once on connections of its own.
 *
 * @throws Refused where the server admitted no connection: nothing is judged then
 */
export async function attempt(one: Case, options: PeerOptions): Promise<Outcome> {
  const peer = new Peer(options);
  const started = performance.now();
  let ended: unknown = null;
  try {
    const { timeout } = options.patience;
    await within(one.run(peer), Math.max(timeout * LONGEST.waits, LONGEST.least));
  } catch (error) {
    if (error instanceof Refused) throw error;
    ended = error;
  } finally {
    peer.abandon();
  }
  const { made, asked } = peer.tried;
  return {
    ...judge(one, ended, peer.closings),
    ...(made < asked ? { runs: { made, asked } } : {}),
    violations: peer.violations,
    transcript: peer.transcript(),
    milliseconds: performance.now() - started,
  };
}

type Judged = Omit<Outcome, "violations" | "transcript" | "milliseconds">;

/** The verdict that follows from how the case ended (null: well) and how the server closed. */
export function judge(one: Case, ended: unknown, closings: readonly CloseFinding[]): Judged {
  const closing = closings.find(({ wrong }) => wrong !== null) ?? closings.at(-1) ?? null;
  const base = { closing, expected: one.title, awaited: null, counterexample: null };
  if (ended instanceof Skipped) {
    const { message: observed, awaited } = ended;
    return { ...base, verdict: "skip", behaviour: "not observed", observed, awaited };
  }
  const finding = findingOf(ended);
  if (finding !== null) {
    const { level } = one.requirement;
    return {
      ...base,
      verdict: NOT_KEPT[level],
      behaviour: "broken",
      expected: finding.expected,
      observed: level === "MAY" ? `left out, as it may: ${finding.observed}` : finding.observed,
      awaited: finding.awaited ?? null,
      counterexample: finding.counterexample ?? null,
    };
  }
  if (ended !== null) {
    const observed = ended instanceof Error ? ended.stack ?? ended.message : String(ended);
    return { ...base, verdict: "error", behaviour: "not observed", observed };
  }
  if (closing?.wrong) {
    const { expected, observed, awaited = null } = closing.wrong;
    return { ...base, verdict: "warn", behaviour: "kept", expected, observed, awaited };
  }
  return { ...base, verdict: "pass", behaviour: "kept", observed: "as expected" };
}

async function within(run: Promise<void>, milliseconds: number): Promise<void> {
  let callOff = () => {};
  const limit = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new TimeOut("the end of the case", milliseconds));
    callOff = setAlarm(milliseconds, giveUp);
  });
  try {
    await Promise.race([run, limit]);
  } finally {
    callOff();
    // Where the limit won, the case ends later by an Abandoned that nobody waits for.
    run.catch(() => {});
  }
}
