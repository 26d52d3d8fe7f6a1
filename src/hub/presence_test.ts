/**
 * Who is on a channel, over real sockets. The hub's clock is moved by hand, so that a grace ends when the
 * test says so.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { type ManualClock, manualClock } from "../base/clock.ts";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import type { PresenceTerms } from "../broker/presence.ts";
import { channel } from "../channel/definition.ts";
import type { Server } from "../adapter/server.ts";
import { connectRaw, type RawClient } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { type AnyHub, createHub } from "./hub.ts";

type Message = Readonly<Record<string, unknown>>;

const COALESCE = 100;
const GRACE = 10_000;

/** A hub that is served, where `?user=` says who connects. */
class Stage implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly hub: AnyHub;
  readonly #server: Server;
  readonly #ended: Set<string>;
  readonly #wakes = new Set<() => void>();

  private constructor(clock: ManualClock, ended: Set<string>, hub: AnyHub, server: Server) {
    this.clock = clock;
    this.hub = hub;
    this.#ended = ended;
    this.#server = server;
  }

  static async open(
    presence: boolean | Partial<PresenceTerms> = true,
    shared?: { readonly broker: Broker; readonly clock: ManualClock },
  ): Promise<Stage> {
    const clock = shared?.clock ?? manualClock();
    const ended = new Set<string>();
    const hub = createHub({
      auth: (request) => {
        const { searchParams } = new URL(request.url);
        return {
          userId: searchParams.get("user"),
          role: searchParams.get("role") ?? "viewer",
          claims: { secret: "a claim" },
        };
      },
      channels: {
        "room:*": channel({
          presence,
          permissions: { viewer: ["subscribe", "broadcast"] },
          history: { ttl: 60_000 },
        }),
        plain: channel(),
      },
      broker: shared?.broker ?? memoryBroker({ clock }),
      clock,
      onDisconnect: ({ clientId }) => {
        ended.add(clientId);
        for (const wake of stage.#wakes) wake();
      },
    });
    const stage: Stage = new Stage(clock, ended, hub, await serveHere(hub));
    return stage;
  }

  get url(): string {
    return this.#server.url.replace(/^http/, "ws") + "/ws";
  }

  /** Connects, and gives the client with what `connected` said. */
  async connect(query: string): Promise<{ client: RawClient; id: string; token: string }> {
    const client = await connectRaw(`${this.url}?${query}`);
    const { client_id, reconnection_token } = await client.json();
    return { client, id: String(client_id), token: String(reconnection_token) };
  }

  /** Connects and subscribes to `room:1`, with these metadata. */
  async join(query: string, metadata?: Message) {
    const joined = await this.connect(query);
    const { channels } = await joined.client.ask({
      type: "subscribe",
      channels: ["room:1"],
      ...(metadata === undefined ? {} : { metadata }),
    });
    assertEquals(channels, ["room:1"]);
    return joined;
  }

  /** Ends a connection, and waits until the hub knows. */
  async end({ client, id }: { client: RawClient; id: string }, how: "cut" | "close") {
    if (how === "cut") client.terminate();
    else await client.close();
    await this.hasEnded(id);
  }

  async hasEnded(id: string): Promise<void> {
    while (!this.#ended.delete(id)) {
      await new Promise<void>((resolve) => this.#wakes.add(resolve));
    }
  }

  /** Lets what happened be told. */
  tell(): void {
    this.clock.advance(COALESCE + 20);
  }

  /** What a client was told until now: all that comes before a marker. */
  async told(client: RawClient): Promise<[string, unknown][]> {
    const marker = crypto.randomUUID();
    client.send({ type: "ping", correlation_id: marker });
    const told: [string, unknown][] = [];
    for (;;) {
      const { type, event_type, data, offset, correlation_id } = await client.json();
      if (correlation_id === marker) return told;
      assertEquals([type, offset], ["event", undefined]);
      told.push([String(event_type), data]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub.drain({ within: 0 });
    await this.#server.close();
  }
}

describe("Presence", () => {
  it("tells of two users on three connections as two members, and of nothing else of theirs", async () => {
    await using stage = await Stage.open();
    const watcher = await stage.join("user=watcher");
    stage.tell();
    const one = await stage.join("user=ann", { name: "Ann" });
    stage.tell();
    const two = await stage.join("user=ann");
    stage.tell();
    const bob = await stage.join("user=bob");
    stage.tell();
    const ann = { user_id: "ann", metadata: { name: "Ann" } };
    assertEquals(await stage.told(watcher.client), [
      ["presence.join", { ...ann, client_id: one.id, connections: 1, count: 2 }],
      ["presence.update", { ...ann, client_id: two.id, connections: 2, count: 2 }],
      ["presence.join", {
        user_id: "bob",
        client_id: bob.id,
        metadata: null,
        connections: 1,
        count: 3,
      }],
    ]);
    const { members, count, channel } = await bob.client.ask({
      type: "presence",
      channel: "room:1",
    });
    assertEquals([channel, count], ["room:1", 3]);
    assertEquals(members, [
      { user_id: "watcher", client_id: watcher.id, metadata: null, connections: 1 },
      { ...ann, client_id: two.id, connections: 2 },
      { user_id: "bob", client_id: bob.id, metadata: null, connections: 1 },
    ]);
    assertEquals((await stage.hub.presence("room:1"))?.count, 3);
    await stage.end(two, "close");
    stage.tell();
    await one.client.ask({ type: "unsubscribe", channels: ["room:1"] });
    stage.tell();
    assertEquals(await stage.told(watcher.client), [
      ["presence.update", { ...ann, client_id: two.id, connections: 1, count: 3 }],
      ["presence.leave", { ...ann, client_id: one.id, connections: 0, count: 2 }],
    ]);
  });

  it("tells nobody of their own coming, and has no place in the channel", async () => {
    await using stage = await Stage.open();
    const ann = await stage.join("user=ann");
    stage.tell();
    const bob = await stage.join("user=bob");
    stage.tell();
    assertEquals(await stage.told(bob.client), []);
    assertEquals((await stage.told(ann.client)).length, 1);
    const published = await ann.client.ask({
      type: "publish",
      channel: "room:1",
      event_type: "chat",
      data: 1,
    });
    assertEquals(published["offset"], 1);
    const { events } = await bob.client.ask({ type: "history", channel: "room:1" });
    assertEquals((events as Message[]).map(({ event_type }) => event_type), ["chat"]);
  });

  it("takes no one for gone who resumes within the grace, and everyone who does not", async () => {
    await using stage = await Stage.open();
    const watcher = await stage.join("user=watcher");
    stage.tell();
    const ann = await stage.join("user=ann", { name: "Ann" });
    stage.tell();
    assertEquals((await stage.told(watcher.client)).length, 1);

    await stage.end(ann, "cut");
    stage.clock.advance(GRACE - 1_000);
    const again = await stage.connect("user=ann");
    const resumed = await again.client.ask({ type: "resume", reconnection_token: ann.token });
    assertEquals([resumed["type"], resumed["client_id"]], ["resumed", ann.id]);
    stage.clock.advance(2 * GRACE);
    assertEquals(await stage.told(watcher.client), []);

    await stage.end({ client: again.client, id: ann.id }, "cut");
    stage.clock.advance(GRACE + 20);
    stage.tell();
    const gone = {
      user_id: "ann",
      client_id: ann.id,
      metadata: { name: "Ann" },
      connections: 0,
      count: 1,
    };
    assertEquals(await stage.told(watcher.client), [["presence.leave", gone]]);

    const token = String(resumed["reconnection_token"]);
    const late = await connectRaw(`${stage.url}?user=ann&reconnection_token=${token}`);
    assertEquals((await late.json())["reconnected"], true);
    stage.tell();
    assertEquals(await stage.told(watcher.client), [
      ["presence.join", { ...gone, connections: 1, count: 2 }],
    ]);
  });

  it("takes no one for gone who asked for a token and closed with 1000, since the session is kept", async () => {
    await using stage = await Stage.open();
    const watcher = await stage.join("user=watcher");
    const ann = await stage.join("user=ann");
    stage.tell();
    await stage.told(watcher.client);

    const { type, token } = await ann.client.ask({ type: "get_reconnection_token" });
    assertEquals([type, token], ["reconnection_token", ann.token]);
    await stage.end(ann, "close");
    const again = await connectRaw(`${stage.url}?user=ann&reconnection_token=${ann.token}`);
    assertEquals((await again.json())["reconnected"], true);
    stage.clock.advance(2 * GRACE);
    assertEquals(await stage.told(watcher.client), []);
  });

  it("says nothing where a session is taken over from a connection that still seems open", async () => {
    await using stage = await Stage.open();
    const watcher = await stage.join("user=watcher");
    const ann = await stage.join("user=ann");
    stage.tell();
    await stage.told(watcher.client);
    const again = await stage.connect("user=ann");
    await again.client.ask({ type: "resume", reconnection_token: ann.token });
    assertEquals((await ann.client.closed).code, 4409);
    stage.clock.advance(2 * GRACE);
    assertEquals(await stage.told(watcher.client), []);
    assertEquals((await stage.hub.presence("room:1"))?.members?.map((one) => one.connections), [
      1,
      1,
    ]);
  });

  it("lets a connection say something else of itself, and refuses what is too long", async () => {
    await using stage = await Stage.open();
    const watcher = await stage.join("user=watcher");
    const ann = await stage.join("user=ann", { mood: "glad" });
    stage.tell();
    await stage.told(watcher.client);
    const again = { type: "subscribe", channels: ["room:1"] };
    await ann.client.ask(again);
    stage.tell();
    assertEquals(await stage.told(watcher.client), []);
    await ann.client.ask({ ...again, metadata: { mood: "sad" } });
    stage.tell();
    const told = await stage.told(watcher.client);
    assertEquals(told.map(([type]) => type), ["presence.update"]);
    assertEquals((told[0]![1] as Message)["metadata"], { mood: "sad" });
    for (const metadata of [{ mood: "x".repeat(1_024) }, "sad", ["sad"], null]) {
      const { type, code, message } = await ann.client.ask({ ...again, metadata });
      assertEquals([type, code], ["error", "invalid_message"]);
      assert(String(message).startsWith("metadata "), String(message));
    }
    const longest = { mood: "x".repeat(1_024 - '{"mood":""}'.length) };
    assertEquals((await ann.client.ask({ ...again, metadata: longest }))["type"], "subscribed");
  });

  it("tells the number alone where there are too many", async () => {
    await using stage = await Stage.open({ maxMembers: 2 });
    const watcher = await stage.join("user=watcher");
    stage.tell();
    await stage.join("user=ann");
    stage.tell();
    const bob = await stage.join("user=bob");
    stage.tell();
    const told = await stage.told(watcher.client);
    assertEquals(told.map(([type]) => type), ["presence.join", "presence.count"]);
    assertEquals(told[1]![1], { count: 3 });
    const list = await bob.client.ask({ type: "presence", channel: "room:1" });
    assertEquals([list["count"], list["members"]], [3, undefined]);
    assertEquals(await stage.hub.presence("room:1"), { count: 3 });
    await stage.end(bob, "close");
    stage.tell();
    assertEquals(await stage.told(watcher.client), [["presence.count", { count: 2 }]]);
    const listed = await watcher.client.ask({ type: "presence", channel: "room:1" });
    assertEquals((listed["members"] as Message[]).map(({ user_id }) => user_id), [
      "watcher",
      "ann",
    ]);
  });

  it("is told to whoever may subscribe, where there is any", async () => {
    await using stage = await Stage.open();
    const ann = await stage.connect("user=ann");
    const other = await stage.connect("user=bob&role=stranger");
    const ask = async ({ client }: { client: RawClient }, channel: string) => {
      const { type, code, count, members } = await client.ask({ type: "presence", channel });
      return type === "presence" ? [count, members] : code;
    };
    assertEquals(await ask(ann, "room:1"), [0, []]);
    assertEquals(await ask(other, "room:1"), "forbidden");
    assertEquals(await ask(ann, "plain"), "unsupported");
    assertEquals(await ask(ann, "nobodys"), "unknown_channel");
    assertEquals(await ask(ann, "@all"), "forbidden");
    assertEquals(await ask(ann, "no channel"), "invalid_channel");
    assertEquals(await stage.hub.presence("plain"), undefined);
    assertEquals(await stage.hub.presence("no channel"), undefined);
  });

  it("cannot be forged by a client", async () => {
    await using stage = await Stage.open();
    const ann = await stage.join("user=ann");
    const forged = { type: "publish", event_type: "presence.leave", data: { user_id: "bob" } };
    const { code } = await ann.client.ask({ ...forged, channel: "room:1" });
    assertEquals(code, "payload_invalid");
  });

  it("is one over several hubs of the same broker, and bears the move from one to the other", async () => {
    const clock = manualClock();
    const broker = memoryBroker({ clock });
    await using first = await Stage.open(true, { broker, clock });
    await using second = await Stage.open(true, { broker, clock });
    const watcher = await second.join("user=watcher");
    second.tell();
    const ann = await first.join("user=ann", { name: "Ann" });
    await second.join("user=ann");
    second.tell();
    const told = await second.told(watcher.client);
    assertEquals(told.map(([type, data]) => [type, (data as Message)["connections"]]), [
      ["presence.join", 2],
    ]);
    assertEquals((await first.hub.presence("room:1"))?.count, 2);

    const drained = first.hub.drain({ within: 0 });
    const farewell = await ann.client.nextOf("disconnected");
    assertEquals((await ann.client.closed).code, 1012);
    const token = String(farewell["reconnection_token"]);
    const moved = await connectRaw(`${second.url}?user=ann&reconnection_token=${token}`);
    assertEquals((await moved.json())["reconnected"], true);
    clock.advance(2 * GRACE);
    assertEquals(await second.told(watcher.client), []);
    const list = await second.hub.presence("room:1");
    assertEquals(list?.members?.map(({ userId, connections }) => [userId, connections]), [
      ["watcher", 1],
      ["ann", 2],
    ]);
    await drained;
    await broker.close();
  });

  it("leaves nothing behind in a room that emptied", async () => {
    const clock = manualClock();
    const broker = memoryBroker({ clock });
    await using stage = await Stage.open(true, { broker, clock });
    const ann = await stage.join("user=ann");
    await ann.client.ask({ type: "publish", channel: "room:1", event_type: "chat", data: 1 });
    await stage.end(ann, "cut");
    assertEquals((await stage.hub.presence("room:1"))?.count, 1);
    assertEquals(stage.hub.stats().channels, 0);
    clock.advance(GRACE + COALESCE + 20);
    assertEquals((await stage.hub.presence("room:1"))?.count, 0);
    const query = { limit: 10, bytes: 1_000 };
    assertEquals((await broker.history("room:1", query))?.events.length, 1);
    clock.advance(60_000);
    assertEquals(await broker.history("room:1", query), undefined);
    await broker.close();
  });
});
