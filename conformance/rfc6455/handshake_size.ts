/**
 * RFC 9110 section 5.4, RFC 9112 section 3: handshakes that are larger than usual.
 *
 * @module
 */
import { type Case, must, type Need, should } from "../case.ts";
import type { RequestSpec } from "../wire/handshake.ts";

const larger = must(
  "RFC 9110",
  "5.4",
  "A server that receives a request header field line, field value, or set of fields larger than it " +
    "wishes to process MUST respond with an appropriate 4xx (Client Error) status code.",
);
const fields = (count: number, bytes: number): RequestSpec => ({
  lines: Array.from({ length: count }, (_, i) => `X-Heddle-${i}: ${"x".repeat(bytes)}`),
});

interface Size {
  readonly what: string;
  readonly request: RequestSpec;
  readonly needs?: readonly Need[];
}

const SIZES: Readonly<Record<string, Size>> = {
  "value-of-4-kib": { what: "a header field of 4 KiB", request: fields(1, 4096) },
  "value-of-64-kib": { what: "a header field of 64 KiB", request: fields(1, 65536) },
  "value-of-1-mib": { what: "a header field of 1 MiB", request: fields(1, 2 ** 20) },
  "value-of-16-mib": {
    what: "a header field of 16 MiB",
    request: fields(1, 2 ** 24),
    needs: ["full"],
  },
  "name-of-64-kib": {
    what: "a header field with a name of 64 KiB",
    request: { lines: [`X-${"x".repeat(65536)}: 1`] },
  },
  "fields-of-64-kib-in-all": { what: "64 header fields of 1 KiB", request: fields(64, 1024) },
  "fields-two-hundred": { what: "two hundred header fields", request: fields(200, 1) },
  "fields-ten-thousand": { what: "ten thousand header fields", request: fields(10_000, 1) },
  "extensions-of-64-kib": {
    what: "an offer of 64 KiB of extensions",
    request: { headers: { "Sec-WebSocket-Extensions": `x${"; a=1".repeat(13_000)}` } },
  },
};

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(SIZES).map(([name, { what, request, needs = [] }]): Case => ({
    id: `rfc9110/5.4/${name}`,
    title: `${what} is taken or refused, and does not stall the server`,
    requirement: larger,
    needs,
    async run(peer) {
      const handshake = await peer.handshake(request);
      const { status = 0 } = handshake.response ?? {};
      // Which of them is appropriate is left to the server.
      if (status >= 400 && status < 500) return;
      // A server that closes while more comes may reset, and its answer be lost.
      handshake.expectDecided([400, 413, 414, 431], { silent: true });
    },
  })),
  {
    id: "rfc9112/3/request-line-of-8000-bytes",
    title: "a request line of 8,000 bytes is not too long",
    requirement: should(
      "RFC 9112",
      "3",
      "It is RECOMMENDED that all HTTP senders and recipients support, at a minimum, request-line " +
        "lengths of 8000 octets.",
    ),
    async run(peer) {
      const { path } = peer.target;
      const query = `${path}${path.includes("?") ? "&" : "?"}heddle=`;
      const rest = 8000 - "GET  HTTP/1.1\r\n".length - query.length;
      const handshake = await peer.handshake({ path: query + "x".repeat(Math.max(0, rest)) });
      // What it makes of the query is its own affair, as long as it reads it.
      const { status = 0 } = handshake.response ?? {};
      if (status === 0 || [400, 413, 414, 431].includes(status)) handshake.expectAccepted();
    },
  },
  {
    id: "rfc9112/3/request-line-of-64-kib",
    title: "a request line of 64 KiB is taken or refused, and does not stall the server",
    requirement: must(
      "RFC 9112",
      "3",
      "A server that receives a request-target longer than any URI it wishes to parse MUST respond " +
        "with a 414 (URI Too Long) status code",
    ),
    async run(peer) {
      const handshake = await peer.handshake({ path: `${peer.target.path}?${"x".repeat(65536)}` });
      handshake.expectDecided([], { silent: true });
    },
  },
];
