/**
 * RFC 6455 section 4.2.2: the server's opening handshake.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken } from "../peer/finding.ts";

/** The case that stands for an honest handshake; where it fails no other runs. */
export const OPENING_HANDSHAKE: Case = {
  id: "rfc6455/4.2.2/opening-handshake",
  title: "an honest opening handshake gets a 101 that a client can accept",
  requirement: must(
    "RFC 6455",
    "4.2.2",
    "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP " +
      "response indicating the following.",
  ),
  async run(peer) {
    const handshake = await peer.handshake();
    handshake.expectAccepted();
  },
};

/** The cases of this section. */
export const cases: readonly Case[] = [
  OPENING_HANDSHAKE,
  {
    id: "rfc6455/4.2.2/accept-of-the-key",
    title: "Sec-WebSocket-Accept is the hash of the key, also of the key in RFC 6455",
    requirement: must(
      "RFC 6455",
      "4.2.2",
      "The value of this header field is constructed by concatenating /key/ … with the string " +
        '"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated value ' +
        "to obtain a 20-byte value and base64-encoding this 20-byte hash.",
    ),
    async run(peer) {
      const key = "dGhlIHNhbXBsZSBub25jZQ==";
      const handshake = await peer.handshake({ headers: { "Sec-WebSocket-Key": key } });
      const [accept = "none"] = handshake.values("Sec-WebSocket-Accept");
      const expected = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
      if (accept !== expected) throw new Broken({ expected, observed: accept });
    },
  },
];
