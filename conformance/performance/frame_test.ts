import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat } from "../wire/bytes.ts";
import { decodeFrame, encodeFrame, frame } from "../wire/frame.ts";
import { frameAt, NoFrame } from "./frame.ts";

const KEY = new Uint8Array(4);

describe("frameAt()", () => {
  const spec = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
    size: fc.oneof(fc.nat(130), fc.constantFrom(65_535, 65_536, 70_000)),
    fin: fc.boolean(),
  });

  it("finds in place the frames that the kit's own reader takes out", () => {
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 5 }), fc.nat(9), (specs, before) => {
        const frames = specs.map(({ opcode, size, fin }) =>
          encodeFrame(frame(opcode, new Uint8Array(size).fill(7), { fin, mask: false }), KEY)
        );
        const bytes = concat([new Uint8Array(before), ...frames]);
        let at = before;
        for (const raw of frames) {
          const found = frameAt(bytes, at);
          const expected = decodeFrame(raw);
          assert(found !== undefined && expected !== undefined);
          assertEquals([found.opcode, found.fin], [expected.opcode, expected.fin]);
          assertEquals(found.to - found.from, expected.payload.length);
          assertEquals(found.to, at + raw.length);
          at = found.to;
        }
        assertEquals(frameAt(bytes, at), undefined);
      }),
      { numRuns: 50 },
    );
  });

  it("waits for the whole of a frame", () => {
    fc.assert(fc.property(spec, fc.nat(), ({ opcode, size, fin }, cut) => {
      const raw = encodeFrame(frame(opcode, new Uint8Array(size), { fin, mask: false }), KEY);
      assertEquals(frameAt(raw.subarray(0, cut % raw.length), 0), undefined);
    }));
  });

  it("takes no mask, no reserved bit and no length beyond all measure", () => {
    assertThrows(() => frameAt(Uint8Array.of(0x81, 0x80), 0), NoFrame);
    assertThrows(() => frameAt(Uint8Array.of(0xc1, 0x00), 0), NoFrame);
    assertThrows(() => frameAt(Uint8Array.of(0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0), 0), NoFrame);
  });
});
