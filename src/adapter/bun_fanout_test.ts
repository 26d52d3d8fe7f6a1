import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { closeTable } from "../protocol/close.ts";
import type { RawClient } from "../testing/raw_client.ts";
import { runtime } from "../testing/serve.ts";
import type { BunConnection } from "./bun_socket.ts";
import { subjects } from "./contract/subjects.ts";
import { stage } from "./testing/stage.ts";

const skip = runtime === "bun" ? false : "this is about Bun's own sockets";

describe("A socket that Bun drops a frame of", { skip }, () => {
  it("is cut once the others have the event, whatever an application then does to them", () => {
    let onEnd = () => {};
    const onDisconnect = () => onEnd();
    return stage(subjects[0]!, { onDisconnect }, async ({ hub, client, sockets }) => {
      const clients: RawClient[] = [];
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) {
        const one = await client();
        clients.push(one);
        ids.push(String((await one.json())["client_id"]));
        await one.ask({ type: "subscribe", channels: ["news"] });
      }
      const { webSocket } = await sockets.next() as BunConnection;
      Object.assign(webSocket, { sendText: () => 0 });
      onEnd = () => {
        onEnd = () => {};
        hub.unsubscribe(ids[1]!, ["news"], "enough");
        hub.disconnect(ids[2]!, closeTable.service_restart);
        void hub.everyone().publish("gone", {});
      };
      void hub.channel("news").publish("news", {});
      assertEquals((await clients[0]!.closed).code, 1006);
      const told = async (one: RawClient, count: number) => {
        const messages = [];
        while (messages.length < count) messages.push(await one.json());
        return messages.map(({ type, event_type }) => event_type ?? type);
      };
      assertEquals(await told(clients[1]!, 3), ["news", "unsubscribed", "gone"]);
      assertEquals(await told(clients[2]!, 2), ["news", "disconnected"]);
      assertEquals(await told(clients[3]!, 2), ["news", "gone"]);
    });
  });
});
