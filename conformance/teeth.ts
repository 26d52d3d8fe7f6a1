/**
 * Whether the kit finds what it is for: runs it against every broken server and prints which case
 * found it, and whom else it blamed.
 *
 * `npm run teeth -- [--level wire|channels|all] [--quick] [GLOB …]`: the servers whose name fits, or of
 * the channel level whose requirement does; with `--quick` only the cases that are to find them.
 * `--unusual` runs all cases against the servers that are legal but unusual instead, and prints what
 * they are blamed for. The servers of the channel level are that of a profile (`--profile-file`) behind
 * a proxy. Exit 1 where one is not found, or a requirement is blamed that should not be.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { blamesOf } from "./blame.ts";
import { broken } from "./reference/altered/all.ts";
import { biteEach, blamesOfAltered, type Right, startRight } from "./reference/altered/bite.ts";
import { unusualServers } from "./reference/altered/unusual.ts";
import { type Breakage } from "./reference/broken/breakage.ts";
import { breakages } from "./reference/broken/all.ts";
import { startReference } from "./reference/server.ts";
import { unusual } from "./reference/unusual/all.ts";
import { exitCodeOf } from "./report/exit.ts";
import type { CaseReport, Report } from "./report/report.ts";
import { runConformance } from "./runner/run.ts";
import { globToRegExp } from "./runner/select.ts";
import { sideBySide } from "./side_by_side.ts";

/** What the kit makes of a broken server. */
export interface Bite {
  /** Ids of the cases of the broken requirement that found it. */
  readonly found: readonly string[];
  /** Ids of other cases that blame it, and are not declared to. */
  readonly unrelated: readonly string[];
  /** What is wrong with all that; null where nothing is. */
  readonly wrong: string | null;
  readonly report: Report;
}

const fits = (globs: readonly string[]) => (id: string) =>
  globs.some((glob) => globToRegExp(glob).test(id));

const nameOf = ({ requirement: { spec, section, level } }: CaseReport) =>
  `${spec} ${section} ${level}`;

/** Runs the kit, or of it just the cases that are to find it, against a broken server. */
export async function bite(breakage: Breakage, how: "quick" | "whole"): Promise<Bite> {
  const server = await startReference(breakage.server);
  try {
    const report = await runConformance({
      url: server.url,
      seed: 1,
      timeout: how === "quick" ? 300 : 500,
      echo: "yes",
      ...(how === "quick" ? { only: breakage.foundBy } : {}),
    });
    return { ...judge(breakage, report), report };
  } finally {
    await server.close();
  }
}

function judge(breakage: Breakage, report: Report): Omit<Bite, "report"> {
  const { breaks, foundBy, also = {}, verdict = breaks.endsWith("MUST") ? "fail" : "warn" } =
    breakage;
  const blamed = report.cases.filter((one) =>
    one.verdict === "fail" || one.verdict === "error" || one.verdict === verdict
  );
  const isExpected = fits(foundBy);
  const finders = blamed.filter(({ id }) => isExpected(id));
  const found = finders.filter((one) => nameOf(one) === breaks).map(({ id }) => id);
  const section = breaks.replace(/(MUST|SHOULD|MAY)$/, "");
  const isDeclared = fits(Object.keys(also));
  const unrelated = blamed.filter((one) =>
    one.verdict !== "warn" && !isExpected(one.id) && !isDeclared(one.id) &&
    !nameOf(one).startsWith(section)
  ).map(({ id }) => id);
  const exit = exitCodeOf(report, null);
  const wrong = finders.length === 0
    ? "not found"
    : found.length === 0
    ? `found by another requirement, ${finders.map(nameOf)[0]}`
    : unrelated.length > 0
    ? "blamed for something else"
    : exit !== (verdict === "fail" ? 1 : 0)
    ? `exit code ${exit}`
    : null;
  return { found, unrelated, wrong };
}

/** How many servers are tried side by side: much of the time is spent waiting for what never comes. */
const SIDE_BY_SIDE = { quick: 6, whole: 2 } as const;

