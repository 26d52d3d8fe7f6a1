import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { withClient } from "./hub_fixture.ts";

describe("What a listener throws", () => {
  it(
    "goes to the error listeners, and nothing else is disturbed",
    withClient(async ({ hub, client }) => {
      const errors: string[] = [];
      client.on("error", ({ message }) => void errors.push(message));
      client.on("connected", () => {
        throw new Error("on connected");
      });
      await client.connect();
      const seen: number[] = [];
      await client.subscribe("metrics", () => {
        throw new Error("in a handler");
      });
      await client.subscribe("metrics", () => Promise.reject(new Error("in an async handler")));
      await client.subscribe("metrics", ({ data }) => void seen.push(data.n));
      await hub.channel("metrics").publish("sample", { n: 1 });
      await client.ping();
      assertEquals(seen, [1]);
      assertEquals(errors, ["on connected", "in a handler", "in an async handler"]);
    }),
  );

  it(
    "goes to the console where nobody listens, or the listener throws itself",
    withClient(async ({ client }) => {
      const written: unknown[] = [];
      const original = console.error;
      console.error = (error: unknown) => void written.push(error);
      try {
        const thrown = new Error("first");
        const again = new Error("second");
        const stop = client.on("status", () => {
          throw thrown;
        });
        await client.connect();
        client.on("error", () => {
          throw again;
        });
        await client.disconnect();
        assertEquals(written, [thrown, thrown, again], "connecting, connected, closed");
        stop();
      } finally {
        console.error = original;
      }
    }),
  );
});
