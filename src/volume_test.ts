import { after, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Child } from "./testing/child.ts";
import { CountingClient } from "./testing/counting_client.ts";

const CONNECTIONS = 1_000;
const EVENTS = 1_000;

describe("A hub under a thousand connections", () => {
  const child = new Child(new URL("./testing/volume_server.ts", import.meta.url));
  after(() => child.kill());

  async function round(url: string): Promise<void> {
    const clients: CountingClient[] = [];
    while (clients.length < CONNECTIONS) {
      const batch = Array.from({ length: 50 }, () => new CountingClient(url, "volume", EVENTS));
      await Promise.all(batch.map((client) => client.subscribed));
      clients.push(...batch);
    }
    assertEquals(await child.ask("connections"), String(CONNECTIONS));
    assertEquals(await child.ask(`publish ${EVENTS}`), "published");
    await Promise.all(clients.map((client) => client.done));
    await Promise.all(clients.map((client) => client.close()));
    // The last socket's end may reach the hub after it reached the client.
    while (await child.ask("connections") !== "0");
  }

  let url: string;

  it("gives each a thousand events in order", async () => {
    url = (await child.line()).replace(/^http/, "ws") + "/ws";
    await round(url);
  });

  it("has the heap it had before, after as many again have come and gone", async () => {
    // The first round filled caches and compiled code; what it left behind is no leak.
    const before = Number(await child.ask("heap"));
    await round(url);
    const after = Number(await child.ask("heap"));
    assert(after <= before * 1.1, `the heap went from ${before} to ${after} bytes`);
  });
});
