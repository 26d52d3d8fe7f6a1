/**
 * Attacks with reconnection tokens, over real sockets. The hub's time stands still until a test moves it.
 */
import { assert, assertEquals } from "@std/assert";
import { after, before, describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { channel } from "../channel/definition.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import { connectRefused, type RawClient } from "../testing/raw_client.ts";
import { clientsOf, type Target, target } from "./testing.ts";

const secret = "a secret of at least thirty-two bytes";
const clock = manualClock();
const issuer = tokenIssuer({ secret, clock, expiresIn: 1_000_000 });

describe("A session that is attacked", () => {
  const hub = createHub({
    auth: jwtAuth({ secret, clock, anonymous: true }),
    channels: { secret: channel({ permissions: { admin: ["subscribe"] } }), open: channel() },
    heartbeat: { interval: 100_000_000 },
    clock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const open = clientsOf();
  let it_: Target;
  before(async () => {
    it_ = await target("resume attacks", hub);
  });
  after(() => it_.close());

  /** Connects as a user, or as nobody, and tells what it was greeted with. */
  async function connect(userId: string | null, role = "admin", query = "") {
    const token = userId === null ? "" : `token=${await issuer.issue({ userId, role })}`;
    const client = await open(`${it_.url}?${token}${query}`);
    const greeting = await client.json();
    return { client, greeting, token: String(greeting["reconnection_token"]) };
  }

  /** A session of two channels whose connection was lost. */
  async function lost(userId: string | null): Promise<{ token: string; clientId: string }> {
    const { client, token, greeting } = await connect(userId);
    await client.ask({ type: "subscribe", channels: ["secret", "open"] });
    await client.close(3000);
    const clientId = String(greeting["client_id"]);
    while (hub.connection(clientId) !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { token, clientId };
  }

  const resume = (client: RawClient, reconnection_token: string) =>
    client.ask({ type: "resume", reconnection_token });

  async function isRefused(client: RawClient, token: string): Promise<void> {
    const { type, code } = await resume(client, token);
    assertEquals([type, code], ["error", "session_expired"]);
    assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
  }

  for (const [thief, victim] of [["mallory", "ann"], [null, "ann"], ["mallory", null]] as const) {
    it(`refuses ${thief ?? "nobody"} the token of ${victim ?? "nobody"}, whose it stays`, async () => {
      const session = await lost(victim);
      await it_.during(async () => {
        await isRefused((await connect(thief)).client, session.token);
        const { greeting } = await connect(thief, "admin", `&reconnection_token=${session.token}`);
        assertEquals(greeting["reconnected"], false);
      });
      const { client } = await connect(victim);
      assertEquals((await resume(client, session.token))["client_id"], session.clientId);
    });
  }

  it("refuses a token that was used before", async () => {
    const { token } = await lost("ann");
    const { client } = await connect("ann");
    assertEquals((await resume(client, token))["type"], "resumed");
    await client.ask({ type: "ping" }); // by which the token is consumed
    await it_.during(async () => {
      await isRefused((await connect("ann")).client, token);
      const { greeting } = await connect("ann", "admin", `&reconnection_token=${token}`);
      assertEquals(greeting["reconnected"], false);
    });
    assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
  });

  it("refuses a token whose session has expired", async () => {
    const { token } = await lost("ann");
    clock.advance(300_001);
    await it_.during(async () => isRefused((await connect("ann")).client, token));
  });

  it("gives a session back without what a lowered role no longer permits", async () => {
    const { token } = await lost("ann");
    await it_.during(async () => {
      const { client } = await connect("ann", "viewer");
      const resumed = await resume(client, token);
      assertEquals(resumed["channels"], ["open"]);
      const [rejected] = resumed["rejected"] as { channel: string; code: string }[];
      assertEquals([rejected?.channel, rejected?.code], ["secret", "forbidden"]);
      const { code } = await client.ask({ type: "history", channel: "secret" });
      assertEquals(code, "forbidden");
    });
  });

  it("gives a session back in the role that was lowered while it was open", async () => {
    const { client, token } = await connect("eve");
    await client.ask({ type: "subscribe", channels: ["secret", "open"] });
    hub.setRole("eve", "viewer");
    const lostChannels = await client.nextOf("unsubscribed");
    assertEquals([lostChannels["channels"], lostChannels["code"]], [["secret"], "forbidden"]);
    await client.close(3000);
    await it_.during(async () => {
      const again = await connect("eve", "viewer");
      assertEquals((await resume(again.client, token))["channels"], ["open"]);
    });
  });

  it("refuses the tokens of a banned user, whose connection is closed for good", async () => {
    const kept = await lost("bad");
    const { client, token } = await connect("bad");
    await it_.during(async () => {
      assertEquals(await hub.revoke({ userId: "bad" }), 1);
      const farewell = await client.nextOf("disconnected");
      assertEquals([farewell["reason"], "reconnection_token" in farewell], ["banned", false]);
      assertEquals((await client.closed).code, 4403);
      for (const one of [kept.token, token]) await isRefused((await connect("bad")).client, one);
    });
  });

  it("refuses a connection its own token, and a guess", async () => {
    const { client, token } = await connect("ann");
    await isRefused(client, token);
    await it_.during(async () => {
      for (const guess of ["", "x", "__proto__", "*", `${token.slice(0, -1)}!`, "A".repeat(43)]) {
        await isRefused((await connect("ann")).client, guess);
      }
    });
  });

  it("lets nobody in for a reconnection token, where a credential is needed", async () => {
    const closed = createHub({ auth: jwtAuth({ secret, clock }), clock });
    const other = await target(
      "resume attacks without a credential",
      closed,
      async (url) => await open(`${url}?token=${await issuer.issue({ userId: "ann" })}`),
    );
    const ann = await open(`${other.url}?token=${await issuer.issue({ userId: "ann" })}`);
    const { reconnection_token } = await ann.json();
    await other.during(async () => {
      for (
        const query of [`reconnection_token=${reconnection_token}`, `token=${reconnection_token}`]
      ) {
        const { status, body } = await connectRefused(`${other.url}?${query}`);
        assertEquals(status, 401);
        assert(!body.includes(String(reconnection_token)), body);
      }
    });
    ann.terminate();
    await other.close();
  });
});
