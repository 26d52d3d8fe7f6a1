import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  type EnvelopeKind,
  MAX_METADATA,
} from "./envelope.ts";
import { isFailure } from "./errors.ts";

const KINDS: readonly EnvelopeKind[] = ["image", "audio", "video", "binary", "compressed_json"];

/** Version, type, metadata length, payload length, then `{"a":1}` and three bytes. */
const GOLDEN = bytes("01 01 0007 00000003 7b2261223a317d ffd8ff");
const GOLDEN_ENVELOPE: Envelope = {
  kind: "image",
  metadata: { a: 1 },
  payload: new Uint8Array([0xff, 0xd8, 0xff]),
};

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

/** A frame of version 1 and type binary around metadata as they are. */
function withMetadata(metadata: string | Uint8Array): Uint8Array {
  const head = typeof metadata === "string" ? new TextEncoder().encode(metadata) : metadata;
  const frame = new Uint8Array(8 + head.length);
  frame.set([1, 4, head.length >> 8, head.length & 0xff, 0, 0, 0, 0]);
  frame.set(head, 8);
  return frame;
}

function assertRefused(frame: Uint8Array, ...includes: readonly string[]): void {
  const result = decodeEnvelope(frame);
  assert(isFailure(result), "the frame was taken");
  assertEquals(result.code, "invalid_message");
  for (const part of includes) assertStringIncludes(result.message, part);
}

const envelopes: fc.Arbitrary<Envelope> = fc.record({
  kind: fc.constantFrom(...KINDS),
  // What JSON can say: -0 is written as 0.
  metadata: fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 8 })).map((
    value,
  ) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>),
  payload: fc.uint8Array({ maxLength: 200 }).map((payload) => new Uint8Array(payload)),
}, { noNullPrototype: true });

describe("encodeEnvelope()", () => {
  it("writes the header big-endian, then metadata, then payload", () => {
    assertEquals(encodeEnvelope(GOLDEN_ENVELOPE), GOLDEN);
  });

  it("numbers the types from 0x01 to 0x05", () => {
    const types = KINDS.map((kind) =>
      encodeEnvelope({ kind, metadata: {}, payload: new Uint8Array() })[1]
    );
    assertEquals(types, [1, 2, 3, 4, 5]);
  });

  it("writes empty metadata as length 0", () => {
    const frame = encodeEnvelope({ kind: "audio", metadata: {}, payload: new Uint8Array([9]) });
    assertEquals(frame, bytes("01 02 0000 00000001 09"));
  });

  it("writes lengths of more than one byte", () => {
    const payload = new Uint8Array(0x012345);
    const frame = encodeEnvelope({ kind: "video", metadata: { k: "x".repeat(0x0200) }, payload });
    assertEquals(frame.subarray(0, 8), bytes("01 03 0208 00012345"));
  });

  it("takes 65,535 bytes of metadata and refuses one more", () => {
    const frame = { kind: "binary", payload: new Uint8Array() } as const;
    const around = JSON.stringify({ k: "" }).length;
    const most = { k: "x".repeat(MAX_METADATA - around) };
    assertEquals(decodeEnvelope(encodeEnvelope({ ...frame, metadata: most })), {
      ...frame,
      metadata: most,
    });
    const error = assertThrows(
      () => encodeEnvelope({ ...frame, metadata: { k: `${most.k}x` } }),
      HeddleError,
      "65536 bytes; at most 65535",
    );
    assertEquals(error.code, "too_large");
  });

  it("counts metadata in bytes of UTF-8, not in characters", () => {
    const metadata = { k: "€".repeat(30_000) };
    const error = assertThrows(
      () => encodeEnvelope({ kind: "binary", metadata, payload: new Uint8Array() }),
      HeddleError,
    );
    assertEquals(error.code, "too_large");
  });

  it("refuses a payload that the header cannot tell of", () => {
    class Huge extends Uint8Array<ArrayBuffer> {
      override get byteLength(): number {
        return 2 ** 32;
      }
    }
    const error = assertThrows(
      () => encodeEnvelope({ kind: "binary", metadata: {}, payload: new Huge(new ArrayBuffer(0)) }),
      HeddleError,
      "4294967296 bytes; at most 4294967295",
    );
    assertEquals(error.code, "too_large");
  });
});

