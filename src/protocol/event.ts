/**
 * Events, as they pass between the layers.
 *
 * @module
 */
import { checkObject, optionInvalid } from "../base/option_checks.ts";
import type { Writable } from "../base/writable.ts";
import { MEDIA_KINDS, type MediaKind } from "./envelope.ts";
import type { Position } from "./messages.ts";

/**
 * The most that the metadata of {@linkcode Media} may take as JSON, in bytes: beside them in an
 * envelope's metadata stand the fields of an event, for which the rest of 65,535 bytes suffices.
 */
export const MAX_MEDIA_METADATA = 61_440;

/**
 * Bytes to publish, with what they are. A connection that was granted `binary` gets them as an
 * envelope, any other as base64 inside JSON.
 *
 * @example
 * ```ts
 * import { allowAnonymous, channel, createHub, Media } from "heddle";
 *
 * await using hub = createHub({ auth: allowAnonymous(), channels: { camera: channel({}) } });
 * const jpeg = new Uint8Array([0xff, 0xd8, 0xff]);
 * await hub.channel("camera").publish("image", new Media("image", jpeg, { mime: "image/jpeg" }));
 * ```
 */
export class Media {
  /** What the bytes are. */
  readonly kind: MediaKind;
  /** The bytes; they must not change after the publication. */
  readonly content: Uint8Array<ArrayBuffer>;
  /** What the publisher says about them: a JSON object, at most {@linkcode MAX_MEDIA_METADATA} bytes. */
  readonly metadata: Readonly<Record<string, unknown>>;

  /** @throws {HeddleError} `option_invalid` for what no envelope could carry to a subscriber. */
  constructor(
    kind: MediaKind,
    content: Uint8Array<ArrayBuffer>,
    metadata: Readonly<Record<string, unknown>> = {},
  ) {
    if (!MEDIA_KINDS.includes(kind)) {
      const found = JSON.stringify(kind);
      throw optionInvalid(
        `the kind of media is ${found}; it must be one of ${MEDIA_KINDS.join(", ")}`,
      );
    }
    if (!(content instanceof Uint8Array)) {
      throw optionInvalid("the content of media must be a Uint8Array");
    }
    checkObject("the metadata of media", metadata);
    this.kind = kind;
    this.content = content;
    this.metadata = metadata;
  }
}

/** Connections and users that an event is not for. */
export interface Exclusion {
  /** Client ids. */
  readonly clients?: readonly string[];
  /** User ids. */
  readonly users?: readonly string[];
}

/** A publication on its way to the broker, which gives it its place. */
export interface NewEvent {
  readonly eventType: string;
  /** JSON text, written once when it was published, or {@linkcode Media}. */
  readonly data: string | Media;
  /** When it was published: RFC 3339, UTC. */
  readonly timestamp: string;
  /** Who does not get it, live or from history. */
  readonly exclude?: Exclusion;
  /** Whether each subscriber is to acknowledge it. */
  readonly ack?: true;
}

/** One publication in a channel. */
export interface ChannelEvent extends NewEvent {
  readonly channel: string;
  /** The life of the channel's numbering that {@linkcode ChannelEvent.offset} counts in. */
  readonly epoch: string;
  /** Its place in the epoch: 1, 2, 3 …; of an announcement, the place of the event before it. */
  readonly offset: number;
  /** Whether it is an announcement: told to those who are there, without a place, and not kept. */
  readonly isAnnouncement?: true;
}

/** Gives an event its place. Field by field: to spread it costs Node 20 more than all else of a publication. */
export function placed(
  event: NewEvent,
  channel: string,
  { epoch, offset }: Position,
): ChannelEvent {
  const { eventType, data, timestamp, exclude, ack } = event;
  const it: Writable<ChannelEvent> = { eventType, data, timestamp, channel, epoch, offset };
  if (exclude !== undefined) it.exclude = exclude;
  if (ack !== undefined) it.ack = ack;
  return it;
}

/** How an event is named in an `ack`: an epoch is never used twice, so no two events share a name. */
export function ackIdOf({ epoch, offset }: ChannelEvent): string {
  return `${epoch}.${offset}`;
}
