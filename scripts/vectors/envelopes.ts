/**
 * The vectors of envelopes that carry media, and of what is no envelope.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { envelope, hexParts, TYPES, type Vector } from "./bytes.ts";

const JPEG = "ffd8ff";
const TIMESTAMP = "2026-03-04T05:06:07.089Z";
const invalid = { kind: "error", code: "invalid_message" };
const fields = ["HDL-BIN-3", "HDL-MSG-4"];

type Message = Readonly<Record<string, unknown>>;
type Media = {
  readonly kind: string;
  readonly hex: ReturnType<typeof hexParts>;
  readonly metadata: Message;
};

const vectors: Vector[] = [];

function add(vector: Omit<Vector, "hex"> & { readonly bytes: Uint8Array }): void {
  const { bytes, expect, ...rest } = vector;
  vectors.push({ ...rest, id: `envelopes/${vector.id}`, hex: hexParts(bytes), expect });
}

function media(kind: string, payload: string | Uint8Array, metadata: Message = {}): Media {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "hex") : payload;
  return { kind, hex: hexParts(bytes), metadata };
}

/** What a client publishes by `metadata`, as a publish without its data. */
function published(
  id: string,
  about: string,
  metadata: Parameters<typeof envelope>[1],
  { payload = JPEG, type = "image", message = {}, words = {}, requirements = ["HDL-BIN-3"] }: {
    readonly payload?: string | Uint8Array;
    readonly type?: Exclude<keyof typeof TYPES, "compressed">;
    readonly message?: Message;
    readonly words?: Message;
    readonly requirements?: readonly string[];
  } = {},
): void {
  add({
    id,
    about,
    requirements,
    from: "client",
    bytes: envelope(TYPES[type], metadata, payload),
    expect: [{
      kind: "request",
      message: { type: "publish", channel: "camera", event_type: type, ...message },
      media: media(type, payload, words),
    }],
  });
}

function refused(
  id: string,
  about: string,
  bytes: Uint8Array,
  options: Partial<Pick<Vector, "requirements" | "from" | "expect">> = {},
): void {
  const { requirements = ["HDL-BIN-2"], from = "either", expect = [invalid] } = options;
  add({ id, about, requirements, from, bytes, expect });
}

const camera = { channel: "camera" };

for (const type of ["image", "audio", "video", "binary"] as const) {
  published(`${type}-minimal`, "the event type is the kind", camera, {
    type,
    requirements: ["HDL-BIN-3", "HDL-BIN-4"],
  });
}
const all = { event_type: "frame", id: "f-1", echo: false, correlation_id: "c1" };
const words = { taken_at: "dusk", size: { width: 640, height: 480 } };
published("full", "every field", { ...camera, ...all, metadata: words }, {
  message: all,
  words,
  requirements: ["HDL-BIN-3", "HDL-BIN-5"],
});
published("no-payload", "media of no bytes", camera, { payload: "", type: "binary" });
published("every-byte", "a payload of each byte there is", camera, {
  payload: Uint8Array.from({ length: 256 }, (_, n) => n),
  type: "binary",
});
published("metadata-unicode", "metadata are UTF-8", { ...camera, event_type: "Bild-ü🧵" }, {
  message: { event_type: "Bild-ü🧵" },
});
published(
  "metadata-escapes",
  "escapes stand for what they name",
  '{"chann\\u0065l":"\\u0063amera"}',
);
published(
  "metadata-blanks",
  "blanks round the tokens mean nothing",
  ' {\n"channel" : "camera" }\t',
);
published("metadata-words-empty", "no words on the payload", { ...camera, metadata: {} });
published("unknown-fields", "unknown fields are ignored, a type and data among them", {
  ...camera,
  type: "ping",
  data: [1],
  kind: "video",
}, { requirements: ["HDL-MSG-7", "HDL-BIN-3"] });
published(
  "fields-of-a-language",
  "names that mean something to a programming language",
  '{"__proto__":{"channel":"b"},"constructor":1,"channel":"camera","metadata":{"__proto__":1}}',
  { words: JSON.parse('{"__proto__":1}'), requirements: ["HDL-MSG-16"] },
);
const most = `{"channel":"camera","pad":"${"a".repeat(65_535 - 29)}"}`;
published("metadata-most", "65,535 bytes of metadata", most);
const room = 1_048_576 - 8 - JSON.stringify(camera).length;
published("largest", "1,048,576 bytes in all", camera, {
  payload: new Uint8Array(room),
  type: "binary",
  requirements: ["HDL-LIM-2", "HDL-LIM-4"],
});
refused("too-large", "1,048,577 bytes in all", envelope(4, camera, new Uint8Array(room + 1)), {
  requirements: ["HDL-LIM-2", "HDL-LIM-4"],
  from: "client",
  expect: [{ kind: "error", code: "message_too_large" }],
});

