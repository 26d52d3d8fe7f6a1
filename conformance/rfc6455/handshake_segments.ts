/**
 * RFC 6455 section 4.2.2, RFC 9112 section 2.2: handshakes that arrive in pieces, slowly, or are none.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must, should } from "../case.ts";
import type { Peer } from "../peer/peer.ts";
import { forAll } from "../peer/property.ts";
import { bytesOf, concat } from "../wire/bytes.ts";
import { encodeFrame, ping } from "../wire/frame.ts";
import type { Wire } from "../wire/socket.ts";

const completed = must(
  "RFC 6455",
  "4.2.2",
  "When a client establishes a WebSocket connection to a server, the server MUST complete the " +
    "following steps to accept the connection and send the server's opening handshake.",
);
const badRequest = should(
  "RFC 9112",
  "2.2",
  "When a server listening only for HTTP request messages, or processing what appears from the " +
    "start-line to be an HTTP request message, receives a sequence of octets that does not match the " +
    "HTTP-message grammar aside from the robustness exceptions listed above, the server SHOULD " +
    "respond with a 400 (Bad Request) response and close the connection.",
);

/** Sends `bytes` in segments that end at `cuts`. */
async function writeCut(wire: Wire, bytes: Uint8Array, cuts: readonly number[]): Promise<void> {
  const ends = [...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length];
  let from = 0;
  for (const end of ends.sort((a, b) => a - b)) {
    if (end > from) await wire.writePieces(bytes.subarray(from, end), end - from);
    from = end;
  }
}

async function expectAcceptedInPieces(
  peer: Peer,
  cutsOf: (bytes: Uint8Array) => readonly number[],
): Promise<void> {
  const wire = await peer.open();
  const key = peer.key();
  const bytes = peer.request(key);
  await writeCut(wire, bytes, cutsOf(bytes));
  (await peer.answer(wire, key)).expectAccepted();
  wire.abandon();
}

/** Where a segment ends right after each byte `after`. */
const behind = (after: number) => (bytes: Uint8Array) =>
  Array.from(bytes, (byte, at) => byte === after ? at + 1 : 0);

const GARBAGE = {
  "garbage-of-a-word": { what: "a word", bytes: bytesOf("HEDDLE") },
  "garbage-of-bytes": {
    what: "bytes that are no text",
    bytes: Uint8Array.from({ length: 64 }, (_, i) => 128 + i),
  },
  "garbage-of-zeros": { what: "zero bytes", bytes: new Uint8Array(64) },
  "garbage-of-a-frame": {
    what: "a frame without a handshake",
    bytes: encodeFrame(ping("Hello"), Uint8Array.of(1, 2, 3, 4)),
  },
  "garbage-of-a-response": { what: "a response of HTTP", bytes: bytesOf("HTTP/1.1 200 OK") },
} as const;

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...[1, 2, 7].map((size): Case => ({
    id: `rfc6455/4.2.2/handshake-in-segments-of-${size}`,
    title: `a handshake in segments of ${size} bytes is accepted`,
    requirement: completed,
    async run(peer) {
      const connection = (await peer.handshake({}, { pieces: size })).expectAccepted();
      await connection.expectAlive();
    },
  })),
  {
    id: "rfc6455/4.2.2/handshake-cut-between-cr-and-lf",
    title: "a handshake whose segments end between CR and LF is accepted",
    requirement: completed,
    run: (peer) => expectAcceptedInPieces(peer, behind(13)),
  },
  {
    id: "rfc6455/4.2.2/handshake-cut-behind-lines",
    title: "a handshake with a segment for each line is accepted",
    requirement: completed,
    run: (peer) => expectAcceptedInPieces(peer, behind(10)),
  },
  {
    id: "rfc6455/4.2.2/handshake-cut-behind-colons",
    title: "a handshake whose segments end at colons is accepted",
    requirement: completed,
    run: (peer) => expectAcceptedInPieces(peer, behind(58)),
  },
  {
    id: "rfc6455/4.2.2/handshake-in-any-segments",
    title: "a handshake in whatever segments is accepted",
    requirement: completed,
    async run(peer) {
      await forAll(peer, {
        inputs: fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
        show: (cuts) => `segments that end at bytes ${cuts.join(", ")}`,
        holds: (cuts) => expectAcceptedInPieces(peer, () => cuts),
      });
    },
  },
  {
    id: "rfc6455/4.2.2/handshake-slow",
    title: "a handshake that pauses while another is made is accepted, and so is the other",
    requirement: completed,
    async run(peer) {
      const wire = await peer.open();
      const key = peer.key();
      const bytes = peer.request(key);
      const half = bytes.length >> 1;
      await wire.writePieces(bytes.subarray(0, half), half);
      const other = await peer.connect();
      await other.expectAlive();
      wire.write(bytes.subarray(half));
      await (await peer.answer(wire, key)).expectAccepted().expectAlive();
    },
  },
  {
    id: "rfc6455/4.2.2/handshake-after-one-broken-off",
    title: "after a handshake that breaks off in its midst another is accepted",
    requirement: completed,
    async run(peer) {
      const bytes = peer.request(peer.key());
      for (const end of ["halfClose", "reset"] as const) {
        const wire = await peer.open();
        await wire.writePieces(bytes.subarray(0, 60), 60);
        wire[end]();
      }
      await (await peer.connect()).expectAlive();
    },
  },
  ...Object.entries(GARBAGE).map(([name, { what, bytes }]): Case => ({
    id: `rfc9112/2.2/${name}`,
    title: `${what} in place of a request is answered with an error`,
    requirement: badRequest,
    async run(peer) {
      const wire = await peer.open();
      wire.write(concat([bytes, bytesOf("\r\n\r\n")]));
      (await peer.answer(wire, "")).expectRefused();
    },
  })),
];
