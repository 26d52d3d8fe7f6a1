/**
 * After any legal stream, a violation fails the connection.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must, type Requirement } from "../case.ts";
import { forEachKind } from "../peer/property.ts";
import { decodeUtf8, fromHex } from "../wire/bytes.ts";
import { close, continuation, frame, type FrameSpec, OPCODE, ping, text } from "../wire/frame.ts";
import {
  framesOf,
  messagesOf,
  sendStream,
  showFrames,
  showStream,
  streams,
} from "./property_model.ts";
import { VALIDATED } from "./validated.ts";

/** A violation that is drawn at random. */
interface Violation {
  /** Ends the case's id. */
  readonly name: string;
  readonly title: string;
  readonly requirement: Requirement;
  readonly codes: readonly number[];
  /** Whether it is a rule for senders alone: see `validated.ts`. */
  readonly mayGoOn?: boolean;
  /** Each kind is tried; what else there is to choose is drawn. */
  readonly kinds: readonly fc.Arbitrary<readonly FrameSpec[]>[];
  /** Where it is one: between messages, inside a message in fragments, or both. */
  readonly place: "between" | "inside" | "anywhere";
}

const section = (number: string, sentence: string) => must("RFC 6455", number, sentence);
const payload = fc.uint8Array({ maxLength: 40 });
const known = Object.values<number>(OPCODE);
const reserved = Array.from({ length: 16 }, (_, i) => i).filter((code) => !known.includes(code));
const control = [OPCODE.ping, OPCODE.pong];
const data = [OPCODE.text, OPCODE.binary];
const finality = [true, false];
const BAD = ["ff", "c0 80", "ed a0 80", "f4 90 80 80", "80", "e2 28 a1", "f0 28 8c bc", "fe"];
const words = fc.string({ unit: "grapheme", maxLength: 20 });
/** Texts that no more bytes can make UTF-8 of. */
const badTexts = BAD.map((bad) =>
  fc.tuple(words, words).map(([before, after]) => {
    const encoder = new TextEncoder();
    return Uint8Array.from([...encoder.encode(before), ...fromHex(bad), ...encoder.encode(after)]);
  }).filter((bytes) => decodeUtf8(bytes) === null)
);

