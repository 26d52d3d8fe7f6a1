/**
 * The hub, measured by the conformance kit: as it is, with limits smaller than the load, and behind a
 * proxy that loses what it says. How quick it is decides no test.
 */
import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { channel } from "../../channel/definition.ts";
import { allowAnonymous } from "../../guard/identity.ts";
import { jwtAuth } from "../../guard/jwt.ts";
import { createHub } from "../../hub/hub.ts";
import { type ConformanceOptions, runConformance } from "../../../conformance/mod.ts";
import type { Alterations } from "../../../conformance/reference/altered/alteration.ts";
import { startAltered } from "../../../conformance/reference/altered/proxy.ts";
import type { Measure } from "../../../conformance/report/report.ts";
import { raisedRates } from "../raised_rates.ts";
import { serveHere } from "../serve.ts";
import { signed } from "../../../conformance/target/tokens.ts";
import { KIT_SECRET } from "./hub.ts";

const all = { "*": ["subscribe", "broadcast"] } as const;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const open = { "open.*": channel({ permissions: all }) };
const tokens = { tokens: { secret: KIT_SECRET }, role: "member" };

type HubOptions = NonNullable<Parameters<typeof createHub>[0]>;

interface Subject {
  readonly hub?: Partial<HubOptions>;
  readonly kit?: Partial<ConformanceOptions>;
  readonly altered?: Alterations;
}

/** Measures a hub on this runtime's server, and answers what was measured, by the names. */
async function measure(
  { hub: own = {}, kit = {}, altered }: Subject,
): Promise<Map<string, Measure>> {
  const options = { auth: allowAnonymous(), logger: silent, channels: open, ...own };
  const hub = createHub(options as HubOptions);
  const server = await serveHere(hub);
  const url = `${server.url.replace("http", "ws")}/ws`;
  const proxy = altered === undefined ? null : await startAltered(url, altered);
  try {
    const { performance, summary } = await runConformance({
      url: proxy?.url ?? url,
      level: "channels",
      profile: "full",
      only: ["performance/*"],
      ...kit,
    });
    assertEquals([summary.failed, summary.errored], [0, 0]);
    return new Map(
      performance?.measures.map((one) => [one.id.replace("performance/", ""), one]),
    );
  } finally {
    await proxy?.close();
    await hub.drain({ within: 100 });
    await server.close();
  }
}

function find(measures: ReadonlyMap<string, Measure>, name: string): Measure {
  const found = measures.get(name);
  assert(found !== undefined, `${name} was not measured`);
  return found;
}

const only = (...names: readonly string[]) => names.map((name) => `performance/${name}`);

