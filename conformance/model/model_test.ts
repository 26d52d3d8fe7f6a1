import process from "node:process";
import { after, before, describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import type { Alterations, Change, Link, Message } from "../reference/altered/alteration.ts";
import { isEvent, list, record, says, without } from "../reference/altered/breakage.ts";
import { startAltered } from "../reference/altered/proxy.ts";
import { runConformance } from "../runner/run.ts";
import { type Offer, parseOffer } from "../target/offer.ts";
import { type Started, startTarget } from "../target/start.ts";

/** The server that is good: the one that the profile starts. */
const profile = new URL("../../src/testing/kit/profile.json", import.meta.url);

/** A server with one thing wrong, and which requirement the model is to find broken, by which case. */
interface Broken {
  readonly how: Alterations;
  readonly by: string;
  readonly breaks: RegExp;
}

/** Milliseconds that an event waits for another to overtake it. */
const HOLD = 40;

const hasOffset = (message: Message) => isEvent(message) && message["offset"] !== undefined;

/** Alters every so many events of a connection. */
function everyThird(alter: (event: Message) => readonly Message[]): Alterations {
  return () => {
    let events = 0;
    return {
      onMessage: (message) => hasOffset(message) && ++events % 3 === 0 ? alter(message) : undefined,
    };
  };
}

/** Whatever a client sends, without a field. */
const hearsWithout = (field: string): Alterations => ({
  onRequestMessage: (message) => without(message, field),
});

/** Presence events of one type, altered. */
const tells = (type: string, alter: (event: Message) => Change) =>
  says("event", (event) => event["event_type"] === type ? alter(event) : undefined);

const isOwnEvent = ({ type, channel }: Message) =>
  type === "event" && /^@(user|client):/.test(String(channel));

/** Whoever was told that somebody has joined is told that they have left once they are cut off. */
function leavesAtOnce(): Alterations {
  const ids = new Map<Link, unknown>();
  const joins = new Map<Link, Map<unknown, Message>>();
  return {
    onMessage(message, link) {
      const { type, client_id, event_type, data } = message;
      if (type === "connected" || type === "resumed") ids.set(link, client_id);
      if (event_type !== "presence.join") return undefined;
      const its = joins.get(link) ?? new Map<unknown, Message>();
      joins.set(link, its.set(record(data)["client_id"], message));
      return undefined;
    },
    onCut(link) {
      const id = ids.get(link);
      for (const [other, its] of joins) {
        const join = its.get(id);
        if (join === undefined) continue;
        its.delete(id);
        const data = { ...record(join["data"]), connections: 0 };
        other.toClient({ ...join, event_type: "presence.leave", data });
      }
    },
  };
}

const BROKEN: Readonly<Record<string, Broken>> = {
  "drops an event without a gap": {
    how: everyThird(() => []),
    by: "any-legal-steps",
    breaks: /HDL-SUB-15/,
  },
  "sends an event twice": {
    how: everyThird((event) => [event, event]),
    by: "any-legal-steps",
    breaks: /HDL-ORD-11/,
  },
  "sends two events in the wrong order": {
    how: () => {
      let held: Message | null = null;
      return {
        onMessage(message, link) {
          const early = held;
          held = null;
          if (early !== null) return hasOffset(message) ? [message, early] : [early, message];
          if (!hasOffset(message)) return undefined;
          held = message;
          setTimeout(() => {
            if (held === message) link.toClient(message);
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
    how: () => {
      let short = false;
      return {
        onMessage(message) {
          const { type, recovered } = message;
          if (type === "resumed") short = JSON.stringify(recovered).includes("true");
          if (!short || !hasOffset(message)) return undefined;
          short = false;
          return [];
        },
      };
    },
    by: "any-legal-steps",
    breaks: /HDL-SUB-15/,
  },
  "sends the sender what it excluded itself from": {
    how: hearsWithout("echo"),
    by: "any-legal-steps",
    breaks: /HDL-(PUB-3|HIS-6)/,
  },
  "uses an offset twice": {
    how: says(
      "published",
      (message) =>
        Number(message["offset"]) > 1
          ? { ...message, offset: Number(message["offset"]) - 1 }
          : undefined,
    ),
    by: "any-legal-steps",
    breaks: /HDL-PUB-1|HDL-EVT-2/,
  },
  "forgets the ids of events": {
    how: hearsWithout("id"),
    by: "any-legal-steps",
    breaks: /HDL-PUB-7/,
  },
  "starts a subscription that asked for the past now": {
    how: hearsWithout("last"),
    by: "any-legal-steps",
    breaks: /HDL-SUB-19/,
  },
  "leaves an event out of the history": {
    how: says("history", (message) => ({ ...message, events: list(message["events"]).slice(1) })),
    by: "any-legal-steps",
    breaks: /HDL-HIS-7/,
  },
  "swallows gaps": {
    how: says("gap", () => []),
    by: "any-steps-on-a-short-history",
    breaks: /HDL-GAP-3|HDL-SUB-15/,
  },
  "lets a client whose role is gone stay": {
    how: says("unsubscribed", (message) => message["code"] === undefined ? undefined : []),
    by: "any-steps-of-changing-roles",
    breaks: /HDL-TOK-6/,
  },
  "leaves a member out": {
    how: says("presence", (message) => ({
      ...message,
      members: list(message["members"]).slice(1),
    })),
    by: "any-steps-with-presence",
    breaks: /HDL-PRE-1/,
  },
  "does not tell who has joined": {
    how: tells("presence.join", () => []),
    by: "any-steps-with-presence",
    breaks: /HDL-PRE-6/,
  },
  "tells twice who has left": {
    how: tells("presence.leave", (event) => [event, event]),
    by: "any-steps-with-presence",
    breaks: /HDL-PRE-6/,
  },
  "calls those who join by another's id": {
    how: tells("presence.join", (event) => ({
      ...event,
      data: { ...record(event["data"]), user_id: "somebody" },
    })),
    by: "any-steps-with-presence",
    breaks: /HDL-PRE-6/,
  },
  "says of those who are cut off that they have left": {
    how: leavesAtOnce(),
    by: "any-steps-with-presence",
    breaks: /HDL-PRE-10/,
  },
  "loses what is published to those who are away": {
    how: () => {
      let resumed = false;
      return {
        onMessage(message) {
          if (message["type"] === "resumed") resumed = true;
          if (!resumed || !isOwnEvent(message)) return undefined;
          resumed = false;
          return [];
        },
      };
    },
    by: "any-steps-on-own-channels",
    breaks: /HDL-SUB-15/,
  },
  "sends again what came to a user before the session was resumed": {
    how: () => {
      const early: Message[] = [];
      return {
        onMessage(message) {
          if (isOwnEvent(message)) early.push(message);
          return message["type"] === "resumed" ? [message, ...early] : undefined;
        },
      };
    },
    by: "any-steps-on-own-channels",
    // What came to the connection that took the session up is another's then.
    breaks: /HDL-(ORD-11|OWN-2)/,
  },
  "sends what is for a connection on its user's channel": {
    how: () => {
      let user: unknown;
      return {
        onMessage(message) {
          const { type, channel, user_id } = message;
          if (type === "connected") user = user_id;
          return type === "event" && String(channel).startsWith("@client:") && user !== null
            ? { ...message, channel: `@user:${user}` }
            : undefined;
        },
      };
    },
    by: "any-steps-on-own-channels",
    breaks: /HDL-(EVT-2|ORD-10)/,
  },
};

/** Lines that nobody would call long. */
const FEW = 16;

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
    await using proxy = await startAltered(target.url, {});
    const report = await judge(proxy.url, "*", { runs: 10 });
    const blamed = report.cases.filter(({ verdict }) => !["pass", "skip"].includes(verdict));
    assertEquals(blamed.map(({ id, observed }) => `${id}: ${observed}`), []);
    assert(report.summary.passed >= 4, `${report.summary.passed} passed`);
  });

  // One after the other: what makes them few takes its time, of which there is only so much.
  for (const [name, { how, by, breaks }] of Object.entries(BROKEN)) {
    it(`finds in a few steps a server that ${name}`, async () => {
      await using proxy = await startAltered(target.url, how);
      const { cases } = await judge(proxy.url, by, { timeout: 500 });
      const { verdict, expected = "", counterexample = "", repeat = "" } = cases[0] ?? {};
      if (process.env["SHOW"] !== undefined) console.log(`${expected}\n${counterexample}`);
      assertEquals(verdict, "fail", expected);
      assertMatch(expected, breaks);
      assert(counterexample.split("\n").length <= FEW, counterexample);
      assertStringIncludes(repeat, `--only channels/model/${by} --seed 1 --runs`);
    });
  }
});
