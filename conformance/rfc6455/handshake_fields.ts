/**
 * RFC 9112 sections 2.2 and 5, RFC 9110 section 5: header fields at the handshake, well and badly
 * written.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import { accepted, decided, notSwitched, refused } from "./handshake_variants.ts";

const names = must(
  "RFC 6455",
  "4.1",
  "Please note that according to [RFC2616], all header field names in both HTTP requests and HTTP " +
    "responses are case-insensitive. … (4.2.2) When a client establishes a WebSocket connection to a " +
    "server, the server MUST complete the following steps to accept the connection and send the " +
    "server's opening handshake.",
);
const spaceBeforeColon = must(
  "RFC 9112",
  "5.1",
  "A server MUST reject, with a response status code of 400 (Bad Request), any received request " +
    "message that contains whitespace between a header field name and colon.",
);
const folded = must(
  "RFC 9112",
  "5.2",
  'A server that receives an obs-fold in a request message that is not within a "message/http" ' +
    "container MUST either reject the message by sending a 400 (Bad Request), preferably with a " +
    "representation explaining that obsolete line folding is unacceptable, or replace each received " +
    "obs-fold with one or more SP octets prior to interpreting the field value or forwarding the " +
    "message downstream.",
);
const grammar = should(
  "RFC 9112",
  "2.2",
  "When a server listening only for HTTP request messages, or processing what appears from the " +
    "start-line to be an HTTP request message, receives a sequence of octets that does not match the " +
    "HTTP-message grammar aside from the robustness exceptions listed above, the server SHOULD " +
    "respond with a 400 (Bad Request) response and close the connection.",
);

const withUpgrade = (lines: readonly string[]) => ({ headers: { Upgrade: null }, lines });

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...(["toLowerCase", "toUpperCase"] as const).map((change): Case => ({
    id: `rfc6455/4.1/names-in-${change === "toLowerCase" ? "small-letters" : "capitals"}`,
    title: `names of header fields in ${
      change === "toLowerCase" ? "small letters" : "capitals"
    } are accepted`,
    requirement: names,
    async run(peer) {
      const wire = await peer.open();
      const key = "dGhlIHNhbXBsZSBub25jZQ==";
      const bytes = peer.request(key);
      const text = String.fromCharCode(...bytes).replaceAll(
        /^[\w-]+(?=:)/gm,
        (name) => name[change](),
      );
      wire.write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
      (await peer.answer(wire, key)).expectAccepted();
    },
  })),
  ...accepted(
    should(
      "RFC 9110",
      "5.1",
      "Other recipients SHOULD ignore unrecognized header and trailer fields.",
    ),
    {
      "unknown-field": { what: "an unknown header field", request: { lines: ["X-Heddle: 1"] } },
      "unknown-field-empty": { what: "an empty header field", request: { lines: ["X-Heddle:"] } },
      "unknown-field-doubled": {
        what: "an unknown header field in three lines",
        request: { lines: ["X-Heddle: 1", "X-Heddle: 2", "x-heddle: 3"] },
      },
      "unknown-sec-websocket-field": {
        what: "an unknown Sec-WebSocket field",
        request: { lines: ["Sec-WebSocket-Heddle: 1"] },
      },
      "fields-of-a-browser": {
        what: "a handshake with the header fields of a browser",
        request: {
          lines: [
            "Pragma: no-cache",
            "Cache-Control: no-cache",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Accept: */*",
            "Accept-Language: de,en-US;q=0.7,en;q=0.3",
            "Accept-Encoding: gzip, deflate, br, zstd",
            "Cookie: a=1; b=2",
            "DNT: 1",
          ],
        },
      },
      "fields-fifty": {
        what: "a handshake with fifty header fields more",
        request: { lines: Array.from({ length: 50 }, (_, i) => `X-Heddle-${i}: ${i}`) },
      },
    },
  ),
  ...accepted(
    should(
      "RFC 9110",
      "5.5",
      "A recipient SHOULD treat other allowed octets in field content (i.e., obs-text) as opaque " +
        "data.",
    ),
    {
      "value-of-latin-1": {
        what: "a header field with the bytes 0x80 to 0xff",
        request: {
          lines: [
            `X-Heddle: ${String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i + 128))}`,
          ],
        },
      },
    },
  ),
  ...refused(spaceBeforeColon, {
    "space-before-colon": { what: "a space before a colon", request: { lines: ["X-Heddle : 1"] } },
    "tab-before-colon": { what: "a tab before a colon", request: { lines: ["X-Heddle\t: 1"] } },
    "space-before-colon-of-upgrade": {
      what: "a space before the colon of Upgrade",
      request: withUpgrade(["Upgrade : websocket"]),
    },
  }, [400]),
  ...decided(folded, {
    "folded-unknown-field": {
      what: "a folded header field that is unknown",
      request: { lines: ["X-Heddle: 1,\r\n 2"] },
    },
    "folded-connection": {
      what: "a folded Connection",
      request: { headers: { Connection: "keep-alive,\r\n\tUpgrade" } },
    },
    "folded-upgrade": {
      what: "an Upgrade that begins on its second line",
      request: { headers: { Upgrade: "\r\n websocket" } },
    },
  }, [400]),
  ...refused(folded, {
    "folded-version": {
      what: "a version whose second line makes it another",
      request: { headers: { "Sec-WebSocket-Version": "13\r\n 7" } },
    },
  }),
  ...notSwitched(
    must(
      "RFC 9112",
      "2.2",
      "A recipient that receives whitespace between the start-line and the first header field MUST " +
        "either reject the message as invalid or consume each whitespace-preceded line without " +
        "further processing of it (i.e., ignore the entire line, along with any subsequent lines " +
        "preceded by whitespace, until a properly formed header field is received or the header " +
        "section is terminated).",
    ),
    {
      "space-before-the-first-field": {
        what: "an Upgrade whose line begins with a space, first of all,",
        request: { headers: { Upgrade: null }, version: "HTTP/1.1\r\n Upgrade: websocket" },
      },
    },
  ),
  ...notSwitched(
    must(
      "RFC 9112",
      "2.2",
      "A recipient of such a bare CR MUST consider that element to be invalid or replace each bare " +
        "CR with SP before processing the element or forwarding the message.",
    ),
    {
      "bare-cr-before-upgrade": {
        what: "an Upgrade that only a bare CR parts from another field",
        request: withUpgrade(["X-Heddle: 1\rUpgrade: websocket"]),
      },
    },
  ),
  ...refused(grammar, {
    "field-without-a-colon": {
      what: "a header line without a colon",
      request: { lines: ["Heddle"] },
    },
    "field-without-a-name": { what: "a header line without a name", request: { lines: [": 1"] } },
    "field-name-with-a-space": {
      what: "a header field whose name has a space",
      request: { lines: ["X Heddle: 1"] },
    },
    "field-name-with-brackets": {
      what: "a header field whose name has brackets",
      request: { lines: ["X(Heddle): 1"] },
    },
    "field-name-of-latin-1": {
      what: "a header field whose name has the byte 0xe9",
      request: { lines: ["X-H\xe9ddle: 1"] },
    },
    "field-value-with-nul": {
      what: "a NUL in a header field",
      request: { lines: ["X-Heddle: \0"] },
    },
  }, [400]),
  {
    id: "rfc9112/2.2/bare-lf",
    title: "lines that end in LF alone are taken, or are an error",
    requirement: grammar,
    async run(peer) {
      const wire = await peer.open();
      const key = "dGhlIHNhbXBsZSBub25jZQ==";
      // A server that takes no bare LF waits for CR LF CR LF, which comes too; for one that does, it
      // is no frame, but comes after its answer.
      wire.write(peer.request(key, { lineEnd: "\n", body: Uint8Array.of(13, 10, 13, 10) }));
      (await peer.answer(wire, key)).expectDecided([], { silent: true });
    },
  },
  {
    id: "rfc9112/2.2/empty-line-before-the-request",
    title: "an empty line before the request is ignored",
    requirement: should(
      "RFC 9112",
      "2.2",
      "In the interest of robustness, a server that is expecting to receive and parse a " +
        "request-line SHOULD ignore at least one empty line (CRLF) received prior to the " +
        "request-line.",
    ),
    async run(peer) {
      const handshake = await peer.handshake({ method: "\r\nGET" });
      handshake.expectAccepted();
    },
  },
];
