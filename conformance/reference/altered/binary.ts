/**
 * Servers that get binary messages wrong, and what else `hello` grants (PROTOCOL.md, "Binary messages",
 * "Compressed messages" and "Batches").
 *
 * @module
 */
import {
  compressedJson,
  decodeEnvelope,
  decompress,
  encodeEnvelope,
  ENVELOPE,
  type Envelope,
} from "../../channels/envelope.ts";
import { bytesOf, decodeUtf8 } from "../../wire/bytes.ts";
import { type Frame, type FrameSpec, OPCODE, text } from "../../wire/frame.ts";
import type { Alteration, Link, Message } from "./alteration.ts";
import {
  answerTo,
  type Broken,
  errorTo,
  errs,
  events,
  hears,
  isEvent,
  list,
  record,
  says,
  without,
} from "./breakage.ts";

/** What becomes of an envelope: another in its place, nothing, or undefined for itself. */
type Rewrite = (
  envelope: Envelope,
  link: Link,
  bytes: Uint8Array,
) => Uint8Array | null | undefined;

const rewritten = (change: Rewrite) => (frame: Frame, link: Link): FrameSpec[] | undefined => {
  const envelope = frame.opcode === OPCODE.binary ? envelopeOf(frame.payload) : null;
  const changed = envelope === null ? undefined : change(envelope, link, frame.payload);
  if (changed === undefined) return undefined;
  return changed === null ? [] : [{ opcode: OPCODE.binary, payload: changed }];
};

function envelopeOf(bytes: Uint8Array): Envelope | null {
  try {
    return decodeEnvelope(bytes);
  } catch {
    return null;
  }
}

/** Envelopes of media of the client, changed before the server gets them. */
const hearsMedia = (change: Rewrite): Alteration => ({
  onClientFrame: rewritten((one, link, bytes) =>
    one.type === ENVELOPE.json ? undefined : change(one, link, bytes)
  ),
});

/** Compressed messages of the client, changed before the server gets them. */
const hearsCompressed = (change: Rewrite): Alteration => ({
  onClientFrame: rewritten((one, link, bytes) =>
    one.type === ENVELOPE.json ? change(one, link, bytes) : undefined
  ),
});

/** Envelopes of the server, changed: of media, or compressed messages. */
const saysMedia = (change: Rewrite): Alteration => ({
  onFrame: rewritten((one, link, bytes) =>
    one.type === ENVELOPE.json ? undefined : change(one, link, bytes)
  ),
});
const saysCompressed = (change: Rewrite): Alteration => ({
  onFrame: rewritten((one, link, bytes) =>
    one.type === ENVELOPE.json ? change(one, link, bytes) : undefined
  ),
});

/**
 * A feature as a `hello` asks for it, changed, or left out; the client is told that it was granted what
 * it asked for, or what is said instead.
 */
function asksFor(
  feature: string,
  change: (asked: Message) => Message | null,
  grant: (asked: Message) => Message = (asked) => asked,
): Alteration {
  let asked: unknown;
  return {
    ...hears("hello", (message) => {
      const { [feature]: wanted, ...features } = record(message["features"]);
      asked = wanted;
      if (asked === undefined) return undefined;
      const changed = change(record(asked));
      const others = changed === null ? features : { ...features, [feature]: changed };
      return { ...message, features: others };
    }),
    ...welcomes((features) => {
      if (asked === undefined) return undefined;
      return { ...features, [feature]: { ...record(features[feature]), ...grant(record(asked)) } };
    }),
  };
}

/** The features of a `welcome`, changed. */
const welcomes = (change: (features: Message) => Message | undefined): Alteration =>
  says("welcome", (message) => {
    const features = change(record(message["features"]));
    return features === undefined ? undefined : { ...message, features };
  });

/** What is granted of compression, changed. */
const compresses = (change: (compression: Message) => Message | undefined): Alteration =>
  welcomes((features) => {
    const granted = features["compression"];
    const changed = granted === undefined ? undefined : change(record(granted));
    return changed === undefined ? undefined : { ...features, compression: changed };
  });

