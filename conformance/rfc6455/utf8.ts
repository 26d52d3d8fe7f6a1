/**
 * RFC 6455 sections 5.6 and 8.1: text is UTF-8.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { fromHex } from "../wire/bytes.ts";

const fails = must(
  "RFC 6455",
  "8.1",
  "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, " +
    "in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
);

const invalid = {
  "lone-continuation": "80",
  "overlong-slash": "c0 af",
  "surrogate": "ed a0 80",
  "above-10ffff": "f4 90 80 80",
  "cut-off": "e2 82",
};

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...Object.entries(invalid).map(([name, bytes]): Case => ({
    id: `rfc6455/8.1/invalid-${name}`,
    title: `a text message of the bytes ${bytes} fails the connection`,
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      connection.sendMessage(textMessage(fromHex(bytes)));
      await connection.expectFailed([1007]);
    },
  })),
  {
    id: "rfc6455/5.6/text-in-utf8",
    title: "text with characters of one to four bytes is delivered",
    requirement: must("RFC 6455", "5.6", 'The "Payload data" is text data encoded as UTF-8.'),
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage("aß水𝄞"), { split: [2, 3, 2] });
    },
  },
];
