import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { program } from "./testing.ts";

describe("stopSignal()", () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    it(`takes ${signal} for the same within a second, and later ends with ${code}`, async () => {
      await using running = program(new URL("stop_fixture.ts", import.meta.url));
      await running.sees(/waiting/);
      const sent = performance.now();
      running.signal(signal);
      await running.sees(new RegExp(signal));
      const again = setInterval(() => running.signal(signal), 50);
      try {
        assertEquals(await running.exited, code, running.stderr);
        assert(performance.now() - sent >= 1000, "a signal that was handed on twice ended it");
      } finally {
        clearInterval(again);
      }
    });
  }
});
