/**
 * Attacks of somebody who is let in, and reaches for what is not theirs; over real sockets.
 */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { channel } from "../channel/definition.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import { stockChannels } from "../hub/stock.ts";
import { connectRefused, type RawClient } from "../testing/raw_client.ts";
import { clientsOf, type Target, target } from "./testing.ts";

const secret = "a secret of at least thirty-two bytes";
const issuer = tokenIssuer({ secret });
const REST = "/api/v1/websocket";
const event = { event_type: "signal.test", data: {} };

describe("A hub that is attacked from within", () => {
  const hub = createHub({
    auth: jwtAuth({ secret }),
    channels: {
      ...stockChannels(),
      open: channel({ permissions: { "*": ["subscribe", "broadcast"] } }),
      "room:*": channel({ presence: true, permissions: { "*": ["subscribe", "broadcast"] } }),
    },
    rooms: "room:",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const open = clientsOf();
  let it_: Target;
  const tokenOf = (userId: string, role = "viewer") => issuer.issue({ userId, role });

  async function connect(userId: string, role?: string): Promise<RawClient> {
    const client = await open(`${it_.url}?token=${await tokenOf(userId, role)}`);
    await client.json();
    return client;
  }

  before(async () => {
    it_ = await target(
      "attacks from within",
      hub,
      async (url) => await open(`${url}?token=${await tokenOf("bystander")}`),
    );
  });
  after(() => it_.close());

  it("keeps one from what is another's own: @user:other, @client:… and @all", async () => {
    const victim = await connect("victim");
    const { clientId } = hub.connections({ userId: "victim" })[0]!;
    const mallory = await connect("mallory");
    const names = ["@user:victim", `@client:${clientId}`, "@all", "@user:mallory", "@", "@user:"];
    await it_.during(async () => {
      const { channels, rejected } = await mallory.ask({ type: "subscribe", channels: names });
      assertEquals(channels, []);
      const codes = (rejected as { code: string }[]).map(({ code }) => code);
      assertEquals(codes, names.map(() => "forbidden"));
      for (const channel of names) {
        for (const type of ["publish", "history", "presence"]) {
          const { code } = await mallory.ask({ type, channel, event_type: "e", data: 1 });
          assertEquals(code, "forbidden", `${type} ${channel}`);
        }
      }
      const left = await mallory.ask({ type: "unsubscribe", channels: ["@user:mallory"] });
      assertEquals((left["rejected"] as { code: string }[])[0]?.code, "forbidden");
    });
    await hub.user("victim").publish("note", "for the victim alone");
    assertEquals((await victim.nextOf("event"))["data"], "for the victim alone");
    await mallory.ask({ type: "ping" });
    assertEquals(mallory.pending, []);
  });

  it("keeps a resumption from naming another's own channel", async () => {
    const first = await open(`${it_.url}?token=${await tokenOf("mallory")}`);
    const { reconnection_token } = await first.json();
    await first.close(3000);
    const mallory = await connect("mallory");
    await it_.during(async () => {
      const positions = { "@user:victim": { epoch: "e", offset: 0 } };
      const resumed = await mallory.ask({ type: "resume", reconnection_token, positions });
      assertEquals(resumed["type"], "resumed");
      const rejected = resumed["rejected"] as { channel: string; code: string }[];
      assertEquals(rejected.map(({ channel, code }) => [channel, code]), [
        ["@user:victim", "forbidden"],
      ]);
    });
  });

  it("takes no event of one who may not broadcast, by text, envelope or REST", async () => {
    const [listener, mallory] = [await connect("admin", "admin"), await connect("mallory")];
    await listener.ask({ type: "subscribe", channels: ["signals"] });
    await it_.during(async () => {
      const publication = { type: "publish", channel: "signals", ...event };
      assertEquals((await mallory.ask(publication))["code"], "forbidden");
      const metadata = Buffer.from('{"channel":"signals","event_type":"signal.test"}');
      const head = Buffer.from([1, 4, 0, metadata.length, 0, 0, 0, 1]);
      mallory.sendBytes(Buffer.concat([head, metadata, Buffer.from("x")]));
      assertEquals((await mallory.nextOf("error"))["code"], "forbidden");
    });
    await listener.ask({ type: "ping" });
    assertEquals(listener.pending, []);
  });

  it("broadcasts by REST for no one without a token, with a viewer's or an expired one", async () => {
    const past = manualClock(Date.now() - 7_300_000);
    const expired = await tokenIssuer({ secret, clock: past }).issue({
      userId: "u",
      role: "admin",
    });
    const cases = [
      [undefined, 401, "unauthorized"],
      [await tokenOf("mallory"), 403, "forbidden"],
      [await tokenOf("mallory", "developer"), 403, "forbidden"],
      [await tokenOf("mallory", "ADMIN"), 403, "forbidden"],
      [expired, 401, "token_expired"],
      ["x.y.z", 401, "unauthorized"],
    ] as const;
    await it_.during(async () => {
      for (const [token, status, error] of cases) {
        const headers: Record<string, string> = token === undefined
          ? {}
          : { Authorization: `Bearer ${token}` };
        const response = await fetch(`${it_.http}${REST}/broadcast?channel=signals`, {
          method: "POST",
          headers,
          body: JSON.stringify(event),
        });
        assertEquals([response.status, (await response.json()).error], [status, error]);
      }
    });
  });

  it("lets nothing be injected by header or query", async () => {
    const token = await tokenOf("mallory");
    const evil = Buffer.from(`${token}\r\nX-Injected: 1`).toString("base64url");
    const good = { Authorization: `Bearer ${token}` };
    await it_.during(async () => {
      const refusals = [
        await connectRefused(`${it_.url}?token=${token}%0d%0aX-Injected:1`),
        await connectRefused(`${it_.url}?token=${token}%00`),
        await connectRefused(`${it_.url}?token=${token}&token=other`),
        await connectRefused(`${it_.url}?token=other`, { headers: good }),
        await connectRefused(`${it_.url}?token[]=${token}`),
        await connectRefused(`${it_.url}?TOKEN=${token}`),
        await connectRefused(it_.url, { headers: { "Sec-WebSocket-Protocol": `jwt.${evil}` } }),
        await connectRefused(it_.url, {
          headers: { Authorization: `Bearer other, Bearer ${token}` },
        }),
        await connectRefused(it_.url, { headers: { Authorization: `Basic ${token}` } }),
        await connectRefused(it_.url, { headers: { "X-User-Id": "admin", "X-Role": "admin" } }),
      ];
      for (const { status, headers, body } of refusals) {
        assertEquals(status, 401, body);
        assertEquals(headers["x-injected"], undefined);
      }
      const room = await connectRefused(`${it_.url}/a%0d%0aX-Injected:1?token=${token}`);
      assertEquals([room.status, room.headers["x-injected"]], [400, undefined]);
      const client = await open(
        `${it_.url}?token=${token}&role=admin&user_id=admin&reconnection_token=%0d%0aX-Injected:1`,
      );
      const { user_id, role } = await client.json();
      assertEquals([user_id, role], ["mallory", "viewer"]);
      assertEquals((await client.json())["code"], "session_expired");
      const { code } = await client.ask({
        type: "authenticate",
        token: `${token}\r\nX-Role: admin`,
      });
      assertEquals(code, "unauthorized");
    });
  });

  it("is not polluted by prototypes: in claims, messages, metadata, query and REST", async () => {
    const claims = JSON.parse('{"__proto__":{"role":"admin"},"constructor":{"role":"admin"}}');
    const token = await issuer.issue({ userId: "__proto__", claims });
    await it_.during(async () => {
      const client = await open(`${it_.url}/lobby?token=${token}&__proto__[role]=admin`);
      const { user_id, role } = await client.json();
      assertEquals([user_id, role], ["__proto__", "viewer"]);
      const polluted =
        '"__proto__":{"role":"admin","polluted":1},"constructor":{"prototype":{"polluted":1}}';
      client.send(`{"type":"subscribe","channels":["logs"],${polluted}}`);
      const [rejected] = (await client.nextOf("subscribed"))["rejected"] as { code: string }[];
      assertEquals(rejected?.code, "forbidden");
      client.send(`{"type":"hello","features":{${polluted}}}`);
      assertEquals((await client.nextOf("welcome"))["features"], {});
      client.send(`{"type":"subscribe","channels":["room:x"],"metadata":{${polluted}}}`);
      await client.nextOf("subscribed");
      client.send(`{"type":"publish","channel":"open","event_type":"e","data":{${polluted}}}`);
      await client.nextOf("published");
      for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
        const { code } = await client.ask({ type: "history", channel: name });
        assertEquals(code, "unknown_channel");
        assertEquals((await client.ask({ type: name }))["code"], "unknown_type");
      }
      const response = await fetch(`${it_.http}${REST}/broadcast?channel=open`, {
        method: "POST",
        headers: { Authorization: `Bearer ${await tokenOf("root", "admin")}` },
        body: `{"event_type":"e","data":{${polluted}},${polluted}}`,
      });
      assertEquals(response.status, 200);
      await response.body?.cancel();
      const roles = ["__proto__", "constructor", "toString"];
      for (const role of roles) {
        assertEquals(hub.canBroadcast("signals", role), false);
        const other = await connect("u", role);
        const { code } = await other.ask({ type: "publish", channel: "signals", ...event });
        assertEquals(code, "forbidden");
      }
    });
    for (const name of ["polluted", "role"]) assert(!(name in {}), `${name} is everywhere`);
  });
});
