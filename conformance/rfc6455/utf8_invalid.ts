/**
 * RFC 6455 section 8.1: text that is not UTF-8 (RFC 3629), each class of bad sequence at each place.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { bytesOf, concat, fromHex } from "../wire/bytes.ts";

const fails = must(
  "RFC 6455",
  "8.1",
  "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, " +
    "in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
);

/** Sequences of bytes that no UTF-8 text has, whatever stands around them. */
export const BAD_SEQUENCES: Readonly<Record<string, string>> = {
  "lone-continuation-80": "80",
  "lone-continuation-bf": "bf",
  "two-lone-continuations": "80 bf",
  "continuation-too-many": "c3 bc 80",
  "overlong-2-bytes": "c0 af",
  "overlong-2-bytes-of-nul": "c0 80",
  "overlong-2-bytes-last": "c1 bf",
  "overlong-3-bytes": "e0 80 af",
  "overlong-3-bytes-last": "e0 9f bf",
  "overlong-4-bytes": "f0 80 80 af",
  "overlong-4-bytes-last": "f0 8f bf bf",
  "overlong-5-bytes": "f8 80 80 80 af",
  "overlong-6-bytes": "fc 80 80 80 80 af",
  "surrogate-d800": "ed a0 80",
  "surrogate-dbff": "ed af bf",
  "surrogate-dc00": "ed b0 80",
  "surrogate-dfff": "ed bf bf",
  "surrogate-pair": "ed a0 81 ed b0 80",
  "above-10ffff": "f4 90 80 80",
  "above-10ffff-f5": "f5 80 80 80",
  "above-10ffff-f7": "f7 bf bf bf",
  "5-bytes": "f8 88 80 80 80",
  "6-bytes": "fc 84 80 80 80 80",
  "cut-off-sequences-joined": "c3 e2 82 f0 9d 84",
  "byte-fe": "fe",
  "byte-ff": "ff",
  "bytes-fe-fe-ff-ff": "fe fe ff ff",
};

/** Sequences that are bad for what follows: nothing, or a byte that is no continuation. */
const CUT_OFF: Readonly<Record<string, string>> = {
  "1-of-2-bytes": "c3",
  "1-of-3-bytes": "e2",
  "2-of-3-bytes": "e2 82",
  "1-of-4-bytes": "f0",
  "2-of-4-bytes": "f0 9d",
  "3-of-4-bytes": "f0 9d 84",
};

const PLACES: Readonly<Record<string, readonly [before: string, after: string]>> = {
  "alone": ["", ""],
  "at-start": ["", "Hello"],
  "in-middle": ["κόσμε ", " κόσμε"],
  "at-end": ["Hello-µ@ßöäüàá", ""],
};

function refused(name: string, title: string, text: Uint8Array, split: readonly number[]): Case {
  return {
    id: `rfc6455/8.1/${name}`,
    title,
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      connection.sendMessage(textMessage(text), { split });
      await connection.expectFailed([1007]);
    },
  };
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries({ ...BAD_SEQUENCES, ...CUT_OFF }).flatMap(([name, hex]) =>
    Object.entries(PLACES).map(([place, [before, after]]) => {
      const bytes = concat([bytesOf(before), fromHex(hex), bytesOf(after)]);
      const where = place.replaceAll("-", " ");
      return refused(
        `${name}-${place}`,
        `the bytes ${hex} ${where} fail the connection`,
        bytes,
        [],
      );
    })
  ),
  ...Object.entries(BAD_SEQUENCES).map(([name, hex]) => {
    const bad = fromHex(hex);
    const text = concat([bytesOf("Hello"), bad, bytesOf("!")]);
    const split = [5 + Math.ceil(bad.length / 2)];
    const title = `the bytes ${hex} across a border of fragments fail the connection`;
    return refused(`${name}-across-fragments`, title, text, split);
  }),
  ...Object.entries(CUT_OFF).flatMap(([name, hex]) => {
    const text = concat([bytesOf("Hello"), fromHex(hex)]);
    return [
      refused(
        `${name}-at-end-of-fragments`,
        `a message whose last fragment ends with ${hex} fails the connection`,
        text,
        [2, 2],
      ),
      refused(
        `${name}-before-empty-last-fragment`,
        `a message that ends with ${hex} and then an empty fragment fails the connection`,
        text,
        [text.length, 0],
      ),
    ];
  }),
  {
    id: "rfc6455/8.1/cut-off-then-completed-by-the-next-message",
    title: "a text that ends inside a character fails even where the next begins with the rest",
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      connection.sendMessage(textMessage(fromHex("e2 82")));
      connection.sendMessage(textMessage(fromHex("ac")));
      await connection.expectFailed([1007]);
    },
  },
  {
    id: "rfc6455/8.1/invalid-after-valid-messages",
    title: "bad UTF-8 fails the connection also after texts and bytes that were right",
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage("κόσμε"));
      connection.sendMessage(textMessage(fromHex("ce ba ff")));
      await connection.expectFailed([1007]);
    },
  },
  {
    id: "rfc6455/8.1/invalid-in-single-bytes",
    title: "bad UTF-8 that comes byte by byte fails the connection",
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      const [frame] = connection.framesOf(textMessage(fromHex("ce ba ed a0 80 65")));
      if (frame !== undefined) await connection.sendInPieces(1, frame);
      await connection.expectFailed([1007]);
    },
  },
  refused(
    "invalid-in-fragments-of-a-byte",
    "bad UTF-8 that comes in six fragments fails the connection",
    fromHex("ce ba ed a0 80 65"),
    [1, 1, 1, 1, 1],
  ),
  refused(
    "cut-off-in-fragments-of-a-byte",
    "a text in six fragments that ends inside a character fails the connection",
    fromHex("48 69 ce ba e2 82"),
    [1, 1, 1, 1, 1],
  ),
  ...[126, 1000, 5000, 20_000, 70_000, 300_000].map((length): Case => ({
    id: `rfc6455/8.1/invalid-at-end-of-${length}-bytes`,
    title: `a text of ${length} bytes whose last is no UTF-8 fails the connection`,
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      const text = new Uint8Array(length).fill(0x61);
      text[length - 1] = 0xff;
      connection.sendMessage(textMessage(text));
      // A server may take no messages of this size at all.
      await connection.expectFailed(length > 126 ? [1007, 1009] : [1007]);
    },
  })),
  {
    id: "rfc6455/8.1/invalid-at-end-of-64-kib",
    title: "a bad byte at the end of a text of 64 KiB fails the connection",
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      const text = new Uint8Array(65535).fill(0x61);
      connection.sendMessage(textMessage(concat([text, fromHex("ff")])));
      // A server may take no messages of this size at all.
      await connection.expectFailed([1007, 1009]);
    },
  },
];
