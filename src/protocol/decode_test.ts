import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { byteLength } from "../base/byte_length.ts";
import { Compressor, encodeCompressedJson } from "./compression.ts";
import { decodeBinary, decodeText, type Inbound } from "./decode.ts";
import { encodeEnvelope } from "./envelope.ts";
import { type ErrorCode, errorTable } from "./errors.ts";
import { Media } from "./event.ts";
import type { Request } from "./messages.ts";

const limits = { text: 10_240, subscribe: 65_536, binary: 1_048_576 };

function decode(text: string): Inbound {
  return decodeText(text, limits);
}

function requestOf(inbound: Inbound): Request {
  assert(inbound.kind === "request", JSON.stringify(inbound));
  return inbound.request;
}

type Refused = Extract<Inbound, { readonly kind: "failure" }>;

/** Asserts that a text is refused so, and that the message says why. */
function assertRefused(text: string, code: ErrorCode, ...includes: readonly string[]): Refused {
  const inbound = decode(text);
  assert(inbound.kind === "failure", `${text.slice(0, 100)} was taken`);
  assertEquals(inbound.failure.code, code, `${text.slice(0, 100)}: ${inbound.failure.message}`);
  for (const part of includes) assertStringIncludes(inbound.failure.message, part);
  return inbound;
}

/** Only what is documented comes out, and nothing stays behind. */
function assertDocumented(inbound: Inbound): void {
  if (inbound.kind === "failure") {
    assert(Object.hasOwn(errorTable, inbound.failure.code), inbound.failure.code);
    assert((inbound.correlationId?.length ?? 0) <= 128);
  }
  for (const key of ["polluted", "type", "channel", "data"]) {
    assertEquals(Object.hasOwn(Object.prototype, key), false, key);
  }
}