/** The bytes of the media of an event that came as text; null where it has none. */
function mediaOf(event: Message): { readonly type: number; readonly content: Uint8Array } | null {
  const { encoding, kind, content } = record(event["data"]);
  if (encoding !== "base64") return null;
  const type = Object.entries(ENVELOPE).find(([name]) => name === kind)?.[1] ?? ENVELOPE.binary;
  return { type, content: Uint8Array.from(atob(String(content)), (one) => one.charCodeAt(0)) };
}

const BINARY: readonly Broken[] = [
  {
    name: "takes the first envelope of a message, whatever follows it",
    breaks: "HDL-BIN-1",
    foundBy: ["1-one"],
    how: {
      onClientFrame({ opcode, payload }) {
        if (opcode !== OPCODE.binary || payload.length < 8) return undefined;
        const view = new DataView(payload.buffer, payload.byteOffset);
        const end = 8 + view.getUint16(2) + view.getUint32(4);
        return end < payload.length
          ? [{ opcode: OPCODE.binary, payload: payload.subarray(0, end) }]
          : undefined;
      },
    },
  },
  {
    name: "takes any version of an envelope for the first",
    breaks: "HDL-BIN-2",
    foundBy: ["2-version-0", "2-version-2"],
    how: {
      onClientFrame: ({ opcode, payload }) =>
        opcode === OPCODE.binary && payload[0] !== 1
          ? [{ opcode, payload: payload.map((byte, i) => i === 0 ? 1 : byte) }]
          : undefined,
    },
  },
  {
    name: "does not look for an id in an envelope",
    breaks: "HDL-BIN-3",
    foundBy: ["3-fields"],
    how: hearsMedia(({ type, metadata, payload }) =>
      encodeEnvelope(type, without(metadata ?? {}, "id") ?? metadata, payload)
    ),
  },
  {
    name: "does not look for a correlation_id in an envelope",
    breaks: "HDL-BIN-3",
    foundBy: ["3-fields"],
    how: hearsMedia(({ type, metadata, payload }) =>
      encodeEnvelope(type, without(metadata ?? {}, "correlation_id") ?? metadata, payload)
    ),
  },
  {
    name: "calls every image media",
    breaks: "HDL-BIN-4",
    foundBy: ["4-image"],
    how: events((message) =>
      message["event_type"] === "image" ? { ...message, event_type: "media" } : undefined
    ),
  },
  {
    name: "tells no offset of media",
    breaks: "HDL-BIN-9",
    foundBy: ["9-image", "9-audio"],
    how: saysMedia(({ type, metadata, payload }) =>
      encodeEnvelope(type, without(metadata ?? {}, "offset") ?? metadata, payload)
    ),
  },
  {
    name: "does not say that media are a repeat",
    breaks: "HDL-BIN-9",
    foundBy: ["9-acknowledged"],
    how: saysMedia(({ type, metadata, payload }) =>
      encodeEnvelope(type, without(metadata ?? {}, "attempt") ?? metadata, payload)
    ),
  },
  {
    name: "grants binary, and sends media as text",
    breaks: "HDL-BIN-9",
    foundBy: ["9-video", "9-binary"],
    how: () => asksFor("binary", () => null),
  },
  {
    name: "sends envelopes to everybody",
    breaks: "HDL-BIN-7",
    foundBy: ["7-not-asked"],
    how: events((message) => {
      const media = mediaOf(message);
      if (media === null) return undefined;
      const { channel, event_type, timestamp, offset, data } = message;
      const { metadata } = record(data);
      const fields = { channel, event_type, timestamp, offset, metadata };
      return [encodeEnvelope(media.type, fields, media.content)];
    }),
  },
  {
    name: "says that it took metadata of any size",
    breaks: "HDL-BIN-8",
    foundBy: ["8-metadata"],
    how: errs(
      "payload_invalid",
      (error) => answerTo(error, { type: "published", channel: "kit", epoch: "e", offset: 1 }),
    ),
  },
];

