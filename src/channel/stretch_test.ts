import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Compressor } from "../protocol/compression.ts";
import { EncodedEvent, plainText } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import { Stretches } from "./stretch.ts";

const compressor = new Compressor();

function pageOf(epoch: string, offset: number, count = 2) {
  const events = Array.from({ length: count }, (_, i): ChannelEvent => ({
    channel: "a",
    epoch,
    offset: offset + i,
    eventType: "tick",
    timestamp: "2024-12-29T12:00:00.000Z",
    data: "1",
  }));
  return { epoch, head: 100, events, more: true };
}

describe("Stretches.of()", () => {
  const newStretches = () => new Stretches((event) => new EncodedEvent(event, compressor));

  it("gives the same stretch for the same events, and its frames once for each variant", () => {
    const stretches = newStretches();
    const run = stretches.of(pageOf("e", 1)).run(plainText);
    assertStrictEquals(stretches.of(pageOf("e", 1)).run(plainText), run);
    assertEquals(run.frames.map((frame) => JSON.parse(String(frame)).offset), [1, 2]);
    for (const other of [pageOf("f", 1), pageOf("e", 2), pageOf("e", 1, 3)]) {
      assert(stretches.of(other).run(plainText) !== run);
    }
  });

  it("keeps the last eight and no more", () => {
    const stretches = newStretches();
    const first = stretches.of(pageOf("e", 1));
    for (let i = 1; i < 8; i++) stretches.of(pageOf("e", 1 + 2 * i));
    assertStrictEquals(stretches.of(pageOf("e", 1)), first);
    stretches.of(pageOf("e", 17));
    assert(stretches.of(pageOf("e", 1)) !== first);
  });
});
