/**
 * Any bytes at all: whatever comes, the server goes on serving others; and texts and Close frames of
 * any bytes are judged as a reference decoder and the table of codes have it.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must } from "../case.ts";
import { Broken, Refused } from "../peer/finding.ts";
import { forAll } from "../peer/property.ts";
import { textMessage } from "../peer/sender.ts";
import { bytesOf, concat, decodeUtf8, fromHex, toHex } from "../wire/bytes.ts";
import { fragments, frame, OPCODE, text } from "../wire/frame.ts";
import { showFrames } from "./property_model.ts";

/** Frames with bytes changed, cut off, or put in; and bytes that never were frames. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200, size: "max" }),
  fc.tuple(
    fc.array(fc.tuple(fc.nat(15), fc.uint8Array({ maxLength: 60 })), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    fc.nat(300),
  ).map(([frames, changes, length]) => {
    const bytes = concat(
      frames.map(([opcode, payload]) =>
        concat([Uint8Array.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload])
      ),
    );
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes.subarray(0, length);
  }),
);

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }).map(bytesOf) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "c0 af",
      "e0 80 af",
      "f0 80 80 af",
      "ed a0 80 ed b0 80",
      "ef bf be",
      "f4 8f bf bf",
      "f4 90 80 80",
      "ed 9f bf",
      "ee 80 80",
      "f8 88 80 80 80",
      "ef bb bf",
    ).map(fromHex),
  },
);

const anyText = fc.record({
  bytes: fc.array(piece, { maxLength: 6 }).map(concat),
  split: fc.array(fc.nat(12), { maxLength: 4 }),
});

/** What becomes of a Close frame with this code (section 7.4). */
function codeKind(code: number): "legal" | "illegal" | "not defined" {
  if (code >= 3000 && code <= 4999) return "legal";
  if (code >= 1000 && code <= 1011 && ![1004, 1005, 1006].includes(code)) return "legal";
  if (code < 1000 || code >= 5000 || [1005, 1006, 1015].includes(code)) return "illegal";
  return "not defined";
}

const anyClose = fc.record({
  code: fc.oneof(
    fc.integer({ min: 0, max: 65535 }),
    fc.integer({ min: 990, max: 1020 }),
    fc.integer({ min: 2990, max: 5010 }),
  ),
  reason: fc.oneof(fc.constant(new Uint8Array()), anyText.map(({ bytes }) => bytes.slice(0, 123))),
});

/** The cases of these properties. */
export const cases: readonly Case[] = [
  {
    id: "rfc6455/10.7/any-bytes",
    title: "whatever bytes a client sends, the server goes on serving others",
    requirement: must(
      "RFC 6455",
      "10.7",
      "Incoming data MUST always be validated by both clients and servers.",
    ),
    async run(peer) {
      const witness = await peer.connect();
      await forAll(peer, {
        inputs: fc.record({ bytes: anyBytes, end: fc.constantFrom("fin", "rst", "none") }),
        show: ({ bytes, end }) => `${toHex(bytes, 512)}\nthen ${end}`,
        async holds({ bytes, end }) {
          const connection = await peer.connect();
          connection.send(bytes);
          await connection.wire.flush();
          if (end === "fin") connection.wire.halfClose();
          if (end === "rst") connection.wire.reset();
          await witness.expectAlive();
          try {
            const next = await peer.connect();
            await next.expectAlive();
            next.wire.abandon();
          } catch (error) {
            if (!(error instanceof Refused)) throw error;
            throw new Broken({ expected: "a new connection", observed: error.message });
          }
          connection.wire.abandon();
        },
      });
    },
  },
  {
    id: "rfc6455/8.1/any-text",
    title: "texts of any bytes are delivered where they are UTF-8, else they fail the connection",
    requirement: must(
      "RFC 6455",
      "8.1",
      "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, " +
        "in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
    ),
    async run(peer) {
      await forAll(peer, {
        inputs: anyText,
        show: ({ bytes, split }) =>
          showFrames(fragments(OPCODE.text, bytes, split)).replaceAll('""', "nothing"),
        async holds({ bytes, split }) {
          const connection = await peer.connect();
          connection.send(...fragments(OPCODE.text, bytes, split));
          if (decodeUtf8(bytes) === null) await connection.expectFailed([1007]);
          else await connection.expectDelivered(textMessage(bytes));
          connection.wire.abandon();
        },
      });
    },
  },
  {
    id: "rfc6455/5.5.1/any-close",
    title: "Close frames of any code and reason are answered, or fail the connection where illegal",
    requirement: must(
      "RFC 6455",
      "5.5.1",
      "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint " +
        "MUST send a Close frame in response.",
    ),
    async run(peer) {
      await forAll(peer, {
        inputs: anyClose,
        show: ({ code, reason }) => `close ${code} ${toHex(reason) || "without reason"}`,
        async holds({ code, reason }) {
          const connection = await peer.connect();
          const body = concat([Uint8Array.of(code >> 8, code & 0xff), reason]);
          connection.send(text("before"), frame(OPCODE.close, body));
          const kind = decodeUtf8(reason) === null ? "illegal" : codeKind(code);
          const after = { after: [textMessage("before")] };
          if (kind === "legal") await connection.expectClosed([code, 1000, null]);
          else if (kind === "illegal") await connection.expectFailed([1002, 1007], after);
          else await connection.expectFailed([code, 1000, 1002, 1008], after);
          connection.wire.abandon();
        },
      });
    },
  },
];
