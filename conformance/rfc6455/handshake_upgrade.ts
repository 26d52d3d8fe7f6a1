/**
 * RFC 6455 section 4.2.1, items 3 and 4: the tokens in Upgrade and Connection.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import { accepted, NOT_AS_DESCRIBED, notSwitched, refused } from "./handshake_variants.ts";

const upgradeNamed = must(
  "RFC 6455",
  "4.2.1",
  `${NOT_AS_DESCRIBED} … ` +
    'An |Upgrade| header field containing the value "websocket", treated as an ASCII ' +
    "case-insensitive value.",
);
const connectionNamed = must(
  "RFC 6455",
  "4.2.1",
  `${NOT_AS_DESCRIBED} … ` +
    'A |Connection| header field that includes the token "Upgrade", treated as an ASCII ' +
    "case-insensitive value.",
);
const eachMatched = should(
  "RFC 9110",
  "7.8",
  "Although protocol names are registered with a preferred case, recipients SHOULD use " +
    "case-insensitive comparison when matching each protocol-name to supported protocols.",
);
const notIndicated = must(
  "RFC 9110",
  "7.8",
  "A server MUST NOT switch to a protocol that was not indicated by the client in the corresponding " +
    "request's Upgrade header field.",
);
const answered = should(
  "RFC 6455",
  "10.7",
  "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an " +
    "appropriate HTTP [RFC2616] status code.",
);

const upgrade = (value: string | readonly string[] | null) => ({ headers: { Upgrade: value } });
const connection = (value: string | readonly string[] | null) => ({
  headers: { Connection: value },
});

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...accepted(upgradeNamed, {
    "upgrade-in-capitals": { what: "Upgrade: WEBSOCKET", request: upgrade("WEBSOCKET") },
    "upgrade-in-mixed-case": { what: "Upgrade: WebSocket", request: upgrade("WebSocket") },
    "upgrade-between-blanks": {
      what: "Upgrade between blanks",
      request: upgrade(" \twebsocket \t"),
    },
  }),
  ...accepted(eachMatched, {
    "upgrade-list-websocket-first": {
      what: "Upgrade: websocket, heddle/1",
      request: upgrade("websocket, heddle/1"),
    },
    "upgrade-list-websocket-last": {
      what: "Upgrade: heddle/1, websocket",
      request: upgrade("heddle/1, websocket"),
    },
    "upgrade-list-in-two-lines": {
      what: "a list in two lines of Upgrade",
      request: upgrade(["heddle/1", "websocket"]),
    },
  }),
  ...notSwitched(notIndicated, {
    "upgrade-missing": { what: "a request without Upgrade", request: upgrade(null) },
    "upgrade-empty": { what: "an empty Upgrade", request: upgrade("") },
    "upgrade-of-another-name": { what: "Upgrade: h2c", request: upgrade("h2c") },
    "upgrade-of-a-longer-name": { what: "Upgrade: websockets", request: upgrade("websockets") },
    "upgrade-of-a-shorter-name": { what: "Upgrade: web", request: upgrade("web") },
    "upgrade-of-a-prefixed-name": { what: "Upgrade: x-websocket", request: upgrade("x-websocket") },
    "upgrade-in-quotes": { what: 'Upgrade: "websocket"', request: upgrade('"websocket"') },
    "upgrade-without-commas": {
      what: "Upgrade: heddle websocket",
      request: upgrade("heddle websocket"),
    },
    "upgrade-and-nul": { what: "websocket and a NUL in Upgrade", request: upgrade("websocket\0") },
    "plain-request": {
      what: "a plain request of HTTP",
      request: {
        headers: {
          Upgrade: null,
          Connection: "close",
          "Sec-WebSocket-Key": null,
          "Sec-WebSocket-Version": null,
        },
      },
    },
  }),
  {
    id: "rfc6455/10.7/plain-request-answered",
    title: "a plain request of HTTP gets an answer of HTTP",
    requirement: answered,
    async run(peer) {
      const headers = { Upgrade: null, Connection: "close" };
      const handshake = await peer.handshake({ headers });
      if (handshake.response === null) handshake.expectRefused();
      else handshake.expectNotSwitched();
    },
  },
  {
    id: "rfc6455/10.7/bad-handshake-answered",
    title: "a handshake without a key gets an error status rather than silence",
    requirement: answered,
    async run(peer) {
      const handshake = await peer.handshake({ headers: { "Sec-WebSocket-Key": null } });
      handshake.expectRefused();
    },
  },
  ...accepted(connectionNamed, {
    "connection-in-small-letters": { what: "Connection: upgrade", request: connection("upgrade") },
    "connection-in-capitals": { what: "Connection: UPGRADE", request: connection("UPGRADE") },
    "connection-list-upgrade-last": {
      what: "Connection: keep-alive, Upgrade",
      request: connection("keep-alive, Upgrade"),
    },
    "connection-list-upgrade-first": {
      what: "Connection: Upgrade, keep-alive",
      request: connection("Upgrade, keep-alive"),
    },
    "connection-list-without-spaces": {
      what: "Connection: keep-alive,Upgrade",
      request: connection("keep-alive,Upgrade"),
    },
    "connection-list-with-blanks": {
      what: "a list in Connection with blanks and tabs around its commas",
      request: connection("keep-alive\t ,\t Upgrade "),
    },
    "connection-list-in-two-lines": {
      what: "a list in two lines of Connection",
      request: connection(["keep-alive", "Upgrade"]),
    },
  }),
  ...accepted(
    must(
      "RFC 9110",
      "5.6.1.2",
      "A recipient MUST parse and ignore a reasonable number of empty list elements: enough to " +
        "handle common mistakes by senders that merge values, but not so much that they could be " +
        "used as a denial-of-service mechanism.",
    ),
    {
      "connection-list-with-empty-members": {
        what: "Connection: , Upgrade,, keep-alive",
        request: connection(", Upgrade,, keep-alive"),
      },
    },
  ),
  ...notSwitched(connectionNamed, {
    "connection-missing": { what: "a request without Connection", request: connection(null) },
    "connection-empty": { what: "an empty Connection", request: connection("") },
    "connection-of-another-token": {
      what: "Connection: keep-alive",
      request: connection("keep-alive"),
    },
    "connection-of-a-longer-token": {
      what: "Connection: Upgrade-Insecure-Requests",
      request: connection("Upgrade-Insecure-Requests"),
    },
    "connection-of-a-shorter-token": { what: "Connection: Up", request: connection("Up") },
    "connection-in-quotes": { what: 'Connection: "Upgrade"', request: connection('"Upgrade"') },
    "connection-without-commas": {
      what: "Connection: keep-alive Upgrade",
      request: connection("keep-alive Upgrade"),
    },
  }),
  ...refused(
    must(
      "RFC 6455",
      "4.2.1",
      `${NOT_AS_DESCRIBED} … A |Sec-WebSocket-Key| header field … A |Sec-WebSocket-Version| header field, ` +
        "with a value of 13.",
    ),
    {
      "key-and-version-missing": {
        what: "a request for an upgrade to websocket with neither key nor version",
        request: { headers: { "Sec-WebSocket-Key": null, "Sec-WebSocket-Version": null } },
      },
    },
  ),
];
