/**
 * Whether the kit finds a server that breaks one requirement of Protocol 1, by a case of that
 * requirement; and whether it spares one that keeps them all in a way of its own.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Alterations } from "./alteration.ts";
import type { Broken } from "./breakage.ts";
import { startAltered } from "./proxy.ts";
import type { CaseReport, Report } from "../../report/report.ts";
import { runConformance } from "../../runner/run.ts";
import { sideBySide } from "../../side_by_side.ts";
import { type Offer, parseOffer } from "../../target/offer.ts";
import { startTarget } from "../../target/start.ts";

/** A right server, and what it offers. */
export interface Right extends AsyncDisposable {
  readonly url: string;
  readonly offer: Offer;
  /** The file that says so. */
  readonly profile: string;
}

/** What the kit makes of a broken server. */
export interface ChannelBite {
  /** Ids of the cases of the broken requirement that found it. */
  readonly found: readonly string[];
  /** Ids of cases of other requirements that blame it too. */
  readonly others: readonly string[];
  /** What is wrong with that; null where nothing is. */
  readonly wrong: string | null;
  /** Nothing is shown by that: a case did not get so far in the time that the protocol gives it. */
  readonly undecided: boolean;
}

/** Starts the server that a profile describes. */
export async function startRight(profile: string): Promise<Right> {
  const offer = parseOffer(readFileSync(profile, "utf8"));
  const { url, start } = offer;
  if (url === undefined || start === undefined) {
    throw new TypeError(`${profile} has no url, or no start: the server must be started`);
  }
  const started = await startTarget(start, url);
  return { url: started.url, offer, profile, [Symbol.asyncDispose]: started.end };
}

/** Milliseconds to wait for what must come: a server on the same machine is soon heard of. */
const SOON = 250;

/** What serves a broken server by a command of its own. */
const SERVE = fileURLToPath(new URL("./serve.ts", import.meta.url));

/** The ids of the cases that are to find a broken server. */
export function idsOf({ breaks, foundBy }: Broken): string[] {
  const area = breaks.split("-")[1]?.toLowerCase();
  return foundBy.map((name) => `channels/${area}/${name}`);
}

/** Runs the cases that are to find it, or all, against a broken server. */
async function biteChannels(
  broken: Broken,
  right: Right,
  how: "quick" | "whole",
): Promise<ChannelBite> {
  await using altered = await startAltered(right.url, broken.how);
  const { offer, profile } = right;
  const report = await runConformance({
    url: altered.url,
    level: "channels",
    start: null,
    offer: {
      ...offer,
      ...broken.offer,
      ...(broken.goesDown === true ? { start: commandOf(broken, profile) } : {}),
    },
    seed: 1,
    timeout: how === "quick" ? SOON : 1000,
    ...(how === "quick" ? { only: idsOf(broken) } : {}),
  });
  const bite = judge(broken, report);
  if (altered.acted > 0 || broken.goesDown === true) return bite;
  const observed = report.cases.map((one) => `${one.id}: ${one.observed}`);
  return { ...bite, wrong: `it altered nothing (${observed})`, undecided: true };
}

/** How many servers are tried side by side: much of the time is spent waiting for what never comes. */
const SIDE_BY_SIDE = { quick: 16, whole: 1 } as const;

/**
 * Runs the kit against many of them. One on which nothing could be shown among the others is tried
 * again alone; one that a case passed is not.
 */
export async function biteEach(
  all: readonly Broken[],
  right: Right,
  how: "quick" | "whole",
  onBite: (broken: Broken, bite: ChannelBite) => void,
): Promise<void> {
  const again: Broken[] = [];
  await sideBySide(SIDE_BY_SIDE[how], all, async (broken) => {
    const bite = await biteChannels(broken, right, how);
    if (bite.undecided) again.push(broken);
    else onBite(broken, bite);
  });
  for (const broken of again) onBite(broken, await biteChannels(broken, right, how));
}

/** What starts a broken server, to be seen going down. */
function commandOf({ name }: Broken, profile: string): string {
  return ["exec", process.execPath, "--import", "tsx", SERVE, name, profile]
    .map((word, i) => i === 0 ? word : `"${word}"`).join(" ");
}

function judge(broken: Broken, report: Report): ChannelBite {
  const blamed = report.cases.filter(({ verdict }) => verdict === "fail" || verdict === "warn");
  const isOf = ({ requirement }: CaseReport) => requirement.number === broken.breaks;
  const found = blamed.filter(isOf).map(({ id }) => id);
  const others = blamed.filter((one) => !isOf(one)).map(({ id }) => id);
  const missed = idsOf(broken).filter((id) => !found.includes(id));
  const verdictOf = (id: string) => report.cases.find((one) => one.id === id);
  const undecided = missed.length > 0 && missed.every((id) => verdictOf(id)?.verdict !== "pass");
  const wrong = missed.length === 0 ? null : `not found by ${
    missed.map((id) => {
      const { verdict = "no case", observed = "" } = verdictOf(id) ?? {};
      return `${id} (${verdict}: ${observed})`;
    })
  }`;
  return { found, others, wrong, undecided };
}

/** What of a server that is altered and keeps every requirement the kit holds against it: nothing. */
export async function blamesOfAltered(
  how: Alterations,
  right: Right,
  only: readonly string[] = [],
): Promise<string[]> {
  await using altered = await startAltered(right.url, how);
  const report = await runConformance({
    url: altered.url,
    level: "channels",
    start: null,
    offer: right.offer,
    seed: 1,
    only,
  });
  return report.cases.filter(({ verdict }) => verdict !== "pass" && verdict !== "skip")
    .map(({ id, verdict, expected, observed }) => `${verdict} ${id}: ${expected}; ${observed}`);
}
