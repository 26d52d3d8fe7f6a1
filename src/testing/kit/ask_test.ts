/**
 * What the kit finds out about a hub that it has no profile of.
 */
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { channel } from "../../channel/definition.ts";
import { jwtAuth } from "../../guard/jwt.ts";
import { allowAnonymous, type Authenticate } from "../../guard/identity.ts";
import { createHub } from "../../hub/hub.ts";
import { runConformance } from "../../../conformance/mod.ts";
import type { Offer } from "../../../conformance/target/offer.ts";
import { raisedRates } from "../raised_rates.ts";
import { serveHere } from "../serve.ts";
import { KIT_SECRET } from "./hub.ts";

const all = { "*": ["subscribe", "broadcast"] } as const;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const channels = {
  "open.*": channel({ permissions: all, presence: true }),
  "quiet.*": channel({ permissions: all, echo: false }),
  news: channel({ permissions: { admin: ["subscribe", "broadcast"], "*": ["subscribe"] } }),
  inbox: channel({ permissions: { "*": ["broadcast"] } }),
  secret: channel({ permissions: { admin: ["subscribe"] } }),
  readings: channel({ permissions: all, events: { reading: z.object({ value: z.number() }) } }),
};

/** What the kit takes such a hub to offer, and what its cases then say. */
async function ask(auth: Authenticate, offer?: Offer) {
  const hub = createHub({
    auth,
    logger: silent,
    rates: raisedRates,
    channels,
  });
  const server = await serveHere(hub);
  let found: Offer | null = null;
  try {
    const report = await runConformance({
      url: `${server.url.replace("http", "ws")}/ws`,
      level: "channels",
      only: ["evt/*", "sub/*", "idn/7-*", "rest/5-*", "rest/8-*"].map((one) => `channels/${one}`),
      ...(offer === undefined ? {} : { offer }),
      onProgress: (progress) => {
        if (progress.kind === "started") found = progress.facts?.offer ?? null;
      },
    });
    return { found: found as Offer | null, report };
  } finally {
    await hub.drain({ within: 100 });
    await server.close();
  }
}

describe("The kit without a profile", () => {
  it("finds out what each channel that the server lists is good for", async () => {
    const { found, report } = await ask(allowAnonymous());
    assertEquals(found, {
      anonymous: true,
      role: "anonymous",
      channels: {
        "open.*": {
          permissions: { anonymous: ["subscribe", "broadcast"] },
          tried: true,
          presence: {},
          echo: true,
        },
        "quiet.*": {
          permissions: { anonymous: ["subscribe", "broadcast"] },
          tried: true,
          echo: false,
        },
        news: { permissions: { anonymous: ["subscribe"] }, tried: true },
        inbox: { permissions: { anonymous: ["broadcast"] }, tried: true },
        secret: { permissions: { anonymous: [] }, tried: true },
      },
    });
    const { passed, failed, errored } = report.summary;
    assert(passed > 0, "nothing was judged");
    assertEquals([failed, errored], [0, 0]);
  });

  it("says that it was not let in where nobody is without a credential", async () => {
    const { found, report } = await ask(jwtAuth({ secret: KIT_SECRET }));
    assertEquals(found, null);
    assertEquals([report.summary.passed, report.summary.failed], [0, 1]);
    assertEquals(report.cases[0]?.observed, "HTTP/1.1 401 Unauthorized");
  });

  it("keeps to what a profile says, and asks for the rest", async () => {
    const given = { tokens: { secret: KIT_SECRET }, role: "admin" };
    const { found, report } = await ask(jwtAuth({ secret: KIT_SECRET }), given);
    const blamed = report.cases.filter(({ verdict }) => verdict !== "pass" && verdict !== "skip");
    assertEquals(blamed.map(({ id, observed }) => `${id}: ${observed}`), []);
    assertEquals([found?.anonymous, found?.role], [false, "admin"]);
    assertEquals(found?.channels?.["news"]?.permissions, { admin: ["subscribe", "broadcast"] });
    assertEquals(found?.channels?.["secret"]?.permissions, { admin: ["subscribe"] });
  });
});
