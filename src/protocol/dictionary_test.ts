import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import {
  Compressor,
  decodeCompressedJson,
  Dictionary,
  encodeCompressedJson,
  inflate,
} from "./compression.ts";
import { grant } from "./encode.ts";
import { decodeEnvelope } from "./envelope.ts";
import { isFailure } from "./errors.ts";

const dictionary = new Dictionary('{"type":"event","channel":"metrics","data":{"cpu_percent":0.');
const other = new Dictionary("something else");
const message = JSON.stringify({
  type: "event",
  channel: "metrics",
  data: { cpu_percent: 0.25, memory_mb: 1024 },
});

function opened(frame: Uint8Array, granted: Dictionary | undefined) {
  const envelope = decodeEnvelope(frame);
  assert(!isFailure(envelope));
  return decodeCompressedJson(envelope, {
    limit: 10_000,
    granted: "deflate",
    dictionary: granted,
  });
}

describe("A Dictionary", () => {
  it("has an id that stands for its bytes", () => {
    assertEquals(dictionary.id, new Dictionary(dictionary.bytes).id);
    assertEquals(new Set([dictionary.id, other.id, new Dictionary("x").id]).size, 3);
    assertEquals(atob(dictionary.content).length, dictionary.bytes.byteLength);
  });

  it("is neither empty nor larger than DEFLATE can refer back", () => {
    for (const bytes of ["", new Uint8Array(32_769)]) {
      const { code } = assertThrows(() => new Dictionary(bytes), HeddleError) as HeddleError;
      assertEquals(code, "option_invalid");
    }
    assertEquals(new Dictionary(new Uint8Array(32_768)).bytes.byteLength, 32_768);
  });
});

describe("A message compressed by a dictionary", () => {
  for (const algorithm of ["zlib", "deflate"] as const) {
    for (const compact of [false, true]) {
      it(`comes back whole: ${algorithm}${compact ? ", compact" : ""}`, () => {
        const options = { compressor: new Compressor(), algorithm, compact };
        const frame = encodeCompressedJson(message, { ...options, dictionary });
        assert(frame !== undefined);
        const envelope = decodeEnvelope(frame);
        assert(!isFailure(envelope));
        const granted = { limit: 10_000, granted: algorithm };
        assertEquals(decodeCompressedJson(envelope, { ...granted, dictionary }), message);
        assertEquals(envelope.metadata["dictionary"], compact ? undefined : dictionary.id);
        // As text it would go without: it is far under the threshold.
        assertEquals(encodeCompressedJson(message, options), undefined);
      });
    }
  }

  it("is refused where it names a dictionary that was not granted", () => {
    const options = { compressor: new Compressor(), algorithm: "deflate" } as const;
    const frame = encodeCompressedJson(message, { ...options, dictionary })!;
    for (const granted of [undefined, other]) {
      const failure = opened(frame, granted);
      assert(typeof failure === "object");
      assertEquals(failure.code, "invalid_message");
    }
  });

  it("is held to its dictionary, its size and its end like any other", () => {
    const options = { compressor: new Compressor(), algorithm: "zlib", compact: true } as const;
    const frame = encodeCompressedJson(message, { ...options, dictionary })!;
    const payload = frame.subarray(8);
    const bytes = (data: Uint8Array, limit = 10_000, by = dictionary) =>
      inflate(data, "zlib", limit, by.bytes);
    assertEquals(new TextDecoder().decode(bytes(payload)), message);
    assertThrows(() => bytes(payload, 10_000, other), HeddleError);
    assertThrows(() => inflate(payload, "zlib", 10_000), HeddleError);
    assertThrows(() => bytes(payload, message.length - 1), HeddleError);
    assertThrows(() => bytes(payload.subarray(0, -1)), HeddleError);
    assertThrows(() => bytes(new Uint8Array([...payload, 0])), HeddleError);
  });

  it("comes back whole whatever it says, and whatever the dictionary", () => {
    fc.assert(fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.string({ minLength: 64, maxLength: 5_000 }),
      fc.constantFrom("zlib", "deflate"),
      (known, text, algorithm) => {
        const bytes = new TextEncoder().encode(text);
        const by = new Dictionary(known);
        const smaller = new Compressor({ minimumSaving: 0 }).compress(
          bytes,
          "json",
          algorithm as "zlib",
          by.bytes,
        );
        if (smaller === undefined) return;
        assertEquals(inflate(smaller, algorithm as "zlib", 100_000, by.bytes), bytes);
      },
    ));
  });
});

describe("grant()", () => {
  const asking = (compression: object) =>
    grant({ compression: compression as { algorithm: string } }, dictionary).granted.compression;

  it("tells a dictionary's bytes to whoever asks for any, and not to whoever knows it", () => {
    assertEquals(asking({ algorithm: "deflate", dictionary: {} })?.dictionary, {
      id: dictionary.id,
      content: dictionary.content,
    });
    const { id } = dictionary;
    assertEquals(asking({ algorithm: "zlib", dictionary: { id } })?.dictionary, { id });
  });

  it("grants none of another id, for gzip, unasked, or where there is none", () => {
    const wanted = { algorithm: "deflate", dictionary: {} };
    for (
      const granted of [
        asking({ algorithm: "deflate", dictionary: { id: other.id } }),
        asking({ ...wanted, algorithm: "gzip" }),
        asking({ algorithm: "deflate" }),
        grant({ compression: wanted }).granted.compression,
      ]
    ) {
      assert(granted !== undefined);
      assertEquals(granted.dictionary, undefined);
    }
  });

  it("gives all who are granted the same one variant", () => {
    const ask = () =>
      grant({ compression: { algorithm: "zlib", dictionary: {} } }, dictionary).variant;
    assert(ask() === ask());
    assert(ask() !== grant({ compression: { algorithm: "zlib" } }, dictionary).variant);
  });
});
