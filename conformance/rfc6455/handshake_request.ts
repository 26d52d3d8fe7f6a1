/**
 * RFC 6455 section 4.2.1, items 1 and 2: the request line and Host.
 *
 * @module
 */
import { type Case, may, must, should } from "../case.ts";
import { accepted, decided, NOT_AS_DESCRIBED, notSwitched, refused } from "./handshake_variants.ts";

const getRequest = must(
  "RFC 6455",
  "4.2.1",
  `${NOT_AS_DESCRIBED} … ` +
    'An HTTP/1.1 or higher GET request, including a "Request-URI" [RFC2616] that should be ' +
    "interpreted as a /resource name/ defined in Section 3 (or an absolute HTTP/HTTPS URI " +
    "containing the /resource name/).",
);
const badRequestLine = should(
  "RFC 9112",
  "3.2",
  "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or a " +
    "301 (Moved Permanently) redirect with the request-target properly encoded.",
);
const oneHost = must(
  "RFC 9112",
  "3.2",
  "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that " +
    "lacks a Host header field and to any request message that contains more than one Host header " +
    "field line or a Host header field with an invalid field value.",
);
const host = (value: string | readonly string[] | null) => ({ headers: { Host: value } });

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...notSwitched(getRequest, {
    "method-post": { what: "a handshake by POST", request: { method: "POST" } },
    "method-put": { what: "a handshake by PUT", request: { method: "PUT" } },
    "method-head": { what: "a handshake by HEAD", request: { method: "HEAD" } },
    "method-options": { what: "a handshake by OPTIONS", request: { method: "OPTIONS" } },
    "method-delete": { what: "a handshake by DELETE", request: { method: "DELETE" } },
    "method-in-small-letters": { what: "a handshake by get", request: { method: "get" } },
    "method-unknown": { what: "a handshake by HEDDLE", request: { method: "HEDDLE" } },
  }),
  ...notSwitched(
    must(
      "RFC 9110",
      "7.8",
      "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request.",
    ),
    { "http-1-0": { what: "a handshake in HTTP/1.0", request: { version: "HTTP/1.0" } } },
  ),
  ...refused(must("RFC 6455", "4.2.1", NOT_AS_DESCRIBED), {
    "http-version-in-small-letters": {
      what: "http/1.1 in the request line",
      request: { version: "http/1.1" },
    },
    "http-version-of-one-number": {
      what: "HTTP/1 in the request line",
      request: { version: "HTTP/1" },
    },
    "target-asterisk": { what: "the request target *", request: { path: "*" } },
    "target-without-slash": { what: "a request target without a slash", request: { path: "chat" } },
  }),
  {
    id: "rfc6455/4.2.1/http-version-missing",
    title: "a request line without a version switches no protocol",
    requirement: getRequest,
    async run(peer) {
      // Without a version it is a request of HTTP/0.9, whose answer has no head.
      const handshake = await peer.handshake({ version: "" });
      if (handshake.response !== null) handshake.expectNotSwitched();
    },
  },
  ...accepted(
    should(
      "RFC 9110",
      "6.2",
      "A recipient that receives a message with a major version number that it implements and a " +
        "minor version number higher than what it implements SHOULD process the message as if it " +
        "were in the highest minor version within that major version to which the recipient is " +
        "conformant.",
    ),
    { "http-1-2": { what: "a handshake in HTTP/1.2", request: { version: "HTTP/1.2" } } },
  ),
  {
    id: "rfc9112/3.2.2/target-absolute",
    title: "a request target in absolute form is accepted",
    requirement: must(
      "RFC 9112",
      "3.2.2",
      "A server MUST accept the absolute-form in requests even though most HTTP/1.1 clients will " +
        "only send the absolute-form to a proxy.",
    ),
    async run(peer) {
      const { secure, authority, path } = peer.target;
      const scheme = secure ? "https" : "http";
      const handshake = await peer.handshake({ path: `${scheme}://${authority}${path}` });
      handshake.expectAccepted();
    },
  },
  ...[" ", "\t", "#", "\\", "\x7f", "\xe9"].map((char): Case => ({
    id: `rfc9112/3.2/target-with-${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    title: `a request target with the byte 0x${
      char.charCodeAt(0).toString(16).padStart(2, "0")
    } is an error`,
    requirement: badRequestLine,
    async run(peer) {
      const handshake = await peer.handshake({ path: `${peer.target.path}${char}x` });
      handshake.expectNotSwitched();
    },
  })),
  ...refused(oneHost, {
    "host-missing": { what: "a request without Host", request: host(null) },
    "host-doubled": {
      what: "a request with two Hosts",
      request: host(["heddle.example", "other.example"]),
    },
    "host-with-a-space": { what: "a Host with a space", request: host("heddle .example") },
    "host-with-a-path": { what: "a Host with a path", request: host("heddle.example/chat") },
    "host-with-user": { what: "a Host with a user's name", request: host("me@heddle.example") },
    "host-with-a-word-for-port": {
      what: "a Host whose port is no number",
      request: host("heddle.example:http"),
    },
  }, [400]),
  {
    id: "rfc9112/3.2/host-doubled-alike",
    title: "a request with the same Host twice is refused",
    requirement: oneHost,
    async run(peer) {
      const { authority } = peer.target;
      const handshake = await peer.handshake(host([authority, authority]));
      handshake.expectRefused([400], { silent: true });
    },
  },
  ...refused(
    may("RFC 6455", "4.2.1", "A |Host| header field containing the server's authority."),
    { "host-empty": { what: "an empty Host", request: host("") } },
  ),
  ...decided(
    must(
      "RFC 6455",
      "4.2.1",
      `${NOT_AS_DESCRIBED} … A |Host| header field containing the server's authority.`,
    ),
    {
      "host-of-another": { what: "the Host of another server", request: host("heddle.example") },
      "host-in-capitals-with-port": {
        what: "a Host in capitals with a port",
        request: host("LOCALHOST:1"),
      },
    },
  ),
];
