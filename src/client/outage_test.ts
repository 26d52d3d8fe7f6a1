/**
 * What a client sends while there is no connection, or loses with one.
 */
import { afterEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { next } from "./fixture.ts";
import { away, count, numberOf, quick, release, setup, until } from "./cut_fixture.ts";

afterEach(release);

describe("What is sent while there is no connection", () => {
  it("waits, and goes out in order", async () => {
    const given = await setup();
    const { client, hub, handled } = given;
    const seen: unknown[] = [];
    const connecting = client.connect();
    const first = client.publish("news", "item", { n: 0 });
    await connecting;
    await first;
    await client.subscribe("news", (event) => void seen.push(numberOf(event)));
    const waiting: Promise<unknown>[] = [];
    await away(given, () => {
      for (const n of count(300)) {
        waiting.push(client.publish("news", "item", { n }));
        if (n % 2 === 0) client.send("note", { n });
        else waiting.push(client.request("note", { n }));
      }
      assertEquals(client.queued, 600);
    });
    await Promise.all(waiting);
    await client.ping();
    assertEquals(seen, count(300));
    assertEquals(handled, count(300));
    assertEquals(client.queued, 0);
    assertEquals(hub.stats().errors, 0);
  });

  it("is refused over the bound, and what was taken is not lost", async () => {
    const given = await setup({}, { queue: { messages: 10, bytes: 2_000 } });
    const { client } = given;
    await client.connect();
    const results: Promise<string>[] = [];
    const publish = (data: unknown) =>
      client.publish("news", "item", data).then(() => "published", (error) => error.code);
    await away(given, () => {
      results.push(publish("x".repeat(2_000)));
      for (let n = 0; n < 12; n++) results.push(publish(n));
    });
    const full = "queue_full";
    const published = Array.from({ length: 10 }, () => "published");
    assertEquals(await Promise.all(results), [full, ...published, full, full]);
  });

  it("fails when the client gives up", async () => {
    const given = await setup({}, { reconnect: { ...quick, attempts: 2 } });
    const { client, proxy } = given;
    await client.connect();
    const told = next(client, "error");
    const lost = next(client, "reconnecting");
    proxy.refuse();
    proxy.cut();
    await lost;
    client.send("note", { n: 1 });
    const error = await assertRejects(() => client.publish("news", "item", 1), HeddleError);
    assertEquals(error.code, "closed");
    assert((await told).message.includes("1 messages that waited were not sent"));
    assertEquals(client.status, "closed");
    // It may still be told to try again, and then goes on where it was.
    proxy.flow();
    const resumed = next(client, "resumed");
    await client.connect();
    await resumed;
  });

  it("waits no longer than its signal", async () => {
    const given = await setup();
    const { client } = given;
    await client.connect();
    await away(given, async () => {
      const controller = new AbortController();
      const waiting = client.request("note", { n: 1 }, { signal: controller.signal });
      assertEquals(client.queued, 1);
      controller.abort(new Error("never mind"));
      await assertRejects(() => waiting, Error, "never mind");
      assertEquals(client.queued, 0);
    });
    await client.ping();
    assertEquals(given.handled, []);
  });

  it("never is more than the server takes at once", async () => {
    const given = await setup({ inFlight: 12 });
    const { client, hub, handled } = given;
    await client.connect();
    const waiting: Promise<unknown>[] = [];
    for (const n of count(150)) {
      waiting.push(client.publish("news", "item", { n }));
      client.send("slow", { n });
    }
    await Promise.all(waiting);
    await until(() => handled.length >= 150);
    assertEquals([...handled].sort((a, b) => a - b), count(150));
    assertEquals((await client.history("news", { limit: 1_000 })).events.map(numberOf), count(150));
    assert(hub.stats().connections === 1);
  });
});

describe("What was sent and not answered when the connection was lost", () => {
  it("is published once, however often it was sent", async () => {
    const given = await setup();
    const { client, proxy, hub } = given;
    await client.connect();
    await client.subscribe("news", () => {});
    for (let round = 1; round <= 5; round++) {
      const before = hub.stats().eventsPublished;
      proxy.stall("down");
      const published = client.publish("news", "item", { n: round });
      await until(() => hub.stats().eventsPublished > before);
      await away(given, () => {});
      assertEquals((await published).offset, round);
    }
    const { events } = await client.history("news");
    assertEquals(events.map(numberOf), count(5));
  });

  it("fails where it is a request, unless that may be sent again", async () => {
    const given = await setup();
    const { client, doors } = given;
    await client.connect();
    const once = client.request("knock").catch((error) => error.code);
    const again = client.request("knock", {}, { resend: true });
    await until(() => doors.length === 2);
    await away(given, () => {});
    assertEquals(await once, "closed");
    await until(() => doors.length === 3);
    doors[2]!();
    assertEquals((await again).type, "opened");
  });

  it("is sent again where it may be, though nobody waits for an answer", async () => {
    const given = await setup();
    const { client, proxy, handled } = given;
    await client.connect();
    proxy.stall("up");
    client.send("note", { n: 1 }, { resend: true });
    client.send("note", { n: 2 });
    await away(given, () => {});
    await until(() => handled.length > 0);
    await client.ping();
    assertEquals(handled, [1]);
  });
});
