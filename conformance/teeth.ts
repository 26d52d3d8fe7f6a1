/**
 * Whether the kit finds what it is for: `npm run teeth -- --help`.
 *
 * @module
 */
import process from "node:process";
import { Command, Option } from "commander";
import { blamesOf } from "./blame.ts";
import { broken } from "./reference/altered/all.ts";
import { biteEach, blamesOfAltered, startRight } from "./reference/altered/bite.ts";
import { unusualServers } from "./reference/altered/unusual.ts";
import { breakages } from "./reference/broken/all.ts";
import { bite } from "./reference/broken/bite.ts";
import { unusual } from "./reference/unusual/all.ts";
import type { KitLevel } from "./runner/options.ts";
import { fitsAny } from "./runner/select.ts";
import { sideBySide } from "./side_by_side.ts";

interface Options {
  readonly level: KitLevel;
  readonly quick?: boolean;
  readonly unusual?: boolean;
  readonly profileFile: string;
}

const command = new Command("npm run teeth --")
  .description(
    "Runs the kit against servers that break one requirement each, and prints which case found " +
      "each, and whom else it blamed. 1 is the exit code where one is not found, or a requirement " +
      "is blamed that should not be; 2 where none could be tried.",
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .argument("[globs...]", "the servers whose name fits, or whose requirement does")
  .addOption(
    new Option("--level <level>", "what they break").choices(["wire", "channels", "all"])
      .default("all"),
  )
  .option("--quick", "only the cases that are to find them, not all")
  .option("--unusual", "servers that are legal but unusual instead: none is to be blamed")
  .option(
    "--profile-file <file>",
    "a right server of Protocol 1, which a proxy makes wrong",
    "src/testing/kit/profile.json",
  )
  .parse();
const { level, profileFile, ...flags } = command.opts<Options>();
const how = flags.quick === true ? "quick" : "whole";

/** How many servers are tried side by side: much of the time is spent waiting for what never comes. */
const SIDE_BY_SIDE = { quick: 6, whole: 2 } as const;

/** Says what came of one server. */
type Tell = (isRight: boolean, what: string, lines: readonly string[]) => void;

/** Servers of one kind, and how they are tried. */
interface Group {
  readonly kind: string;
  readonly right: "found" | "spared";
  readonly count: number;
  run(tell: Tell): Promise<void>;
}

function choose<T extends { readonly name: string; readonly breaks?: string }>(
  all: readonly T[],
): T[] {
  const fits = (text = "") => fitsAny(command.args, text);
  return all.filter(({ name, breaks }) => command.args.length === 0 || fits(name) || fits(breaks));
}

function brokenOnes(): Group {
  const chosen = choose(breakages);
  return {
    kind: "broken servers",
    right: "found",
    count: chosen.length,
    run: (tell) =>
      sideBySide(SIDE_BY_SIDE[how], chosen, async (one) => {
        const { found, unrelated, wrong, report } = await bite(one, how);
        const { passed, failed, warned } = report.summary;
        const why = wrong === null
          ? []
          : [`${wrong}; ${failed} failed, ${warned} warned, ${passed} passed`];
        const lines = [...found.slice(0, 3), ...why, ...wrong === null ? [] : unrelated];
        tell(wrong === null, `${one.name}: ${one.breaks}`, lines);
      }),
  };
}

function unusualOnes(): Group {
  const chosen = choose(unusual);
  return {
    kind: "unusual servers",
    right: "spared",
    count: chosen.length,
    run: (tell) =>
      sideBySide(SIDE_BY_SIDE.whole, chosen, async (one) => {
        const blames = await blamesOf(one);
        tell(blames.length === 0, `a server that ${one.name}`, blames);
      }),
  };
}

function brokenOnesOfChannels(): Group {
  const chosen = choose(broken);
  return {
    kind: "broken servers of Protocol 1",
    right: "found",
    count: chosen.length,
    async run(tell) {
      await using right = await startRight(profileFile);
      await biteEach(chosen, right, how, (one, { found, others, wrong }) => {
        const also = others.length === 0
          ? []
          : [`and by others, such as ${others.slice(0, 3).join(", ")}`];
        const why = wrong === null ? [] : [wrong];
        tell(wrong === null, `${one.name}: ${one.breaks}`, [...found, ...why, ...also]);
      });
    },
  };
}

function unusualOnesOfChannels(): Group {
  const chosen = choose(unusualServers);
  return {
    kind: "unusual servers of Protocol 1",
    right: "spared",
    count: chosen.length,
    async run(tell) {
      await using right = await startRight(profileFile);
      for (const { name, how } of chosen) {
        const blames = await blamesOfAltered(how, right);
        tell(blames.length === 0, `a server that ${name}`, blames);
      }
    },
  };
}

/** Tries the servers of a group; returns how many did not come off as they should. */
async function tryAll({ kind, right, count, run }: Group): Promise<number> {
  let wrong = 0;
  await run((isRight, what, lines) => {
    if (!isRight) wrong++;
    const verdict = (isRight ? right : "WRONG").padEnd(6);
    console.log([`${verdict} ${what}`, ...lines.slice(0, 12)].join("\n       "));
  });
  console.log(`${count - wrong} of ${count} ${kind} ${right}`);
  return wrong;
}

const groups = [
  ...(level === "channels" ? [] : [flags.unusual === true ? unusualOnes() : brokenOnes()]),
  ...(level === "wire"
    ? []
    : [flags.unusual === true ? unusualOnesOfChannels() : brokenOnesOfChannels()]),
].filter(({ count }) => count > 0);
if (groups.length === 0) command.error(`error: no server is called ${command.args.join(" or ")}`);
// What was started goes with the process.
process.once("SIGINT", () => process.exit(130));
let wrong = 0;
for (const group of groups) wrong += await tryAll(group);
process.exitCode = wrong === 0 ? 0 : 1;
