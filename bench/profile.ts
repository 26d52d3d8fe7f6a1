/**
 * CPU profiles of servers, and what of them fits on a page.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { basename, join } from "node:path";
import { table } from "./report.ts";

/** The environment variable that names the file to keep a profile in. */
export const PROFILE = "HEDDLE_BENCH_PROFILE";

/** Starts a profile of this process; what it gives writes it. */
export async function startProfile(file: string): Promise<() => Promise<void>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    writeFileSync(file, JSON.stringify(profile));
  };
}

/** As much of a `.cpuprofile` (Chrome DevTools Protocol, `Profiler.Profile`) as is read here. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** How much of the time a function itself took. */
export interface Share {
  readonly name: string;
  readonly share: number;
}

/** What a profile is of that is no work. */
const idle = new Set(["(idle)", "(program)"]);

/** Functions by the time that they took themselves, the most first; shares are of the time that was worked. */
function sharesOf({ nodes, samples, timeDeltas }: Profile): Share[] {
  const names = new Map(nodes.map(({ id, callFrame }) => {
    const { functionName, url, lineNumber } = callFrame;
    const name = functionName === "" ? "(anonymous)" : functionName;
    const file = basename(url.split("?")[0]!);
    return [id, file === "" ? name : `${name} ${file}:${lineNumber + 1}`];
  }));
  const times = new Map<string, number>();
  let worked = 0;
  samples.forEach((id, i) => {
    const name = names.get(id) ?? "(unknown)";
    if (idle.has(name)) return;
    const time = Math.max(0, timeDeltas[i] ?? 0);
    worked += time;
    times.set(name, (times.get(name) ?? 0) + time);
  });
  return [...times].map(([name, time]) => ({ name, share: time / worked }))
    .sort((a, b) => b.share - a.share);
}

/** Where profiles are kept, and which of them there are. */
export class Profiles {
  readonly #folder: string;
  readonly #names: string[] = [];

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** The file for the profile of a server, which reads it from the variable {@linkcode PROFILE}. */
  next(server: string): string {
    const words = server.replaceAll(/\.\/servers\/|\.ts/g, "").replaceAll(/[^a-z0-9_]+/gi, "-");
    const name = `${this.#names.length + 1}-${words}.cpuprofile`;
    this.#names.push(name);
    return join(this.#folder, name);
  }

  /** What takes the most time in each, as Markdown. */
  summary(most = 20): string {
    return this.#names.map((name) => join(this.#folder, name)).filter(existsSync).map((file) => {
      const shares = sharesOf(JSON.parse(readFileSync(file, "utf8")) as Profile);
      const rows = shares.slice(0, most).map(({ name, share }) => [
        name,
        `${(share * 100).toFixed(1)} %`,
      ]);
      return `### ${basename(file)}\n\n${table([["function", "of the time"], ...rows])}`;
    }).join("\n\n");
  }
}
