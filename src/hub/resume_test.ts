/** How a session goes on over another connection, over real sockets. */
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { channel } from "../channel/definition.ts";
import { connectRaw, type RawClient } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { createHub } from "./hub.ts";

type Message = Readonly<Record<string, unknown>>;

/** A hub where `?user=` says who connects, and a way to wait until it knows of an end. */
async function stage() {
  const ended = new Set<string>();
  let wake = () => {};
  const hub = createHub({
    auth: (request) => {
      const userId = new URL(request.url).searchParams.get("user");
      return { userId, role: "viewer", claims: {} };
    },
    channels: { a: channel(), short: channel({ history: { size: 1 } }) },
    onDisconnect: ({ clientId }) => {
      ended.add(clientId);
      wake();
    },
  });
  const server = await serveHere(hub);
  const url = `${server.url.replace(/^http/, "ws")}/ws`;
  const end = async (id: string, by: () => unknown) => {
    ended.delete(id); // a session ends with each of its connections
    await by();
    while (!ended.has(id)) await new Promise<void>((resolve) => wake = resolve);
  };
  return {
    hub,
    connect: async (token: unknown = "", user = "ann") => {
      const client = await connectRaw(`${url}?user=${user}&reconnection_token=${String(token)}`);
      const connected = await client.json();
      return { client, connected, id: String(connected["client_id"]) };
    },
    cut: ({ client, id }: { client: RawClient; id: string }) => end(id, () => client.terminate()),
    finish: ({ client, id }: { client: RawClient; id: string }) =>
      end(id, () => client.close(1000)),
    close: async () => {
      await hub.drain({ within: 0 });
      await server.close();
    },
  };
}

/** What came until now, each as its type, its channel and what it says. */
async function told(client: RawClient): Promise<unknown[]> {
  const marker = crypto.randomUUID();
  client.send({ type: "ping", correlation_id: marker });
  const told: unknown[] = [];
  for (;;) {
    const { type, channel, data, from, correlation_id } = await client.json();
    if (correlation_id === marker) return told;
    told.push([type, channel, data ?? from]);
  }
}

describe("A session that is resumed by message", () => {
  it("gets on its own channels what it missed, and nothing of it twice", async () => {
    const { hub, connect, cut, close } = await stage();
    const first = await connect();
    await hub.everyone().publish("notice", "before");
    await told(first.client);
    await cut(first);
    await hub.everyone().publish("notice", "missed");
    await hub.client(first.id).publish("notice", "to one");
    const second = await connect();
    await hub.everyone().publish("notice", "between");
    await hub.user("ann").publish("notice", "between");
    const { reconnection_token } = first.connected;
    second.client.send({ type: "resume", reconnection_token });
    const all: Message[] = [];
    while (all.at(-1)?.["type"] !== "resumed") all.push(await second.client.json());
    const { client_id, recovered } = all.at(-1)!;
    assertEquals(client_id, first.id);
    assertEquals(recovered, { "@all": true, [`@client:${first.id}`]: true, "@user:ann": true });
    await hub.everyone().publish("notice", "after");
    assertEquals(all.slice(0, -1).map(({ channel, data }) => [channel, data]), [
      ["@all", "between"],
      ["@user:ann", "between"],
    ]);
    assertEquals(await told(second.client), [
      ["event", "@all", "missed"],
      ["event", `@client:${first.id}`, "to one"],
      ["event", "@all", "after"],
    ]);
    await close();
  });

  it("has one numbering of @client:ID, whether anything was said there before it went or not", async () => {
    const { hub, connect, cut, close } = await stage();
    const silent = await connect("", "bob");
    const name = `@client:${silent.id}`;
    const places = [(silent.connected["positions"] as Record<string, unknown>)[name]];
    await cut(silent);
    let token = silent.connected["reconnection_token"];
    const got: unknown[] = [];
    for (const away of [[], ["1", "2"], [], ["3"]]) {
      for (const data of away) await hub.client(silent.id).publish("notice", data);
      const { client, connected } = await connect(token, "bob");
      places.push((connected["positions"] as Record<string, unknown>)[name]);
      await hub.client(silent.id).publish("notice", "here");
      got.push(await told(client));
      token = connected["reconnection_token"];
      await cut({ client, id: silent.id });
    }
    const here = ["event", name, "here"];
    assertEquals(got, [
      [here],
      [["event", name, "1"], ["event", name, "2"], here],
      [here],
      [["event", name, "3"], here],
    ]);
    const { epoch } = places[0] as { readonly epoch: string };
    assertEquals(places, [0, 0, 1, 4, 5].map((offset) => ({ epoch, offset })));
    await close();
  });

  it("goes on from the client's positions: answer, gap, what was missed, what comes", async () => {
    const { hub, connect, cut, close } = await stage();
    const first = await connect();
    const { positions } = await first.client.ask({ type: "subscribe", channels: ["a", "short"] });
    for (const data of [1, 2, 3]) {
      await hub.channel("a").publish("e", data);
      await hub.channel("short").publish("e", data);
    }
    await cut(first);
    const second = await connect();
    const strange = { "@client:x": { epoch: "x", offset: 1 }, unknown: { epoch: "x", offset: 1 } };
    const resumed = await second.client.ask({
      type: "resume",
      reconnection_token: first.connected["reconnection_token"],
      positions: { ...positions as Message, ...strange },
    });
    await hub.channel("short").publish("e", 4);
    assertEquals(resumed["channels"], ["a", "short"]);
    assertEquals((resumed["recovered"] as Message)["short"], false);
    const [rejection, ...rest] = resumed["rejected"] as { channel: string; code: string }[];
    assertEquals([rejection?.channel, rejection?.code, rest], ["@client:x", "forbidden", []]);
    assertEquals(await told(second.client), [
      ["event", "a", 1],
      ["event", "a", 2],
      ["event", "a", 3],
      ["gap", "short", 1],
      ["event", "short", 3],
      ["event", "short", 4],
    ]);
    await close();
  });
});

