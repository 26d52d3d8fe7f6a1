import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toBase64 } from "../base/base64.ts";
import { type CompressionAlgorithm, Compressor } from "./compression.ts";
import { decodeCompressedJson } from "./compression.ts";
import { EncodedEvent, encodeMessage, type Frame, grant, offeredAlgorithms } from "./encode.ts";
import { plainText, type Variant } from "./encode.ts";
import { decodeEnvelope } from "./envelope.ts";
import { isFailure } from "./errors.ts";
import { type ChannelEvent, Media } from "./event.ts";
import { serverSchemas } from "./messages.ts";

const timestamp = "2024-12-29T12:00:00.000Z";
const long = JSON.stringify({ text: "heddle ".repeat(500) });

function eventOf(data: string | Media, event: Partial<ChannelEvent> = {}): ChannelEvent {
  return { channel: "a", epoch: "e", offset: 7, eventType: "tick", timestamp, data, ...event };
}

function variantOf(binary: boolean, algorithm?: CompressionAlgorithm, compact = false): Variant {
  return grant({
    ...(binary ? { binary: {} } : {}),
    ...(algorithm === undefined ? {} : { compression: { algorithm, compact } }),
  }).variant;
}

function envelopeOf(frame: Frame) {
  assert(typeof frame !== "string", "the frame is text");
  const envelope = decodeEnvelope(frame);
  assert(!isFailure(envelope));
  return envelope;
}

/** The message in a frame, whichever way it is written. */
function read(frame: Frame, granted?: CompressionAlgorithm): unknown {
  if (typeof frame === "string") return JSON.parse(frame) as unknown;
  const options = { limit: 1e6, ...(granted === undefined ? {} : { granted }) };
  const text = decodeCompressedJson(envelopeOf(frame), options);
  assert(typeof text === "string");
  return JSON.parse(text) as unknown;
}

describe("grant()", () => {
  it("grants what it knows and leaves out what it does not", () => {
    const { granted, variant } = grant({ binary: {}, compression: { algorithm: "brotli" } });
    assertEquals(granted, { binary: {} });
    assertEquals(variant, { binary: true });
    assertEquals(grant({ compression: { algorithm: "gzip" } }).granted, {
      compression: { algorithm: "gzip", compact: false },
    });
  });

  it("never grants none, or a name that only the prototype has", () => {
    for (const algorithm of ["none", "", "__proto__", "constructor", "ZLIB"]) {
      assertEquals(grant({ compression: { algorithm, compact: true } }), {
        granted: {},
        variant: plainText,
      });
    }
  });

  it("gives the same object for the same features, and another for others", () => {
    const seen = new Set<Variant>([plainText]);
    for (const binary of [false, true]) {
      assertStrictEquals(variantOf(binary), variantOf(binary));
      seen.add(variantOf(binary));
      for (const algorithm of offeredAlgorithms) {
        for (const compact of [false, true]) {
          const variant = variantOf(binary, algorithm, compact);
          assertStrictEquals(variant, variantOf(binary, algorithm, compact));
          seen.add(variant);
        }
      }
    }
    assertEquals(seen.size, 2 + 2 * 2 * offeredAlgorithms.length);
    assertStrictEquals(variantOf(false), plainText);
  });
});

describe("encodeMessage()", () => {
  const error = {
    type: "error",
    code: "internal",
    message: "x".repeat(2_000),
    recoverable: true,
    help: "",
    timestamp,
  } as const;

  it("writes text where no compression was granted, whatever the size", () => {
    for (const variant of [plainText, variantOf(true)]) {
      assertEquals(encodeMessage(error, variant, new Compressor()), JSON.stringify(error));
    }
  });

  it("compresses by what was granted, and only where it pays", () => {
    for (const algorithm of offeredAlgorithms) {
      const frame = encodeMessage(error, variantOf(false, algorithm), new Compressor());
      assertEquals(envelopeOf(frame).metadata["compression"], algorithm);
      assertEquals(read(frame), error);
      const compact = encodeMessage(error, variantOf(false, algorithm, true), new Compressor());
      assertEquals(envelopeOf(compact).metadata, {});
      assertEquals(read(compact, algorithm), error);
    }
    const pong = { type: "pong", timestamp } as const;
    assertEquals(
      encodeMessage(pong, variantOf(false, "zlib"), new Compressor()),
      JSON.stringify(pong),
    );
  });
});