// What is missing or wrong in the metadata of a publication.
function misfit(id: string, about: string, metadata: Message, correlation?: string): void {
  const expect = [
    correlation === undefined ? invalid : { ...invalid, correlation_id: correlation },
  ];
  refused(id, about, envelope(1, metadata, JPEG), { requirements: fields, from: "client", expect });
}
refused("no-metadata", "metadata of no bytes are {}, and name no channel", envelope(1, "", JPEG), {
  requirements: fields,
  from: "client",
});
misfit("no-channel", "channel is required", { event_type: "frame" });
misfit("channel-number", "channel is a string", { channel: 1, correlation_id: "c2" }, "c2");
misfit("event-type-empty", "an event type has 1 character at least", { ...camera, event_type: "" });
misfit("event-type-null", "null is no string", { ...camera, event_type: null });
misfit("event-type-too-long", "200 characters at most", { ...camera, event_type: "e".repeat(201) });
misfit("id-empty", "an id has 1 character at least", { ...camera, id: "" });
misfit("echo-string", "echo is a boolean", { ...camera, echo: "no" });
misfit("correlation-too-long", "128 characters at most", {
  ...camera,
  correlation_id: "c".repeat(129),
});
for (const [name, value] of Object.entries({ array: ["dusk"], string: "dusk", null: null })) {
  const metadata = { ...camera, metadata: value, correlation_id: "c3" };
  refused(`words-${name}`, "the words on the payload are an object", envelope(1, metadata, JPEG), {
    requirements: ["HDL-BIN-5", "HDL-MSG-4", "HDL-MSG-10"],
    from: "client",
    expect: [{ ...invalid, correlation_id: "c3" }],
  });
}
refused("deep", "65 levels", envelope(1, `{"x":${"[".repeat(64)}${"]".repeat(64)}}`, JPEG), {
  requirements: ["HDL-MSG-13"],
});
refused("number", "beyond binary64", envelope(1, '{"channel":"camera","x":1e400}', JPEG), {
  requirements: ["HDL-MSG-14"],
});

