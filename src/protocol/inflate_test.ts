import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { deflateSync, gzipSync, zlibSync } from "fflate";
import { HeddleError, type HeddleErrorCode } from "../base/errors.ts";
import { inflate, MAX_EXPANSION, MIN_STEP } from "./inflate.ts";

const PACKED = ["gzip", "zlib", "deflate"] as const;
type Packed = (typeof PACKED)[number];

const byNode: Record<Packed, (bytes: Uint8Array, options?: zlib.ZlibOptions) => Buffer> = {
  gzip: zlib.gzipSync,
  zlib: zlib.deflateSync,
  deflate: zlib.deflateRawSync,
};

const byFflate: Record<Packed, (bytes: Uint8Array) => Uint8Array> = {
  gzip: gzipSync,
  zlib: zlibSync,
  deflate: deflateSync,
};

const encoder = new TextEncoder();
const TEXT = encoder.encode(
  JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, name: `channel-${id % 7}` }))),
);

function refusal(
  bytes: Uint8Array,
  algorithm: Packed | "none",
  limit: number,
  code: HeddleErrorCode,
): string {
  const error = assertThrows(() => inflate(bytes, algorithm, limit), HeddleError);
  assertEquals(error.code, code, error.message);
  return error.message;
}

/** How many bytes had been made when a bomb was stopped. */
function stoppedAt(bytes: Uint8Array, algorithm: Packed, limit: number): number {
  const message = refusal(bytes, algorithm, limit, "too_large");
  const made = /stopped at (\d+)/.exec(message)?.[1];
  assert(made !== undefined, `it was not stopped while inflating: ${message}`);
  return Number(made);
}

/** Raw DEFLATE of `count` MiB of zeros, from one piece repeated: a gigabyte in a megabyte. */
function bomb(count: number): Uint8Array {
  const piece = zlib.deflateRawSync(new Uint8Array(1 << 20), {
    finishFlush: zlib.constants.Z_FULL_FLUSH,
  });
  const LAST_BLOCK = new Uint8Array([3, 0]);
  return Buffer.concat([...Array.from({ length: count }, () => piece), LAST_BLOCK]);
}

const data = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  // Runs, so that it compresses.
  fc.array(fc.tuple(fc.nat(255), fc.nat(2000)), { maxLength: 10 }).map((runs) =>
    Uint8Array.from(runs.flatMap(([byte, length]) => Array<number>(length).fill(byte)))
  ),
);

for (const algorithm of PACKED) {
  describe(`inflate() by ${algorithm}`, () => {
    it("gives back what node:zlib and fflate compressed, at a limit of its exact size", () => {
      fc.assert(fc.property(data, fc.integer({ min: 0, max: 9 }), (bytes, level) => {
        const plain = new Uint8Array(bytes);
        const packed = byNode[algorithm](plain, { level });
        assertEquals(inflate(packed, algorithm, plain.length), plain);
        assertEquals(inflate(byFflate[algorithm](plain), algorithm, plain.length), plain);
      }));
    });

    it("gives back what was flushed, stored or coded by fixed trees", () => {
      const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = zlib.constants;
      for (const strategy of [Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
        const packed = byNode[algorithm](TEXT, { strategy });
        assertEquals(inflate(packed, algorithm, TEXT.length), TEXT);
      }
      const stored = byNode[algorithm](TEXT, { level: 0, memLevel: 1 });
      assertEquals(inflate(stored, algorithm, TEXT.length), TEXT);
    });

    it("gives back a megabyte that does not compress", () => {
      let state = 1;
      const noise = Uint8Array.from({ length: 1 << 20 }, () => {
        state = Math.imul(state, 1664525) + 1013904223 | 0;
        return state >>> 24;
      });
      assert(inflate(byNode[algorithm](noise), algorithm, 1 << 20).every((b, i) => b === noise[i]));
    });

    it("takes nothing as nothing at limit 0", () => {
      const packed = byNode[algorithm](new Uint8Array());
      assertEquals(inflate(packed, algorithm, 0), new Uint8Array());
    });

    it("refuses one byte over the limit", () => {
      const packed = byNode[algorithm](TEXT);
      refusal(packed, algorithm, TEXT.length - 1, "too_large");
      refusal(packed, algorithm, 0, "too_large");
    });

    it("refuses data cut short at any byte", () => {
      const packed = byNode[algorithm](TEXT);
      for (let length = 0; length < packed.length; length++) {
        refusal(packed.subarray(0, length), algorithm, 1e6, "inflate_failed");
      }
    });

    it("refuses bytes after the end", () => {
      const packed = byNode[algorithm](TEXT);
      const tails = [
        [0],
        [1, 2, 3, 4],
        Array<number>(40).fill(0),
        [...packed],
        [...new Uint8Array(8), ...zlib.gzipSync(TEXT)],
      ];
      for (const tail of tails) {
        refusal(Buffer.concat([packed, new Uint8Array(tail)]), algorithm, 1e6, "inflate_failed");
      }
    });

    it("stops a bomb of 10 MiB within one step of the limit", () => {
      const packed = byNode[algorithm](new Uint8Array(10 << 20), { level: 9 });
      for (const limit of [0, 1024, 10_240, 65_536]) {
        if (packed.length > limit + limit / 8 + 1024) {
          refusal(packed, algorithm, limit, "too_large");
          continue;
        }
        assert(stoppedAt(packed, algorithm, limit) <= limit + MIN_STEP * MAX_EXPANSION);
      }
    });

    it("refuses arbitrary bytes by documented errors only", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isDressed) => {
          const packed = byNode[algorithm](TEXT);
          const dressed = new Uint8Array([...packed.subarray(0, 30), ...bytes]);
          try {
            const output = inflate(isDressed ? dressed : bytes, algorithm, 4096);
            assert(output.byteLength <= 4096);
          } catch (error) {
            assert(error instanceof HeddleError, String(error));
            assert(error.code === "inflate_failed" || error.code === "too_large", error.code);
          }
        }),
        { numRuns: 1000 },
      );
    });

    it("leaves its input alone and gives memory of its own", () => {
      const packed = new Uint8Array(byNode[algorithm](TEXT));
      const before = packed.slice();
      const output = inflate(packed, algorithm, 1e6);
      assertEquals(packed, before);
      assert(output.buffer !== packed.buffer);
      assertEquals(output.buffer.byteLength, TEXT.length);
    });
  });
}

