import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import {
  ALGORITHMS,
  type CompressionAlgorithm,
  Compressor,
  decodeCompressedJson,
  encodeCompressedJson,
  type OpenOptions,
} from "./compression.ts";
import { decodeEnvelope, encodeEnvelope, type Envelope } from "./envelope.ts";
import { type ErrorCode, type Failure, isFailure } from "./errors.ts";

const PACKED = ["gzip", "zlib", "deflate"] as const;
const LIMIT = 10_240;
const encoder = new TextEncoder();
const JSON_TEXT = JSON.stringify({ type: "event", data: "größer ".repeat(300) });
const BYTES = encoder.encode(JSON_TEXT);
const ZLIB = new Uint8Array(zlib.deflateSync(BYTES));

/** An envelope with metadata that are right for `payload`, but for `changes`. */
function packed(changes: Readonly<Record<string, unknown>> = {}, payload = ZLIB): Envelope {
  const sizes = { original_size: BYTES.length, compressed_size: payload.length };
  const metadata = { compression: "zlib", ...sizes, ...changes };
  return { kind: "compressed_json", metadata, payload };
}

function compact(payload: Uint8Array<ArrayBuffer>): Envelope {
  return { kind: "compressed_json", metadata: {}, payload };
}

function refusal(
  envelope: Envelope,
  code: ErrorCode,
  options: OpenOptions = { limit: LIMIT },
): string {
  const result: string | Failure = decodeCompressedJson(envelope, options);
  assert(isFailure(result), `it was taken as ${result}`);
  assertEquals(result.code, code, result.message);
  return result.message;
}

function envelopeOf(frame: Uint8Array | undefined): Envelope {
  assert(frame !== undefined, "it was not compressed");
  const envelope = decodeEnvelope(frame);
  assert(!isFailure(envelope));
  return envelope;
}

describe("encodeCompressedJson()", () => {
  it("writes the algorithm and both sizes into the metadata", () => {
    for (const algorithm of PACKED) {
      const compressor = new Compressor();
      const envelope = envelopeOf(encodeCompressedJson(JSON_TEXT, { compressor, algorithm }));
      assertEquals(envelope.kind, "compressed_json");
      assertEquals(envelope.metadata, {
        compression: algorithm,
        original_size: BYTES.length,
        compressed_size: envelope.payload.length,
      });
    }
  });

  it("leaves the metadata empty where that was asked for", () => {
    const compressor = new Compressor();
    const frame = encodeCompressedJson(JSON_TEXT, { compressor, algorithm: "gzip", compact: true });
    assertEquals([...frame!.subarray(0, 4)], [1, 5, 0, 0]);
    assertEquals(zlib.gunzipSync(frame!.subarray(8)).toString("utf8"), JSON_TEXT);
  });

  it("gives undefined where text serves as well", () => {
    const compressor = new Compressor();
    const options = { compressor, algorithm: "zlib" } as const;
    assertEquals(encodeCompressedJson("{}", options), undefined);
    assertEquals(encodeCompressedJson(JSON_TEXT, { compressor, algorithm: "none" }), undefined);
    assertEquals(compressor.stats.belowThreshold, 1);
  });
});