describe("measuring a server of Protocol 1", () => {
  it("tells connect time, round trips, fan-out and recovery beside raw sockets", async () => {
    const hub = { rates: raisedRates };
    const measures = await measure({ hub });
    assertEquals([...measures.keys()], [
      "connect",
      "round-trip",
      "ask",
      "publish",
      "fan-out",
      "burst",
      "recovery",
    ]);
    for (const [name, { skipped }] of measures) {
      // What a busy machine leaves no time for is measured alone.
      if (skipped?.startsWith("the measures before took") !== true) continue;
      measures.set(name, find(await measure({ hub, kit: { only: only(name) } }), name));
    }
    for (const { id, target, raw, ratio, sent, lost, skipped } of measures.values()) {
      assertEquals([id, lost, skipped], [id, 0, null]);
      assert(target !== null && raw !== null && ratio !== null && sent > 0, id);
    }
    assertStringIncludes(find(measures, "fan-out").title, "50 subscribers");
    assertStringIncludes(find(measures, "recovery").title, "100 missed events, at the last of 10");
    assert((find(measures, "burst").per_second?.target ?? 0) > 0);
  });

  it("keeps to the rates that the server tells, and loses nothing by it", async () => {
    const bucket = { capacity: 12, perSecond: 1 };
    const messages = { default: bucket, ping: bucket, subscribe: { capacity: 9 } };
    const measures = await measure({ hub: { rates: { messages, burst: 0 } } });
    for (const name of ["ask", "publish", "fan-out", "burst", "recovery"]) {
      const { target, lost, skipped, notes } = find(measures, name);
      assertEquals([name, lost, skipped], [name, 0, null]);
      assert(target !== null && target.samples <= 9, name);
      if (name !== "recovery") assertStringIncludes(notes.join(), "rates", name);
    }
    assertStringIncludes(find(measures, "recovery").notes.join(), "11 missed events of 100");
  });

  it("waits out, or tells of, a rate that is used up", async () => {
    const rates = { ...raisedRates, user: 20 };
    const measures = await measure({ hub: { rates }, kit: { only: only("ask", "publish") } });
    for (const { lost, notes, skipped } of measures.values()) {
      assertEquals(lost, 0);
      assertStringIncludes(`${notes.join()} ${skipped}`, "rate");
    }
  });

  it("takes as few connections as the server lets it have", async () => {
    const measures = await measure({
      hub: { limits: { connectionsPerUser: 4 }, auth: jwtAuth({ secret: KIT_SECRET }) },
      kit: {
        only: only("fan-out", "recovery"),
        offer: {
          tokens: {
            roles: { member: signed({ sub: "u1", role: "member", exp: 4102444800 }, KIT_SECRET) },
          },
          anonymous: false,
          channels: { "open.*": { permissions: all } },
        },
      },
    });
    const fanOut = find(measures, "fan-out");
    assertEquals([fanOut.skipped, fanOut.lost], [null, 0]);
    assertStringIncludes(fanOut.title, "last of 3 subscribers");
    assertStringIncludes(fanOut.notes.join(), "3 subscribers of 50: one user may have 4");
    assertStringIncludes(find(measures, "recovery").title, "last of 2 clients");
  });

  it("goes on with what connections it has where an address may have no more", async () => {
    const measures = await measure({
      hub: { limits: { connectionsPerAddress: 8 } },
      kit: { only: only("fan-out") },
    });
    const { skipped, lost, target, notes } = find(measures, "fan-out");
    assertEquals([skipped, lost], [null, 0]);
    assert(target !== null);
    assertMatch(notes.join(), /^[1-7] subscribers of 50: /);
  });

  it("keeps to how often an address may ask for a connection", async () => {
    const upgrades = { limit: 40, window: 60_000 };
    const measures = await measure({
      hub: { rates: { ...raisedRates, upgrades } },
      kit: { only: only("connect", "ask") },
    });
    const { target, notes } = find(measures, "connect");
    assert(target !== null && target.samples < 40);
    assertStringIncludes(notes.join(), "429");
    assertStringIncludes(find(measures, "ask").skipped ?? "", "429");
  });

  it("skips by name what the server does not offer", async () => {
    const news = channel({ permissions: { admin: all["*"], "*": ["subscribe"] } });
    const measures = await measure({ hub: { channels: { news } } });
    for (const name of ["publish", "fan-out", "burst", "recovery"]) {
      const { skipped, target } = find(measures, name);
      assertEquals(target, null);
      assertStringIncludes(skipped ?? "", "the target offers no channel where");
    }
    for (const name of ["connect", "round-trip", "ask"]) {
      assertEquals(find(measures, name).skipped, null);
    }
  });

  it("publishes as an administrator where nobody else may", async () => {
    const permissions = { admin: all["*"], "*": ["subscribe"] } as const;
    const measures = await measure({
      hub: {
        channels: { "news.*": channel({ permissions }) },
        auth: jwtAuth({ secret: KIT_SECRET }),
      },
      kit: { only: only("publish"), offer: { ...tokens, channels: { "news.*": { permissions } } } },
    });
    const { target, lost, skipped } = find(measures, "publish");
    assertEquals([lost, skipped], [0, null]);
    assert(target !== null);
  });

  it("says how much a server lost of what was to be delivered", async () => {
    const altered = () => {
      let events = 0;
      return {
        onMessage: ({ type }: Readonly<Record<string, unknown>>) =>
          type === "event" && ++events === 10 ? [] : undefined,
      };
    };
    const measures = await measure({
      altered,
      kit: { only: only("fan-out", "recovery"), timeout: 700 },
    });
    const { lost, sent, notes } = find(measures, "fan-out");
    assertStringIncludes(notes.join(), `lost ${lost} of ${sent} deliveries`);
    assert(50 <= lost && lost < sent);
    const recovery = find(measures, "recovery");
    assertStringIncludes(recovery.notes.join(), `lost ${recovery.lost} of ${recovery.sent} events`);
    assert(0 < recovery.lost && recovery.lost < recovery.sent);
  });

  it("skips recovery where the server keeps nothing to recover", async () => {
    const measures = await measure({
      hub: { channels: { "open.*": channel({ permissions: all, history: { size: 0 } }) } },
      kit: {
        only: only("recovery"),
        timeout: 300,
        offer: { channels: { "open.*": { permissions: all } } },
      },
    });
    assertStringIncludes(find(measures, "recovery").skipped ?? "", "recovered is not true");
  });

  it("is over in seconds where the server greets nobody, or answers nothing", async () => {
    const mute = (kept: readonly unknown[]) => ({
      onMessage: ({ type }: Readonly<Record<string, unknown>>) =>
        kept.includes(type) ? undefined : [],
    });
    const offer = {
      anonymous: true,
      role: "anonymous",
      channels: { "open.*": { permissions: all } },
    };
    const kit = { offer, timeout: 200, only: only("ask", "publish") };
    const unmet = await measure({ altered: mute([]), kit });
    for (const { skipped } of unmet.values()) assertStringIncludes(skipped ?? "", "no connected");
    const silent = await measure({ altered: mute(["connected"]), kit });
    const { lost, sent, target } = find(silent, "ask");
    assertEquals([target, lost], [null, sent]);
    assertMatch(find(silent, "publish").skipped ?? "", /^no (answer to subscribe|connected) in/);
  });
});
