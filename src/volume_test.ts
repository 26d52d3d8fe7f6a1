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

  it("gives each a thousand events in order, and its heap returns to where it was", async () => {
    const url = (await child.line()).replace(/^http/, "ws") + "/ws";
    // The first round fills caches and compiles code; what it leaves behind is no leak.
    await round(url);
    const before = Number(await child.ask("heap"));
    await round(url);
    const after = Number(await child.ask("heap"));
    assert(after <= before * 1.1, `the heap went from ${before} to ${after} bytes`);
  });
});
