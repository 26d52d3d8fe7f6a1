/**
 * The client against a real hub over real sockets.
 */
import { describe, it } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { WebSocket } from "ws";
import { allowAnonymous } from "../guard/identity.ts";
import { HeddleError } from "../base/errors.ts";
import { createHub } from "../hub/hub.ts";
import { Media } from "../protocol/event.ts";
import { next, promised, serveHub } from "./fixture.ts";
import { ClosedError, createClient } from "./mod.ts";
import { failure, refusal, setup, withClient } from "./hub_fixture.ts";

describe("Client.connect()", () => {
  it(
    "resolves when the server has greeted",
    withClient(async ({ hub, client }) => {
      const statuses: string[] = [];
      client.on("status", (status) => void statuses.push(status));
      assertEquals(client.status, "idle");
      assertEquals(client.clientId, undefined);
      const connected = next(client, "connected");
      await client.connect();
      assertEquals([client.status, client.isConnected], ["connected", true]);
      assertEquals(await connected, {
        clientId: client.clientId!,
        userId: "u1",
        role: "viewer",
        attempt: 0,
        resumed: false,
      });
      assert(hub.connection(client.clientId!) !== undefined);
      await client.disconnect();
      assertEquals(client.status, "closed");
      assertEquals(client.clientId, undefined);
      assertEquals(statuses, ["connecting", "connected", "closed"]);
    }),
  );

  it(
    "opens one connection however often it is called",
    withClient(async ({ hub, client }) => {
      await Promise.all([client.connect(), client.connect()]);
      await client.connect();
      assertEquals(hub.stats().totalConnections, 1);
    }),
  );

  it(
    "survives being mounted, unmounted and mounted again at once",
    withClient(async ({ hub, client }) => {
      const first = failure(client.connect());
      const gone = client.disconnect();
      const second = client.connect();
      assertEquals(await first, "closed");
      await gone;
      await second;
      await client.ping();
      assertEquals(hub.stats().connections, 1);
    }),
  );

  it(
    "rejects where disconnect comes first, at whatever moment, and leaves no connection behind",
    withClient(async ({ hub, client }) => {
      for (let turns = 0; turns < 12; turns++) {
        const connecting = failure(client.connect());
        for (let turn = 0; turn < turns * 3; turn++) await Promise.resolve();
        await client.disconnect();
        assertEquals(await connecting, "closed");
        assertEquals(client.status, "closed");
      }
      await client.connect();
      await client.ping();
      assertEquals(hub.stats().connections, 1);
    }),
  );

  it("rejects where the server refuses, and tells no token", async () => {
    const hub = createHub({
      auth: () => {
        throw new HeddleError("unauthorized", "who are you?");
      },
    });
    const served = await serveHub(hub);
    const client = createClient({ url: served.url, token: "s3cr&t" });
    const statuses: string[] = [];
    client.on("status", (status) => void statuses.push(status));
    const error = await assertRejects(() => client.connect(), ClosedError, "refused");
    assertEquals([error.code, error.closeCode], ["closed", 1006]);
    assert(!/s3cr/.test(`${error.message} ${error.stack} ${String(error.cause)}`));
    assertEquals(statuses, ["connecting", "closed"]);
    await served[Symbol.asyncDispose]();
  });

  it("rejects where nobody listens", async () => {
    const served = await serveHub(createHub({ auth: allowAnonymous() }));
    await served[Symbol.asyncDispose]();
    const client = createClient({ url: served.url });
    assertEquals(await failure(client.connect()), "closed");
    assertEquals(client.status, "closed");
  });

  it("rejects where the token function does", async () => {
    const client = createClient({
      url: "ws://127.0.0.1:1/ws",
      token: () => Promise.reject(new Error("no token today")),
    });
    const error = await assertRejects(() => client.connect(), HeddleError, "token function");
    assertEquals(error.code, "unauthorized");
    assertEquals((error.cause as Error).message, "no token today");
  });

  it(
    "opens the WebSocket it is given",
    withClient(async ({ client }) => {
      await client.connect();
      assert(await client.ping() >= 0);
    }, { WebSocket }),
  );
});

