/**
 * RFC 6455 section 8.1: bad UTF-8 found before its message ends. No sentence asks for this; it is
 * reported of servers that do it, and held against none.
 *
 * @module
 */
import { type Case, may } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { Broken } from "../peer/finding.ts";
import { bytesOf, concat, equalBytes, fromHex } from "../wire/bytes.ts";
import { ping, text } from "../wire/frame.ts";

const early = may(
  "RFC 6455",
  "8.1",
  "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, " +
    "in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_. … (5.6) " +
    "Invalid UTF-8 in reassembled messages is handled as described in Section 8.1.",
);

/** What can become no character any more, as soon as its last byte is there. */
const HOPELESS: Readonly<Record<string, string>> = {
  "overlong-2-bytes": "c0",
  "overlong-3-bytes": "e0 80",
  "surrogate": "ed a0",
  "above-10ffff": "f4 90",
  "byte-ff": "ff",
  "lone-continuation": "80",
  "missing-continuation": "c3 28",
};

/** A server that goes on waiting for the end of the message answers a Ping. */
async function expectFailedEarly(connection: Connection): Promise<void> {
  const fence = bytesOf("is it failed yet?");
  connection.send(ping(fence));
  const expected = "the connection failed before the message ends";
  for (;;) {
    const got = await connection.next(expected);
    if (got.kind === "close" || got.kind === "end") return;
    if (got.kind === "pong" && equalBytes(got.payload, fence)) {
      throw new Broken({ expected, observed: "a Ping is answered" });
    }
  }
}

/** The cases of this section. */
export const cases: readonly Case[] = Object.entries(HOPELESS).flatMap(([name, hex]): Case[] => {
  const bytes = concat([bytesOf("κόσμε"), fromHex(hex)]);
  return [{
    id: `rfc6455/8.1/fail-fast-${name}-in-first-fragment`,
    title: `a first fragment with ${hex} fails the connection before the message ends`,
    requirement: early,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text(bytes, { fin: false }));
      await expectFailedEarly(connection);
    },
  }];
});