// What is no envelope.
const whole = envelope(1, camera, JPEG);
const cuts: Readonly<Record<string, readonly [at: number, where: string]>> = {
  nothing: [0, "nothing at all"],
  version: [1, "after the version"],
  type: [2, "after the type"],
  "metadata-length-half": [3, "in the length of the metadata"],
  "metadata-length": [4, "after the length of the metadata"],
  "payload-length-first": [5, "in the length of the payload"],
  "payload-length-second": [6, "in the length of the payload"],
  "payload-length-third": [7, "in the length of the payload"],
  header: [8, "after the header"],
  "metadata-first": [9, "after the first byte of the metadata"],
  "metadata-last": [whole.length - 4, "before the last byte of the metadata"],
  metadata: [whole.length - 3, "after the metadata"],
  "payload-first": [whole.length - 2, "after the first byte of the payload"],
  "payload-last": [whole.length - 1, "before the last byte of the payload"],
};
for (const [name, [at, where]] of Object.entries(cuts)) {
  refused(`cut-${name}`, `cut short: ${where}`, whole.subarray(0, at));
}
refused("trailing-byte", "a byte too many", Buffer.concat([whole, Buffer.from([0])]), {
  requirements: ["HDL-BIN-1", "HDL-BIN-2"],
});
refused("trailing-envelope", "two envelopes in one", Buffer.concat([whole, whole]), {
  requirements: ["HDL-BIN-1", "HDL-BIN-2"],
});
for (const version of [0, 2, 255]) {
  refused(`version-${version}`, "the version is 1", envelope(1, camera, JPEG, { version }));
}
for (const type of [0, 6, 0x81, 255]) {
  refused(`type-${type}`, "a type that is not in the table", envelope(type, camera, JPEG));
}
const M = JSON.stringify(camera).length;
const lengths = {
  "metadata-short": { metadataLength: M - 1 },
  "metadata-long": { metadataLength: M + 1 },
  "metadata-most": { metadataLength: 65_535 },
  "payload-short": { payloadLength: 2 },
  "payload-long": { payloadLength: 4 },
  "payload-none": { payloadLength: 0 },
  "payload-sign": { payloadLength: 0x8000_0003 },
  "payload-most": { payloadLength: 0xffff_ffff },
  "little-endian": { metadataLength: M << 8, payloadLength: 3 * 2 ** 24 },
  // The sum is right where lengths are added in 32 bits.
  "sum-wraps": { metadataLength: M + 4, payloadLength: 0xffff_ffff },
};
for (const [name, header] of Object.entries(lengths)) {
  refused(`length-${name}`, "a length that is not right", envelope(1, camera, JPEG, header));
}
const noObject = {
  array: '["camera"]',
  string: '"camera"',
  number: "1",
  null: "null",
  true: "true",
  "no-json": "{channel:camera}",
  cut: '{"channel":"camera"',
  two: '{"channel":"camera"}{}',
  blank: " ",
};
for (const [name, text] of Object.entries(noObject)) {
  refused(`metadata-${name}`, "metadata are one JSON object", envelope(1, text, JPEG));
}
const latin = Buffer.from('{"channel":"camera","x":"\xfc"}', "latin1");
refused("metadata-latin-1", "metadata are UTF-8", envelope(1, latin, JPEG));
const overlong = Buffer.from('{"channel":"camera","x":"\xc0\xaf"}', "latin1");
refused("metadata-overlong", "overlong forms are not UTF-8", envelope(1, overlong, JPEG));
const marked = `\ufeff${JSON.stringify(camera)}`;
add({
  id: "metadata-byte-order-mark",
  about: "a byte order mark may be ignored or refused (RFC 8259 section 8.1)",
  requirements: ["HDL-BIN-2"],
  from: "client",
  bytes: envelope(1, marked, JPEG),
  expect: [invalid, {
    kind: "request",
    message: { type: "publish", channel: "camera", event_type: "image" },
    media: media("image", JPEG),
  }],
});

// What a server sends.
const event = { channel: "camera", event_type: "frame", timestamp: TIMESTAMP, offset: 7 };
for (const type of ["image", "audio", "video", "binary"] as const) {
  add({
    id: `event-${type}`,
    about: "media to a connection that was granted binary",
    requirements: ["HDL-BIN-9"],
    from: "server",
    bytes: envelope(TYPES[type], { ...event, metadata: {} }, JPEG),
    expect: [{ kind: "message", message: { type: "event", ...event }, media: media(type, JPEG) }],
  });
}
const repeat = { ...event, ack_id: "k3J9-7", attempt: 2 };
add({
  id: "event-full",
  about: "a repeat of media that are to be acknowledged, with the publisher's words",
  requirements: ["HDL-BIN-9", "HDL-BIN-5"],
  from: "server",
  bytes: envelope(TYPES.image, { ...repeat, metadata: words }, JPEG),
  expect: [{
    kind: "message",
    message: { type: "event", ...repeat },
    media: media("image", JPEG, words),
  }],
});
refused(
  "event-no-channel",
  "channel is required",
  envelope(1, { ...event, channel: undefined }, JPEG),
  {
    requirements: ["HDL-BIN-9"],
    from: "server",
    expect: [{ kind: "error" }],
  },
);
refused(
  "event-no-timestamp",
  "timestamp is required",
  envelope(1, { ...event, timestamp: undefined }, JPEG),
  {
    requirements: ["HDL-BIN-9"],
    from: "server",
    expect: [{ kind: "error" }],
  },
);

/** All of them. */
export const envelopes: readonly Vector[] = vectors;
