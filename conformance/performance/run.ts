/**
 * Measures a target, and bare sockets beside it.
 *
 * @module
 */
import { Server } from "../channels/server.ts";
import { Skipped } from "../peer/finding.ts";
import type { Peer } from "../peer/peer.ts";
import type { Measure, PerformanceReport } from "../report/report.ts";
import { awakeNow } from "../wire/clock.ts";
import { Bare } from "./bare.ts";
import { Bench } from "./bench.ts";
import { perSecond, ratioOf, timingOf } from "./figures.ts";
import { describeMachine, describeRuntime, isLoopback } from "./machine.ts";
import type { Measured, Measuring } from "./measure.ts";
import { Trouble } from "./trouble.ts";

/** Milliseconds after which no further measure is begun. */
const LIMIT = 20_000;

/** What a run measures with. */
export interface PerformanceOptions {
  readonly measures: readonly Measuring[];
  /** A new hold on the target, for each measure; null where it lets nobody in. */
  readonly peer: (id: string) => Peer | null;
  /** How long to wait for anything that must come, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal | null;
  readonly onMeasure: (id: string, done: number) => void;
}

/** Measures one thing after another. A target that does not do its part is told of, and no error. */
export async function measurePerformance(options: PerformanceOptions): Promise<PerformanceReport> {
  const { measures, signal, onMeasure } = options;
  const began = performance.now();
  const start = awakeNow();
  const notes: string[] = [];
  const bare = await startBare(notes);
  const measured: Measure[] = [];
  try {
    for (const [done, one] of measures.entries()) {
      signal?.throwIfAborted();
      onMeasure(one.id, done);
      const late = awakeNow() - start > LIMIT;
      measured.push(
        late
          ? skippedOf(one, `the measures before took ${LIMIT / 1000} s`)
          : await measure(one, bare, options, notes),
      );
    }
  } finally {
    await bare?.end();
  }
  return {
    machine: describeMachine(),
    runtime: describeRuntime(),
    duration_ms: Math.round(performance.now() - began),
    notes: [...new Set(notes)],
    measures: measured,
  };
}

async function startBare(notes: string[]): Promise<Bare | null> {
  try {
    return await Bare.start();
  } catch (error) {
    notes.push(`no raw sockets to compare with: ${messageOf(error)}`);
    return null;
  }
}

async function measure(
  one: Measuring,
  bare: Bare | null,
  { peer: hold, timeout }: PerformanceOptions,
  notes: string[],
): Promise<Measure> {
  const peer = hold(one.id);
  if (peer === null) return skippedOf(one, "the server did not accept the opening handshake");
  const { host, secure } = peer.target;
  if (!isLoopback(host)) notes.push("the target is measured over a network, raw sockets are not");
  if (secure) notes.push("the target is measured over TLS, raw sockets are not");
  const { offer } = peer.facts;
  const bench = new Bench(peer, offer === null ? null : new Server(peer, offer), bare, timeout);
  try {
    return measureOf(one.id, await one.run(bench));
  } catch (error) {
    const isTargets = error instanceof Trouble || error instanceof Skipped;
    return skippedOf(one, isTargets ? error.message : `the kit itself failed: ${messageOf(error)}`);
  } finally {
    await bench.close();
  }
}

/** What is reported of a measure. */
function measureOf(id: string, measured: Measured): Measure {
  const { title, wanted, rounds, unit, deliveries, notes = [] } = measured;
  const [target, raw] = [timingOf(rounds.target), timingOf(rounds.raw)];
  const { sent, lost, why } = rounds;
  // Where nothing was timed and nothing lost, there is nothing to show but why.
  if (target === null && lost === 0) return skippedOf({ id, title }, why ?? "nothing came of it");
  const rate = (timing: typeof target) =>
    timing === null || deliveries === undefined ? null : perSecond(deliveries, timing.median_ms);
  return {
    id,
    title,
    target,
    raw,
    ratio: ratioOf(target, raw),
    ...(deliveries === undefined ? {} : { per_second: { target: rate(target), raw: rate(raw) } }),
    sent,
    lost,
    notes: [
      ...(lost === 0 ? [] : [`lost ${lost} of ${sent} ${unit}`]),
      ...(why === null ? [] : [`${rounds.target.length} samples of ${wanted}: ${why}`]),
      ...notes,
    ],
    skipped: null,
  };
}

function skippedOf({ id, title }: Pick<Measure, "id" | "title">, skipped: string): Measure {
  const nothing = { target: null, raw: null, ratio: null, sent: 0, lost: 0, notes: [] };
  return { id, title, ...nothing, skipped };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
