/**
 * RFC 6455 section 4.2.2, RFC 9110 section 5.5: Sec-WebSocket-Accept proves that the server read the key.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must } from "../case.ts";
import { forAll } from "../peer/property.ts";
import { Broken } from "../peer/finding.ts";
import { acceptOf, keyOf } from "../wire/handshake.ts";
import { EXCLUDES_BLANKS, handshakeWith } from "./handshake_variants.ts";

const hashed = must(
  "RFC 6455",
  "4.2.2",
  "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response " +
    "indicating the following. … A |Sec-WebSocket-Accept| header field. The value of this header field " +
    "is constructed by concatenating /key/, defined above in step 4 in Section 4.2.2, with the string " +
    '"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated value to ' +
    "obtain a 20-byte value and base64-encoding (see Section 4 of [RFC4648]) this 20-byte hash.",
);
const withoutBlanks = must(
  "RFC 9110",
  "5.5",
  EXCLUDES_BLANKS,
);

const SAMPLE = "dGhlIHNhbXBsZSBub25jZQ==";

const KEYS = {
  "accept-of-zeros": { what: "a key of zero bytes", key: keyOf(new Uint8Array(16)) },
  "accept-of-ones": { what: "a key of bytes 255", key: keyOf(new Uint8Array(16).fill(255)) },
  "accept-of-plus-and-slash": {
    what: "a key with + and /",
    key: "+/+/+/+/+/+/+/+/+/+/+w==",
  },
  "accept-of-capitals": {
    what: "a key that differs from another only in case",
    key: SAMPLE.toUpperCase(),
  },
} as const;

const BLANKS = {
  "key-without-a-space": { what: "no space before the key", written: SAMPLE, line: "" },
  "key-after-spaces": { what: "spaces before the key", written: `   ${SAMPLE}`, line: " " },
  "key-before-spaces": { what: "spaces after the key", written: `${SAMPLE}   `, line: " " },
  "key-between-tabs": { what: "tabs around the key", written: `\t${SAMPLE}\t`, line: " " },
} as const;

/** The cases of this section. */
export const cases: readonly Case[] = [
  {
    id: "rfc6455/4.2.2/accept-of-the-key",
    title: "Sec-WebSocket-Accept is the hash of the key, also of the key in RFC 6455",
    requirement: hashed,
    async run(peer) {
      const handshake = await handshakeWith(peer, SAMPLE);
      const [accept = "none"] = handshake.values("Sec-WebSocket-Accept");
      const expected = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
      if (accept !== expected) throw new Broken({ expected, observed: accept });
    },
  },
  ...Object.entries(KEYS).map(([name, { what, key }]): Case => ({
    id: `rfc6455/4.2.2/${name}`,
    title: `Sec-WebSocket-Accept is the hash of ${what}`,
    requirement: hashed,
    async run(peer) {
      (await handshakeWith(peer, key)).expectAccepted();
    },
  })),
  {
    id: "rfc6455/4.2.2/accept-of-any-key",
    title: "Sec-WebSocket-Accept is the hash of whatever key",
    requirement: hashed,
    async run(peer) {
      await forAll(peer, {
        inputs: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        show: (bytes) => `Sec-WebSocket-Key: ${keyOf(bytes)}`,
        async holds(bytes) {
          const handshake = await handshakeWith(peer, keyOf(bytes));
          handshake.expectAccepted();
          handshake.wire.abandon();
        },
      });
    },
  },
  {
    id: "rfc6455/4.2.2/accept-of-the-key-as-written",
    title: "Sec-WebSocket-Accept is the hash of the key as it is written, not of its 16 bytes",
    requirement: hashed,
    async run(peer) {
      // The key of the note in section 4.1: the last bits of its C are none of the 16 bytes, so a
      // server may refuse it (RFC 4648 section 3.5).
      const key = "AQIDBAUGBwgJCgsMDQ4PEC==";
      const handshake = await handshakeWith(peer, key);
      if (handshake.response?.status !== 101) return handshake.expectRefused([], { silent: true });
      const [accept = "none"] = handshake.values("Sec-WebSocket-Accept");
      const expected = acceptOf(key);
      if (accept !== expected) throw new Broken({ expected, observed: accept });
    },
  },
  ...Object.entries(BLANKS).map(([name, { what, written, line }]): Case => ({
    id: `rfc9110/5.5/${name}`,
    title: `${what} change nothing about Sec-WebSocket-Accept`,
    requirement: withoutBlanks,
    async run(peer) {
      const wire = await peer.open();
      const lines = [`Sec-WebSocket-Key:${line}${written}`];
      wire.write(peer.request(SAMPLE, { headers: { "Sec-WebSocket-Key": null }, lines }));
      (await peer.answer(wire, SAMPLE)).expectAccepted();
    },
  })),
];
