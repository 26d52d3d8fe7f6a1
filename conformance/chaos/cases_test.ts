import process from "node:process";
import { after, before, describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { hears, without } from "../reference/altered/breakage.ts";
import { startAltered } from "../reference/altered/proxy.ts";
import { runConformance } from "../runner/run.ts";
import { type Offer, parseOffer } from "../target/offer.ts";
import { type Started, startTarget } from "../target/start.ts";

const profile = new URL("../../src/testing/kit/profile.json", import.meta.url);

/** Longer than a runtime lets a test take by itself, even on a busy machine. */
const LONG = { timeout: 300_000 } as const;

describe("the model on a bad network", () => {
  let offer: Offer;
  let target: Started;

  before(async () => {
    offer = parseOffer(readFileSync(profile, "utf8"));
    target = await startTarget(offer.start ?? "", offer.url ?? "");
  });

  after(() => target.end());

  const judge = (url: string, only: string, runs = 20) => {
    const { start: _, ...rest } = offer;
    return runConformance({ url, level: "channels", offer: rest, only: [only], seed: 1, runs });
  };

  it("finds nothing wrong with a good server", LONG, async () => {
    const { cases, summary } = await judge(target.url, "channels/chaos/*", 10);
    const blamed = cases.filter(({ verdict }) => verdict !== "pass");
    assertEquals(blamed.map(({ id, observed }) => `${id}: ${observed}`), []);
    assertEquals(summary.passed, 4);
  });

  it(
    "finds a server that goes on from what it had written, and not from the positions",
    LONG,
    async () => {
      const how = hears("resume", (message) => without(message, "positions"));
      await using proxy = await startAltered(target.url, how);
      const { cases } = await judge(proxy.url, "channels/chaos/cut");
      const { verdict, expected, counterexample = "" } = cases[0]!;
      if (process.env["SHOW"] !== undefined) console.log(`${expected}\n${counterexample}`);
      assertEquals(verdict, "fail");
      assertMatch(expected, /HDL-(SUB-17|RES-11)/);
      assert(counterexample.split("\n").length <= 16, counterexample);
    },
  );
});
