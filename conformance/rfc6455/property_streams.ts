/**
 * Any legal stream of messages is delivered, whatever its fragments, interleaved control frames and
 * segments.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must } from "../case.ts";
import type { Message } from "../peer/incoming.ts";
import { forAll } from "../peer/property.ts";
import { fragments, type FrameSpec, OPCODE, ping } from "../wire/frame.ts";
import { bytesOf, show } from "../wire/bytes.ts";

interface Step {
  readonly message: Message;
  readonly split: readonly number[];
  /** Payloads of Pings; each goes after the fragment of that number. */
  readonly pings: readonly (readonly [number, string])[];
}

const content = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 80, size: "max" }).map((text): Message => ({
    type: "text",
    data: bytesOf(text),
  })),
  fc.uint8Array({ maxLength: 300, size: "max" }).map((data): Message => ({ type: "binary", data })),
);

const step: fc.Arbitrary<Step> = fc.record({
  message: content,
  split: fc.array(fc.nat(40), { maxLength: 4 }),
  pings: fc.array(fc.tuple(fc.nat(4), fc.string({ maxLength: 10 })), { maxLength: 2 }),
});

function framesOf({ message, split, pings }: Step): FrameSpec[] {
  const opcode = message.type === "text" ? OPCODE.text : OPCODE.binary;
  return fragments(opcode, message.data, split).flatMap((frame, i, all) => {
    const after = pings.filter(([place]) => Math.min(place, all.length - 1) === i);
    return [frame, ...after.map(([, payload]) => ping(bytesOf(payload).slice(0, 125)))];
  });
}

const NAMES = new Map<number, string>(Object.entries(OPCODE).map(([name, code]) => [code, name]));

/** A list of frames as a person reads it. */
export function showFrames(frames: readonly FrameSpec[]): string {
  return frames.map(({ opcode, payload, fin, rsv1 }) =>
    `${NAMES.get(opcode) ?? opcode}${fin === false ? " (not final)" : ""}${rsv1 ? " RSV1" : ""} ${
      show(payload)
    }`
  ).join("\n");
}

/** The cases of this property. */
export const cases: readonly Case[] = [{
  id: "rfc6455/5.4/any-legal-stream",
  title: "random legal streams of messages are delivered",
  requirement: must(
    "RFC 6455",
    "5.4",
    "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
  ),
  async run(peer) {
    await forAll(peer, {
      inputs: fc.record({
        steps: fc.array(step, { minLength: 1, maxLength: 6 }),
        segment: fc.option(fc.integer({ min: 1, max: 50 }), { nil: null }),
      }),
      show: ({ steps, segment }) =>
        `${showFrames(steps.flatMap(framesOf))}${
          segment ? `\nin segments of ${segment} bytes` : ""
        }`,
      async holds({ steps, segment }) {
        const connection = await peer.connect();
        const frames = steps.flatMap(framesOf);
        if (segment === null) connection.send(...frames);
        else await connection.sendInPieces(segment, ...frames);
        await connection.expectDelivered(...steps.map(({ message }) => message));
        await connection.expectAlive();
        connection.wire.abandon();
      },
    });
  },
}];