describe("The token of a client", () => {
  async function requested(options: Partial<Parameters<typeof createClient>[0]>) {
    let query = "";
    let protocols: string | null = null;
    const hub = createHub({
      auth({ url, headers }) {
        query = new URL(url).search;
        protocols = headers.get("sec-websocket-protocol");
        return { userId: null, role: "anonymous", claims: {} };
      },
    });
    const served = await serveHub(hub);
    const client = createClient({ url: `${served.url}?room=a%20b`, ...options });
    await client.connect();
    await client.disconnect();
    await served[Symbol.asyncDispose]();
    return { query, protocols: protocols as string | null };
  }

  it("goes into the query", async () => {
    const { query, protocols } = await requested({ token: () => Promise.resolve("a.b.c") });
    assertEquals(query, "?room=a%20b&token=a.b.c");
    assertEquals(protocols, null);
  });

  it("goes among the subprotocols where the options say so", async () => {
    const { query, protocols } = await requested({ token: "a.b.c", tokenPlace: "subprotocol" });
    assertEquals(query, "?room=a%20b");
    assertEquals(protocols?.replaceAll(" ", ""), "heddle.v1,jwt-auth,jwt.a.b.c");
  });

  it("may be left out", async () => {
    assertEquals((await requested({ token: () => undefined })).query, "?room=a%20b");
  });
});

describe("Client.subscribe()", () => {
  it(
    "hands every handler of a channel its events, over one subscription",
    withClient(async ({ hub, client }) => {
      await client.connect();
      const seen: string[] = [];
      const one = await client.subscribe("metrics", ({ data, ...event }) => {
        seen.push(`one ${data.n}`);
        assertEquals(Object.keys(event).sort(), ["channel", "event_type", "offset", "timestamp"]);
      });
      const before = hub.connection(client.clientId!)!.messagesReceived;
      const two = await client.subscribe("metrics", ({ data }) => void seen.push(`two ${data.n}`));
      await hub.channel("metrics").publish("sample", { n: 1 });
      await client.ping();
      assertEquals(seen, ["one 1", "two 1"]);
      assertEquals(hub.connection(client.clientId!)!.messagesReceived, before + 1);

      await one.unsubscribe();
      await one.unsubscribe();
      await hub.channel("metrics").publish("sample", { n: 2 });
      await client.ping();
      assertEquals(seen, ["one 1", "two 1", "two 2"]);
      assertEquals(hub.describe("metrics")!.subscribers, 1);

      await two.unsubscribe();
      assertEquals(hub.describe("metrics")!.subscribers, 0);
      await hub.channel("metrics").publish("sample", { n: 3 });
      await client.ping();
      assertEquals(seen.length, 3);
    }),
  );

  it(
    "asks for all that is wanted at once in as few messages as will do",
    withClient(async ({ hub, client }) => {
      await client.connect();
      const names = Array.from({ length: 250 }, (_, n) => `room:${n}` as const);
      const all = await Promise.all(names.map((name) => client.subscribe(name, () => {})));
      assertEquals(hub.connection(client.clientId!)!.messagesReceived, 3);
      assertEquals(await client.subscriptions(), names);
      await Promise.all(all.map((subscription) => subscription.unsubscribe()));
      assertEquals(hub.connection(client.clientId!)!.messagesReceived, 7);
      assertEquals(await client.subscriptions(), []);
    }),
  );

  it(
    "keeps up with handlers that come and go faster than the server answers",
    withClient(async ({ hub, client }) => {
      await client.connect();
      const first = await client.subscribe("room:a", () => {});
      const leaving = first.unsubscribe();
      await Promise.resolve();
      const second = client.subscribe("room:a", () => {});
      await leaving;
      const third = await second;
      assertEquals(hub.describe("room:a")!.subscribers, 1);
      await third.unsubscribe();
      assertEquals(hub.describe("room:a")!.subscribers, 0);
    }),
  );

  it(
    "rejects with the protocol's own code, and lets the others through",
    withClient(async ({ hub, client }) => {
      await client.connect();
      const name = (text: string) => text as "metrics";
      const results = await Promise.all([
        refusal(client.subscribe(name("secret"), () => {})),
        refusal(client.subscribe(name("nobody"), () => {})),
        refusal(client.subscribe(name("no spaces"), () => {})),
        refusal(client.subscribe(name("@all"), () => {})),
        client.subscribe("metrics", () => {}).then(({ channel }) => channel),
      ]);
      assertEquals(results, [
        "forbidden",
        "unknown_channel",
        "invalid_channel",
        "forbidden",
        "metrics",
      ]);
      assertEquals(hub.describe("secret")!.subscribers, 0);
    }),
  );

  it(
    "waits for a connection that is under way, and rejects where none is",
    withClient(async ({ hub, client }) => {
      assertEquals(await failure(client.subscribe("metrics", () => {})), "closed");
      const connecting = client.connect();
      await client.subscribe("metrics", () => {});
      await connecting;
      assertEquals(hub.describe("metrics")!.subscribers, 1);
      const pending = failure(client.subscribe("room:1", () => {}));
      await client.disconnect();
      assertEquals(await pending, "closed");
      await client.connect();
      await client.ping();
      assertEquals(await client.subscriptions(), ["metrics"], "what stood is taken up again");
    }),
  );

  it(
    "tells when the server takes a subscription away",
    withClient(async ({ hub, client }) => {
      await client.connect();
      await client.subscribe("metrics", () => {});
      const told = next(client, "unsubscribed");
      hub.unsubscribe(client.clientId!, ["metrics"], "you were demoted");
      assertEquals(await told, {
        channels: ["metrics"],
        code: "forbidden",
        message: "you were demoted",
      });
      await client.subscribe("metrics", () => {});
      assertEquals(hub.describe("metrics")!.subscribers, 1, "it asks anew");
    }),
  );

  it(
    "takes events to the user, the connection and everyone unasked",
    withClient(async ({ hub, client }) => {
      await client.connect();
      const channels: string[] = [];
      client.on("event", ({ channel }) => void channels.push(channel));
      await hub.user("u1").publish("a", {});
      await hub.client(client.clientId!).publish("a", {});
      await hub.everyone().publish("a", {});
      await client.ping();
      assertEquals(channels, ["@user:u1", `@client:${client.clientId}`, "@all"]);
    }),
  );
});