describe("decodeText()", () => {
  it("reads each request with the fields it knows, and leaves out the others", () => {
    const features = { binary: {}, compression: { algorithm: "zlib", compact: true } };
    const requests: readonly Request[] = [
      { type: "hello", features },
      { type: "subscribe", channels: ["metrics", "signals"] },
      { type: "unsubscribe", channels: ["metrics"] },
      { type: "get_subscriptions" },
      { type: "ping", correlation_id: "p" },
      { type: "publish", channel: "a", event_type: "e", data: null, id: "1", echo: false },
    ];
    for (const request of requests) {
      const inbound = decode(JSON.stringify({ ...request, unknown: [1] }));
      assertEquals(requestOf(inbound), request);
    }
  });

  it("reads any other type as the application's, payload and all", () => {
    for (const type of ["user_message", "__proto__", "constructor", "toString"]) {
      const text = JSON.stringify({ type, payload: { a: [1] }, correlation_id: "c" });
      assertEquals(decode(text), {
        kind: "application",
        message: { type, payload: { a: [1] }, correlation_id: "c" },
      });
    }
  });

  it("refuses what is not JSON", () => {
    for (
      const text of ["", " ", "{", "ping", "{'type':'ping'}", '{"type":"ping"}}', "NaN", "\ufeff{}"]
    ) {
      assertRefused(text, "invalid_json", "Invalid JSON");
    }
  });

  it("refuses JSON that is no object, and says what it is", () => {
    const cases = [["null", "null"], ["[]", "array"], ['"ping"', "string"], [
      "1",
      "number",
    ]] as const;
    for (const [text, found] of cases) assertRefused(text, "invalid_message", "object", found);
    assertRefused("true", "invalid_message", "boolean");
    assertRefused('[{"type":"ping"}]', "invalid_message", "array");
  });

  it("refuses a type that is missing or no string", () => {
    assertRefused("{}", "invalid_message", '"type" is missing');
    for (const type of [null, 1, true, [], {}, ["ping"]]) {
      assertRefused(JSON.stringify({ type }), "invalid_message", '"type" must be a string');
    }
  });

  it("does not know a type that no application may declare: empty or too long", () => {
    assertRefused('{"type":""}', "unknown_type");
    assertRefused(JSON.stringify({ type: "x".repeat(201) }), "unknown_type", "x".repeat(200));
    const { failure } = assertRefused(JSON.stringify({ type: "x".repeat(10_000) }), "unknown_type");
    assert(failure.message.length < 300, failure.message);
  });

  it("does not take a type that only the prototype has", () => {
    assertRefused('{"__proto__":{"type":"ping"}}', "invalid_message", '"type" is missing');
  });

  it("says unknown_type to what only servers send", () => {
    for (
      const type of [
        "connected",
        "event",
        "error",
        "pong",
        "gap",
        "batch",
        "welcome",
        "token_expiring",
      ]
    ) {
      assertRefused(JSON.stringify({ type }), "unknown_type", `Unknown message type: ${type}`);
    }
  });

  it("refuses channels that are missing, no array, empty, too many or no strings", () => {
    for (const type of ["subscribe", "unsubscribe"]) {
      const refused = (channels: unknown, ...includes: readonly string[]) =>
        assertRefused(JSON.stringify({ type, channels }), "invalid_message", ...includes);
      refused(undefined, "channels must be an array");
      for (const channels of ["metrics", null, 1, { 0: "a", length: 1 }]) {
        refused(channels, "channels must be an array");
      }
      refused([], "channels", "at least 1");
      refused(Array(101).fill("a"), "channels", "at most 100 entries");
      refused(["a", 1], "channels.1 must be a string");
      refused([null], "channels.0");
      refused([["a"]], "channels.0");
    }
  });

  it("calls a long subscribe with too many names by its fault, not by its size", () => {
    const channels = Array.from({ length: 101 }, (_, i) => `${i}`.padEnd(200, "x"));
    assertRefused(
      JSON.stringify({ type: "subscribe", channels }),
      "invalid_message",
      "100 entries",
    );
  });

  it("leaves names to the session, so that one bad name does not spoil the others", () => {
    const channels = ["x".repeat(10_240), "", "@all", "__proto__", "constructor", "\ud800", "a b"];
    const request = requestOf(decode(JSON.stringify({ type: "subscribe", channels })));
    assertEquals(request, { type: "subscribe", channels });
  });

  it("refuses fields of a publish that are missing or of another type", () => {
    const good = { type: "publish", channel: "a", event_type: "e", data: 1 };
    const refused = (fields: object, ...includes: readonly string[]) =>
      assertRefused(JSON.stringify({ ...good, ...fields }), "invalid_message", ...includes);
    refused({ channel: undefined }, "channel must be a string");
    refused({ channel: ["a"] }, "channel must be a string");
    refused({ event_type: undefined }, "event_type must be a string");
    refused({ event_type: "" }, "event_type", "at least 1 character");
    refused({ event_type: "x".repeat(201) }, "event_type", "at most 200 characters");
    refused({ data: undefined }, "data is required");
    refused({ id: "" }, "id");
    refused({ id: "x".repeat(129) }, "id", "at most 128 characters");
    refused({ id: 7 }, "id must be a string");
    refused({ echo: "no" }, "echo must be a boolean");
  });

  it("refuses features that are no object, and compression without an algorithm", () => {
    const refused = (features: unknown, include: string) =>
      assertRefused(JSON.stringify({ type: "hello", features }), "invalid_message", include);
    refused(undefined, "features must be an object");
    refused([], "features must be an object");
    refused({ binary: true }, "features.binary must be an object");
    refused({ compression: {} }, "features.compression.algorithm must be a string");
    refused({ compression: { algorithm: "zlib", compact: 1 } }, "compact must be a boolean");
  });

  it("repeats a correlation id of up to 128 characters, of whatever letters, with a failure", () => {
    for (const id of ["", "c", "__proto__", "constructor", "\ud800", "x".repeat(128)]) {
      const text = JSON.stringify({ type: "subscribe", channels: 1, correlation_id: id });
      const inbound = assertRefused(text, "invalid_message");
      assertEquals((inbound as { correlationId?: string }).correlationId, id);
    }
  });

  it("refuses a correlation id that is longer or no string, and repeats none", () => {
    for (const id of ["x".repeat(129), 1, null, {}, []]) {
      for (const type of ["ping", "user_message", "history"]) {
        const inbound = decode(JSON.stringify({ type, correlation_id: id }));
        assert(inbound.kind === "failure");
        assertEquals(inbound.correlationId, undefined);
      }
      assertRefused(
        JSON.stringify({ type: "ping", correlation_id: id }),
        "invalid_message",
        "correlation_id",
      );
    }
  });

  it("refuses nesting of 10,000 levels, in a message and as one", () => {
    assertRefused("[".repeat(5_000) + "]".repeat(5_000), "invalid_message", "levels");
    const deep = "[".repeat(10_000) + "]".repeat(10_000);
    const wide = { text: 65_536, subscribe: 65_536, binary: 65_536 };
    for (const text of [deep, `{"type":"publish","data":${deep}}`]) {
      const inbound = decodeText(text, wide);
      assert(inbound.kind === "failure");
      assertEquals(inbound.failure.code, "invalid_message");
    }
    assertRefused(deep, "message_too_large");
  });

  it("refuses numbers beyond binary64, and takes what JSON can give back", () => {
    const publish = (data: string) =>
      `{"type":"publish","channel":"a","event_type":"e","data":${data}}`;
    for (const data of ["1e400", "-1e400", '{"a":[1e999]}']) {
      assertRefused(publish(data), "invalid_message", "numbers");
    }
    for (const data of ["-0", "9007199254740993", "1e-400", "1.7976931348623157e308"]) {
      const request = requestOf(decode(publish(data)));
      assert(request.type === "publish");
      assertEquals(request.data, JSON.parse(data) as unknown);
    }
  });

  it("tells whose request it was that nests too deeply or holds no number", () => {
    const deep = "[".repeat(10_000) + "]".repeat(10_000);
    for (
      const text of [
        `{"type":"subscribe","channels":${deep},"correlation_id":"7"}`,
        '{"type":"publish","channel":"a","event_type":"e","data":1e400,"correlation_id":"7"}',
        '{"type":"dance","payload":1e400,"correlation_id":"7"}',
      ]
    ) {
      const inbound = decode(text);
      assert(inbound.kind === "failure");
      assertEquals([inbound.failure.code, inbound.correlationId], ["invalid_message", "7"]);
    }
  });

  it("keeps __proto__ in data a field like any other", () => {
    const text = '{"type":"publish","channel":"__proto__","event_type":"constructor",' +
      '"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}';
    const request = requestOf(decode(text));
    assert(request.type === "publish");
    assertEquals(
      JSON.stringify(request.data),
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    assertDocumented(decode(text));
  });

  it("takes a text of the limit in UTF-8 and refuses one byte more, by whatever letters", () => {
    for (const letter of ["a", "é", "水", "😀", "\\ud800"]) {
      const around = byteLength('{"type":"chat","payload":""}');
      const count = Math.floor((limits.text - around) / byteLength(letter));
      const pad = " ".repeat(limits.text - around - count * byteLength(letter));
      const text = `{"type":"chat","payload":"${letter.repeat(count)}"}${pad}`;
      assertEquals(byteLength(text), limits.text);
      assertEquals(decode(text).kind, "application");
      assertRefused(text + " ", "message_too_large", String(limits.text));
    }
  });

  it("refuses a long text that is not a subscribe whatever else is wrong with it", () => {
    for (const text of ["x".repeat(10_241), `{"type":1,"pad":"${"x".repeat(10_240)}"}`]) {
      assertRefused(text, "message_too_large");
    }
    const text = JSON.stringify({ type: "ping", pad: "x".repeat(10_240), correlation_id: "c" });
    const inbound = assertRefused(text, "message_too_large");
    assertEquals((inbound as { correlationId?: string }).correlationId, "c");
  });

  it("takes a subscribe up to its own limit, and not beyond", () => {
    const text = '{"type":"subscribe","channels":["a"]}';
    assertEquals(decode(text.padEnd(limits.subscribe)).kind, "request");
    assertRefused(text.padEnd(limits.subscribe + 1), "message_too_large");
    assertRefused('{"type":"unsubscribe","channels":["a"]}'.padEnd(10_241), "message_too_large");
  });

  it("says something documented to any text, and never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      assertDocumented(decode(text));
    }));
  });

  it("says something documented to any JSON", () => {
    fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      assertDocumented(decode(JSON.stringify(value)));
    }));
  });

  it("says something documented to any fields in any message", () => {
    const types = [
      "hello",
      "subscribe",
      "unsubscribe",
      "get_subscriptions",
      "ping",
      "publish",
      "history",
      "event",
      "__proto__",
    ];
    const fields = [
      "channels",
      "features",
      "channel",
      "event_type",
      "data",
      "id",
      "echo",
      "payload",
    ];
    const keys = fc.constantFrom(...fields, "correlation_id", "__proto__", "constructor");
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.array(fc.tuple(keys, fc.json({ maxDepth: 3 }))),
        (type, entries) => {
          const body = entries.map(([key, json]) => `,${JSON.stringify(key)}:${json}`).join("");
          assertDocumented(decode(`{"type":${JSON.stringify(type)}${body}}`));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("decodeBinary()", () => {
  const compressor = new Compressor({ json: { threshold: 0 }, minimumSaving: 0 });
  const image = encodeEnvelope({
    kind: "image",
    metadata: { channel: "camera", correlation_id: "c", metadata: { mime: "image/jpeg" } },
    payload: new Uint8Array([0xff, 0xd8, 0xff]),
  });

  function compressed(json: string, compact = false): Uint8Array<ArrayBuffer> {
    const frame = encodeCompressedJson(json, { compressor, algorithm: "zlib", compact });
    assert(frame !== undefined);
    return frame;
  }

  function codeOf(frame: Uint8Array): ErrorCode | undefined {
    const inbound = decodeBinary(frame, limits, undefined);
    return inbound.kind === "failure" ? inbound.failure.code : undefined;
  }

  it("takes media for a publish whose event type is what they are, unless they name one", () => {
    assertEquals(requestOf(decodeBinary(image, limits, undefined)), {
      type: "publish",
      channel: "camera",
      event_type: "image",
      data: new Media("image", new Uint8Array([0xff, 0xd8, 0xff]), { mime: "image/jpeg" }),
      correlation_id: "c",
    });
    const metadata = {
      channel: "a",
      event_type: "frame",
      id: "1",
      echo: false,
      type: "ping",
      data: 1,
    };
    const frame = encodeEnvelope({ kind: "video", metadata, payload: new Uint8Array() });
    assertEquals(requestOf(decodeBinary(frame, limits, undefined)), {
      type: "publish",
      channel: "a",
      event_type: "frame",
      id: "1",
      echo: false,
      data: new Media("video", new Uint8Array()),
    });
  });

  it("refuses media without a channel, or whose own metadata are no object", () => {
    const payload = new Uint8Array([1]);
    const refused = (metadata: Record<string, unknown>) =>
      codeOf(encodeEnvelope({ kind: "binary", metadata, payload }));
    assertEquals(refused({}), "invalid_message");
    for (const metadata of [null, [], "x", 1]) {
      assertEquals(refused({ channel: "a", metadata }), "invalid_message");
    }
  });

  it("keeps __proto__ in metadata a field like any other", () => {
    const json = new TextEncoder().encode(
      '{"channel":"a","__proto__":{"polluted":1},"metadata":{"__proto__":{"polluted":1}}}',
    );
    const frame = new Uint8Array([1, 4, 0, json.length, 0, 0, 0, 0, ...json]);
    const inbound = decodeBinary(frame, limits, undefined);
    assertDocumented(inbound);
    const request = requestOf(inbound);
    assert(request.type === "publish" && request.data instanceof Media);
    assertEquals(JSON.stringify(request.data.metadata), '{"__proto__":{"polluted":1}}');
  });

  it("refuses an envelope cut short at every byte", () => {
    for (const frame of [image, compressed(`{"type":"ping","pad":"${"a".repeat(100)}"}`)]) {
      for (let length = 0; length < frame.length; length++) {
        assertEquals(codeOf(frame.subarray(0, length)), "invalid_message", `at byte ${length}`);
      }
    }
  });

  it("refuses an envelope with a byte more, another version or an unknown type", () => {
    assertEquals(codeOf(new Uint8Array([...image, 0])), "invalid_message");
    for (const version of [0, 2, 255]) {
      assertEquals(codeOf(new Uint8Array([version, ...image.subarray(1)])), "invalid_message");
    }
    for (const type of [0, 6, 255]) {
      assertEquals(codeOf(new Uint8Array([1, type, ...image.subarray(2)])), "invalid_message");
    }
  });

  it("reads compressed JSON as the message in it, faults included", () => {
    const read = (json: string) => decodeBinary(compressed(json), limits, undefined);
    const pad = "a".repeat(100);
    assertEquals(requestOf(read(`{"type":"ping","pad":"${pad}"}`)), { type: "ping" });
    for (
      const [json, code] of [
        [`{"type":"ping${pad}`, "invalid_json"],
        [`["${pad}"]`, "invalid_message"],
        [`{"type":"ping","pad":"${"a".repeat(20_000)}"}`, "message_too_large"],
        [`{"type":"ping","pad":"${"a".repeat(2_000_000)}"}`, "message_too_large"],
      ] as const
    ) {
      const inbound = read(json);
      assert(inbound.kind === "failure");
      assertEquals(inbound.failure.code, code);
    }
    const channels = Array.from({ length: 100 }, () => "x".repeat(200));
    const subscribe = read(JSON.stringify({ type: "subscribe", channels }));
    assertEquals(subscribe.kind, "request");
  });

  it("opens empty metadata by what was granted, and by nothing else", () => {
    const frame = compressed(`{"type":"ping","pad":"${"a".repeat(100)}"}`, true);
    assertEquals(requestOf(decodeBinary(frame, limits, "zlib")), { type: "ping" });
    for (const granted of [undefined, "gzip", "deflate", "none"] as const) {
      const inbound = decodeBinary(frame, limits, granted);
      assert(inbound.kind === "failure", granted);
    }
  });

  it("refuses a frame over the limit by its whole size", () => {
    const frame = (size: number) =>
      encodeEnvelope({
        kind: "binary",
        metadata: { channel: "a" },
        payload: new Uint8Array(size - 8 - '{"channel":"a"}'.length),
      });
    assertEquals(codeOf(frame(limits.binary)), undefined);
    assertEquals(codeOf(frame(limits.binary + 1)), "message_too_large");
  });

  it("says something documented to any bytes, and to any change of good ones", () => {
    const algorithms = fc.constantFrom(undefined, "gzip", "zlib", "deflate", "none");
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), algorithms, (bytes, granted) => {
      assertDocumented(decodeBinary(bytes, limits, granted));
    }));
    const good = [image, compressed(`{"type":"ping","pad":"${"ab".repeat(100)}"}`)];
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(fc.tuple(fc.nat(250), fc.nat(255)), { maxLength: 4 }),
        algorithms,
        (frame, changes, granted) => {
          const changed = new Uint8Array(frame);
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          assertDocumented(decodeBinary(changed, limits, granted));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("says something documented to any envelope of any JSON", () => {
    const kinds = fc.constantFrom("image", "audio", "video", "binary", "compressed_json" as const);
    const metadata = fc.dictionary(
      fc.constantFrom("channel", "event_type", "metadata", "echo", "id", "compression", "type"),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(fc.property(kinds, metadata, fc.uint8Array(), (kind, metadata, payload) => {
      const frame = encodeEnvelope({ kind, metadata, payload: new Uint8Array(payload) });
      assertDocumented(decodeBinary(frame, limits, "zlib"));
    }));
  });
});
