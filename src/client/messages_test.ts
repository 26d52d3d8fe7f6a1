import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { next } from "./fixture.ts";
import { RefusedError } from "./mod.ts";
import { failure, refusal, withClient } from "./hub_fixture.ts";

describe("Messages to the application", () => {
  it(
    "are answered by request",
    withClient(async ({ client }) => {
      await client.connect();
      const replies = await Promise.all(
        ["a", "b", "c"].map((text) => client.request("echo", { text })),
      );
      assertEquals(replies.map(({ payload }) => payload), [
        { text: "a" },
        { text: "b" },
        { text: "c" },
      ]);
      assertEquals(replies[0]!.type, "echoed");
    }),
  );

  it(
    "are refused with the protocol's own code",
    withClient(async ({ client }) => {
      await client.connect();
      const type = (text: string) => text as "silent";
      assertEquals(await refusal(client.request("fail")), "internal");
      assertEquals(await refusal(client.request(type("dance"))), "unknown_type");
      assertEquals(await refusal(client.request(type("echo"))), "payload_invalid");
      assertEquals(await failure(client.request(type("subscribe"))), "option_invalid");
    }),
  );

  it(
    "are given up after a time, or by a signal",
    withClient(async ({ client }) => {
      await client.connect();
      assertEquals(await failure(client.request("silent", {}, { timeout: 1 })), "timeout");
      assertEquals(await failure(client.request("silent", {}, { timeout: 0 })), "option_invalid");
      const controller = new AbortController();
      const waiting = client.request("silent", {}, { signal: controller.signal });
      controller.abort(new Error("never mind"));
      await assertRejects(() => waiting, Error, "never mind");
      const late = client.request("silent", {}, { signal: controller.signal });
      await assertRejects(() => late, Error, "never mind");
    }),
  );

  it(
    "are answered in parts by stream",
    withClient(async ({ client }) => {
      await client.connect();
      const parts: unknown[] = [];
      for await (const { payload } of client.stream("count", { to: 100 }, { until: ["done"] })) {
        parts.push((payload as { n?: number }).n);
      }
      assertEquals(parts, [...Array.from({ length: 100 }, (_, n) => n + 1), undefined]);
    }),
  );

  it(
    "end their stream with an error, an abort, a disconnect, or when it is left",
    withClient(async ({ client }) => {
      await client.connect();
      async function read(stream: AsyncIterable<unknown>): Promise<void> {
        for await (const part of stream) void part;
      }
      assertEquals(await refusal(read(client.stream("fail"))), "internal");
      for await (const { type } of client.stream("count", { to: 3 })) {
        assertEquals(type, "counted");
        break;
      }
      const controller = new AbortController();
      const aborted = read(client.stream("silent", {}, { signal: controller.signal }));
      controller.abort(new Error("never mind"));
      await assertRejects(() => aborted, Error, "never mind");
      const cut = failure(read(client.stream("silent")));
      await client.ping();
      await client.disconnect();
      assertEquals(await cut, "closed");
      assertEquals(await failure(read(client.stream("silent"))), "closed");
    }),
  );

  it(
    "may be sent without waiting; what comes back is told",
    withClient(async ({ client }) => {
      assertThrows(() => client.send("silent"), HeddleError, "not connected");
      await client.connect();
      const answer = next(client, "message");
      client.send("echo", { text: "hi" });
      assertEquals((await answer)["payload"], { text: "hi" });
      const error = next(client, "error");
      client.send("fail");
      assertEquals((await error as RefusedError).reason, "internal");
    }),
  );
});
