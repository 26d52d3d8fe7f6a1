/**
 * A run of the kit against one server.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { HANDSHAKE_CASE, isChannelCase } from "../cases.ts";
import { askOffer } from "../channels/ask.ts";
import { roleOf } from "../channels/server.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import { type Facts, Peer, type PeerOptions } from "../peer/peer.ts";
import { createRandom, deriveSeed } from "../random.ts";
import { measurePerformance } from "../performance/run.ts";
import { type CaseReport, type Report, summarize } from "../report/report.ts";
import type { Offer } from "../target/offer.ts";
import { NotStarted, startTarget } from "../target/start.ts";
import { tokenSource } from "../target/tokens.ts";
import { KIT } from "../version.ts";
import { targetOf } from "../wire/socket.ts";
import { attempt, type Outcome } from "./attempt.ts";
import { type ConformanceOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { CannotRun, probe } from "./probe.ts";
import { repeatCommand } from "./repeat.ts";
import { type Manner, runSchedule } from "./schedule.ts";
import { casesOf, missingNeed } from "./select.ts";
import { selectAll, type Selection } from "./selection.ts";
import { reportOf, unrun, watched } from "./verdict.ts";

const PREVENTED = new Skipped("the server did not accept the opening handshake");

const NOT_SELECTED = new Skipped("not asked for, and judged by what other cases saw");

/** How much longer than usual a case waits when it is repeated alone. */
const ALONE = { timeout: 5, linger: 250 } as const;

/**
 * Runs the cases against a server and reports what they found.
 *
 * @throws CannotRun `bad_options`, `not_started`, `unreachable`, `no_http_answer`, `floods`; or the
 *   reason of the signal
 * @example
 * ```ts
 * import { runConformance } from "heddle/conformance";
 * import { WebSocketServer } from "ws";
 *
 * const server = new WebSocketServer({ host: "127.0.0.1", port: 8765 });
 * server.on("connection", (socket) => {
 *   socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
 * });
 * const report = await runConformance({ url: "ws://127.0.0.1:8765/", only: ["rfc6455/5.5.2/*"] });
 * server.close();
 * if (report.summary.failed > 0) throw new Error(`${report.summary.failed} failed`);
 * ```
 */
export async function runConformance(given: ConformanceOptions): Promise<Report> {
  const options = resolveOptions(given);
  const { start, url, signal } = options;
  signal?.throwIfAborted();
  const selection = selectAll(given.cases ?? casesOf(options.level), options);
  const run = (at: string) =>
    untilAborted(signal, runAt({ ...options, url: at }, selection, options));
  if (start === null) return await run(url);
  readTarget({ ...options, url: url.replaceAll("{port}", "80") });
  try {
    const started = await startTarget(start, url, signal);
    try {
      return await run(started.url);
    } finally {
      await started.end();
    }
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    throw new CannotRun("not_started", error.message);
  }
}

