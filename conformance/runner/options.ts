/**
 * How a run is asked for, and what it tells on the way.
 *
 * @module
 */
import type { Case } from "../case.ts";
import type { Facts } from "../peer/peer.ts";
import type { CaseReport } from "../report/report.ts";
import type { Offer } from "../target/offer.ts";
import { CannotRun, type EchoOption } from "./probe.ts";

/** What happens during a run. */
export type Progress =
  /** The server answered; `facts` is null where it refused an honest handshake. */
  | { readonly kind: "started"; readonly total: number; readonly facts: Facts | null }
  | {
    readonly kind: "judged";
    readonly report: CaseReport;
    readonly done: number;
    readonly total: number;
  }
  /** In the profile `full`, after all cases: the next thing is measured. */
  | {
    readonly kind: "measuring";
    readonly id: string;
    readonly done: number;
    readonly total: number;
  };

/** Which cases: of any WebSocket server, of Protocol 1, or both. */
export type KitLevel = "wire" | "channels" | "all";

/** How to run. */
export interface ConformanceOptions {
  /** `ws:` or `wss:` URL of the endpoint. */
  readonly url: string;
  /** Any WebSocket server's cases, those of Protocol 1, or both. @default "wire" */
  readonly level?: KitLevel;
  /** Globs of ids, of cases or of measures, each of which must name some. @default all */
  readonly only?: readonly string[];
  /** Globs of ids to leave out, of cases and of measures. @default none */
  readonly skip?: readonly string[];
  /** Whether the endpoint echoes. @default "auto": it is found out */
  readonly echo?: EchoOption;
  /** The server's largest message in bytes. @default not known */
  readonly maxMessage?: number | null;
  /** Header fields that the endpoint needs, none of the handshake's own. @default none */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Subprotocols to offer, each a token. @default none */
  readonly subprotocols?: readonly string[];
  /** `full`: all cases, properties at length, and how quick the server is. @default "fast" */
  readonly profile?: "fast" | "full";
  /** What is drawn at random follows from it, 0 … 2^31 − 1. @default 1: each run tries the same */
  readonly seed?: number;
  /** Runs of each property, 1 … 100,000. @default 20, in profile full 200 */
  readonly runs?: number;
  /** Cases at a time, 1 … 256. @default 16 */
  readonly concurrency?: number;
  /** Milliseconds to wait for anything that must come, 10 … 600,000. @default 2000 */
  readonly timeout?: number;
  /** Accept any certificate. @default false */
  readonly insecure?: boolean;
  /** PEM of the certificates to trust. @default the well-known ones */
  readonly ca?: string | null;
  /** The file `ca` was read from, for the command that repeats a case. */
  readonly caFile?: string | null;
  /** What the target offers, for the channel level. @default it is asked */
  readonly offer?: Offer | null;
  /** The file `offer` was read from, for the command that repeats a case. */
  readonly offerFile?: string | null;
  /**
   * A command that starts the target, which is ended after the run; `{port}` in it and in the URL
   * stands for a free port, told as PORT too; null for a target that runs. @default `offer.start`
   */
  readonly start?: string | null;
  /** The cases to choose from. @default all of the level */
  readonly cases?: readonly Case[];
  /** Told of each step. @default nobody */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run, which rejects with its reason, and what was started for it. @default none */
  readonly signal?: AbortSignal | null;
}

/** {@link ConformanceOptions} with nothing left open. */
export type ResolvedOptions = Required<Omit<ConformanceOptions, "cases">>;

/** Fills in the defaults. @throws CannotRun `bad_options`, saying which and what is allowed */
export function resolveOptions(given: ConformanceOptions): ResolvedOptions {
  const profile = given.profile ?? "fast";
  const resolved: ResolvedOptions = {
    url: given.url,
    level: given.level ?? "wire",
    only: given.only ?? [],
    skip: given.skip ?? [],
    echo: given.echo ?? "auto",
    maxMessage: given.maxMessage ?? null,
    headers: given.headers ?? [],
    subprotocols: given.subprotocols ?? [],
    profile,
    seed: given.seed ?? 1,
    runs: given.runs ?? (profile === "fast" ? 20 : 200),
    concurrency: given.concurrency ?? 16,
    timeout: given.timeout ?? 2000,
    insecure: given.insecure ?? false,
    ca: given.ca ?? null,
    caFile: given.caFile ?? null,
    offer: given.offer ?? null,
    offerFile: given.offerFile ?? null,
    start: given.start === undefined ? given.offer?.start ?? null : given.start,
    onProgress: given.onProgress ?? (() => {}),
    signal: given.signal ?? null,
  };
  range("seed", resolved.seed, 0, 2 ** 31 - 1);
  range("runs", resolved.runs, 1, 100_000);
  range("concurrency", resolved.concurrency, 1, 256);
  range("timeout", resolved.timeout, 10, 600_000);
  if (resolved.maxMessage !== null) range("maxMessage", resolved.maxMessage, 1, 2 ** 40);
  refuseUnfit(resolved);
  return resolved;
}

function range(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new CannotRun("bad_options", `${name} must be a whole number of ${min} … ${max}: ${value}`);
}

/** A token (RFC 9110 section 5.6.2). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** What a client writes itself into its opening handshake (RFC 6455 section 4.1), or must not write. */
const KITS_OWN = /^(upgrade|connection|sec-websocket-.*|content-length|transfer-encoding)$/i;

/** With these no handshake is an honest one, and a server that refuses it would be blamed for that. */
function refuseUnfit({ headers, subprotocols }: ResolvedOptions): void {
  for (const [name] of headers) {
    if (!KITS_OWN.test(name)) continue;
    const message = `a header field may be any but those of the handshake itself: ${name}`;
    throw new CannotRun("bad_options", message);
  }
  for (const [i, name] of subprotocols.entries()) {
    if (TOKEN.test(name) && subprotocols.indexOf(name) === i) continue;
    const message =
      `a subprotocol must be a token, as letters and digits are, and come once: ${name}`;
    throw new CannotRun("bad_options", message);
  }
}