const COMPRESSED: readonly Broken[] = [
  {
    name: "does not know gzip",
    breaks: "HDL-CMP-1",
    foundBy: ["1-gzip"],
    how: hearsCompressed(({ metadata }, link) => {
      if (metadata?.["compression"] !== "gzip") return undefined;
      link.toClient(errorTo({}, "invalid_message"));
      return null;
    }),
  },
  {
    name: "compresses by zlib where gzip was granted",
    breaks: "HDL-CMP-2",
    foundBy: ["2-as-granted"],
    how: () =>
      asksFor(
        "compression",
        (asked) => asked["algorithm"] === "gzip" ? { ...asked, algorithm: "zlib" } : asked,
      ),
  },
  {
    name: "does not know what empty metadata stand for",
    breaks: "HDL-CMP-3",
    foundBy: ["3-granted"],
    how: hearsCompressed(({ metadata }, link) => {
      if (metadata !== null) return undefined;
      link.toClient(errorTo({}, "invalid_message"));
      return null;
    }),
  },
  {
    name: "takes empty metadata for deflate, granted or not",
    breaks: "HDL-CMP-3",
    foundBy: ["3-not-granted"],
    how: hearsCompressed(({ metadata, payload }) => {
      if (metadata !== null) return undefined;
      return compressedJson(decodeUtf8(decompress(payload, "deflate")) ?? "", "deflate");
    }),
  },
  {
    name: "writes metadata where compact was granted",
    breaks: "HDL-CMP-4",
    foundBy: ["4-compact"],
    how: () => asksFor("compression", (asked) => ({ ...asked, compact: false })),
  },
  {
    name: "leaves metadata empty where compact was not granted",
    breaks: "HDL-CMP-4",
    foundBy: ["4-not-compact"],
    how: () => asksFor("compression", (asked) => ({ ...asked, compact: true })),
  },
  {
    name: "does not look at what follows a compressed message",
    breaks: "HDL-CMP-5",
    foundBy: ["5-followed"],
    how: hearsCompressed(({ metadata, payload }) => {
      const { compression, original_size } = metadata ?? {};
      if (payload.at(-1) !== 0) return undefined;
      try {
        const text = decompress(payload.subarray(0, -1), String(compression));
        return text.length === original_size
          ? compressedJson(decodeUtf8(text), compression as "gzip")
          : undefined;
      } catch {
        return undefined;
      }
    }),
  },
  {
    name: "does not look at the sizes that metadata tell",
    breaks: "HDL-CMP-5",
    foundBy: ["5-original-size", "5-compressed-size"],
    how: hearsCompressed(({ metadata, payload }) => {
      if (metadata === null) return undefined;
      try {
        const text = decompress(payload, String(metadata["compression"]));
        const sizes = { original_size: text.length, compressed_size: payload.length };
        return encodeEnvelope(ENVELOPE.json, { ...metadata, ...sizes }, payload);
      } catch {
        return undefined;
      }
    }),
  },
  {
    name: "inflates whatever comes before it looks at the size",
    breaks: "HDL-CMP-6",
    foundBy: ["6-bomb"],
    how: hearsCompressed(({ payload }, link) => {
      if (payload.length < 50_000) return undefined;
      link.toClient(errorTo({}, "invalid_json"));
      return null;
    }),
  },
  {
    name: "compresses events of any size",
    breaks: "HDL-CMP-9",
    foundBy: ["9-worth-it"],
    how: () => {
      let granted = false;
      return {
        onMessage(message) {
          if (message["type"] === "welcome") {
            granted = Object.hasOwn(record(message["features"]), "compression");
          }
          return granted && message["type"] === "event"
            ? [compressedJson(message, "deflate")]
            : undefined;
        },
      };
    },
  },
  {
    name: "offers the algorithm none",
    breaks: "HDL-CMP-8",
    foundBy: ["8-none"],
    how: says("connected", (message) => {
      const features = record(message["features"]);
      const compression = record(features["compression"]);
      const algorithms = [...list(compression["algorithms"]), "none"];
      return { ...message, features: { ...features, compression: { ...compression, algorithms } } };
    }),
  },
  {
    name: "grants a dictionary to whoever asks for compression",
    breaks: "HDL-CMP-10",
    foundBy: ["10-not-with-gzip", "10-another", "10-not-asked"],
    how: () =>
      asksFor("compression", () => null, (asked) => ({ dictionary: { id: "kit" }, ...asked })),
  },
  {
    name: "grants a dictionary and keeps its content to itself",
    breaks: "HDL-CMP-11",
    foundBy: ["11-content"],
    how: compresses((granted) => {
      const { dictionary } = granted;
      return dictionary === undefined
        ? undefined
        : { ...granted, dictionary: without(record(dictionary), "content") ?? dictionary };
    }),
  },
  {
    name: "has another dictionary of the same id for each algorithm",
    breaks: "HDL-CMP-12",
    foundBy: ["12-the-same"],
    how: compresses((granted) => {
      const { algorithm, dictionary } = granted;
      const { content, ...rest } = record(dictionary);
      return algorithm === "zlib" && typeof content === "string"
        ? { ...granted, dictionary: { ...rest, content: btoa(`kit${atob(content)}`) } }
        : undefined;
    }),
  },
  {
    name: "does not name the dictionary that it compresses by",
    breaks: "HDL-CMP-13",
    foundBy: ["13-deflate", "13-zlib"],
    how: saysCompressed(({ type, metadata, payload }) =>
      metadata === null
        ? undefined
        : encodeEnvelope(type, without(metadata, "dictionary") ?? metadata, payload)
    ),
  },
];

