/**
 * What the properties draw their inputs from: legal messages, in legal frames, in any segments.
 *
 * @module
 */
import fc from "fast-check";
import type { Connection } from "../peer/connection.ts";
import type { Message } from "../peer/incoming.ts";
import type { DeflateOptions } from "../wire/deflate.ts";
import { bytesOf, show, toHex } from "../wire/bytes.ts";
import { frame, type FrameSpec, OPCODE } from "../wire/frame.ts";

/** A control frame, and after which fragment it goes. */
interface Between {
  readonly after: number;
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** A message, and how it is sent. */
export interface Step {
  readonly message: Message;
  /** Lengths of the fragments before the last. */
  readonly split: readonly number[];
  readonly between: readonly Between[];
  /** Masking key of all its frames; null for one at random each. */
  readonly mask: Uint8Array | null;
  /** Blocks to compress it into; null to send it as it is. */
  readonly blocks: DeflateOptions["blocks"] | null;
}

/** Messages in order, and the size of the TCP segments they are sent in; null for one write. */
export interface Stream {
  readonly steps: readonly Step[];
  readonly segment: number | null;
}

const anyText = fc.string({ unit: "grapheme", maxLength: 80, size: "max" }).map(bytesOf);
const anyBytes = fc.uint8Array({ maxLength: 300, size: "max" });
/** What compresses: a few bytes, over and over. */
const repetitive = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.nat(40)).map(
  ([unit, times]) =>
    Uint8Array.from({ length: unit.length * times }, (_, i) => unit[i % unit.length] ?? 0),
);
/** At and around where the encoding of the length changes. */
const bordering = fc.constantFrom(0, 125, 126, 127, 65535, 65536).map((length) =>
  new Uint8Array(length).fill(0x2a)
);

const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 8, arbitrary: anyText.map((data): Message => ({ type: "text", data })) },
  {
    weight: 6,
    arbitrary: fc.oneof(anyBytes, repetitive).map((data): Message => ({ type: "binary", data })),
  },
  { weight: 1, arbitrary: bordering.map((data): Message => ({ type: "text", data })) },
);

const between: fc.Arbitrary<Between> = fc.record({
  after: fc.nat(4),
  opcode: fc.constantFrom(OPCODE.ping, OPCODE.pong),
  payload: fc.uint8Array({ maxLength: 125 }),
});

const blocks = fc.constantFrom<Step["blocks"][]>(
  null,
  "matching",
  "matching",
  "zlib",
  "fixed",
  "stored",
);

/** A message and how it is sent. */
function step(compressed: boolean): fc.Arbitrary<Step> {
  return fc.record({
    message,
    split: fc.array(fc.nat(40), { maxLength: 4 }),
    between: fc.array(between, { maxLength: 2 }),
    mask: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: null }),
    blocks: compressed ? blocks : fc.constant(null),
  });
}

/** A legal stream of at most `length` messages. */
export function streams(
  options: { readonly length?: number; readonly compressed?: boolean } = {},
): fc.Arbitrary<Stream> {
  const { length = 6, compressed = false } = options;
  return fc.record({
    steps: fc.array(step(compressed), { maxLength: length, size: "max" }),
    segment: fc.option(fc.integer({ min: 1, max: 50 }), { nil: null }),
  });
}

/** The frames of a stream on this connection, which must be sent, as compressing goes on from them. */
export function framesOf(connection: Connection, { steps }: Stream): FrameSpec[] {
  return steps.flatMap(({ message, split, between, mask, blocks }) => {
    const compress = blocks === null || blocks === undefined ? false : { blocks };
    const frames = connection.framesOf(message, { split, compress });
    return frames.flatMap((fragment, i) => {
      const here = between.filter(({ after }) => Math.min(after, frames.length - 1) === i);
      const all = [fragment, ...here.map(({ opcode, payload }) => frame(opcode, payload))];
      return mask === null ? all : all.map((one) => ({ ...one, mask }));
    });
  });
}

/** Sends frames in the segments of a stream. */
export async function sendStream(
  connection: Connection,
  { segment }: Stream,
  frames: readonly FrameSpec[],
): Promise<void> {
  const bytes = connection.encode(...frames);
  // A large message byte by byte would take longer than it tells.
  if (segment === null || bytes.length > 5000) connection.wire.write(bytes);
  else await connection.wire.writePieces(bytes, segment);
}

/** The messages of a stream. */
export function messagesOf({ steps }: Stream): Message[] {
  return steps.map(({ message }) => message);
}

const NAMES = new Map<number, string>(Object.entries(OPCODE).map(([name, code]) => [code, name]));

/** A list of frames as a person reads it. */
export function showFrames(frames: readonly FrameSpec[]): string {
  return frames.map(({ opcode, payload, fin, rsv1, rsv2, rsv3, mask }) => {
    const notes = [
      fin === false ? "not final" : "",
      rsv1 ? "RSV1" : "",
      rsv2 ? "RSV2" : "",
      rsv3 ? "RSV3" : "",
      mask === false ? "unmasked" : mask === undefined ? "" : `mask ${toHex(mask)}`,
    ].filter((note) => note !== "");
    const more = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
    return `${NAMES.get(opcode) ?? `opcode ${opcode}`}${more} ${show(payload)}`;
  }).join("\n");
}

/** A stream as a person reads it: its frames before they are compressed. */
export function showStream({ steps, segment }: Stream): string {
  const lines = steps.map(({ message, split, between, mask, blocks }) => {
    const notes = [
      split.length === 0 ? "" : `fragments of ${split.join(", ")} and the rest`,
      ...between.map(({ opcode, payload, after }) =>
        `${NAMES.get(opcode)} ${show(payload)} after fragment ${after + 1}`
      ),
      mask === null ? "" : `mask ${toHex(mask)}`,
      blocks === null ? "" : `compressed: ${blocks}`,
    ].filter((note) => note !== "");
    return `${message.type} ${show(message.data)}${notes.map((note) => `, ${note}`).join("")}`;
  });
  if (segment !== null) lines.push(`in segments of ${segment} bytes`);
  return lines.join("\n");
}
