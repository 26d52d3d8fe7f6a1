/**
 * RFC 6455 section 5.5.1: bodies of Close frames.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { bytesOf, concat, fromHex } from "../wire/bytes.ts";
import { close } from "../wire/frame.ts";
import { BAD_SEQUENCES } from "./utf8_invalid.ts";
import { VALIDATED } from "./validated.ts";

const answered = must(
  "RFC 6455",
  "5.5.1",
  "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint " +
    "MUST send a Close frame in response.",
);

const begins = must(
  "RFC 6455",
  "5.5.1",
  "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network " +
    `byte order) representing a status code with value /code/ defined in Section 7.4. ${VALIDATED}`,
);

const invalid = must(
  "RFC 6455",
  "8.1",
  "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, " +
    "in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_. … (5.5.1) " +
    "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/",
);

const REASONS: Readonly<Record<string, Uint8Array>> = {
  "ascii": bytesOf("going away"),
  "of-all-lengths-of-characters": bytesOf("aß水𝄞"),
  "nul": fromHex("00"),
  "noncharacters": fromHex("ef bf be ef bf bf"),
  "byte-order-mark": fromHex("ef bb bf"),
  "123-bytes-of-long-characters": bytesOf("水".repeat(41)),
};

const CUT_OFF = { "1-of-2-bytes": "c3", "2-of-3-bytes": "e2 82", "3-of-4-bytes": "f0 9d 84" };

/** The cases of this section. */
export const cases: readonly Case[] = [
  {
    id: "rfc6455/5.5.1/close-without-a-body",
    title: "a Close frame without a body is answered with one",
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(null));
      await connection.expectClosed([1000, null]);
    },
  },
  ...[0x00, 0x03, 0xff].map((byte): Case => ({
    id: `rfc6455/5.5.1/close-with-the-one-byte-${byte}`,
    title: `a Close frame whose body is the one byte ${byte} fails the connection`,
    requirement: begins,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(null, Uint8Array.of(byte)));
      await connection.expectFailed([1002], { mayGoOn: true });
    },
  })),
  ...[0, 1, 2, 60, 122, 123].map((length): Case => ({
    id: `rfc6455/5.5.1/close-reason-of-${length}`,
    title: `a Close frame with a reason of ${length} bytes is answered with one`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(1000, "r".repeat(length)));
      await connection.expectClosed([1000, null]);
    },
  })),
  ...Object.entries(REASONS).map(([name, reason]): Case => ({
    id: `rfc6455/5.5.1/close-reason-${name}`,
    title: `a Close frame with a reason (${name.replaceAll("-", " ")}) is answered with one`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(1000, reason));
      await connection.expectClosed([1000, null]);
    },
  })),
  ...Object.entries({ ...BAD_SEQUENCES, ...CUT_OFF }).map(([name, hex]): Case => ({
    id: `rfc6455/8.1/close-reason-${name}`,
    title: `a Close frame whose reason has the bytes ${hex} fails the connection`,
    requirement: invalid,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(1000, concat([bytesOf("reason "), fromHex(hex)])));
      await connection.expectFailed([1007, 1002]);
    },
  })),
];
