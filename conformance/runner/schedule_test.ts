import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { HANDSHAKE_CASE } from "../cases.ts";
import { Skipped } from "../peer/finding.ts";
import { judge, type Outcome } from "./attempt.ts";
import { type Manner, runSchedule } from "./schedule.ts";

/** Runs a case that ends so when it is run together with others, and well when it is alone. */
async function outcomeOf(ended: unknown): Promise<readonly [Outcome["verdict"], Manner[]]> {
  const manners: Manner[] = [];
  let verdict: Outcome["verdict"] = "error";
  await runSchedule([HANDSHAKE_CASE], {
    concurrency: 4,
    believes: false,
    signal: null,
    onOutcome: (_, outcome) => verdict = outcome.verdict,
    attempt: (one, manner) => {
      manners.push(manner);
      const judged = judge(one, manner === "together" ? ended : null, []);
      return Promise.resolve({ ...judged, violations: [], transcript: [], milliseconds: 0 });
    },
  });
  return [verdict, manners];
}

describe("runSchedule()", () => {
  it("asks again, alone, before it skips a case for want of an answer in time", async () => {
    const found = await outcomeOf(new Skipped("nothing tells: no answer in 2000 ms", "an answer"));
    assertEquals(found, ["pass", ["together", "alone"]]);
  });

  it("believes at once that a server does not offer what a case needs", async () => {
    const found = await outcomeOf(new Skipped("the server does not agree to deflate"));
    assertEquals(found, ["skip", ["together"]]);
  });
});
