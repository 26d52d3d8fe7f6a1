import { after, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Child } from "./testing/child.ts";
import { CountingClient } from "./testing/counting_client.ts";

const CONNECTIONS = 1_000;
const EVENTS = 1_000;

describe("A hub under a thousand connections", () => {
  const child = new Child(new URL("./testing/volume_server.ts", import.meta.url));
  after(() => child.kill());

  async function round(url: string, events: number): Promise<void> {
    const clients: CountingClient[] = [];
    while (clients.length < CONNECTIONS) {
      const batch = Array.from({ length: 50 }, () => new CountingClient(url, "volume", events));
      await Promise.all(batch.map((client) => client.subscribed));
      clients.push(...batch);
    }
    assertEquals(await child.ask("connections"), String(CONNECTIONS));
    assertEquals(await child.ask(`publish ${events}`), "published");
    await Promise.all(clients.map((client) => client.done));
    await Promise.all(clients.map((client) => client.close()));
    // The last socket's end may reach the hub after it reached the client.
    while (await child.ask("connections") !== "0");
  }

  let url: string;

  it("gives each a thousand events in order", async () => {
    url = (await child.line()).replace(/^http/, "ws") + "/ws";
    await round(url, EVENTS);
  });

  it("has the heap it had before, after as many again have come and gone", async () => {
    // What the first rounds leave behind is caches and compiled code; a leak comes again with each.
    const heaps = [Number(await child.ask("heap"))];
    for (let rounds = 0; rounds < 3; rounds++) {
      await round(url, EVENTS / 10);
      heaps.push(Number(await child.ask("heap")));
      const [before, after] = heaps.slice(-2);
      if (after! <= before! * 1.1) return;
    }
    assert(false, `the heap grew with each round: ${heaps.join(", ")} bytes`);
  });
});
