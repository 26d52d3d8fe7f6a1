/**
 * RFC 9112 sections 6 and 9.3: a request with a body, and bytes that follow the request.
 *
 * @module
 */
import { type Case, must, type Requirement } from "../case.ts";
import { Broken } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import { textMessage } from "../peer/sender.ts";
import { bytesOf, concat, equalBytes } from "../wire/bytes.ts";
import { encodeFrame, ping, text } from "../wire/frame.ts";
import type { RequestSpec } from "../wire/handshake.ts";
import { prefixOf, refused } from "./handshake_variants.ts";

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
const pingAnswered = must(
  "RFC 6455",
  "5.5.2",
  "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already " +
    "received a Close frame.",
);

/** Masked by a key that is no secret. */
const encoded = (spec: Parameters<typeof encodeFrame>[0]) =>
  encodeFrame(spec, Uint8Array.of(1, 2, 3, 4));
const BODY = encoded(ping("in the body"));
const LENGTH = { "Content-Length": String(BODY.length) };
const CHUNKS = concat([
  bytesOf(`${BODY.length.toString(16)}\r\n`),
  BODY,
  bytesOf("\r\n0\r\n\r\n"),
]);

/**
 * Whether a Ping with this payload was answered: true or false once a later Ping is, null where the
 * server closes, which it may.
 */
async function answers(handshake: Handshake, payload: string): Promise<boolean | null> {
  const connection = handshake.expectDecided([], { silent: true });
  if (connection === null) return null;
  connection.send(ping("later"));
  for (;;) {
    const got = await connection.next("a Pong, or the end of the connection");
    if (got.kind === "end" || got.kind === "close") return null;
    if (got.kind === "garbage") {
      throw new Broken({ expected: "frames after the 101", observed: got.observed });
    }
    if (got.kind !== "pong") continue;
    if (equalBytes(got.payload, bytesOf(payload))) return true;
    if (equalBytes(got.payload, bytesOf("later"))) return false;
  }
}

function withBody(name: string, what: string, request: RequestSpec, pieces?: number): Case {
  return {
    id: `rfc9112/9.3/${name}`,
    title: `${what} is refused, or its body is not taken for frames`,
    requirement: bodyRead,
    async run(peer) {
      const handshake = await peer.handshake(request, pieces === undefined ? {} : { pieces });
      if (await answers(handshake, "in the body") !== true) return;
      throw new Broken({
        expected: "the body read as a body, or the connection closed",
        observed: "a Ping frame in the body was answered",
      });
    },
  };
}

/** Frames sent before the 101: the server may fail the connection for it, but not lose them. */
function glued(name: string, what: string, run: (peer: Peer) => Promise<void>): Case {
  const requirement: Requirement = pingAnswered;
  return { id: `${prefixOf(requirement)}/${name}`, title: what, requirement, run };
}

function expectEarly(answered: boolean | null): void {
  if (answered !== false) return;
  throw new Broken({
    expected: "a Pong for the Ping that came with the handshake",
    observed: "a Pong for the Ping after it only",
  });
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  withBody("body-of-a-known-length", "a handshake with a body", { headers: LENGTH, body: BODY }),
  withBody("body-in-segments", "a handshake with a body, byte by byte,", {
    headers: LENGTH,
    body: BODY,
  }, 1),
  withBody("body-in-chunks", "a handshake with a body in chunks", {
    headers: { "Transfer-Encoding": "chunked" },
    body: CHUNKS,
  }),
  withBody("post-with-a-body", "a handshake by POST with a body", {
    method: "POST",
    headers: LENGTH,
    body: BODY,
  }),
  {
    id: "rfc9112/6.3/content-length-0",
    title: "a handshake with Content-Length: 0 is refused, or what follows it are frames",
    requirement: must(
      "RFC 9112",
      "6.3",
      "If a valid Content-Length header field is present without Transfer-Encoding, its decimal value " +
        "defines the expected message body length in octets.",
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
  glued(
    "ping-with-the-handshake",
    "a Ping in the same segment as the handshake is answered after the 101",
    async (peer) => {
      const handshake = await peer.handshake({ body: encoded(ping("early")) });
      expectEarly(await answers(handshake, "early"));
    },
  ),
  glued(
    "ping-with-the-handshake-byte-by-byte",
    "a Ping after the handshake, all byte by byte, is answered after the 101",
    async (peer) => {
      const handshake = await peer.handshake({ body: encoded(ping("early")) }, { pieces: 1 });
      expectEarly(await answers(handshake, "early"));
    },
  ),
  glued(
    "part-of-a-ping-with-the-handshake",
    "a Ping whose first bytes came with the handshake is answered",
    async (peer) => {
      const bytes = encoded(ping("early"));
      const handshake = await peer.handshake({ body: bytes.subarray(0, 3) });
      handshake.wire.write(bytes.subarray(3));
      expectEarly(await answers(handshake, "early"));
    },
  ),
  {
    id: "rfc6455/4.2.2/messages-with-the-handshake",
    title: "messages in the same segment as the handshake are delivered after the 101",
    requirement: must(
      "RFC 6455",
      "4.2.2",
      "If the server finishes these steps without aborting the WebSocket handshake, the server " +
        "considers the WebSocket connection to be established and that the WebSocket connection is in " +
        "the OPEN state. At this point, the server may begin sending (and receiving) data.",
    ),
    needs: ["echo"],
    async run(peer) {
      const texts = ["one", "two", "x".repeat(3000)];
      const body = concat(texts.map((one) => encoded(text(one))));
      const connection = (await peer.handshake({ body })).expectDecided([], { silent: true });
      if (connection === null) return;
      for (let i = 0; i < peer.facts.greetings; i++) await connection.nextMessage("its greeting");
      await connection.expectDelivered(...texts.map(textMessage));
    },
  },
  {
    id: "rfc6455/5.1/second-handshake-behind-the-first",
    title: "a second handshake behind the first is taken for frames, which it is not",
    requirement: must(
      "RFC 6455",
      "5.1",
      "The server MUST close the connection upon receiving a frame that is not masked.",
    ),
    async run(peer) {
      const body = peer.request("AAAAAAAAAAAAAAAAAAAAAA==");
      const connection = (await peer.handshake({ body })).expectDecided([], { silent: true });
      await connection?.expectFailed([null, 1002]);
    },
  },
];
