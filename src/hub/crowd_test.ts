/** How many channels clients can open, over real sockets. */
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { channel } from "../channel/definition.ts";
import { connectRaw, type RawClient } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { createHub } from "./hub.ts";

type Rejection = { readonly channel: string; readonly code: string };

async function subscribe(client: RawClient, ...channels: readonly string[]) {
  const { channels: got, rejected = [] } = await client.ask({ type: "subscribe", channels });
  return [got, (rejected as Rejection[]).map(({ channel, code }) => `${channel} ${code}`)];
}

describe("limits.channels", () => {
  it("keeps clients without a user from half of the room, and everybody from opening more", async () => {
    await using hub = createHub({
      auth: (request) => {
        const userId = new URL(request.url).searchParams.get("user");
        return { userId, role: "viewer", claims: {} };
      },
      channels: { news: channel(), "room:*": channel() },
      limits: { channels: 4 },
    });
    const server = await serveHere(hub);
    const url = `${server.url.replace(/^http/, "ws")}/ws`;
    const nobody = await connectRaw(url);
    const ann = await connectRaw(`${url}?user=ann`);
    const full = (name: string) => `${name} broker_unavailable`;

    const rooms = ["room:1", "room:2", "room:3"];
    assertEquals(await subscribe(nobody, ...rooms), [["room:1", "room:2"], [full("room:3")]]);
    assertEquals(await subscribe(ann, "room:3", "room:4"), [["room:3", "room:4"], []]);
    assertEquals(await subscribe(ann, "room:5", "news"), [["news"], [full("room:5")]]);
    // Those that are open, and those that are declared, have room for whoever comes.
    assertEquals(await subscribe(nobody, "room:4", "news"), [["room:4", "news"], []]);
    const { type, code } = await ann.ask({ type: "history", channel: "room:6" });
    assertEquals([type, code], ["error", "broker_unavailable"]);
    assertEquals(hub.stats().channelsRefused, 3);

    await ann.ask({ type: "unsubscribe", channels: ["room:3", "news"] });
    await nobody.ask({ type: "unsubscribe", channels: ["room:1", "room:2", "news"] });
    assertEquals(await subscribe(ann, "room:5"), [["room:5"], []]);
    assertEquals(await subscribe(nobody, "room:6"), [[], [full("room:6")]]);

    for (const client of [ann, nobody]) client.terminate();
    await server.close();
  });
});
