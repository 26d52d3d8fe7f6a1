import { describe, it } from "node:test";
import { assertStrictEquals } from "@std/assert";
import { WebSocket } from "ws";
import { defaultWebSocket } from "./socket.ts";

async function withGlobal(value: unknown, test: () => Promise<void>): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  Object.defineProperty(globalThis, "WebSocket", { value, configurable: true });
  try {
    await test();
  } finally {
    if (own === undefined) Reflect.deleteProperty(globalThis, "WebSocket");
    else Object.defineProperty(globalThis, "WebSocket", own);
  }
}

describe("defaultWebSocket()", () => {
  it("is the runtime's own", async () => {
    class Own {}
    await withGlobal(Own, async () => assertStrictEquals<unknown>(await defaultWebSocket(), Own));
  });

  it("is that of ws where the runtime has none, as Node 20", async () => {
    await withGlobal(undefined, async () => {
      assertStrictEquals<unknown>(await defaultWebSocket(), WebSocket);
    });
  });
});
