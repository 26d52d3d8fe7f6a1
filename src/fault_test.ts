import { describe, it } from "node:test";
import { assert } from "@std/assert";
import { isFlawless, runFault } from "./testing/fault.ts";

describe("Events on a network that fails all the time", () => {
  it("are neither lost nor doubled nor out of order, and gaps are told as they are", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const figures = await runFault({ events: 4_000, cuts: 60, seed });
    assert(isFlawless(figures), JSON.stringify(figures));
    assert(figures.resumptions > 0, JSON.stringify(figures));
  });
});