describe("inflate()", () => {
  it("gives a copy for none, up to the limit", () => {
    const output = inflate(TEXT, "none", TEXT.length);
    assertEquals(output, TEXT);
    assert(output.buffer !== TEXT.buffer);
    refusal(TEXT, "none", TEXT.length - 1, "too_large");
  });

  it("stops a gigabyte in a megabyte after about a megabyte", () => {
    const limit = 1 << 20;
    const packed = bomb(1024);
    assert(packed.length < 1.1 * limit, `the bomb has ${packed.length} bytes`);
    assert(stoppedAt(packed, "deflate", limit) <= 2 * limit);
  });

  it("inflates the same pieces whole where the limit allows it", () => {
    const output = inflate(bomb(3), "deflate", 3 << 20);
    assertEquals(output.byteLength, 3 << 20);
    assert(output.every((byte) => byte === 0));
  });

  it("refuses data larger than any that inflate to the limit, without a look at them", () => {
    const message = refusal(new Uint8Array(1 << 20), "gzip", 10_240, "too_large");
    assertEquals(message, "1048576 compressed bytes are more than 10240 inflated bytes can need");
  });

  it("notices a changed bit in gzip and zlib wherever it changes anything", () => {
    for (const algorithm of ["gzip", "zlib"] as const) {
      const packed = byNode[algorithm](TEXT);
      // The time, extra flags and system of a gzip header mean nothing here.
      const isFree = (at: number) => algorithm === "gzip" && at >= 4 && at < 10;
      for (let bit = 0; bit < packed.length * 8; bit++) {
        const at = bit >> 3;
        const changed = new Uint8Array(packed);
        changed[at]! ^= 1 << (bit & 7);
        // FTEXT is a hint; the window size and level of zlib are covered by its check bits.
        const isHint = algorithm === "gzip" && bit === 24;
        if (isFree(at) || isHint) {
          assertEquals(inflate(changed, algorithm, 1e6), TEXT);
          continue;
        }
        let output: Uint8Array | undefined;
        try {
          output = inflate(changed, algorithm, 1e6);
        } catch (error) {
          assert(error instanceof HeddleError);
          assert(error.code === "inflate_failed" || error.code === "too_large");
        }
        // The bits that fill up the last byte mean nothing.
        if (output !== undefined) assertEquals(output, TEXT);
      }
    }
  });

  it("refuses one format in the place of another", () => {
    for (const made of PACKED) {
      for (const asked of PACKED) {
        if (made !== asked) refusal(byNode[made](TEXT), asked, 1e6, "inflate_failed");
      }
    }
  });

  it("calls no data that are cut short too long", () => {
    for (const algorithm of PACKED) {
      const whole = byNode[algorithm](TEXT);
      for (let length = 0; length < whole.byteLength; length++) {
        const message = refusal(whole.subarray(0, length), algorithm, 1e6, "inflate_failed");
        assertMatch(message, /is cut short|are cut short|has a header/);
      }
    }
  });

  it("refuses several gzip members", () => {
    const member = zlib.gzipSync(TEXT);
    const message = refusal(Buffer.concat([member, member]), "gzip", 1e6, "inflate_failed");
    assertEquals(message, "bytes follow the end of the compressed data");
  });

  it("refuses a second stream placed where a second gzip member would be", () => {
    const body = zlib.deflateRawSync(TEXT);
    const header = zlib.gzipSync(TEXT).subarray(0, 10);
    const hidden = Buffer.concat([body, new Uint8Array(8), header, body]);
    refusal(hidden, "deflate", 1e6, "inflate_failed");
  });

  it("refuses a reach back before the start, and the block type that is none", () => {
    // Fixed trees; a match of length 3 at distance 1, with nothing written yet.
    refusal(new Uint8Array([0x03, 0x02, 0x00]), "deflate", 100, "inflate_failed");
    refusal(new Uint8Array([0x07, 0x00]), "deflate", 100, "inflate_failed");
  });

  it("refuses a limit that is none", () => {
    for (const limit of [-1, NaN]) refusal(TEXT, "none", limit, "option_invalid");
  });
});