describe("decodeEnvelope()", () => {
  it("reads what the header tells", () => {
    assertEquals(decodeEnvelope(GOLDEN), GOLDEN_ENVELOPE);
  });

  it("reads what encodeEnvelope() wrote", () => {
    fc.assert(fc.property(envelopes, (envelope) => {
      assertEquals(decodeEnvelope(encodeEnvelope(envelope)), envelope);
    }));
  });

  it("reads a frame in the middle of other memory, and keeps none of it", () => {
    const memory = Buffer.concat([Buffer.from("before"), GOLDEN, Buffer.from("after")]);
    const envelope = decodeEnvelope(memory.subarray(6, 6 + GOLDEN.length));
    memory.fill(0);
    assertEquals(envelope, GOLDEN_ENVELOPE);
  });

  it("refuses a frame cut short at any byte", () => {
    for (let length = 0; length < GOLDEN.length; length++) {
      assertRefused(
        GOLDEN.subarray(0, length),
        length < 8 ? `has ${length} bytes; its header alone has 8` : "is cut short",
      );
    }
  });

  it("refuses bytes after the end", () => {
    assertRefused(new Uint8Array([...GOLDEN, 0]), "bytes after its end", "18 bytes", "has 19");
  });

  it("refuses lengths that do not fit the frame", () => {
    assertRefused(bytes("01 04 ffff 00000000"), "is cut short", "tells of 65543");
    assertRefused(bytes("01 04 0000 ffffffff 00"), "is cut short", "tells of 4294967303");
    assertRefused(bytes("01 04 0000 00000000 00"), "bytes after its end");
  });

  it("refuses every other version", () => {
    for (let version = 0; version < 256; version++) {
      if (version === 1) continue;
      assertRefused(
        new Uint8Array([version, ...GOLDEN.subarray(1)]),
        `version ${version}`,
        "only 1",
      );
    }
  });

  it("refuses every unknown type and names the known ones", () => {
    for (let type = 0; type < 256; type++) {
      if (type >= 1 && type <= 5) continue;
      const hex = `0x${type.toString(16).padStart(2, "0")}`;
      assertRefused(
        new Uint8Array([1, type, ...GOLDEN.subarray(2)]),
        `type ${hex}`,
        "0x01 (image)",
        "0x05 (compressed_json)",
      );
    }
  });

  it("takes length 0 and {} as the same metadata", () => {
    for (const text of ["", "{}", " { } "]) {
      assertEquals(decodeEnvelope(withMetadata(text)), {
        kind: "binary",
        metadata: {},
        payload: new Uint8Array(),
      });
    }
  });

  it("refuses metadata that is not UTF-8", () => {
    const invalid = ["7b 22 61 22 3a 22 ff 22 7d", "7b 22 61 22 3a 22 eda080 22 7d", "c0 80"];
    for (const hex of invalid) assertRefused(withMetadata(bytes(hex)), "not UTF-8");
  });

  it("refuses metadata that is not JSON", () => {
    for (const text of ["{", '{"a":}', "{'a':1}", "{}{}", "\ufeff{}", "\0", "NaN"]) {
      assertRefused(withMetadata(text), "bad metadata");
    }
  });

  it("refuses metadata that is JSON but no object", () => {
    for (const text of ["null", "[]", '[{"a":1}]', "1", '"a"', "true"]) {
      assertRefused(withMetadata(text), "not a JSON object");
    }
  });

  it("refuses metadata nested deeper than 64 levels", () => {
    const nest = (levels: number) => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);
    assert(!isFailure(decodeEnvelope(withMetadata(nest(64)))));
    for (const levels of [65, 10_000]) assertRefused(withMetadata(nest(levels)), "64");
    assertRefused(withMetadata(`{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`), "64");
    assertRefused(withMetadata(`{"a":${"[".repeat(60_000)}`), "Invalid JSON");
  });

  it("takes __proto__ and constructor as fields like any other", () => {
    const envelope = decodeEnvelope(withMetadata('{"__proto__":{"x":1},"constructor":2}'));
    assert(!isFailure(envelope));
    assertEquals(Object.keys(envelope.metadata), ["__proto__", "constructor"]);
    assertEquals(Object.getPrototypeOf(envelope.metadata), Object.prototype);
    assertEquals(Object.hasOwn(Object.prototype, "x"), false);
  });

  it("answers arbitrary bytes with an envelope or invalid_message, and never throws", () => {
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      // Past the header, so that the lengths and the metadata are reached.
      fc.tuple(fc.integer({ min: 1, max: 5 }), fc.uint8Array({ maxLength: 20 }), fc.boolean()).map(
        ([type, tail, isMetadata]) => {
          const lengths = isMetadata ? [0, tail.length, 0, 0, 0, 0] : [0, 0, 0, 0, 0, tail.length];
          return new Uint8Array([1, type, ...lengths, ...tail]);
        },
      ),
    );
    fc.assert(
      fc.property(frames, (frame) => {
        const result = decodeEnvelope(frame);
        if (isFailure(result)) assertEquals(result.code, "invalid_message");
        else assert(KINDS.includes(result.kind));
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses a header with any one byte changed, but for a type that there is", () => {
    for (let at = 0; at < 8; at++) {
      for (let value = 0; value < 256; value++) {
        if (value === GOLDEN[at] || (at === 1 && value >= 1 && value <= 5)) continue;
        const changed = new Uint8Array(GOLDEN);
        changed[at] = value;
        assertRefused(changed);
      }
    }
  });
});