/** What becomes of some work, or the signal's reason at once: the work ends by itself, a case later. */
async function untilAborted<T>(signal: AbortSignal | null, work: Promise<T>): Promise<T> {
  if (signal === null) return await work;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => abort = () => reject(signal.reason));
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** @param asked The options as they were given: with them a run can be asked for again. */
async function runAt(
  options: ResolvedOptions,
  { selected, measures }: Selection,
  asked: ResolvedOptions,
): Promise<Report> {
  const { seed, onProgress } = options;
  const started = new Date();
  const clock = performance.now();
  const target = readTarget(options);
  const headers = await withCredential(options);
  const peerOptions = (id: string, manner: Manner): Omit<PeerOptions, "facts"> => ({
    target,
    patience: manner === "together"
      ? { timeout: options.timeout, linger: 0 }
      : { timeout: options.timeout * ALONE.timeout, linger: ALONE.linger },
    crowded: manner === "together",
    insists: manner === "insisting",
    random: createRandom(deriveSeed(seed, id)),
    seed: deriveSeed(seed, id),
    runs: options.runs,
    maxMessage: options.maxMessage,
    profile: options.profile,
    headers,
    subprotocols: options.subprotocols,
  });

  const outcomes = new Map<Case, Outcome>();
  const settle = (one: Case, outcome: Outcome) => {
    outcomes.set(one, outcome);
    if (one.watches === undefined) tell(one, outcome);
  };
  const reported: CaseReport[] = [];
  const tell = (one: Case, outcome: Outcome) => {
    const report = reportOf(one, outcome, repeatCommand(asked, one.id));
    reported.push(report);
    onProgress({ kind: "judged", report, done: reported.length, total: selected.length });
  };

  const asksWire = selected.length === 0
    ? options.level !== "channels"
    : !selected.every(isChannelCase);
  let facts: Facts | null = null;
  const found = await probe(peerOptions("probe", "insisting"), asksWire ? options.echo : "no");
  if (found.kind === "refused") {
    if (!selected.includes(HANDSHAKE_CASE)) selected.unshift(HANDSHAKE_CASE);
    onProgress({ kind: "started", total: selected.length, facts: null });
    for (const one of selected) {
      if (one === HANDSHAKE_CASE) {
        tell(one, unrun(one, new Broken(found.finding), found.transcript));
      } else tell(one, unrun(one, PREVENTED));
    }
  } else {
    const asksChannels = selected.some(isChannelCase) ||
      measures.some(({ level }) => level === "channels");
    const known = asksChannels
      ? await withOffer(found.facts, options.offer ?? {}, peerOptions("offer", "alone"))
      : found.facts;
    facts = known;
    onProgress({ kind: "started", total: selected.length, facts: known });
    const runnable = selected.filter((one) => {
      const reason = missingNeed(one, known, options);
      if (reason !== null) settle(one, unrun(one, new Skipped(reason)));
      return reason === null;
    });
    await runSchedule(runnable, {
      concurrency: isShared(known.offer) ? 1 : options.concurrency,
      believes: found.silent,
      signal: options.signal,
      onOutcome: settle,
      attempt: (one, manner) => attempt(one, { ...peerOptions(one.id, manner), facts: known }),
    });
    const failures = [...outcomes.values()].flatMap(({ violations }) => violations);
    if (failures.some(({ rule }) => rule === "handshake") && !selected.includes(HANDSHAKE_CASE)) {
      selected.unshift(HANDSHAKE_CASE);
      outcomes.set(HANDSHAKE_CASE, unrun(HANDSHAKE_CASE, NOT_SELECTED));
    }
    for (const one of selected) {
      const outcome = outcomes.get(one);
      if (one.watches !== undefined && outcome !== undefined) {
        tell(one, watched(one, outcome, outcomes));
      }
    }
  }

  const order = new Map(selected.map(({ id }, place) => [id, place]));
  reported.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const measured = measures.length === 0 ? null : await measurePerformance({
    measures,
    peer: (id) => facts === null ? null : new Peer({ ...peerOptions(id, "together"), facts }),
    timeout: options.timeout,
    signal: options.signal,
    onMeasure: (id, done) => onProgress({ kind: "measuring", id, done, total: measures.length }),
  });
  return {
    kit: KIT,
    target: options.url,
    started: started.toISOString(),
    duration_ms: Math.round(performance.now() - clock),
    seed,
    summary: summarize(reported),
    cases: reported,
    ...(measured === null ? {} : { performance: measured }),
  };
}

/** What the endpoint is asked with: a credential of the profile's where none was given. */
async function withCredential(
  { headers, offer }: ResolvedOptions,
): Promise<PeerOptions["headers"]> {
  // One user may have few connections, nobody as many as there is room for.
  const isOpen = offer === null || offer.anonymous === true;
  if (isOpen || headers.some(([name]) => name.toLowerCase() === "authorization")) {
    return headers;
  }
  const token = await tokenSource(offer.tokens).issue({ sub: "kit", role: roleOf(offer) });
  return token === null ? headers : [...headers, ["Authorization", `Bearer ${token}`]];
}

async function withOffer(
  facts: Facts,
  offer: Offer,
  options: Omit<PeerOptions, "facts">,
): Promise<Facts> {
  const peer = new Peer({ ...options, facts });
  try {
    return { ...facts, offer: await askOffer(offer, peer) };
  } finally {
    peer.abandon();
  }
}

/** Whether cases meet each other on the target's channels, there being no names of their own to take. */
function isShared(offer: Offer | null): boolean {
  const names = Object.keys(offer?.channels ?? {});
  return names.length > 0 && !names.some((name) => name.endsWith("*"));
}

function readTarget({ url, insecure, ca }: ResolvedOptions) {
  try {
    return targetOf(url, { insecure, ca });
  } catch (error) {
    throw new CannotRun("bad_options", error instanceof Error ? error.message : String(error));
  }
}