describe("A reconnection token", () => {
  it("may be used again until its user gives a sign of life, and replaces who used it", async () => {
    const { connect, cut, close } = await stage();
    const first = await connect();
    await cut(first);
    const token = first.connected["reconnection_token"];
    const second = await connect(token);
    const third = await connect(token);
    assertEquals([second.id, third.id], [first.id, first.id]);
    const farewell = await second.client.json();
    assertEquals([farewell["reason"], farewell["reconnection_token"]], ["replaced", undefined]);
    assertEquals((await second.client.closed).code, 4409);
    await third.client.ask({ type: "ping" });
    const fourth = await connect(token);
    assertEquals(fourth.connected["reconnected"], false);
    assertEquals((await fourth.client.json())["code"], "session_expired");
    await close();
  });

  it("is nobody else's, and not the connection's own", async () => {
    const { connect, cut, close } = await stage();
    const first = await connect();
    const { reconnection_token } = first.connected;
    const own = await first.client.ask({ type: "resume", reconnection_token });
    assertEquals(own["code"], "session_expired");
    for (const isOpen of [true, false]) {
      if (!isOpen) await cut(first);
      const bob = await connect(reconnection_token, "bob");
      assertEquals((await bob.client.json())["code"], "session_expired");
    }
    const again = await connect(reconnection_token);
    assertEquals([again.connected["reconnected"], again.id], [true, first.id]);
    await close();
  });

  it("comes to nothing with a close that is final, whoever closed", async () => {
    const { hub, connect, finish, close } = await stage();
    const byClient = await connect();
    await finish(byClient);
    const byHub = await connect();
    hub.disconnect(byHub.id);
    await byHub.client.closed;
    const away = await connect();
    await away.client.close(1001);
    const outcomes: unknown[] = [];
    for (const { connected } of [byClient, byHub, away]) {
      outcomes.push((await connect(connected["reconnection_token"])).connected["reconnected"]);
    }
    assertEquals(outcomes, [false, false, true]);
    await close();
  });

  it("is told to a client that asks, whose session outlives a close of its own with 1000", async () => {
    const { hub, connect, finish, close } = await stage();
    const asks = async () => {
      const asking = await connect();
      const answer = await asking.client.ask({ type: "get_reconnection_token" });
      const { timestamp: _, correlation_id: __, ...rest } = answer;
      const token = asking.connected["reconnection_token"];
      assertEquals(rest, { type: "reconnection_token", token, expires_in: 300 });
      return asking;
    };
    const byClient = await asks();
    await finish(byClient);
    const back = await connect(byClient.connected["reconnection_token"]);
    assertEquals([back.connected["reconnected"], back.id], [true, byClient.id]);

    const byHub = await asks();
    hub.disconnect(byHub.id);
    await byHub.client.closed;
    const other = await connect(byHub.connected["reconnection_token"]);
    assertEquals(other.connected["reconnected"], false);

    // What it asked for is told once: the next close with 1000 is final again.
    const { reconnection_token: next } = back.connected;
    await finish(back);
    assertEquals((await connect(next)).connected["reconnected"], false);
    await close();
  });
});
