import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { allowAnonymous } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { runtime } from "../testing/serve.ts";
import { serve } from "./deno.ts";

const skip = runtime === "deno" ? false : "this is about Deno's own upgrade";

interface Upgrading {
  upgradeWebSocket(request: Request, options: object): unknown;
}

describe("serve() on a Deno that upgrades no request but its own", { skip }, () => {
  it("finds that out with the first, and gives it each request as it came", async () => {
    const { Deno } = globalThis as unknown as { readonly Deno: Upgrading };
    const own = Deno.upgradeWebSocket;
    const tried: boolean[] = [];
    Deno.upgradeWebSocket = (request, options) => {
      const isOwn = Object.getPrototypeOf(request) === Request.prototype;
      tried.push(isOwn);
      if (!isOwn) throw new TypeError("this request is none");
      return own(request, options);
    };
    const hub = createHub({ auth: allowAnonymous() });
    const server = await serve(hub, { port: 0 });
    try {
      for (let n = 1; n <= 2; n++) {
        const client = await connectRaw(`${server.url.replace("http", "ws")}/ws`);
        assertEquals((await client.json())["type"], "connected");
        assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
        assertEquals(tried, [false, true, true].slice(0, n + 1));
      }
      // What cannot be upgraded at all is refused as ever, and the server goes on listening.
      assertEquals((await fetch(`${server.url}/ws`)).status, 426);
      assert((await fetch(`${server.url}/health`)).ok);
    } finally {
      Deno.upgradeWebSocket = own;
      await hub.drain({ within: 100 });
      await server.close();
    }
  });
});
