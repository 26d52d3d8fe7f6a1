import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import { ALGORITHMS, type CompressionOptions, Compressor, type Content } from "./compressor.ts";
import { inflate } from "./inflate.ts";

const THRESHOLDS: readonly (readonly [Content, number])[] = [
  ["text", 512],
  ["json", 1024],
  ["binary", 2048],
];

/** Bytes that compress to nearly nothing. */
function easy(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).fill(7);
}

/** Bytes of which a part repeats and the rest does not compress. */
function mixed(size: number, repeats: number): Uint8Array<ArrayBuffer> {
  const bytes = easy(size);
  let state = 1;
  for (let i = Math.floor(size * repeats); i < size; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

describe("Compressor.compress()", () => {
  it("leaves alone what is under the threshold of its content", () => {
    for (const [content, threshold] of THRESHOLDS) {
      const compressor = new Compressor();
      assertEquals(compressor.compress(easy(threshold - 1), content), undefined);
      assert(compressor.compress(easy(threshold), content) !== undefined);
    }
  });

  it("takes gzip for text, zlib for JSON and binary, unless told otherwise", () => {
    const compressor = new Compressor();
    const bytes = easy(4096);
    const open = (content: Content) => {
      const smaller = compressor.compress(bytes, content);
      assert(smaller !== undefined);
      return smaller;
    };
    assertEquals(new Uint8Array(gunzipSync(open("text"))), bytes);
    assertEquals(new Uint8Array(inflateSync(open("json"))), bytes);
    assertEquals(new Uint8Array(inflateSync(open("binary"))), bytes);
    const raw = compressor.compress(bytes, "json", "deflate");
    assert(raw !== undefined);
    assertEquals(new Uint8Array(inflateRawSync(raw)), bytes);
  });

  it("compresses by level 6 for text, 5 for JSON and 4 for binary", () => {
    const bytes = new TextEncoder().encode(
      JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ i, v: Math.imul(i, 40503) % 997 }))),
    );
    const levels = [["text", 6], ["json", 5], ["binary", 4]] as const;
    for (const [content, level] of levels) {
      const explicit = new Compressor({ [content]: { level } }).compress(bytes, content);
      const others = ([1, 9] as const).map((other) =>
        new Compressor({ [content]: { level: other } }).compress(bytes, content)?.length
      );
      assertEquals(new Compressor().compress(bytes, content), explicit);
      assert(!others.includes(explicit?.length), "the level makes no difference");
    }
  });

  it("leaves alone what would save less than a tenth", () => {
    const compressor = new Compressor();
    assertEquals(compressor.compress(mixed(10_000, 0), "json"), undefined);
    assertEquals(compressor.compress(mixed(10_000, 0.08), "json"), undefined);
    assert(compressor.compress(mixed(10_000, 0.15), "json") !== undefined);
  });

  it("goes by the minimum saving it is given", () => {
    const half = new Compressor({ minimumSaving: 0.5 });
    assertEquals(half.compress(mixed(10_000, 0.4), "json"), undefined);
    assert(half.compress(mixed(10_000, 0.6), "json") !== undefined);
  });

  it("never gives what is not smaller, even where no saving is asked for", () => {
    const eager = new Compressor({ binary: { threshold: 0 }, minimumSaving: 0 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const smaller = eager.compress(bytes, "binary");
      assert(smaller === undefined || smaller.byteLength < bytes.byteLength);
    }));
  });

  it("gives what inflate() gives back, by every algorithm and level", () => {
    const data = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 500 })), {
      maxLength: 30,
    }).map((runs) =>
      Uint8Array.from(runs.flatMap(([byte, length]) => Array<number>(length).fill(byte)))
    );
    const levels = fc.constantFrom(...([1, 2, 3, 4, 5, 6, 7, 8, 9] as const));
    fc.assert(
      fc.property(data, fc.constantFrom(...ALGORITHMS), levels, (bytes, algorithm, level) => {
        const compressor = new Compressor({ text: { level, threshold: 0 } });
        const smaller = compressor.compress(bytes, "text", algorithm);
        if (smaller !== undefined) assertEquals(inflate(smaller, algorithm, bytes.length), bytes);
        if (algorithm === "none") assertEquals(smaller, undefined);
      }),
    );
  });

  it("makes the same of the same bytes, whenever it is asked", () => {
    const compressor = new Compressor();
    const gzip = compressor.compress(easy(1000), "text");
    assertEquals([...gzip!.subarray(4, 8)], [0, 0, 0, 0]);
    assertEquals(compressor.compress(easy(1000), "text"), gzip);
  });
});

describe("Compressor.stats", () => {
  it("starts at nothing, with a ratio of 1", () => {
    assertEquals(new Compressor().stats, {
      compressed: 0,
      belowThreshold: 0,
      notWorthwhile: 0,
      bytesIn: 0,
      bytesOut: 0,
      ratio: 1,
    });
  });

  it("counts what was compressed, below the threshold and not worth it", () => {
    const compressor = new Compressor();
    const first = compressor.compress(easy(2000), "json")!.byteLength;
    const second = compressor.compress(easy(3000), "text")!.byteLength;
    compressor.compress(easy(10), "json");
    compressor.compress(mixed(5000, 0), "json");
    compressor.compress(mixed(5000, 0), "binary");
    compressor.compress(easy(5000), "json", "none");
    assertEquals(compressor.stats, {
      compressed: 2,
      belowThreshold: 1,
      notWorthwhile: 2,
      bytesIn: 5000,
      bytesOut: first + second,
      ratio: (first + second) / 5000,
    });
  });
});

describe("new Compressor()", () => {
  it("refuses bad options by name, with what was found and what is allowed", () => {
    // As untyped callers would give them.
    const bad: readonly (readonly [string, unknown, readonly string[]])[] = [
      ["text.algorithm", { text: { algorithm: "brotli" } }, [
        "brotli",
        "gzip, zlib, deflate, none",
      ]],
      ["json.algorithm", { json: { algorithm: undefined } }, ["undefined"]],
      ["binary.level", { binary: { level: 0 } }, ["is 0", "1 to 9"]],
      ["json.level", { json: { level: 10 } }, ["is 10", "1 to 9"]],
      ["json.level", { json: { level: 1.5 } }, ["1.5"]],
      ["text.level", { text: { level: "6" } }, ["1 to 9"]],
      ["text.threshold", { text: { threshold: -1 } }, ["is -1", "bytes"]],
      ["text.threshold", { text: { threshold: NaN } }, ["NaN"]],
      ["minimumSaving", { minimumSaving: 1 }, ["is 1", "0 to less than 1"]],
      ["minimumSaving", { minimumSaving: -0.1 }, ["-0.1"]],
      ["minimumSaving", { minimumSaving: NaN }, ["NaN"]],
    ];
    for (const [field, options, includes] of bad) {
      const error = assertThrows(() => new Compressor(options as CompressionOptions), HeddleError);
      assertEquals(error.code, "option_invalid");
      for (const part of [field, ...includes]) assertStringIncludes(error.message, part);
    }
  });
});
