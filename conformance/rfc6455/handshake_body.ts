/**
 * RFC 9112 sections 6 and 9.3: a handshake with a body.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import { bytesOf, concat } from "../wire/bytes.ts";
import { ping } from "../wire/frame.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import { TimeOut } from "../wire/socket.ts";
import { encoded, pongAfter } from "./handshake_early.ts";
import { refused } from "./handshake_variants.ts";

const bodyRead = must(
  "RFC 9112",
  "9.3",
  "A server MUST read the entire request message body or close the connection after sending its " +
    "response; otherwise, the remaining data on a persistent connection would be misinterpreted as " +
    "the next request.",
);
const lengthInvalid = must(
  "RFC 9112",
  "6.3",
  "If a message is received without Transfer-Encoding and with an invalid Content-Length header " +
    "field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable " +
    "error … If the unrecoverable error is in a request message, the server MUST respond with a 400 " +
    "(Bad Request) status code and then close the connection.",
);
const notChunked = must(
  "RFC 9112",
  "6.3",
  "If a Transfer-Encoding header field is present in a request and the chunked transfer coding is " +
    "not the final encoding, the message body length cannot be determined reliably; the server MUST " +
    "respond with the 400 (Bad Request) status code and then close the connection.",
);
const bothLengths = must(
  "RFC 9112",
  "6.1",
  "A server MAY reject a request that contains both Content-Length and Transfer-Encoding or process " +
    "such a request in accordance with the Transfer-Encoding alone. Regardless, the server MUST close " +
    "the connection after responding to such a request to avoid the potential attacks.",
);
const BODY = encoded(ping("in the body"));
const LENGTH = { "Content-Length": String(BODY.length) };
const CHUNKS = concat([
  bytesOf(`${BODY.length.toString(16)}\r\n`),
  BODY,
  bytesOf("\r\n0\r\n\r\n"),
]);

/** How often the body is held back, lest a server that is slow to answer gets it with the head. */
const HELD_BACK = { times: 3, part: 1 / 4 } as const;

/** Sends the head, and the body byte by byte when that is answered, or seems not to be before. */
async function bodyHeldBack(peer: Peer): Promise<Handshake> {
  const wire = await peer.open();
  const key = peer.key();
  wire.write(peer.request(key, { headers: LENGTH }));
  const answered = () => wire.peek().length > 0 || wire.ending !== null || undefined;
  try {
    await wire.waitFor("an answer", answered, peer.patience.timeout * HELD_BACK.part);
  } catch (error) {
    if (!(error instanceof TimeOut)) throw error;
  }
  await wire.writePieces(BODY, 1);
  return await peer.answer(wire, key);
}

function withBody(
  name: string,
  what: string,
  send: (peer: Peer) => Promise<Handshake>,
  times = 1,
): Case {
  return {
    id: `rfc9112/9.3/${name}`,
    title: `${what} is refused, or its body is not taken for frames`,
    requirement: bodyRead,
    async run(peer) {
      for (let i = 0; i < times; i++) {
        const handshake = await send(peer);
        const { awaited, observed } = handshake;
        if (awaited !== null) {
          throw new Skipped(`nothing tells what became of the body: ${observed}`, awaited);
        }
        const pong = await pongAfter(handshake, ["in the body", "behind it"], [ping("behind it")]);
        handshake.wire.abandon();
        if (pong !== "in the body") continue;
        throw new Broken({
          expected: "the body read as a body, or the connection closed",
          observed: "a Ping frame in the body was answered",
        });
      }
    },
  };
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  withBody(
    "body-of-a-known-length",
    "a handshake with a body",
    (peer) => peer.handshake({ headers: LENGTH, body: BODY }),
  ),
  withBody(
    "body-in-segments",
    "a handshake with a body that comes after it, byte by byte,",
    bodyHeldBack,
    HELD_BACK.times,
  ),
  withBody(
    "body-in-chunks",
    "a handshake with a body in chunks",
    (peer) => peer.handshake({ headers: { "Transfer-Encoding": "chunked" }, body: CHUNKS }),
  ),
  withBody(
    "post-with-a-body",
    "a handshake by POST with a body",
    (peer) => peer.handshake({ method: "POST", headers: LENGTH, body: BODY }),
  ),
  {
    id: "rfc9112/6.3/content-length-0",
    title: "a handshake with Content-Length: 0 is refused, or what follows it are frames",
    requirement: must(
      "RFC 9112",
      "6.3",
      "If a valid Content-Length header field is present without Transfer-Encoding, its decimal value " +
        "defines the expected message body length in octets. … (9.3) A server MUST read the entire request " +
        "message body or close the connection after sending its response",
    ),
    async run(peer) {
      const handshake = await peer.handshake({ headers: { "Content-Length": "0" } });
      await handshake.expectDecided([], { silent: true })?.expectAlive();
    },
  },
  ...refused(lengthInvalid, {
    "content-length-in-words": {
      what: "Content-Length: zero",
      request: { headers: { "Content-Length": "zero" } },
    },
    "content-length-below-0": {
      what: "Content-Length: -1",
      request: { headers: { "Content-Length": "-1" } },
    },
    "content-length-with-a-sign": {
      what: "Content-Length: +0",
      request: { headers: { "Content-Length": "+0" } },
    },
    "content-length-in-hexadecimal": {
      what: "Content-Length: 0x0",
      request: { headers: { "Content-Length": "0x0" } },
    },
    "content-length-of-two-values": {
      what: "two lines of Content-Length that differ",
      request: { headers: { "Content-Length": ["0", "5"] }, body: bytesOf("hello") },
    },
  }, [400]),
  ...refused(notChunked, {
    "transfer-encoding-gzip": {
      what: "Transfer-Encoding: gzip",
      request: { headers: { "Transfer-Encoding": "gzip" } },
    },
    "transfer-encoding-unknown": {
      what: "an unknown Transfer-Encoding",
      request: { headers: { "Transfer-Encoding": "heddle" } },
    },
    "transfer-encoding-not-chunked-last": {
      what: "Transfer-Encoding: chunked, gzip",
      request: { headers: { "Transfer-Encoding": "chunked, gzip" }, body: CHUNKS },
    },
  }, [400, 501]),
  {
    id: "rfc9112/6.1/length-and-chunks",
    title: "a handshake with both Content-Length and Transfer-Encoding ends the connection",
    requirement: bothLengths,
    async run(peer) {
      const handshake = await peer.handshake({
        headers: { ...LENGTH, "Transfer-Encoding": "chunked" },
        body: CHUNKS,
      });
      const connection = handshake.expectDecided([], { silent: true });
      await connection?.expectFailed([null, 1000, 1002, 1003, 1008, 1011]);
    },
  },
];
