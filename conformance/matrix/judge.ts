/**
 * What the kit finds of one server, over several runs.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { cases as allCases, isChannelCase } from "../cases.ts";
import { createRandom } from "../random.ts";
import type { Report } from "../report/report.ts";
import { runConformance } from "../runner/run.ts";
import { startServer } from "./child.ts";
import type { MatrixServer, Places } from "./servers.ts";

/** How a server is judged. */
export interface JudgeOptions {
  readonly places: Places;
  readonly profile: "fast" | "full";
  /** How many runs. */
  readonly repeat: number;
  readonly seed: number;
}

/** What the runs against one server found. */
export interface Judged {
  readonly name: string;
  /** `ws 8.23.0`, as the package says. */
  readonly library: string;
  /** `Node 20.20.2`, as the runtime says. */
  readonly runtime: string;
  readonly reports: readonly Report[];
  /** Cases whose verdict was not the same in all runs, with the verdicts. */
  readonly unstable: readonly string[];
  /** How it ended in the middle of a run, null where it did not. */
  readonly ended: string | null;
}

const cases = allCases.filter((one) => !isChannelCase(one));

/**
 * Runs the kit against a server: the first run as usual, the second with the same seed and the cases in
 * another order, and those after with seeds and orders of their own. Each finds a server just started.
 *
 * @throws NotStarted
 */
export async function judgeServer(server: MatrixServer, options: JudgeOptions): Promise<Judged> {
  const reports: Report[] = [];
  let ended: string | null = null;
  let versions = { library: "", runtime: "" };
  for (let run = 0; run < options.repeat; run++) {
    const running = await startServer(server, options.places);
    try {
      versions = running;
      reports.push(
        await runConformance({
          url: `ws://127.0.0.1:${running.port}/`,
          cases: run === 0 ? cases : shuffled(cases, options.seed + run),
          seed: run < 2 ? options.seed : options.seed + run,
          profile: options.profile,
          skip: ["performance/*"],
          maxMessage: server.maxMessage,
          echo: server.echoes ? "yes" : "no",
        }),
      );
      ended ??= running.ending();
    } finally {
      await running.stop();
    }
  }
  const { library, runtime } = versions;
  return { name: server.name, library, runtime, reports, unstable: unstable(reports), ended };
}

function shuffled(all: readonly Case[], seed: number): Case[] {
  const random = createRandom(seed);
  const left = [...all];
  return all.flatMap(() => left.splice(random.integer(0, left.length - 1), 1));
}

function unstable(reports: readonly Report[]): string[] {
  const verdicts = new Map<string, string[]>();
  for (const { id, verdict } of reports.flatMap((report) => report.cases)) {
    verdicts.set(id, [...verdicts.get(id) ?? [], verdict]);
  }
  return [...verdicts].filter(([, all]) => new Set(all).size > 1)
    .map(([id, all]) => `${id}: ${all.join(", ")}`);
}
