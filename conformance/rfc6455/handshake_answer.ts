/**
 * RFC 6455 section 4.2.2: the server's opening handshake, and the form that HTTP gives it.
 *
 * @module
 */
import { type Case, must, type Requirement, should } from "../case.ts";
import { Broken } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import { prefixOf } from "./handshake_variants.ts";

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
  watches: "handshake",
  async run(peer) {
    const handshake = await peer.handshake();
    handshake.expectAccepted();
  },
};

/** A case that looks at the 101 of an honest handshake: `look` gives what is wrong, or null. */
function look(
  requirement: Requirement,
  name: string,
  title: string,
  wrong: (handshake: Handshake) => { readonly expected: string; readonly observed: string } | null,
): Case {
  return {
    id: `${prefixOf(requirement)}/${name}`,
    title,
    requirement,
    async run(peer) {
      const handshake = await peer.handshake();
      handshake.expectAccepted();
      const found = wrong(handshake);
      if (found !== null) throw new Broken(found);
    },
  };
}

/** Says what is wrong where a field does not stand in the response as often as it may. */
function times(handshake: Handshake, name: string, most: number) {
  const values = handshake.values(name);
  if (values.length <= most) return null;
  const expected = most === 0 ? `no ${name}` : `${name} at most once`;
  return { expected, observed: values.map((value) => `${name}: ${value}`).join(", ") };
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  OPENING_HANDSHAKE,
  look(
    must(
      "RFC 6455",
      "4.2.2",
      "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP " +
        'response indicating the following. … An |Upgrade| header field with value "websocket" as ' +
        "per RFC 2616 [RFC2616].",
    ),
    "answer-upgrades-to-websocket-alone",
    "Upgrade in the 101 is websocket and nothing else",
    (handshake) => {
      const values = handshake.values("Upgrade");
      if (values.length === 1 && values[0]?.toLowerCase() === "websocket") return null;
      return { expected: "Upgrade: websocket", observed: `Upgrade: ${values.join(", ")}` };
    },
  ),
  look(
    must(
      "RFC 6455",
      "11.3.3",
      "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.",
    ),
    "accept-once",
    "Sec-WebSocket-Accept stands in the 101 once",
    (handshake) => times(handshake, "Sec-WebSocket-Accept", 1),
  ),
  look(
    must(
      "RFC 9110",
      "8.6",
      "A server MUST NOT send a Content-Length header field in any response with a status code of " +
        "1xx (Informational) or 204 (No Content).",
    ),
    "no-content-length-in-101",
    "the 101 has no Content-Length",
    (handshake) => times(handshake, "Content-Length", 0),
  ),
  look(
    must(
      "RFC 9112",
      "6.1",
      "A server MUST NOT send a Transfer-Encoding header field in any response with a status code " +
        "of 1xx (Informational) or 204 (No Content).",
    ),
    "no-transfer-encoding-in-101",
    "the 101 has no Transfer-Encoding",
    (handshake) => times(handshake, "Transfer-Encoding", 0),
  ),
  look(
    should(
      "RFC 9110",
      "6.2",
      "A server SHOULD send a response version equal to the highest version to which the server is " +
        "conformant that has a major version less than or equal to the one received in the request.",
    ),
    "answer-in-http-1-1",
    "the 101 is of HTTP/1.1",
    ({ response }) => {
      const version = response?.version ?? "";
      return version === "HTTP/1.1" ? null : { expected: "HTTP/1.1 101", observed: version };
    },
  ),
  {
    id: "rfc9112/6.3/nothing-but-frames-after-101",
    title: "the 101 has no body: what follows its head are frames",
    requirement: must(
      "RFC 9112",
      "6.3",
      "Any response to a HEAD request and any response with a 1xx (Informational), 204 (No " +
        "Content), or 304 (Not Modified) status code is always terminated by the first empty line " +
        "after the header fields, regardless of the header fields present in the message, and thus " +
        "cannot contain a message body or trailer section. … (RFC 6455, 4.2.2) it MUST reply with a " +
        "valid HTTP response",
    ),
    async run(peer) {
      const connection = (await peer.handshake()).expectAccepted();
      await connection.expectAlive();
    },
  },
];