function show({ name, breaks }: Breakage, { found, unrelated, wrong, report }: Bite): string {
  const { passed, failed, warned } = report.summary;
  const lines = [
    `${wrong === null ? "found" : "WRONG"}  ${name}: ${breaks}`,
    ...found.slice(0, 3).map((id) => `       ${id}`),
  ];
  if (wrong !== null) {
    lines.push(`       ${wrong}; ${failed} failed, ${warned} warned, ${passed} passed`);
    lines.push(...unrelated.slice(0, 12).map((id) => `       ${id}`));
  }
  return lines.join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      level: { type: "string", default: "all" },
      quick: { type: "boolean", default: false },
      unusual: { type: "boolean", default: false },
      "profile-file": { type: "string", default: "src/testing/kit/profile.json" },
    },
  });
  const { level, quick, unusual } = values;
  if (!["wire", "channels", "all"].includes(level)) {
    console.error(`no such level: ${level}; there are wire, channels and all`);
    return 2;
  }
  const how = quick ? "quick" : "whole";
  let exit = 0;
  if (level !== "channels") {
    exit = unusual ? await spare(positionals) : await biteAll(positionals, how);
  }
  if (level === "wire") return exit;
  await using right = await startRight(values["profile-file"]);
  const wrong = unusual
    ? await spareAltered(positionals, right)
    : await biteAltered(positionals, right, how);
  return Math.max(exit, wrong);
}

async function biteAltered(
  globs: readonly string[],
  right: Right,
  how: "quick" | "whole",
): Promise<number> {
  const chosen = broken.filter(({ name, breaks }) =>
    globs.length === 0 || fits(globs)(name) || fits(globs)(breaks)
  );
  let missed = 0;
  await biteEach(chosen, right, how, (one, { found, others, wrong }) => {
    if (wrong !== null) missed++;
    const lines = [
      `${wrong === null ? "found" : "WRONG"}  ${one.name}: ${one.breaks}`,
      ...found.map((id) => `       ${id}`),
      ...(wrong === null ? [] : [`       ${wrong}`]),
      ...(others.length === 0
        ? []
        : [`       and by others, such as ${others.slice(0, 3).join(", ")}`]),
    ];
    console.log(lines.join("\n"));
  });
  console.log(`${chosen.length - missed} of ${chosen.length} broken servers of Protocol 1 found`);
  return missed === 0 ? 0 : 1;
}

async function spareAltered(globs: readonly string[], right: Right): Promise<number> {
  const chosen = unusualServers.filter(({ name }) => globs.length === 0 || fits(globs)(name));
  let blamed = 0;
  for (const { name, how } of chosen) {
    const blames = await blamesOfAltered(how, right);
    if (blames.length > 0) blamed++;
    const said = blames.slice(0, 12).map((blame) => `\n       ${blame}`).join("");
    console.log(`${blames.length === 0 ? "spared" : "WRONG "} a server that ${name}${said}`);
  }
  console.log(
    `${chosen.length - blamed} of ${chosen.length} unusual servers of Protocol 1 not blamed`,
  );
  return blamed === 0 ? 0 : 1;
}

async function spare(globs: readonly string[]): Promise<number> {
  const chosen = unusual.filter(({ name }) => globs.length === 0 || fits(globs)(name));
  let blamed = 0;
  await sideBySide(SIDE_BY_SIDE.whole, chosen, async (one) => {
    const blames = await blamesOf(one);
    if (blames.length > 0) blamed++;
    const said = blames.slice(0, 12).map((blame) => `\n       ${blame}`).join("");
    console.log(`${blames.length === 0 ? "spared" : "WRONG "} a server that ${one.name}${said}`);
  });
  console.log(`${chosen.length - blamed} of ${chosen.length} unusual servers not blamed`);
  return blamed === 0 ? 0 : 1;
}

async function biteAll(globs: readonly string[], how: "quick" | "whole"): Promise<number> {
  const chosen = breakages.filter(({ name }) => globs.length === 0 || fits(globs)(name));
  let wrong = 0;
  await sideBySide(SIDE_BY_SIDE[how], chosen, async (one) => {
    const bitten = await bite(one, how);
    if (bitten.wrong !== null) wrong++;
    console.log(show(one, bitten));
  });
  console.log(`${chosen.length - wrong} of ${chosen.length} broken servers found`);
  return wrong === 0 ? 0 : 1;
}

if (process.argv[1]?.endsWith("teeth.ts")) {
  process.exitCode = await main(process.argv.slice(2));
}
