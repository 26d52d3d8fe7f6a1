import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { allowAnonymous } from "../guard/identity.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { createHub } from "./hub.ts";
import { message } from "./message.ts";

function throws(): never {
  throw new Error("the disk is full");
}

function rejects(): Promise<never> {
  return Promise.reject(new Error("the disk is full"));
}

for (const [how, fail] of [["throws", throws], ["rejects", rejects]] as const) {
  describe(`A hub whose logger ${how}`, () => {
    it("answers what it would have logged, and goes on", async () => {
      await using hub = createHub({
        auth: allowAnonymous(),
        logger: { debug: fail, info: fail, warn: fail, error: fail },
        messages: { go: message(z.object({}), throws) },
      });
      const server = await serveHere(hub);
      const client = await connectRaw(`${server.url.replace(/^http/, "ws")}/ws`);
      assertEquals((await client.ask({ type: "go", payload: {} }))["code"], "internal");
      assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
      client.terminate();
      await server.close();
    });
  });
}
