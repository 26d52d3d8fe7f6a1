/**
 * How a client comes back, over real sockets and with a clock that the tests move.
 */
import { afterEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { freePort } from "../../conformance/target/port.ts";
import { HeddleError } from "../base/errors.ts";
import { manualClock } from "../base/clock.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous, anonymousIdentity, type Authenticate } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { Child } from "../testing/child.ts";
import {
  answerTo,
  endAll,
  greeting,
  next,
  promised,
  type Sent,
  serveHub,
  serveScript,
} from "./fixture.ts";
import { type Client, type ClientOptions, createClient } from "./mod.ts";

/** Chance that leaves every delay whole. */
const noJitter: Random = { ...systemRandom, fraction: () => 0 };

function makeHub(auth: Authenticate = allowAnonymous()) {
  return createHub({ auth, channels: { metrics: channel(), status: channel() } });
}

const clients = new Set<Client>();

afterEach(async () => {
  await Promise.all(Array.from(clients, (client) => client.disconnect()));
  clients.clear();
  await endAll();
});

function setup(options: ClientOptions) {
  const clock = manualClock();
  const client = createClient({ clock, random: noJitter, ...options });
  clients.add(client);
  const told: string[] = [];
  client.on("disconnected", ({ code, willReconnect }) => {
    told.push(`disconnected ${code}${willReconnect ? "" : " for good"}`);
  });
  client.on("reconnecting", ({ attempt, delay }) => void told.push(`wait ${attempt}: ${delay}`));
  client.on("connected", ({ attempt }) => void told.push(`connected ${attempt}`));
  client.on("failed", ({ attempt }) => void told.push(`failed ${attempt}`));
  client.on("exhausted", ({ attempts }) => void told.push(`exhausted ${attempts}`));
  return { clock, client, told };
}

describe("A client whose server restarts", () => {
  it("comes back and takes up its subscriptions again", async () => {
    const first = await serveHub(makeHub(), await freePort());
    const { clock, client, told } = setup({ url: first.url });
    await client.connect();
    const formerId = client.clientId;
    const seen: unknown[] = [];
    await client.subscribe("metrics", ({ data }) => void seen.push(data));
    await (await client.subscribe("status", () => {})).unsubscribe();

    const waiting = next(client, "reconnecting");
    await first[Symbol.asyncDispose]();
    await waiting;
    assertEquals([client.status, client.clientId], ["reconnecting", undefined]);

    const hub = makeHub();
    await serveHub(hub, first.port);
    clock.advance(999);
    assertEquals(hub.stats().totalConnections, 0);
    const back = client.connect();
    clock.advance(1);
    await back;
    assert(client.clientId !== formerId);
    await client.ping();
    assertEquals(await client.subscriptions(), ["metrics"]);
    await hub.channel("metrics").publish("sample", 7);
    await client.ping();
    assertEquals(seen, [7]);
    assertEquals(told, ["connected 0", "disconnected 1012", "wait 1: 1000", "connected 1"]);
  });

  it("tries ever more rarely, asks for a token each time, and gives up", async () => {
    const served = await serveHub(makeHub(() => anonymousIdentity()));
    let asked = 0;
    const token = () => `token ${++asked}`;
    const { clock, client, told } = setup({ url: served.url, token, reconnect: { attempts: 3 } });
    await client.connect();
    const waiting = next(client, "reconnecting");
    await served[Symbol.asyncDispose]();
    let { delay } = await waiting;
    const given = assertRejects(() => client.connect(), HeddleError);
    for (let attempt = 1; attempt <= 3; attempt++) {
      const failed = next(client, "failed");
      const again = next(client, "reconnecting");
      clock.advance(delay - 1);
      assertEquals(asked, attempt, "not before its time");
      clock.advance(1);
      await failed;
      assertEquals(asked, attempt + 1);
      if (attempt < 3) ({ delay } = await again);
    }
    assertEquals((await given).code, "closed");
    assertEquals(client.status, "closed");
    assertEquals(told.slice(1), [
      "disconnected 1012",
      "wait 1: 1000",
      "failed 1",
      "wait 2: 2000",
      "failed 2",
      "wait 3: 4000",
      "failed 3",
      "exhausted 3",
    ]);
    clock.advance(1_000_000);
    assertEquals(asked, 4, "it stays away");
  });

  it("stops waiting when it is disconnected, and may connect anew", async () => {
    const first = await serveHub(makeHub(), await freePort());
    const { clock, client, told } = setup({ url: first.url });
    await client.connect();
    await client.subscribe("metrics", () => {});
    const waiting = next(client, "reconnecting");
    await first[Symbol.asyncDispose]();
    await waiting;
    await client.disconnect();
    const hub = makeHub();
    await serveHub(hub, first.port);
    clock.advance(100_000);
    assertEquals([client.status, hub.stats().totalConnections], ["closed", 0]);
    await client.connect();
    await client.ping();
    assertEquals(await client.subscriptions(), ["metrics"]);
    assertEquals(told.at(-1), "connected 0");
  });

  it("keeps its process alive while it waits", async () => {
    const first = await serveHub(makeHub(), await freePort());
    const child = new Child(new URL("lone_fixture.ts", import.meta.url), [first.url]);
    try {
      assertEquals(await child.line(), "connected 0");
      await first[Symbol.asyncDispose]();
      assertEquals(await child.line(), "reconnecting");
      const second = await serveHub(makeHub(), first.port);
      assertEquals(await child.line(), "connected 1");
      await second[Symbol.asyncDispose]();
    } finally {
      child.kill();
    }
  });
});

describe("A client whose connection is closed", () => {
  const ends = [
    [1000, "for good"],
    [1008, "for good"],
    [4403, "for good"],
    [4409, "for good"],
    [4429, "for good"],
    [1001, "for now"],
    [1011, "for now"],
    [1013, "for now"],
    [4401, "for now"],
    [4408, "for now"],
    [4503, "for now"],
    [4999, "for now"],
  ] as const;
  for (const [code, how] of ends) {
    it(`with ${code} stays away ${how}`, async () => {
      const hub = makeHub();
      const served = await serveHub(hub);
      const { client } = setup({ url: served.url });
      await client.connect();
      const ended = next(client, "disconnected");
      hub.disconnect(client.clientId!, { code, reason: "because" });
      const { willReconnect, ...ending } = await ended;
      assertEquals(ending, { code, reason: "because" });
      assertEquals(willReconnect, how === "for now");
      assertEquals(client.status, how === "for now" ? "reconnecting" : "closed");
    });
  }

  it("does not come back where the options say so", async () => {
    const hub = makeHub();
    const served = await serveHub(hub);
    const { client, told } = setup({ url: served.url, reconnect: false });
    await client.connect();
    const ended = next(client, "disconnected");
    hub.disconnect(client.clientId!, { code: 1012, reason: "" });
    await ended;
    assertEquals(client.status, "closed");
    assertEquals(told, ["connected 0", "disconnected 1012 for good"]);
  });

  it("takes a cut connection for an accident, and counts from one again each time", async () => {
    const served = await serveScript((peer) => {
      peer.send(greeting());
      peer.onMessage(() => peer.terminate());
    });
    const { clock, client, told } = setup({ url: served.url });
    await client.connect();
    for (let time = 0; time < 3; time++) {
      const waiting = next(client, "reconnecting");
      const connected = next(client, "connected");
      await assertRejects(() => client.ping(), HeddleError, "closed");
      clock.advance((await waiting).delay);
      await connected;
    }
    const lost = ["disconnected 1006", "wait 1: 1000", "connected 1"];
    assertEquals(told, ["connected 0", ...lost, ...lost, ...lost]);
  });

  it("stays away for as long as the server asks, and a while more", async () => {
    const served = await serveScript((peer) => {
      peer.send(greeting());
      const timestamp = "2024-12-29T12:00:00Z";
      peer.send({ type: "disconnected", reason: "restart", retry_after: 7, timestamp });
      peer.close(1012, "restart");
    });
    const { client } = setup({ url: served.url });
    const waiting = next(client, "reconnecting");
    await client.connect();
    assertEquals(await waiting, { attempt: 1, delay: 8000 });
  });

  it("never comes back earlier than it was told, whatever chance says", async () => {
    for (const fraction of [0, 0.5, 1 - 2 ** -32]) {
      const served = await serveScript((peer) => {
        peer.send(greeting());
        const timestamp = "2024-12-29T12:00:00Z";
        peer.send({ type: "disconnected", reason: "restart", retry_after: 4.999, timestamp });
        peer.close(1012, "restart");
      });
      let asked = 0;
      const { client, clock } = setup({
        url: served.url,
        token: () => `token ${++asked}`,
        random: { ...systemRandom, fraction: () => fraction },
        reconnect: { jitter: 1, initialDelay: 1 },
      });
      const waiting = next(client, "reconnecting");
      await client.connect();
      const { delay } = await waiting;
      assert(delay > 4_999 && delay <= 5_000, `it waits for ${delay} ms`);
      clock.advance(4_999);
      assertEquals(asked, 1, "not before its time");
      clock.advance(1);
      assertEquals(asked, 2);
      await client.disconnect();
    }
  });

  it("fails what waits for an answer, where it cannot be known what became of it", async () => {
    const served = await serveScript((peer) => {
      peer.send(greeting());
      let received = 0;
      peer.onMessage(() => {
        if (++received === 3) peer.terminate();
      });
    });
    const { client, clock } = setup({ url: served.url });
    await client.connect();
    const codeOf = (promise: Promise<unknown>) => promise.catch((error) => error.code);
    const waiting = next(client, "reconnecting");
    const published = codeOf(client.publish("a", "b", 1));
    const results = await Promise.all([client.ping(), client.request("c")].map(codeOf));
    assertEquals(results, ["closed", "closed"]);
    assertEquals(await codeOf(client.ping()), "closed", "it is for a connection");
    clock.advance((await waiting).delay);
    assertEquals(await published, "closed", "the session is over, and what it had published");
  });
});

describe("A client that comes back", () => {
  async function resubscribed(second: (message: Sent) => readonly Sent[]) {
    let connections = 0;
    const served = await serveScript((peer) => {
      const isFirst = ++connections === 1;
      peer.send(greeting());
      peer.onMessage((message) => {
        if (!isFirst) {
          for (const answer of second(message)) peer.send(answerTo(message, answer));
          return;
        }
        peer.send(answerTo(message, {
          type: "subscribed",
          channels: message["channels"],
          positions: {},
        }));
        if ((message["channels"] as string[]).includes("last")) peer.close(1012);
      });
    });
    const given = setup({ url: served.url });
    const { client, clock } = given;
    await client.connect();
    await client.subscribe("a", () => {});
    await client.subscribe("b", () => {});
    const waiting = next(client, "reconnecting");
    await client.subscribe("last", () => {});
    await waiting;
    clock.advance(1000);
    return { ...given, served };
  }

  it("tells which subscriptions it could not take up again", async () => {
    const { client } = await resubscribed(() => [{
      type: "subscribed",
      channels: ["a", "last"],
      positions: {},
      rejected: [{ channel: "b", code: "forbidden", message: "no longer" }],
    }]);
    assertEquals(await next(client, "unsubscribed"), {
      channels: ["b"],
      code: "forbidden",
      message: "no longer",
    });
  });

  it("asks again, after the time it is told, for what is refused only for now", async () => {
    const asked: unknown[] = [];
    const secondAsked = promised<void>();
    const refused = promised<void>();
    const { client, clock } = await resubscribed(({ channels }) => {
      asked.push(channels);
      if (asked.length > 1) {
        secondAsked.resolve();
        return [{ type: "subscribed", channels, positions: {} }];
      }
      return [{
        type: "error",
        code: "rate_limited",
        message: "slow down",
        recoverable: true,
        help: "",
        retry_after: 5,
      }];
    });
    client.on("message", ({ code }) => code === "rate_limited" ? refused.resolve() : undefined);
    await refused.promise;
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(4999);
    assertEquals(asked, [["a", "b", "last"]]);
    clock.advance(1);
    await secondAsked.promise;
    assertEquals(asked, [["a", "b", "last"], ["a", "b", "last"]]);
  });
});

describe("A connection that is gone without a word", () => {
  it("is noticed by its silence: it is asked, then given up", async () => {
    const asked = promised<Sent>();
    const served = await serveScript((peer) => {
      peer.send(greeting({ heartbeat_interval: 20 }));
      peer.onMessage((message) => asked.resolve(message));
    });
    const { clock, client, told } = setup({ url: served.url });
    await client.connect();
    clock.advance(20_000);
    assertEquals(await asked.promise, { type: "ping" });
    clock.advance(19_999);
    assertEquals(client.status, "connected");
    clock.advance(1);
    assertEquals(client.status, "reconnecting");
    assertEquals(told, ["connected 0", "disconnected 1006", "wait 1: 1000"]);
  });

  it("is asked at once when the machine wakes, and not waited for long", async () => {
    const asked = promised<Sent>();
    const served = await serveScript((peer) => {
      peer.send(greeting({ heartbeat_interval: 30 }));
      peer.onMessage((message) => asked.resolve(message));
    });
    const clock = manualClock();
    let slept = 0;
    // On some systems the monotonic clock stands still in sleep.
    const sleepy = { ...clock, wall: () => clock.wall() + slept };
    const { client } = setup({ url: served.url, clock: sleepy });
    await client.connect();
    slept = 3_600_000;
    clock.advance(5_000);
    assertEquals(await asked.promise, { type: "ping" });
    assertEquals(client.status, "connected");
    clock.advance(10_000);
    assertEquals(client.status, "reconnecting");
  });

  it("lives while anything comes", async () => {
    const served = await serveHub(makeHub());
    const { clock, client } = setup({ url: served.url });
    await client.connect();
    for (let interval = 0; interval < 6; interval++) {
      clock.advance(30_000);
      await client.ping();
    }
    assertEquals(client.status, "connected");
  });
});

describe("A server that does not greet", () => {
  it("is given up after the time for it", async () => {
    const opened = promised<void>();
    const served = await serveScript(() => opened.resolve());
    const { clock, client } = setup({ url: served.url, connectTimeout: 3000 });
    const error = assertRejects(() => client.connect(), HeddleError, "within 3000 ms");
    await opened.promise;
    clock.advance(3000);
    assertEquals((await error).code, "timeout");
    assertEquals(client.status, "closed");
  });

  it("is refused where it closes instead", async () => {
    const served = await serveScript((peer) => peer.close(1013, "full"));
    const { client } = setup({ url: served.url });
    await assertRejects(() => client.connect(), HeddleError, "code 1013, full");
    assertEquals(client.status, "closed");
  });

  it("gives up a token function that never answers", async () => {
    const { clock, client } = setup({
      url: "ws://127.0.0.1:1/ws",
      token: () => new Promise(() => {}),
    });
    const error = assertRejects(() => client.connect(), HeddleError);
    clock.advance(10_000);
    assertEquals((await error).code, "timeout");
  });
});

describe("A server that sends what it should not", () => {
  it("makes errors of it, and the connection lives", async () => {
    const bad = [
      "no JSON",
      "[]",
      "null",
      '{"channel":"a"}',
      '{"type":"event","channel":"a"}',
      new Uint8Array([1, 2, 3]),
      new Uint8Array([9, 9, 0, 0, 0, 0, 0, 0]),
    ];
    const served = await serveScript((peer) => {
      peer.send(greeting({ later: { version: true } }));
      peer.onMessage((message) => {
        for (const frame of bad) peer.send(frame);
        peer.send({ type: "later", channel: "a", from: 1, to: 2 });
        peer.send(answerTo({ correlation_id: "nobody's" }, { type: "pong" }));
        peer.send(answerTo(message, { type: "pong" }));
      });
    });
    const { client } = setup({ url: served.url });
    const errors: string[] = [];
    const types: string[] = [];
    client.on("error", (error) => void errors.push((error as HeddleError).code));
    client.on("message", ({ type }) => void types.push(type));
    await client.connect();
    await client.ping();
    assertEquals(errors, bad.map(() => "invalid_frame"));
    assertEquals(types, ["later", "pong", "pong"]);
    assertEquals(client.status, "connected");
  });

  it("does not hang on answers that do not fit their questions", async () => {
    const served = await serveScript((peer) => {
      peer.send(greeting());
      peer.onMessage((message) => {
        const answer = message["type"] === "subscribe"
          ? { type: "subscribed", channels: [], positions: {} }
          : { type: "dance" };
        peer.send(answerTo(message, answer));
      });
    });
    const { client } = setup({ url: served.url });
    await client.connect();
    const codes = await Promise.all(
      [client.ping(), client.subscribe("a", () => {}), client.publish("a", "b", 1)]
        .map((promise) => promise.catch((error) => error.code)),
    );
    assertEquals(codes, ["invalid_frame", "invalid_frame", "invalid_frame"]);
  });
});
