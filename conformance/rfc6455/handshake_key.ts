/**
 * RFC 6455 section 4.2.1, item 5: Sec-WebSocket-Key.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { keyOf } from "../wire/handshake.ts";
import { NOT_AS_DESCRIBED, refused, type Variants } from "./handshake_variants.ts";

const sixteenBytes = must(
  "RFC 6455",
  "4.2.1",
  `${NOT_AS_DESCRIBED} … ` +
    "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of [RFC4648]) value " +
    "that, when decoded, is 16 bytes in length.",
);
const once = must(
  "RFC 6455",
  "11.3.1",
  "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request. … " +
    `(4.2.1) ${NOT_AS_DESCRIBED}`,
);

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const key = (value: string | readonly string[] | null) => ({
  headers: { "Sec-WebSocket-Key": value },
});
const length = (bytes: number): Variants => ({
  [`key-of-${bytes}-bytes`]: {
    what: `a key of ${bytes} bytes`,
    request: key(keyOf(new Uint8Array(bytes).fill(0x5a))),
  },
});

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...refused(sixteenBytes, {
    "key-missing": { what: "a handshake without a key", request: key(null) },
    "key-empty": { what: "an empty key", request: key("") },
    ...length(1),
    ...length(12),
    ...length(15),
    ...length(17),
    // As long as 16 bytes in hexadecimal.
    ...length(24),
    ...length(32),
    "key-without-padding": { what: "a key without its padding", request: key(KEY.slice(0, 22)) },
    "key-with-half-its-padding": { what: "a key with one =", request: key(KEY.slice(0, 23)) },
    "key-with-too-much-padding": { what: "a key with three =", request: key(`${KEY}=`) },
    "key-with-padding-inside": {
      what: "a key with = in its midst",
      request: key("dGhlIHNhbXBsZ==ub25jZQ=="),
    },
    "key-with-a-space-inside": {
      what: "a key with a space in its midst",
      request: key("dGhlIHNhbXBs ZSBub25jZQ=="),
    },
    "key-in-the-alphabet-of-urls": {
      what: "a key with - and _ in place of + and /",
      request: key("-_-_-_-_-_-_-_-_-_-_-w=="),
    },
    "key-no-base64": { what: "24 characters that are no base64", request: key("!".repeat(24)) },
    "key-in-hexadecimal": {
      what: "a key in hexadecimal",
      request: key("74686520-73616d70-6c65206e"),
    },
    "key-in-quotes": { what: "a key in quotes", request: key(`"${KEY}"`) },
    "key-and-more": { what: "a key with something after it", request: key(`${KEY}; q=1`) },
    "key-list": {
      what: "a list of two keys",
      request: key(`${KEY}, AAAAAAAAAAAAAAAAAAAAAA==`),
    },
    "key-with-a-letter-of-latin-1": {
      what: "a key with the byte 0xe9",
      request: key("\xe9GhlIHNhbXBsZSBub25jZQ=="),
    },
  }),
  ...refused(once, {
    "key-doubled": {
      what: "a handshake with two keys",
      request: key([KEY, "AAAAAAAAAAAAAAAAAAAAAA=="]),
    },
    "key-doubled-alike": { what: "a handshake with the same key twice", request: key([KEY, KEY]) },
  }),
];