describe("decodeCompressedJson()", () => {
  it("gives back what encodeCompressedJson() took", () => {
    const texts = fc.jsonValue({ maxDepth: 4 }).map((value) =>
      JSON.stringify([value, "ö".repeat(600)])
    );
    const algorithms = fc.constantFrom(...PACKED);
    fc.assert(fc.property(texts, algorithms, fc.boolean(), (json, algorithm, compact) => {
      const compressor = new Compressor();
      const frame = encodeCompressedJson(json, { compressor, algorithm, compact });
      const options = { limit: 1e6, ...(compact ? { granted: algorithm } : {}) };
      assertEquals(decodeCompressedJson(envelopeOf(frame), options), json);
    }));
  });

  it("takes none as JSON that is not compressed", () => {
    assertEquals(
      decodeCompressedJson(packed({ compression: "none" }, BYTES), { limit: LIMIT }),
      JSON_TEXT,
    );
  });

  it("goes by the metadata where they are, whatever was granted", () => {
    const options = { limit: LIMIT, granted: "gzip" } as const;
    assertEquals(decodeCompressedJson(packed(), options), JSON_TEXT);
  });

  it("takes empty metadata for the granted algorithm, and refuses them without a grant", () => {
    const options = { limit: LIMIT, granted: "zlib" } as const;
    assertEquals(decodeCompressedJson(compact(ZLIB), options), JSON_TEXT);
    assertStringIncludes(refusal(compact(ZLIB), "invalid_message"), "hello");
    refusal(compact(ZLIB), "invalid_message", { limit: LIMIT, granted: "gzip" });
  });

  it("takes a message of the limit's size and refuses one byte more", () => {
    const limit = BYTES.length;
    assertEquals(decodeCompressedJson(packed(), { limit }), JSON_TEXT);
    for (const envelope of [packed(), packed({ original_size: 1 }), compact(ZLIB)]) {
      const options = { limit: limit - 1, granted: "zlib" } as const;
      const message = refusal(envelope, "message_too_large", options);
      assertStringIncludes(message, String(limit - 1));
    }
  });

  it("refuses a bomb as message_too_large, whatever its metadata claim", () => {
    const zeros = new Uint8Array(5 << 20);
    const bombs: readonly (readonly [CompressionAlgorithm, Uint8Array])[] = [
      ["gzip", zlib.gzipSync(zeros)],
      ["zlib", zlib.deflateSync(zeros)],
      ["deflate", zlib.deflateRawSync(zeros)],
    ];
    for (const [compression, bytes] of bombs) {
      const bomb = new Uint8Array(bytes);
      for (const original_size of [0, 100, zeros.length, Number.MAX_SAFE_INTEGER]) {
        refusal(packed({ compression, original_size }, bomb), "message_too_large");
      }
      refusal(compact(bomb), "message_too_large", { limit: LIMIT, granted: compression });
    }
  });

  it("refuses an unknown algorithm and names the known ones", () => {
    for (const compression of ["br", "GZIP", "", 1, null, undefined, "__proto__", ["gzip"]]) {
      const message = refusal(packed({ compression }), "invalid_message");
      assertStringIncludes(message, ALGORITHMS.join(", "));
    }
  });

  it("refuses sizes that are wrong, missing or none", () => {
    for (const size of [BYTES.length - 1, BYTES.length + 1, 0, -1, 1.5, "1", null, undefined]) {
      const message = refusal(packed({ original_size: size }), "invalid_message");
      assertStringIncludes(message, "original_size");
    }
    for (const size of [ZLIB.length - 1, ZLIB.length + 1, 0, -1, "1", null, undefined]) {
      const message = refusal(packed({ compressed_size: size }), "invalid_message");
      assertStringIncludes(message, "compressed_size");
    }
  });

  it("refuses data that do not inflate", () => {
    refusal(packed({ compression: "gzip" }), "invalid_message");
    refusal(packed({}, ZLIB.slice(0, -1)), "invalid_message");
    refusal(packed({}, new Uint8Array([...ZLIB, 0])), "invalid_message");
    refusal(packed({}, new Uint8Array()), "invalid_message");
  });

  it("refuses what is not UTF-8", () => {
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    const payload = new Uint8Array(zlib.deflateSync(bytes));
    const message = refusal(packed({ original_size: 3 }, payload), "invalid_message");
    assertStringIncludes(message, "UTF-8");
  });

  it("refuses an envelope of media", () => {
    const message = refusal({ ...packed(), kind: "image" }, "invalid_message");
    assertStringIncludes(message, "image");
  });

  it("answers arbitrary envelopes with text or a documented failure, and never throws", () => {
    const sizes = fc.oneof(fc.constant(BYTES.length), fc.nat(), fc.jsonValue());
    const metadata = fc.oneof(
      fc.constant({}),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.record({
        compression: fc.oneof(fc.constantFrom(...ALGORITHMS), fc.jsonValue()),
        original_size: sizes,
        compressed_size: fc.oneof(fc.nat(40), fc.jsonValue()),
      }, { noNullPrototype: true }),
    );
    const payloads = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(ZLIB));
    const grants = fc.constantFrom(undefined, ...ALGORITHMS);
    fc.assert(
      fc.property(metadata, payloads, grants, (metadata, payload, granted) => {
        const envelope = { kind: "compressed_json", metadata, payload: payload.slice() } as const;
        const options = { limit: 4096, ...(granted === undefined ? {} : { granted }) };
        const result = decodeCompressedJson(envelope, options);
        if (!isFailure(result)) assert(encoder.encode(result).length <= 4096);
        else assert(["invalid_message", "message_too_large"].includes(result.code));
      }),
      { numRuns: 1000 },
    );
  });

  it("opens what passed through an envelope on the wire", () => {
    assertEquals(
      decodeCompressedJson(envelopeOf(encodeEnvelope(packed())), { limit: LIMIT }),
      JSON_TEXT,
    );
  });
});
