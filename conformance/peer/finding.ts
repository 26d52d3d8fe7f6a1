/**
 * What a case finds: an expectation that was not met, a reason not to judge, and how the server
 * closed.
 *
 * @module
 */
import { NotHttp } from "../wire/handshake.ts";
import { type Ending, TimeOut } from "../wire/socket.ts";

/** The two sides of an expectation that was not met. */
export interface Finding {
  readonly expected: string;
  readonly observed: string;
  /** What a wait that ran out waited for; null where the server did something else instead. */
  readonly awaited?: string | null;
  /** The smallest input that shows it, of a property-based case. */
  readonly counterexample?: string;
}

/** An expectation that was not met: the case ends. */
export class Broken extends Error {
  override readonly name = "Broken";
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(`expected ${finding.expected}; observed ${finding.observed}`);
    this.finding = finding;
  }
}

/** What was not met where a case ended so; null where it ended otherwise. */
export function findingOf(ended: unknown): Finding | null {
  if (ended instanceof Broken) return ended.finding;
  if (ended instanceof NotHttp) return { expected: "an HTTP answer", observed: ended.message };
  if (!(ended instanceof TimeOut)) return null;
  const observed = `nothing in ${ended.milliseconds} ms`;
  return { expected: ended.awaited, observed, awaited: ended.awaited };
}

/** The case cannot be judged on this server. */
export class Skipped extends Error {
  override readonly name = "Skipped";
  /** What a wait that ran out waited for, where that is why; null where no wait was. */
  readonly awaited: string | null;
  constructor(message: string, awaited: string | null = null) {
    super(message);
    this.awaited = awaited;
  }
}

/** The server sends without end what nothing asked for: waiting would never end, either. */
export class Flooded extends Broken {}

/** The server did not admit the connection, which may be for lack of room: the case is tried again. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/**
 * How a connection ended: `clean` a Close frame and then the end of TCP; `unfinished` a Close frame,
 * but TCP left open; `fin` and `reset` no Close frame; `open` nothing until the deadline.
 */
export type Closing = "clean" | "unfinished" | Ending | "open";

/** How the server closed, judged apart from whether it did what the requirement asks. */
export interface CloseFinding {
  readonly how: Closing;
  /** The code of its Close frame; null where it had none. */
  readonly code: number | null;
  /** What was not as it should be; null where all was. */
  readonly wrong: Finding | null;
}

/** A closing in few words: `clean 1002`, `fin`. */
export function showClosing({ how, code }: Omit<CloseFinding, "wrong">): string {
  return code === null ? how : `${how} ${code}`;
}
