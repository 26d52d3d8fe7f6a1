/**
 * What a client asks a hub for beside events as they come.
 */
import { afterEach, describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { promised } from "./fixture.ts";
import { away, count, numberOf, publishAll, release, setup, until } from "./cut_fixture.ts";

afterEach(release);

describe("Acknowledgement", () => {
  it("comes when the handlers are done", async () => {
    const given = await setup();
    const { client, hub, deliveries } = given;
    await client.connect();
    const door = promised<void>();
    const seen: unknown[] = [];
    await client.subscribe("sure", async ({ data }) => {
      seen.push(data);
      if (data === 1) await door.promise;
    });
    await hub.channel("sure").publish("a", 1);
    await hub.channel("sure").publish("a", 2);
    await until(() => deliveries.length > 0);
    await client.ping();
    assertEquals(deliveries.map(({ offset, outcome }) => [offset, outcome]), [[2, "acknowledged"]]);
    door.resolve();
    await until(() => deliveries.length === 2);
    assertEquals(deliveries[1]!.outcome, "acknowledged");
    assertEquals(seen, [1, 2]);
  });

  it("comes also where a handler throws", async () => {
    const given = await setup();
    const { client, hub, deliveries } = given;
    await client.connect();
    const errors: string[] = [];
    client.on("error", ({ message }) => void errors.push(message));
    await client.subscribe("sure", () => Promise.reject(new Error("no luck")));
    await hub.channel("sure").publish("a", 1);
    await until(() => deliveries.length === 1);
    assertEquals([deliveries[0]!.outcome, errors], ["acknowledged", ["no luck"]]);
  });

  it("survives a cut: nothing is handed over twice, everything is acknowledged", async () => {
    const given = await setup();
    const { client, hub, proxy, deliveries } = given;
    await client.connect();
    const seen: unknown[] = [];
    await client.subscribe("sure", ({ data }) => void seen.push(data));
    proxy.stall("up");
    await hub.channel("sure").publish("a", 1);
    await until(() => seen.length === 1);
    await away(given, async () => void await hub.channel("sure").publish("a", 2));
    await until(() => deliveries.length === 2);
    assertEquals(seen, [1, 2]);
    assertEquals(new Set(deliveries.map(({ outcome }) => outcome)), new Set(["acknowledged"]));
  });
});

describe("The past of a channel", () => {
  it("is given in parts", async () => {
    const given = await setup({ size: 100 });
    const { client } = given;
    await client.connect();
    await publishAll(given, count(150));
    const seen: number[] = [];
    let page = await client.history("news", { limit: 40 });
    for (;;) {
      seen.push(...page.events.map(numberOf));
      if (!page.more) break;
      page = await client.history("news", { since: page.next, limit: 40 });
    }
    assertEquals(seen, count(150, 51));
    const { gap } = await client.history("news", { since: { epoch: page.epoch, offset: 10 } });
    assertEquals(gap, { from: 11, to: 50 });
  });

  it("comes first where a subscription asks for it", async () => {
    const given = await setup();
    const { client } = given;
    await client.connect();
    await publishAll(given, count(10));
    const seen: number[] = [];
    const note = (event: { data: unknown }) => void seen.push(numberOf(event));
    await Promise.all([
      client.subscribe("news", note, { last: 3 }),
      client.subscribe("room:1", () => {}),
    ]);
    await publishAll(given, [11]);
    await until(() => seen.length >= 4);
    assertEquals(seen, count(11, 8));
    const wrong = client.subscribe("news", note, { last: 1_001 });
    assertEquals((await assertRejects(() => wrong, HeddleError)).code, "option_invalid");
  });
});

describe("Presence", () => {
  it("tells who is there, and what they say of themselves", async () => {
    const { client } = await setup();
    await client.connect();
    const events: string[] = [];
    await client.subscribe("room:1", ({ event_type }) => void events.push(event_type), {
      metadata: { mood: "fine" },
    });
    const { count, members } = await client.presence("room:1");
    assertEquals(count, 1);
    assertEquals(members![0]!.metadata, { mood: "fine" });
    assertEquals(members![0]!.client_id, client.clientId);
    await client.subscribe("room:1", () => {}, { metadata: { mood: "better" } });
    assertEquals((await client.presence("room:1")).members![0]!.metadata, { mood: "better" });
    const error = await assertRejects(() => client.presence("news"), HeddleError);
    assertEquals(error.code, "refused");
  });
});

describe("Batches", () => {
  it("are taken apart, and a session survives them", async () => {
    const given = await setup({}, { features: { batch: { max_ms: 5, max_bytes: 4_096 } } });
    const { client } = given;
    await client.connect();
    const seen: number[] = [];
    let batches = 0;
    client.on("message", ({ type }) => void (type === "batch" ? batches++ : 0));
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    await publishAll(given, count(200));
    await away(given, () => publishAll(given, count(400, 201)).then());
    await until(() => seen.length >= 400);
    assertEquals(seen, count(400));
    assertEquals(client.features, { batch: { max_ms: 5, max_bytes: 4_096 } });
    assertEquals(batches, 0, "listeners see the messages in them");
  });
});
