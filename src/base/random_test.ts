import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { describe, it } from "node:test";
import { type Random, seededRandom, systemRandom, uuid } from "./random.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("seededRandom()", () => {
  it("repeats itself from the same seed, and not from another", () => {
    assertEquals(seededRandom(7).bytes(32), seededRandom(7).bytes(32));
    assertEquals(seededRandom(7).fraction(), seededRandom(7).fraction());
    assertNotEquals(seededRandom(7).bytes(32), seededRandom(8).bytes(32));
  });

  it("goes on where it stopped", () => {
    const random = seededRandom(7);
    const whole = seededRandom(7).bytes(8);
    assertEquals([...random.bytes(3), ...random.bytes(5)], [...whole]);
  });
});

for (const [name, random] of [["seeded", seededRandom(1)], ["system", systemRandom]] as const) {
  describe(`The ${name} random source`, () => {
    it("gives fractions in [0, 1), spread over it", () => {
      const fractions = Array.from({ length: 1_000 }, () => random.fraction());
      assert(fractions.every((fraction) => fraction >= 0 && fraction < 1));
      assert(fractions.some((fraction) => fraction < 0.1));
      assert(fractions.some((fraction) => fraction > 0.9));
    });

    it("gives as many bytes as asked for, of every value", () => {
      assertEquals(random.bytes(0).byteLength, 0);
      assertEquals(new Set(random.bytes(10_000)).size, 256);
    });
  });
}

describe("uuid()", () => {
  it("sets the version and the variant whatever the bytes are (RFC 9562 section 5.4)", () => {
    const of = (byte: number): Random => ({
      bytes: (length) => new Uint8Array(length).fill(byte),
      fraction: () => 0,
    });
    assertEquals(uuid(of(0x00)), "00000000-0000-4000-8000-000000000000");
    assertEquals(uuid(of(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    for (let i = 0; i < 100; i++) assertMatch(uuid(systemRandom), UUID);
  });

  it("does not repeat", () => {
    assertEquals(new Set(Array.from({ length: 1_000 }, () => uuid(systemRandom))).size, 1_000);
  });
});
