import { describe, it } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import { Compressor, encodeCompressedJson } from "../protocol/compression.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { Media } from "../protocol/event.ts";
import { readFrame } from "./frames.ts";

const options = { limit: 100_000 };
const event = {
  type: "event",
  channel: "c",
  event_type: "t",
  data: { a: 1 },
  timestamp: "2024-12-29T12:00:00Z",
  offset: 1,
};

function assertMalformed(data: unknown): void {
  try {
    readFrame(data, options);
  } catch (error) {
    assertInstanceOf(error, HeddleError);
    assertEquals(error.code, "invalid_frame");
  }
}

describe("readFrame()", () => {
  it("reads an event and ignores fields it does not know", () => {
    const { known } = readFrame(JSON.stringify({ ...event, later: true }), options);
    assertEquals(known, event as never);
  });

  it("keeps a message of unknown type as it came", () => {
    const raw = { type: "later", channel: "c", correlation_id: "1" };
    assertEquals(readFrame(JSON.stringify(raw), options), { raw, correlationId: "1" });
  });

  it("takes names of Object.prototype for what they are", () => {
    for (const type of ["constructor", "__proto__", "toString"]) {
      assertEquals(readFrame(JSON.stringify({ type }), options).known, undefined);
    }
    assertThrows(() => readFrame('{"__proto__":{"type":"pong"}}', options), HeddleError, '"type"');
  });

  it("makes Media of a media envelope, whose type is its kind where it names none", () => {
    const { channel, timestamp, offset } = event;
    const frame = encodeEnvelope({
      kind: "audio",
      metadata: { channel, timestamp, offset, metadata: { mime: "audio/ogg" } },
      payload: new Uint8Array([1, 2]),
    });
    for (const data of [frame, frame.buffer]) {
      const { known } = readFrame(data, options);
      assert(known?.type === "event" && known.data instanceof Media);
      assertEquals(known.event_type, "audio");
      assertEquals([...known.data.content], [1, 2]);
      assertEquals(known.data.metadata, { mime: "audio/ogg" });
    }
  });

  it("inflates a compressed message, up to its limit", () => {
    const json = JSON.stringify({ ...event, data: "x".repeat(50_000) });
    const compressor = new Compressor();
    const frame = encodeCompressedJson(json, { compressor, algorithm: "gzip" });
    assert(frame !== undefined && frame.byteLength < 1000);
    assertEquals(readFrame(frame, options).known?.type, "event");
    assertThrows(() => readFrame(frame, { limit: 49_999 }), HeddleError, "inflates to more");
  });

  it("reads compact metadata only by the algorithm that was granted", () => {
    const json = JSON.stringify({ ...event, data: "x".repeat(5000) });
    const compressor = new Compressor();
    const frame = encodeCompressedJson(json, { compressor, algorithm: "zlib", compact: true });
    assertEquals(readFrame(frame, { ...options, granted: "zlib" }).known?.type, "event");
    assertThrows(() => readFrame(frame, options), HeddleError, "granted a compression");
  });

  it("refuses whatever else there is with invalid_frame and nothing but that", () => {
    for (const data of [1, null, undefined, {}, "", "{", "[]", "null", '{"type":1}', "{}"]) {
      const error = assertThrows(() => readFrame(data, options), HeddleError);
      assertEquals(error.code, "invalid_frame");
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), assertMalformed));
    fc.assert(fc.property(fc.string(), assertMalformed));
    fc.assert(fc.property(fc.json(), assertMalformed));
    const types = fc.constantFrom("event", "connected", "error", "subscribed", "published");
    const fields = fc.dictionary(fc.constantFrom(...Object.keys(event)), fc.jsonValue());
    fc.assert(fc.property(types, fields, (type, fields) => {
      assertMalformed(JSON.stringify({ ...fields, type }));
    }));
  });
});
