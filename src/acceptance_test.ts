/**
 * The frames of the older clients, byte for byte as they send them, over real sockets.
 */
import { after, before, describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { allowAnonymous, type Identity } from "./guard/identity.ts";
import { createHub } from "./hub/hub.ts";
import { stockChannels } from "./hub/stock.ts";
import type { Server } from "./adapter/server.ts";
import { connectRaw, type RawClient } from "./testing/raw_client.ts";
import { serveHere } from "./testing/serve.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

describe("A hub with the stock channels", () => {
  const identity: Identity = { userId: null, role: "developer", claims: {} };
  const hub = createHub({ auth: () => identity, channels: stockChannels() });
  let server: Server;
  let url: string;
  before(async () => {
    server = await serveHere(hub);
    url = server.url.replace(/^http/, "ws") + "/ws";
  });
  after(async () => {
    await hub.drain();
    await server.close();
  });

  it("answers the published frames with the published answers", async () => {
    const client = await connectRaw(url);

    const connected = await client.json();
    assertEquals(connected["type"], "connected");
    assertMatch(String(connected["client_id"]), UUID);
    assertEquals(connected["user_id"], null);
    assertMatch(String(connected["timestamp"]), TIMESTAMP);

    client.send('{"type":"subscribe","channels":["metrics","signals"]}');
    const subscribed = await client.json();
    assertEquals(subscribed["type"], "subscribed");
    assertEquals(subscribed["channels"], ["metrics", "signals"]);
    assertMatch(String(subscribed["timestamp"]), TIMESTAMP);

    const data = { cpu_percent: 45.2, memory_mb: 1024, events_per_sec: 5000, total_tokens: 50000 };
    await hub.channel("metrics").publish("system_metrics", data);
    const event = await client.json();
    assertEquals(event["channel"], "metrics");
    assertEquals(event["event_type"], "system_metrics");
    assertEquals(event["data"], data);
    assertMatch(String(event["timestamp"]), TIMESTAMP);

    client.send('{"type":"ping"}');
    const pong = await client.json();
    assertEquals(pong["type"], "pong");
    assertMatch(String(pong["timestamp"]), TIMESTAMP);

    client.send('{"type":"get_subscriptions"}');
    const subscriptions = await client.json();
    assertEquals(subscriptions["type"], "subscriptions");
    assertEquals(subscriptions["channels"], ["metrics", "signals"]);

    client.send('{"type":"unsubscribe","channels":["metrics"]}');
    const unsubscribed = await client.json();
    assertEquals(unsubscribed["type"], "unsubscribed");
    assertEquals(unsubscribed["channels"], ["metrics"]);

    client.send("{this is no JSON");
    const error = await client.json();
    assertEquals(error["type"], "error");
    assert(typeof error["message"] === "string" && error["message"].includes("Invalid JSON"));

    client.send('{"type":"subscribe","channels":"metrics"}');
    const misfit = await client.json();
    assert(String(misfit["message"]).includes("must be an array"));

    client.send('{"type":"dance"}');
    assertEquals((await client.json())["message"], "Unknown message type: dance");
    await client.close();
  });

  it("greets before anything else, however fast the client speaks", async () => {
    const client = await connectRaw(url);
    for (let i = 0; i < 20; i++) client.send({ type: "ping", correlation_id: String(i) });
    assertEquals((await client.json())["type"], "connected");
    for (let i = 0; i < 20; i++) {
      const pong = await client.json();
      assertEquals([pong["type"], pong["correlation_id"]], ["pong", String(i)]);
    }
    await client.close();
  });

  it("addresses one connection, one user, everyone, and leaves out who is excluded", async () => {
    const users = createHub({
      auth: (request) => ({
        userId: new URL(request.url).searchParams.get("user"),
        role: "viewer",
        claims: {},
      }),
    });
    const userServer = await serveHere(users);
    const base = userServer.url.replace(/^http/, "ws") + "/ws";
    const [ann1, ann2, bob] = await Promise.all(
      ["ann", "ann", "bob"].map((user) => connectRaw(`${base}?user=${user}`)),
    ) as [RawClient, RawClient, RawClient];
    const { client_id } = await ann1.json();
    await Promise.all([ann2.json(), bob.json()]);

    await users.client(String(client_id)).publish("note", 1);
    await users.user("ann").publish("note", 2);
    await users.everyone().publish("note", 3);
    await users.everyone().publish("note", 4, { exclude: { users: ["ann"] } });
    await users.everyone().publish("note", 5, { exclude: { clients: [String(client_id)] } });
    await users.everyone().publish("end", null);

    assertEquals(await untilEnd(ann1), [1, 2, 3]);
    assertEquals(await untilEnd(ann2), [2, 3, 5]);
    assertEquals(await untilEnd(bob), [3, 4, 5]);
    await users.drain();
    await userServer.close();
  });
});

async function untilEnd(client: RawClient): Promise<unknown[]> {
  const data: unknown[] = [];
  for (;;) {
    const event = await client.json();
    if (event["event_type"] === "end") return data;
    data.push(event["data"]);
  }
}

describe("A hub that anonymous clients may use", () => {
  it("gives them a client id, no user id and the role anonymous", async () => {
    await using hub = createHub({ auth: allowAnonymous(), channels: stockChannels() });
    const server = await serveHere(hub);
    const client = await connectRaw(server.url.replace(/^http/, "ws") + "/ws");
    const connected = await client.json();
    assertEquals([connected["user_id"], connected["role"]], [null, "anonymous"]);
    const answer = await client.ask({
      type: "subscribe",
      channels: ["metrics", "logs", "nobodys"],
    });
    assertEquals(answer["channels"], ["metrics"]);
    assertEquals(
      (answer["rejected"] as { channel: string; code: string }[]).map(({ channel, code }) => [
        channel,
        code,
      ]),
      [["logs", "forbidden"], ["nobodys", "unknown_channel"]],
    );
    await hub.drain();
    await server.close();
  });

  it("says what they may not have also by the names and words that older clients know", async () => {
    await using hub = createHub({ auth: allowAnonymous(), channels: stockChannels() });
    const server = await serveHere(hub);
    const client = await connectRaw(server.url.replace(/^http/, "ws") + "/ws");
    await client.json();

    client.send('{"type":"subscribe","channels":["logs","metrics","nobodys"]}');
    const subscribed = await client.json();
    assertEquals(subscribed["channels"], ["metrics"]);
    assertEquals(subscribed["denied"], ["logs", "nobodys"]);
    assertEquals(subscribed["message"], "Permission denied for channels: logs, nobodys");

    const granted = await client.ask({ type: "subscribe", channels: ["metrics", "status"] });
    assertEquals([granted["denied"], granted["message"]], [undefined, undefined]);
    await hub.drain();
    await server.close();
  });
});
