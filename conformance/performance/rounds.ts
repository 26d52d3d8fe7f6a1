/**
 * The same done again and again, in turn with the target and with bare sockets, so that whatever else
 * the machine does meets both alike.
 *
 * @module
 */
import { awakeNow, setAlarm } from "../wire/clock.ts";
import type { Line } from "./line.ts";
import { bide, showRefusal, timeLimit, Trouble } from "./trouble.ts";

/** What one round sends, and what must come of it. */
export interface Round {
  /** Bytes to write, each to its line, all at once. */
  readonly sends: readonly (readonly [line: Line, bytes: Uint8Array])[];
  /** The marks that each of the hearers must hear: from the first, so many. */
  readonly from: number;
  readonly count: number;
}

/** One of the two that are measured. */
export interface Side {
  readonly hearers: readonly Line[];
  /** Makes a round ready: nothing of this is timed. @throws Trouble where it does not go on */
  round(number: number): Round | Promise<Round>;
}

/** How it is measured. */
export interface Plan {
  readonly rounds: number;
  /** How many rounds more come first, to warm up, and are not timed. */
  readonly warmUp: number;
  /** Milliseconds without anything new after which a round is given up, and the next begins. */
  readonly idle: number;
  /** When it is to end, by {@link awakeNow}. */
  readonly deadline: number;
  /** How long what is missing then may still come, in milliseconds. */
  readonly grace: number;
}

/** What came of it. */
export interface Rounds {
  /** Milliseconds from what was sent to the last of what came, a round of the target each. */
  readonly target: readonly number[];
  /** The same of bare sockets. */
  readonly raw: readonly number[];
  /** How much the target had to deliver. */
  readonly sent: number;
  /** And never delivered. */
  readonly lost: number;
  /** Why there were fewer rounds than planned; null where there were not. */
  readonly why: string | null;
}

/** So many rounds may be late or lose something: more would say no more. */
const LATE = 5;

/** Plays rounds until there are enough, the time is up, or the target does not go on. */
export async function playRounds(target: Side, raw: Side | null, plan: Plan): Promise<Rounds> {
  const { rounds, warmUp, deadline, grace } = plan;
  const times = { target: [] as number[], raw: [] as number[] };
  const began = awakeNow();
  const open: Played[] = [];
  const beside = async (number: number) => {
    const one = raw === null ? null : await play(raw, number, plan);
    if (one === null || typeof one === "string" || missing(one) > 0) return;
    if (number >= warmUp) times.raw.push(timeOf(one));
  };
  let sent = 0;
  let why: string | null = null;
  for (let number = 0; number < warmUp + rounds && why === null;) {
    if (awakeNow() >= deadline) {
      why = timeLimit(began, deadline);
      break;
    }
    // Each is first as often as the other: what one leaves to be cleared up meets both.
    if (number % 2 === 1) await beside(number);
    const one = await play(target, number, plan);
    if (typeof one === "string") {
      why = one;
      break;
    }
    const refusal = one.sends.map(([line]) => line.refusal).find((found) => found !== null);
    if (refusal != null && missing(one) > 0) {
      // It was not taken, so that nothing of it is lost; what came in part cannot be timed again.
      const again = missing(one) === demand(one) && await bide(refusal.retryAfter, deadline);
      if (!again) why = showRefusal(refusal);
      continue;
    }
    sent += demand(one);
    if (missing(one) > 0) open.push(one);
    else if (number >= warmUp) times.target.push(timeOf(one));
    why = linesOf(one).find(({ ended }) => ended !== null)?.ended ??
      (open.length < LATE ? null : `${LATE} rounds were not over in ${plan.idle} ms`);
    if (number % 2 === 0 && why === null) await beside(number);
    number++;
  }
  const until = awakeNow() + grace;
  for (const late of open) {
    await heard(late, grace, until);
    if (missing(late) === 0) times.target.push(timeOf(late));
  }
  return { ...times, sent, lost: open.reduce((sum, one) => sum + missing(one), 0), why };
}

/** A round that was played. */
interface Played extends Round {
  readonly at: number;
  readonly hearers: readonly Line[];
}

/** Plays one round; where the side cannot go on, why. */
async function play(side: Side, number: number, plan: Plan): Promise<Played | string> {
  try {
    const round = await side.round(number);
    for (const [line] of round.sends) {
      if (line.ended !== null) return line.ended;
      line.refusal = null;
    }
    const played = { ...round, hearers: side.hearers, at: performance.now() };
    for (const [line, bytes] of round.sends) line.wire.write(bytes);
    await heard(played, plan.idle, plan.deadline);
    return played;
  } catch (error) {
    if (error instanceof Trouble) return error.message;
    throw error;
  }
}

/** Waits until all of a round has come, nothing new came for so long, or no more can come. */
function heard(played: Played, idle: number, until: number): Promise<void> {
  const lines = linesOf(played);
  const refused = () => played.sends.some(([line]) => line.refusal !== null || line.ended !== null);
  let left = awaited(played);
  let latest = awakeNow();
  return new Promise((resolve) => {
    let callOff = () => {};
    const end = () => {
      callOff();
      for (const line of lines) line.listener = null;
      resolve();
    };
    const look = () => {
      const now = awakeNow();
      const next = Math.min(latest + idle, until);
      if (now >= next) end();
      else callOff = setAlarm(next - now, look);
    };
    if (left === 0 || refused()) return end();
    const hearers = new Set(played.hearers);
    for (const line of lines) {
      line.listener = (mark) => {
        if (mark === null) {
          left = awaited(played);
          if (refused()) return end();
        } else if (
          hearers.has(line) && mark >= played.from && mark < played.from + played.count
        ) {
          left--;
          latest = awakeNow();
        }
        if (left === 0) end();
      };
    }
    look();
  });
}

/** What may still come: nothing on a line that has ended. */
function awaited({ hearers, ...round }: Played): number {
  return missing({ ...round, hearers: hearers.filter(({ ended }) => ended === null) });
}

/** How much of a round has not come. */
function missing({ hearers, from, count }: Omit<Played, "at" | "sends">): number {
  let left = 0;
  for (const { heard } of hearers) {
    for (let mark = from; mark < from + count; mark++) if (!heard.has(mark)) left++;
  }
  return left;
}

/** How much there is to come in a round. */
function demand({ hearers, count }: Played): number {
  return hearers.length * count;
}

/** Milliseconds to the last that came of a round, of which all has come. */
function timeOf({ hearers, from, count, at }: Played): number {
  let last = at;
  for (const { heard } of hearers) {
    for (let mark = from; mark < from + count; mark++) last = Math.max(last, heard.get(mark) ?? at);
  }
  return last - at;
}

function linesOf({ hearers, sends }: Played): Line[] {
  return [...new Set([...hearers, ...sends.map(([line]) => line)])];
}