const VIOLATIONS: readonly Violation[] = [
  {
    name: "unmasked-frame",
    title: "an unmasked frame",
    requirement: section(
      "5.1",
      "The server MUST close the connection upon receiving a frame that is not masked.",
    ),
    codes: [1002],
    place: "between",
    kinds: [...data, ...control].map((opcode) =>
      payload.map((bytes) => [frame(opcode, bytes.map((byte) => byte & 0x7f), { mask: false })])
    ),
  },
  {
    name: "reserved-bits",
    title: "a frame with reserved bits",
    requirement: section(
      "5.2",
      "If a nonzero value is received and none of the negotiated extensions defines the meaning of " +
        "such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    ),
    codes: [1002],
    place: "between",
    kinds: [...data, ...control].flatMap((opcode) =>
      [1, 2, 3, 4, 5, 6, 7].map((bits) =>
        payload.map((bytes) => [
          frame(opcode, bytes.map((byte) => byte & 0x7f), {
            rsv1: (bits & 4) !== 0,
            rsv2: (bits & 2) !== 0,
            rsv3: (bits & 1) !== 0,
          }),
        ])
      )
    ),
  },
  {
    name: "reserved-opcode",
    title: "a frame with a reserved opcode",
    requirement: section(
      "5.2",
      "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    ),
    codes: [1002],
    place: "anywhere",
    kinds: reserved.flatMap((opcode) =>
      finality.map((fin) => payload.map((bytes) => [frame(opcode, bytes, { fin })]))
    ),
  },
  {
    name: "control-frame-too-long",
    title: "a control frame of more than 125 bytes",
    requirement: section(
      "5.5",
      "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented. " +
        VALIDATED,
    ),
    codes: [1002],
    mayGoOn: true,
    place: "anywhere",
    kinds: control.map((opcode) =>
      fc.integer({ min: 126, max: 500 }).map((length) => [frame(opcode, new Uint8Array(length))])
    ),
  },
  {
    name: "control-frame-in-fragments",
    title: "a control frame that is not final",
    requirement: section(
      "5.5",
      "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented. " +
        VALIDATED,
    ),
    codes: [1002],
    mayGoOn: true,
    place: "anywhere",
    // Long enough to tell its Pong from others.
    kinds: control.map((opcode) =>
      fc.uint8Array({ minLength: 4, maxLength: 40 }).map((bytes) => [
        frame(opcode, bytes, { fin: false }),
        continuation(""),
      ])
    ),
  },
  {
    name: "continuation-of-nothing",
    title: "a continuation where no message is begun",
    requirement: section(
      "5.4",
      "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than " +
        "0, followed by zero or more frames with the FIN bit clear and the opcode set to 0, and " +
        `terminated by a single frame with the FIN bit set and an opcode of 0. ${VALIDATED}`,
    ),
    codes: [1002],
    mayGoOn: true,
    place: "between",
    kinds: finality.map((fin) => payload.map((bytes) => [continuation(bytes, { fin })])),
  },
  {
    name: "message-inside-message",
    title: "a new message inside one that is not ended",
    requirement: section(
      "5.4",
      "The fragments of one message MUST NOT be interleaved between the fragments of another message " +
        `unless an extension has been negotiated that can interpret the interleaving. ${VALIDATED}`,
    ),
    codes: [1002],
    mayGoOn: true,
    place: "inside",
    kinds: data.flatMap((opcode) =>
      finality.map((fin) =>
        payload.map((bytes) => [frame(opcode, bytes.map((byte) => byte & 0x7f), { fin })])
      )
    ),
  },
  {
    name: "text-that-is-no-utf8",
    title: "a text that is no UTF-8",
    requirement: section(
      "8.1",
      "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, " +
        "in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
    ),
    codes: [1007],
    place: "between",
    kinds: badTexts.flatMap((bad) => [
      bad.map((bytes) => [text(bytes)]),
      fc.tuple(bad, fc.nat(30)).map(([bytes, cut]) => [
        text(bytes.subarray(0, cut), { fin: false }),
        ping("between"),
        continuation(bytes.subarray(cut)),
      ]),
    ]),
  },
  {
    name: "close-body-that-is-none",
    title: "a Close frame whose body is one byte, or a reason that is no UTF-8",
    requirement: section(
      "5.5.1",
      "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in " +
        "network byte order) representing a status code with value /code/ defined in Section 7.4. " +
        "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/ " +
        VALIDATED,
    ),
    codes: [1002, 1007],
    mayGoOn: true,
    place: "anywhere",
    kinds: [
      fc.uint8Array({ minLength: 1, maxLength: 1 }).map((byte) => [frame(OPCODE.close, byte)]),
      ...badTexts.map((bad) =>
        bad.map((reason) => [close(1000, reason.subarray(0, 123))]).filter(([only]) =>
          only !== undefined && decodeUtf8(only.payload.subarray(2)) === null
        )
      ),
    ],
  },
];

const begun = text("begun", { fin: false });

/** The cases of this property. */
export const cases: readonly Case[] = VIOLATIONS.map((
  { name, title, requirement, codes, mayGoOn = false, kinds, place },
): Case => ({
  id: `rfc6455/${requirement.section}/any-stream-then-${name}`,
  title: `after any legal stream, ${title} fails the connection`,
  requirement,
  async run(peer) {
    const places = place === "anywhere" ? [false, true] : [place === "inside"];
    const before = streams({ length: 3 });
    const inputs = kinds.flatMap((frames) =>
      places.map((inside) => fc.record({ before, inside: fc.constant(inside), frames }))
    );
    await forEachKind(peer, inputs, {
      show: ({ before, inside, frames }) =>
        `${showStream(before)}\n${showFrames(inside ? [begun, ...frames] : frames)}`.trim(),
      async holds({ before, inside, frames }) {
        const connection = await peer.connect();
        const legal = [...framesOf(connection, before), ...inside ? [begun] : []];
        await sendStream(connection, before, [...legal, ...frames]);
        const mayReset = before.segment !== null;
        await connection.expectFailed(codes, { after: messagesOf(before), mayGoOn, mayReset });
        connection.wire.abandon();
      },
    });
  },
}));
