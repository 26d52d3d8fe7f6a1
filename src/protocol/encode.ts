/**
 * From messages and events to frames: once for each way to write them.
 *
 * @module
 */
import { toBase64 } from "../base/base64.ts";
import {
  ALGORITHMS,
  type CompressionAlgorithm,
  type Compressor,
  type Dictionary,
  encodeCompressedJson,
} from "./compression.ts";
import { encodeEnvelope } from "./envelope.ts";
import { ackIdOf, type ChannelEvent, Media } from "./event.ts";
import type { ApplicationReply, Features, ServerMessage } from "./messages.ts";

/** What goes into one WebSocket message: a string is text, bytes are binary. */
export type Frame = string | Uint8Array<ArrayBuffer>;

/** One way to write a frame. There are few, each one object, so a variant is compared by identity. */
export interface Variant {
  /** Media goes as envelopes. */
  readonly binary: boolean;
  /** Long messages go compressed. */
  readonly compression?: {
    readonly algorithm: CompressionAlgorithm;
    readonly compact: boolean;
    readonly dictionary?: Dictionary | undefined;
  };
}

/** What a connection is written in until `hello` grants more. */
export const plainText: Variant = { binary: false };

/** The algorithms that `hello` may ask for. */
export const offeredAlgorithms: readonly CompressionAlgorithm[] = ALGORITHMS.filter((name) =>
  name !== "none"
);

const variants: readonly Variant[] = [
  plainText,
  { binary: true },
  ...compressedVariants(offeredAlgorithms),
];

/** gzip has no way to tell of a dictionary (RFC 1952). */
const dictionaryAlgorithms: readonly CompressionAlgorithm[] = offeredAlgorithms.filter((name) =>
  name !== "gzip"
);

const dictionaryVariants = new WeakMap<Dictionary, readonly Variant[]>();

function compressedVariants(
  algorithms: readonly CompressionAlgorithm[],
  dictionary?: Dictionary,
): readonly Variant[] {
  return [false, true].flatMap((binary) =>
    algorithms.flatMap((algorithm) =>
      [false, true].map((compact): Variant => ({
        binary,
        compression: { algorithm, compact, ...(dictionary === undefined ? {} : { dictionary }) },
      }))
    )
  );
}

function variantsWith(dictionary: Dictionary | undefined): readonly Variant[] {
  if (dictionary === undefined) return variants;
  let made = dictionaryVariants.get(dictionary);
  if (made === undefined) {
    made = compressedVariants(dictionaryAlgorithms, dictionary);
    dictionaryVariants.set(dictionary, made);
  }
  return made;
}

/**
 * What of the features asked for is granted, and the variant that follows from it.
 *
 * @param offered The dictionary there is.
 */
export function grant(
  asked: Features,
  offered?: Dictionary,
): { readonly granted: Features; readonly variant: Variant } {
  const algorithm = offeredAlgorithms.find((name) => name === asked.compression?.algorithm);
  const compact = asked.compression?.compact ?? false;
  const binary = asked.binary !== undefined;
  const wanted = asked.compression?.dictionary;
  const isKnown = wanted?.id !== undefined;
  const dictionary = algorithm !== undefined && dictionaryAlgorithms.includes(algorithm) &&
      wanted !== undefined && (!isKnown || wanted.id === offered?.id)
    ? offered
    : undefined;
  const named = dictionary && {
    dictionary: isKnown
      ? { id: dictionary.id }
      : { id: dictionary.id, content: dictionary.content },
  };
  const variant = variantsWith(dictionary).find((variant) =>
    variant.binary === binary && variant.compression?.algorithm === algorithm &&
    (variant.compression?.compact ?? false) === (algorithm !== undefined && compact)
  )!;
  return {
    variant,
    granted: {
      ...(binary ? { binary: {} } : {}),
      ...(algorithm === undefined ? {} : { compression: { algorithm, compact, ...named } }),
      ...(asked.batch === undefined ? {} : { batch: asked.batch }),
    },
  };
}

/** A message whose JSON is there already, since most of it is the same for many. */
export class Written<T extends ServerMessage["type"] = ServerMessage["type"]> {
  readonly type: T;
  readonly json: string;

  constructor(type: T, json: string) {
    this.type = type;
    this.json = json;
  }
}

/** Writes a message for one connection. */
export function encodeMessage(
  message: ServerMessage | ApplicationReply | Written,
  variant: Variant,
  compressor: Compressor,
): Frame {
  const json = message instanceof Written ? message.json : JSON.stringify(message);
  return compressed(json, variant, compressor);
}

function compressed(json: string, variant: Variant, compressor: Compressor): Frame {
  if (variant.compression === undefined) return json;
  return encodeCompressedJson(json, { compressor, ...variant.compression }) ?? json;
}

/** One event, written at most once for each variant that has a subscriber. */
export class EncodedEvent {
  /** What is written. */
  readonly event: ChannelEvent;
  readonly #compressor: Compressor;
  readonly #attempt: number;
  #text: string | undefined;
  #frames: Map<Variant, Frame> | undefined;

  /** @param attempt How often it was sent to this subscriber, where it is a repeat: 2 and more. */
  constructor(event: ChannelEvent, compressor: Compressor, attempt = 1) {
    this.event = event;
    this.#compressor = compressor;
    this.#attempt = attempt;
  }

  /** The frame for subscribers of `variant`. */
  frame(variant: Variant): Frame {
    if (variant === plainText) return this.#plain();
    this.#frames ??= new Map();
    let frame = this.#frames.get(variant);
    if (frame === undefined) {
      const { event } = this;
      frame = variant.binary && event.data instanceof Media
        ? eventEnvelope(event, event.data, this.#attempt)
        : compressed(this.#plain(), variant, this.#compressor);
      this.#frames.set(variant, frame);
    }
    return frame;
  }

  /** Where all take media as envelopes, there is no text to write. */
  #plain(): string {
    return this.#text ??= eventText(this.event, this.#attempt);
  }
}

/** The event as the object that a client sees, for lists of events. */
export function eventMessage(event: ChannelEvent): Readonly<Record<string, unknown>> {
  return JSON.parse(eventText(event, 1));
}

/** Splices the frame round the data, which is JSON text already. */
function eventText(event: ChannelEvent, attempt: number): string {
  const { channel, eventType, timestamp, data } = event;
  const json = typeof data === "string" ? data : JSON.stringify({
    encoding: "base64",
    kind: data.kind,
    content: toBase64(data.content),
    metadata: data.metadata,
  });
  const offset = event.isAnnouncement ? "" : `,"offset":${event.offset}`;
  const ack = event.ack ? `,"ack_id":${JSON.stringify(ackIdOf(event))}` : "";
  const repeat = attempt > 1 ? `,"attempt":${attempt}` : "";
  return `{"type":"event","channel":${JSON.stringify(channel)},"timestamp":"${timestamp}",` +
    `"event_type":${JSON.stringify(eventType)},"data":${json}${offset}${ack}${repeat}}`;
}

function eventEnvelope(event: ChannelEvent, media: Media, attempt: number): Frame {
  const { channel, eventType, timestamp, offset } = event;
  return encodeEnvelope({
    kind: media.kind,
    metadata: {
      channel,
      event_type: eventType,
      timestamp,
      offset,
      metadata: media.metadata,
      ...(event.ack ? { ack_id: ackIdOf(event) } : {}),
      ...(attempt > 1 ? { attempt } : {}),
    },
    payload: media.content,
  });
}