describe("Client.publish()", () => {
  it(
    "gives the event's place, and honours echo and id",
    withClient(async ({ client }) => {
      await client.connect();
      const seen: number[] = [];
      await client.subscribe("metrics", ({ data }) => void seen.push(data.n));
      const first = await client.publish("metrics", "sample", { n: 1 }, { id: "mine" });
      assertEquals({ ...first, epoch: "" }, {
        channel: "metrics",
        epoch: "",
        offset: 1,
        id: "mine",
      });
      const second = await client.publish("metrics", "sample", { n: 2 }, { echo: false });
      assertEquals([second.offset, second.epoch], [2, first.epoch]);
      await client.ping();
      assertEquals(seen, [1]);
    }),
  );

  it(
    "rejects what the server refuses and what cannot be sent",
    withClient(async ({ client }) => {
      assertEquals(await failure(client.publish("metrics", "sample", { n: 1 })), "closed");
      await client.connect();
      const misfit = { n: "one" } as unknown as { n: number };
      assertEquals(await refusal(client.publish("metrics", "sample", misfit)), "payload_invalid");
      const secret = "secret" as "room:1";
      assertEquals(await refusal(client.publish(secret, "a", 1)), "forbidden");
      assertEquals(await failure(client.publish("room:1", "a", undefined)), "payload_invalid");
      assertEquals(await failure(client.publish("room:1", "a", 1n)), "payload_invalid");
      const long = "x".repeat(20_000);
      assertEquals(await failure(client.publish("room:1", "a", long)), "too_large");
      const media = new Media("binary", new Uint8Array(2_000_000));
      assertEquals(await failure(client.publish("camera", "a", media)), "too_large");
      assert(client.isConnected);
    }),
  );

  it(
    "carries media as bytes to those who asked for it, and as base64 to the others",
    withClient(async ({ client, url }) => {
      const plain = createClient({ url });
      await Promise.all([client.connect(), plain.connect()]);
      const got = promised<unknown>();
      const gotPlain = promised<unknown>();
      await client.subscribe("camera", ({ data }) => got.resolve(data));
      await plain.subscribe("camera", ({ data }) => gotPlain.resolve(data));
      assertEquals(client.features, { binary: {} });
      const bytes = new Uint8Array([0, 255, 7]);
      const { offset } = await client.publish(
        "camera",
        "image",
        new Media("image", bytes, { w: 3 }),
      );
      assertEquals(offset, 1);
      const media = await got.promise;
      assertInstanceOf(media, Media);
      assertEquals([...media.content], [0, 255, 7]);
      assertEquals([media.kind, media.metadata], ["image", { w: 3 }]);
      assertEquals(await gotPlain.promise, {
        encoding: "base64",
        kind: "image",
        content: "AP8H",
        metadata: { w: 3 },
      });
      await plain.disconnect();
    }, { features: { binary: {} } }),
  );
});

