/**
 * The hub on the servers of this runtime, judged by the channel level of the conformance kit.
 */
import { describe, it } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import type { RateOptions } from "../../hub/rate_options.ts";
import {
  type ConformanceOptions,
  parseOffer,
  type Report,
  runConformance,
} from "../../../conformance/mod.ts";
import { serveHere } from "../serve.ts";
import { createKitHub } from "./hub.ts";
import { KIT_URL, kitSubjects } from "./subjects.ts";

const offer = parseOffer(readFileSync(new URL("profile.json", import.meta.url), "utf8"));
/** Cases that this hub is not set up for; two others show it. */
const LARGE_RATES = ["channels/rat/4-default", "channels/rat/8-ack", "channels/rat/11-requests"];

/** What waits for sessions to end, which only the profile `full` does. */
const LONG = "channels/model/any-steps-with-expiry";

/** A server that goes down may be gone before it is asked how it is. */
const TOO_QUICK = "channels/rest/4-draining";

/** `Deno.serve` gives up silent connections itself, by 1001. */
const OF_DENO_SERVE = ["channels/liv/4-code"];

/** Everything in the report that is not kept, with what was seen. */
function notKept({ cases }: Report, allowed: readonly string[] = []): unknown[] {
  return cases.filter(({ id, verdict }) =>
    verdict !== "pass" && verdict !== "skip" && !(verdict === "warn" && allowed.includes(id))
  ).map(({ id, verdict, expected, observed, transcript }) => ({
    id,
    verdict,
    expected,
    observed,
    transcript: transcript?.slice(-6),
  }));
}

function skipped({ cases }: Report): string[] {
  return cases.filter(({ verdict, id }) => verdict === "skip" && id !== TOO_QUICK)
    .map(({ id }) => id);
}

/** Serves another hub in this process for as long as a run takes. */
async function judge(rates: Partial<RateOptions>, options: Partial<ConformanceOptions>) {
  const hub = createKitHub(rates);
  const server = await serveHere(hub);
  try {
    const url = `${server.url.replace("http", "ws")}/ws`;
    const { start: _, ...others } = offer;
    return await runConformance({ url, level: "channels", offer: others, ...options });
  } finally {
    await hub.drain({ within: 100 });
    await server.close();
  }
}

describe("The conformance kit, channel level", () => {
  for (const { name, start } of kitSubjects) {
    it(`finds every requirement kept on ${name}, or says why it was not judged`, async () => {
      const report = await runConformance({
        url: KIT_URL,
        level: "channels",
        offer: { ...offer, start },
        start,
        seed: 1,
      });
      assertEquals(notKept(report, name === "Deno.serve" ? OF_DENO_SERVE : []), []);
      assertEquals(skipped(report), [...LARGE_RATES, LONG]);
      assert(report.summary.passed > 400, `${report.summary.passed} passed`);
    });
  }

  it("finds the rates kept that hold where nothing is said of them", async () => {
    const report = await judge({}, { only: ["channels/rat/*"], skip: ["channels/rat/11-*"] });
    assertEquals(notKept(report), []);
    assertEquals(skipped(report), []);
  });

  it("finds that requests from one address are limited where that was asked for", async () => {
    const limits = { upgrades: { limit: 30, window: 5_000 } };
    const requests = { most: 30, seconds: 5 };
    const { start: _, ...others } = offer;
    const report = await judge(limits, {
      only: ["channels/rat/11-*"],
      offer: { ...others, requests },
    });
    assertEquals(notKept(report), []);
    assertEquals(skipped(report), []);
  });
});
