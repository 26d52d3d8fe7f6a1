/** Who asks for a connection, where everything happens when the test says so. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { allowAnonymous, type Authenticate, type Identity } from "../guard/identity.ts";
import { handshakeRequest } from "../testing/handshake_request.ts";
import { createHub } from "./hub.ts";
import type { Logger } from "./logger.ts";

const ann: Identity = { userId: "ann", role: "viewer", claims: {} };

/** A logger that keeps its warnings. */
function keeping(): Logger & { readonly warnings: (readonly [string, unknown])[] } {
  const warnings: (readonly [string, unknown])[] = [];
  const warn = (message: string, fields?: unknown) => warnings.push([message, fields]);
  return { warnings, debug() {}, info() {}, error() {}, warn };
}

function stage(auth: Authenticate, connections = 10) {
  const logger = keeping();
  const hub = createHub({ auth, limits: { connections }, logger });
  const knock = (query = "", headers: Readonly<Record<string, string>> = {}) =>
    hub.admit(handshakeRequest(`http://localhost/ws${query}`, headers), { address: "192.0.2.1" });
  return { hub, knock, logger };
}

/** A promise that is no `Promise`. */
function foreign(
  then: (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => void,
): Promise<Identity> {
  return { then } as unknown as Promise<Identity>;
}

async function statusOf(answer: unknown): Promise<string> {
  if (!(answer instanceof Response)) return "admitted";
  return `${answer.status} ${(await answer.json()).error}`;
}

describe("Hub.admit()", () => {
  it("lets no more wait for the authenticator than may connect", async () => {
    const answers: ((identity: Identity) => void)[] = [];
    const { hub, knock } = stage(() => new Promise((resolve) => answers.push(resolve)), 2);
    const waiting = [knock(), knock()];
    assertEquals(hub.stats().connecting, 2);
    assertEquals(await statusOf(await knock()), "503 too_many_connections");
    for (const answer of answers) answer(ann);
    assertEquals(await Promise.all((await Promise.all(waiting)).map(statusOf)), [
      "admitted",
      "admitted",
    ]);
    assertEquals(hub.stats().connecting, 0);
  });

  it("takes an authenticator's answer however it comes, and then waits for nothing more", async () => {
    const refused = "401 unauthorized";
    const fail = (): never => {
      throw new Error("no");
    };
    const cases: readonly (readonly [string, Authenticate, string])[] = [
      ["at once", () => ann, "admitted"],
      ["promised", () => Promise.resolve(ann), "admitted"],
      ["promised by another library", () => foreign((resolve) => resolve(ann)), "admitted"],
      ["thrown", fail, refused],
      ["rejected", () => Promise.reject(new Error("no")), refused],
      [
        "rejected by another library",
        () => foreign((_, reject) => reject(new Error("no"))),
        refused,
      ],
      ["thrown when asked for", () => foreign(fail), refused],
      ["none", () => undefined as unknown as Identity, refused],
      ["none, promised by another library", () => foreign((resolve) => resolve(null)), refused],
    ];
    for (const [name, auth, expected] of cases) {
      const { hub, knock } = stage(auth);
      assertEquals(await statusOf(await knock()), expected, name);
      assertEquals(hub.stats().connecting, 0, name);
    }
  });

  it("lets nobody in whose authenticator answers when the hub is ending", async () => {
    let answer = (_identity: Identity) => {};
    const { hub, knock } = stage(() => new Promise((resolve) => answer = resolve));
    const waiting = knock();
    await hub.drain();
    answer(ann);
    assertEquals(await statusOf(await waiting), "503 draining");
  });

  it("logs the first refusal of a kind, and counts the others", async () => {
    const { hub, knock, logger } = stage(allowAnonymous());
    for (let port = 1; port <= 3; port++) {
      await knock("", { Origin: `http://localhost:${port}` });
    }
    assertEquals(logger.warnings.length, 1);
    assert(JSON.stringify(logger.warnings[0]).includes("http://localhost:1"));
    assertEquals(hub.stats().refusals, { origin_not_allowed: 3 });
  });

  it("keeps nothing of a request that is long", async () => {
    const { knock } = stage(allowAnonymous());
    const long = "x".repeat(5_000);
    const admission = await knock(`?reconnection_token=${long}&a=${long}`, { "User-Agent": long });
    assert(!(admission instanceof Response));
    assert(admission.reconnectionToken !== undefined);
    assert(JSON.stringify(admission).length < 500);
  });

  it("tells how many addresses it remembers", async () => {
    const { hub, knock } = stage(allowAnonymous());
    await knock();
    await knock();
    const { ratesKept, ratesEvicted } = hub.stats();
    assertEquals([ratesKept, ratesEvicted], [1, 0]);
  });
});
