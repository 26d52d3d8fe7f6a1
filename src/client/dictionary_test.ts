import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { channel } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { serveHere } from "../testing/serve.ts";
import { createClient } from "./mod.ts";

describe("A client that asks for a dictionary", () => {
  it("gets short events compressed, and is told the bytes once", async () => {
    const hub = createHub({
      auth: allowAnonymous(),
      channels: { metrics: channel({ events: { cpu: z.object({ cpu_percent: z.number() }) } }) },
    });
    const server = await serveHere(hub);
    const client = createClient<typeof hub>({
      url: `${server.url.replace("http", "ws")}/ws`,
      features: { compression: { algorithm: "deflate", compact: true, dictionary: {} } },
      reconnect: { initialDelay: 1 },
    });
    const events: number[] = [];
    let wake = () => {};
    await client.connect();
    await client.subscribe("metrics", ({ data }) => {
      events.push(data.cpu_percent);
      wake();
    });
    const next = () => new Promise<void>((resolve) => wake = resolve);
    const bytes = () => hub.connections()[0]!.bytesSent;

    const granted = client.features.compression?.dictionary;
    assert(granted?.id !== undefined && granted.content !== undefined);
    const before = bytes();
    let came = next();
    await hub.channel("metrics").publish("cpu", { cpu_percent: 12.5 });
    await came;
    assert(bytes() - before < 70, `${bytes() - before} bytes`);

    const again = new Promise<void>((resolve) => client.on("connected", () => resolve()));
    hub.disconnect(client.clientId!, { code: 4000, reason: "" });
    await again;
    came = next();
    await hub.channel("metrics").publish("cpu", { cpu_percent: 50 });
    await came;
    assertEquals(events, [12.5, 50]);
    assertEquals(client.features.compression?.dictionary, { id: granted.id });

    await client.disconnect();
    await hub.drain();
    await server.close();
  });
});