describe("Compression", () => {
  for (const compact of [false, true]) {
    it(`brings long events whole and the wire short (compact: ${compact})`, async () => {
      const given = await setup({ features: { compression: { algorithm: "gzip", compact } } });
      const { hub, client } = given;
      await client.connect();
      const got = promised<unknown>();
      await client.subscribe("room:1", ({ data }) => got.resolve(data));
      assertEquals(client.features, { compression: { algorithm: "gzip", compact } });
      const before = hub.connection(client.clientId!)!.bytesSent;
      const text = "all work and no play ".repeat(2000);
      await hub.channel("room:1").publish("chat", { text });
      assertEquals(await got.promise, { text });
      assert(hub.connection(client.clientId!)!.bytesSent - before < 2000);
      await given[Symbol.asyncDispose]();
    });
  }

  it(
    "inflates no more than the options allow, and goes on",
    withClient(async ({ hub, client }) => {
      await client.connect();
      await client.subscribe("room:1", () => {});
      const error = next(client, "error");
      await hub.channel("room:1").publish("chat", "x".repeat(50_000));
      assertEquals((await error as HeddleError).code, "invalid_frame");
      await client.ping();
    }, { maxInflated: 10_000, features: { compression: { algorithm: "gzip" } } }),
  );
});

describe("createClient()", () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ["url is missing", {}],
    ["url:", { url: "ftp://h" }],
    ["token must be", { url: "ws://h", token: 1 }],
    ["tokenPlace is header", { url: "ws://h", tokenPlace: "header" }],
    ["WebSocket must be", { url: "ws://h", WebSocket: {} }],
    ["requestTimeout is -1", { url: "ws://h", requestTimeout: -1 }],
    ["connectTimeout is 0", { url: "ws://h", connectTimeout: 0 }],
    ["maxInflated is 0", { url: "ws://h", maxInflated: 0 }],
    ['no option "tokn"', { url: "ws://h", tokn: "x" }],
    ["the options must be an object", undefined],
    ["connectTimeout is 5", { url: "ws://h", connectTimeout: "5" }],
    ["reconnect must be an object", { url: "ws://h", reconnect: 5 }],
    ["reconnect.initialDelay", { url: "ws://h", reconnect: { initialDelay: "5" } }],
    ['no option "reconnect.delay"', { url: "ws://h", reconnect: { delay: 5 } }],
    ['no option "queue.message"', { url: "ws://h", queue: { message: 5 } }],
    ['no option "features.compresion"', { url: "ws://h", features: { compresion: {} } }],
    ["features: compression", { url: "ws://h", features: { compression: true } }],
    ["clock must have the methods", { url: "ws://h", clock: 5 }],
    ["reconnect.jitter", { url: "ws://h", reconnect: { jitter: 2 } }],
  ];
  for (const [why, options] of bad) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const make = () => createClient(options as Parameters<typeof createClient>[0]);
      assertEquals(assertThrows(make, HeddleError, why).code, "option_invalid");
    });
  }

  it("refuses misspelt options of every call, before anything is sent", async () => {
    const client = createClient({ url: "ws://h" });
    const wrong = { tmeout: 5 } as object;
    const calls: readonly (readonly [string, () => unknown])[] = [
      ["subscribe.tmeout", () => client.subscribe("news", () => {}, wrong)],
      ["publish.tmeout", () => client.publish("news", "item", 1, wrong)],
      ["history.tmeout", () => client.history("news", wrong)],
      ["request.tmeout", () => client.request("ask", {}, wrong)],
      ["request.tmeout", () => client.ping(wrong)],
      ["request.tmeout", () => client.presence("news", wrong)],
      ["stream.tmeout", () => client.stream("ask", {}, wrong).next()],
      ["send.tmeout", () => client.send("ask", {}, wrong)],
      ["the handler", () => client.subscribe("news", undefined as unknown as () => void)],
    ];
    for (const [why, call] of calls) {
      const { code } = await assertRejects(async () => void await call(), HeddleError, why);
      assertEquals(code, "option_invalid");
    }
  });

  it("refuses to listen to what is never told", () => {
    const client = createClient({ url: "ws://h" });
    assertThrows(() => client.on("open" as "error", () => {}), HeddleError, "there are: status,");
    const none = undefined as unknown as () => void;
    assertThrows(() => client.on("error", none), HeddleError, "must be a function");
  });
});
