import process from "node:process";
import { after, before, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { type Alteration, type Json, startAltering } from "../reference/altering.ts";
import { runConformance } from "../runner/run.ts";
import { sideBySide } from "../side_by_side.ts";
import { type Offer, parseOffer } from "../target/offer.ts";
import { type Started, startTarget } from "../target/start.ts";

/** The server that is good: the one that the profile starts. */
const profile = new URL("../../src/testing/kit/profile.json", import.meta.url);

/** A server with one thing wrong, and which requirement the model is to find broken, by which case. */
interface Broken {
  readonly alteration: () => Alteration;
  readonly by: string;
  readonly breaks: RegExp;
}

/** Milliseconds that an event waits for another to overtake it. */
const HOLD = 40;

const isEvent = ({ type, offset }: Json) => type === "event" && offset !== undefined;

/** Alters every so many events of a connection. */
function everyThird(alter: (event: Json) => readonly Json[]): () => Alteration {
  return () => {
    let events = 0;
    return {
      down: (message) => isEvent(message) && ++events % 3 === 0 ? alter(message) : [message],
    };
  };
}

const BROKEN: Readonly<Record<string, Broken>> = {
  "drops an event without a gap": {
    alteration: everyThird(() => []),
    by: "any-legal-steps",
    breaks: /HDL-SUB-15/,
  },
  "sends an event twice": {
    alteration: everyThird((event) => [event, event]),
    by: "any-legal-steps",
    breaks: /HDL-ORD-11/,
  },
  "sends two events in the wrong order": {
    alteration: () => {
      let held: Json | null = null;
      return {
        down: (message, later) => {
          const early = held;
          held = null;
          if (early !== null) return isEvent(message) ? [message, early] : [early, message];
          if (!isEvent(message)) return [message];
          held = message;
          setTimeout(() => {
            if (held === message) later(message);
            if (held === message) held = null;
          }, HOLD);
          return [];
        },
      };
    },
    by: "any-legal-steps",
    breaks: /HDL-ORD-1[01]/,
  },
  "recovers less than it says": {
    alteration: () => {
      let short = false;
      return {
        down: (message) => {
          const { type, recovered } = message;
          if (type === "resumed") short = JSON.stringify(recovered).includes("true");
          if (!short || !isEvent(message)) return [message];
          short = false;
          return [];
        },
      };
    },
    by: "any-legal-steps",
    breaks: /HDL-SUB-15/,
  },
  "sends the sender what it excluded itself from": {
    alteration: () => ({ up: ({ echo: _, ...message }) => [message] }),
    by: "any-legal-steps",
    breaks: /HDL-(PUB-3|HIS-6)/,
  },
  "uses an offset twice": {
    alteration: () => ({
      down: (message) =>
        message["type"] === "published" && Number(message["offset"]) > 1
          ? [{ ...message, offset: Number(message["offset"]) - 1 }]
          : [message],
    }),
    by: "any-legal-steps",
    breaks: /HDL-PUB-1|HDL-EVT-2/,
  },
  "forgets the ids of events": {
    alteration: () => ({ up: ({ id: _, ...message }) => [message] }),
    by: "any-legal-steps",
    breaks: /HDL-PUB-7/,
  },
  "starts a subscription that asked for the past now": {
    alteration: () => ({ up: ({ last: _, ...message }) => [message] }),
    by: "any-legal-steps",
    breaks: /HDL-SUB-19/,
  },
  "leaves an event out of the history": {
    alteration: () => ({
      down: (message) =>
        Array.isArray(message["events"])
          ? [{ ...message, events: message["events"].slice(1) }]
          : [message],
    }),
    by: "any-legal-steps",
    breaks: /HDL-HIS-7/,
  },
  "swallows gaps": {
    alteration: () => ({ down: (message) => message["type"] === "gap" ? [] : [message] }),
    by: "any-steps-on-a-short-history",
    breaks: /HDL-GAP-3|HDL-SUB-15/,
  },
  "lets a client whose role is gone stay": {
    alteration: () => ({
      down: (message) =>
        message["type"] === "unsubscribed" && message["code"] !== undefined ? [] : [message],
    }),
    by: "any-steps-of-changing-roles",
    breaks: /HDL-TOK-6/,
  },
  "leaves a member out": {
    alteration: () => ({
      down: (message) =>
        Array.isArray(message["members"])
          ? [{ ...message, members: message["members"].slice(1) }]
          : [message],
    }),
    by: "any-steps-with-presence",
    breaks: /HDL-PRE-1/,
  },
};

/** Lines that nobody would call long. */
const FEW = 16;

/** Longer than a runtime lets a test take by itself, even on a busy machine. */
const LONG = { timeout: 300_000 } as const;

describe("the reference model", () => {
  let offer: Offer;
  let target: Started;

  before(async () => {
    offer = parseOffer(readFileSync(profile, "utf8"));
    target = await startTarget(offer.start ?? "", offer.url ?? "");
  });

  after(() => target.end());

  const judge = (
    url: string,
    by: string,
    how: { readonly timeout?: number; readonly runs?: number },
  ) => {
    const { start: _, ...rest } = offer;
    const only = [`channels/model/${by}`];
    return runConformance({ url, level: "channels", offer: rest, only, seed: 1, ...how });
  };

  it("finds nothing wrong with a good server, also behind a proxy that alters nothing", async () => {
    const proxy = await startAltering(target.url, () => ({}));
    const report = await judge(proxy.url, "*", { runs: 10 });
    await proxy.close();
    const blamed = report.cases.filter(({ verdict }) => !["pass", "skip"].includes(verdict));
    assertEquals(blamed.map(({ id, observed }) => `${id}: ${observed}`), []);
    assert(report.summary.passed >= 4, `${report.summary.passed} passed`);
  });

  it("finds every server that does one thing wrong, in a few steps", LONG, async () => {
    const wrong: string[] = [];
    await sideBySide(12, Object.entries(BROKEN), async ([name, { alteration, by, breaks }]) => {
      const proxy = await startAltering(target.url, alteration);
      const { cases } = await judge(proxy.url, by, { timeout: 250 });
      await proxy.close();
      const { verdict, expected = "", counterexample = "", repeat = "" } = cases[0] ?? {};
      const found = verdict === "fail" && breaks.test(expected);
      const isShort = counterexample.split("\n").length <= FEW;
      const repeats = repeat.includes(`--only channels/model/${by} --seed 1 --runs`);
      if (process.env["SHOW"] !== undefined) console.log(`${name}: ${expected}\n${counterexample}`);
      if (found && isShort && repeats) return;
      wrong.push(`a server that ${name}: ${verdict}, ${expected}\n${counterexample}\n${repeat}`);
    });
    assertEquals(wrong, []);
  });
});