describe("EncodedEvent", () => {
  it("writes JSON that fits the schema of an event, for any names and data", () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });
    fc.assert(fc.property(
      text,
      text,
      fc.jsonValue({ stringUnit: "binary" }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      (channel, eventType, value, offset) => {
        const data = JSON.stringify(value);
        const frame = new EncodedEvent(
          eventOf(data, { channel, eventType, offset }),
          new Compressor(),
        )
          .frame(plainText);
        const message = read(frame);
        assertEquals(message, {
          type: "event",
          channel,
          timestamp,
          event_type: eventType,
          data: JSON.parse(data) as unknown,
          offset,
        });
        assert(serverSchemas.event.safeParse(message).success);
      },
    ));
  });

  it("writes each variant once, and the same frame to all that share it", () => {
    let compressions = 0;
    class Counting extends Compressor {
      override compress(...args: Parameters<Compressor["compress"]>) {
        compressions++;
        return super.compress(...args);
      }
    }
    const encoded = new EncodedEvent(eventOf(long), new Counting());
    const variants = [
      plainText,
      variantOf(true),
      ...offeredAlgorithms.map((algorithm) => variantOf(false, algorithm)),
    ];
    const first = variants.map((variant) => encoded.frame(variant));
    assertEquals(compressions, offeredAlgorithms.length);
    variants.forEach((variant, i) => assertStrictEquals(encoded.frame(variant), first[i]!));
    assertEquals(compressions, offeredAlgorithms.length);
  });

  it("says the same in every variant", () => {
    for (const binary of [false, true]) {
      for (const algorithm of offeredAlgorithms) {
        const encoded = new EncodedEvent(eventOf(long), new Compressor());
        const plain = read(encoded.frame(plainText));
        assertEquals(read(encoded.frame(variantOf(binary, algorithm))), plain);
      }
    }
  });

  it("writes media as an envelope to those who were granted binary", () => {
    const content = new Uint8Array([0xff, 0xd8, 0xff]);
    const media = new Media("image", content, { mime: "image/jpeg" });
    const encoded = new EncodedEvent(eventOf(media, { eventType: "image" }), new Compressor());
    for (const variant of [variantOf(true), variantOf(true, "zlib")]) {
      assertEquals(envelopeOf(encoded.frame(variant)), {
        kind: "image",
        metadata: {
          channel: "a",
          event_type: "image",
          timestamp,
          offset: 7,
          metadata: { mime: "image/jpeg" },
        },
        payload: content,
      });
    }
  });

  it("writes media as base64 to everybody else", () => {
    const content = new Uint8Array(3_000).fill(7);
    const encoded = new EncodedEvent(eventOf(new Media("audio", content)), new Compressor());
    for (const variant of [plainText, variantOf(false, "zlib")]) {
      assertEquals((read(encoded.frame(variant)) as { data: unknown }).data, {
        encoding: "base64",
        kind: "audio",
        content: toBase64(content),
        metadata: {},
      });
    }
  });

  it("writes the text once for all variants that need it", () => {
    let writings = 0;
    const toJSON = () => ({ writing: ++writings });
    const media = new Media("image", new Uint8Array(3_000), { toJSON });
    const encoded = new EncodedEvent(eventOf(media), new Compressor());
    for (const algorithm of offeredAlgorithms) encoded.frame(variantOf(false, algorithm));
    encoded.frame(plainText);
    assertEquals(writings, 1);
  });

  it("writes no base64 where all take media as envelopes", () => {
    let wasAsked = false;
    const media = new Media("image", new Uint8Array([1]), {
      // JSON asks for it once for an envelope, and once more for text.
      toJSON: () => {
        assert(!wasAsked, "the media were written twice");
        wasAsked = true;
        return {};
      },
    });
    new EncodedEvent(eventOf(media), new Compressor()).frame(variantOf(true));
    assertEquals(wasAsked, true);
  });
});