const BATCHES: readonly Broken[] = [
  {
    name: "sends batches to everybody",
    breaks: "HDL-BAT-1",
    foundBy: ["1-not-asked"],
    how: events((message) => ({ type: "batch", messages: [message] })),
  },
  {
    name: "puts the newest message of a batch first",
    breaks: "HDL-BAT-2",
    foundBy: ["2-order"],
    how: says("batch", (message) => ({
      ...message,
      messages: [...list(message["messages"])].reverse(),
    })),
  },
  {
    name: "waits for a second event before it sends the first",
    breaks: "HDL-BAT-4",
    foundBy: ["4-alone"],
    how: () => {
      let held: Message | null = null;
      return events((message) => {
        const before = held;
        held = before === null ? message : null;
        return before === null ? [] : [before, message];
      });
    },
  },
  {
    name: "puts what is larger than a batch may be into one of its own",
    breaks: "HDL-BAT-5",
    foundBy: ["5-bytes"],
    how: () => {
      let most = Infinity;
      return {
        onMessage(message) {
          if (message["type"] === "welcome") {
            const { batch } = record(message["features"]);
            most = Number(record(batch)["max_bytes"] ?? Infinity);
          }
          const isLarge = bytesOf(JSON.stringify(message)).length > most;
          return isLarge && message["type"] !== "batch"
            ? { type: "batch", messages: [message] }
            : undefined;
        },
      };
    },
  },
  {
    name: "lets a binary message overtake what waits",
    breaks: "HDL-BAT-6",
    foundBy: ["6-binary"],
    how: () => {
      let held: Message | null = null;
      const letGo = (link: Link) => {
        if (held !== null) link.toClient(held);
        held = null;
      };
      return {
        onMessage(message, link) {
          letGo(link);
          if (message["type"] !== "batch" && !isEvent(message)) return undefined;
          held = message;
          return [];
        },
        onFrame({ opcode, payload }) {
          if (opcode !== OPCODE.binary || held === null) return undefined;
          const late = text(JSON.stringify(held));
          held = null;
          return [{ opcode, payload }, late];
        },
      };
    },
  },
];

/** The servers that get binary messages and batches wrong. */
export const binary: readonly Broken[] = [...BINARY, ...COMPRESSED, ...BATCHES];
