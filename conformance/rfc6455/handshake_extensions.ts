/**
 * RFC 6455 section 9.1: how extensions are offered and agreed to, whichever they are.
 *
 * @module
 */
import { type Case, may, must, should } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import { toHex } from "../wire/bytes.ts";
import { prefixOf, refused } from "./handshake_variants.ts";

/** What an answer is made of, however the offer is written. */
const DERIVED =
  "… (4.2.2) If the server supports multiple extensions, then the value MUST be derived from the " +
  "client's handshake, specifically by selecting one or more of the values from the " +
  "|Sec-WebSocket-Extensions| field.";

const notRequested = must(
  "RFC 6455",
  "9",
  "A server MUST NOT respond with any extension not requested by the client.",
);
const registered = must(
  "RFC 6455",
  "9.1",
  "Any extension-token used MUST be a registered token (see Section 11.4).",
);
const malformed = must(
  "RFC 6455",
  "9.1",
  "If a value is received by either the client or the server during negotiation that does not " +
    "conform to the ABNF below, the recipient of such malformed data MUST immediately _Fail the " +
    "WebSocket Connection_.",
);
const grammar = should(
  "RFC 6455",
  "9.1",
  'extension-param = token [ "=" (token | quoted-string) ] ;When using the quoted-string syntax ' +
    "variant, the value after quoted-string unescaping MUST conform to the 'token' ABNF.",
);
const equivalent = should(
  "RFC 6455",
  "9.1",
  "Note that like other HTTP header fields, this header field MAY be split or combined across " +
    `multiple lines. Ergo, the following are equivalent ${DERIVED}`,
);

const blanks = should(
  "RFC 6455",
  "4.3",
  'This section is using ABNF syntax/rules from Section 2.1 of [RFC2616], including the "implied ' +
    `*LWS rule". ${DERIVED}`,
);
const someOrAll = may(
  "RFC 6455",
  "9",
  "WebSocket clients MAY request extensions to this specification, and WebSocket servers MAY accept " +
    "some or all extensions requested by the client.",
);

const offer = (value: string | readonly string[] | null) => ({
  headers: { "Sec-WebSocket-Extensions": value },
});
const DEFLATE = "permessage-deflate; client_max_window_bits";

/** An extension that no server knows. */
const unknown = (peer: Peer) => `x-heddle-${toHex(peer.random.bytes(4)).replaceAll(" ", "")}`;

/** Expects a handshake that is accepted to name no other extensions than these. */
function expectOnly(handshake: Handshake, allowed: readonly string[]): void {
  if (handshake.expectDecided([], { silent: true }) === null) return;
  const named = handshake.extensions().map(({ name }) => name);
  if (named.every((name) => allowed.includes(name))) return;
  const expected = allowed.length === 0 ? "no extension" : `none but ${allowed.join(", ")}`;
  throw new Broken({ expected, observed: named.join(", ") });
}

function shownExtensions(handshake: Handshake): string {
  return handshake.values("Sec-WebSocket-Extensions").join(", ") || "no extension";
}

/** Offers with an extension that no server knows: `X` stands for its name. */
const UNKNOWN = {
  "unknown-extension": "X",
  "unknown-extension-with-a-parameter": "X; a",
  "unknown-extension-with-a-value": "X; a=1",
  "unknown-extension-with-a-quoted-value": 'X; a="1"',
  "unknown-extension-with-a-doubled-parameter": "X; a=1; a=2",
  "unknown-extension-with-many-parameters": `X${"; a=1".repeat(50)}`,
  "unknown-extension-without-spaces": "X;a=1;b",
  "unknown-extension-with-blanks": "X ;\ta = 1 ;  b",
  "unknown-extension-doubled": "X; a=1, X; a=2, X",
  "unknown-extension-after-an-empty-member": ", X,, ",
} as const;

/** Two ways to write one offer: `X` stands for the name of an extension that no server knows. */
const ALIKE = {
  "offer-in-two-lines": {
    what: "an offer in two header lines",
    requirement: equivalent,
    plain: `X; a=1, ${DEFLATE}`,
    lines: ["X; a=1", DEFLATE],
  },
  "offer-with-a-quoted-value": {
    what: "an offer with a quoted value",
    requirement: grammar,
    plain: `${DEFLATE}; server_max_window_bits=10`,
    lines: [`${DEFLATE}; server_max_window_bits="10"`],
  },
  "offer-without-spaces": {
    what: "an offer without a space",
    requirement: blanks,
    plain: DEFLATE,
    lines: [DEFLATE.replaceAll(" ", "")],
  },
  "offer-with-blanks": {
    what: "an offer with blanks and tabs",
    requirement: blanks,
    plain: DEFLATE,
    lines: [DEFLATE.replaceAll("; ", "\t ; \t")],
  },
  "offer-after-an-unknown-one": {
    what: "an offer after one that no server knows",
    requirement: someOrAll,
    plain: DEFLATE,
    lines: [`X; a=1, ${DEFLATE}`],
  },
  "offer-before-an-unknown-one": {
    what: "an offer before one that no server knows",
    requirement: someOrAll,
    plain: DEFLATE,
    lines: [`${DEFLATE}, X`],
  },
} as const;

/** The cases of this section. */
export const cases: readonly Case[] = [
  {
    id: "rfc6455/9/no-extension-unasked",
    title: "without an offer of extensions the answer has none",
    requirement: notRequested,
    async run(peer) {
      expectOnly(await peer.handshake(offer(null)), []);
    },
  },
  {
    id: "rfc6455/9/no-extension-besides-those-offered",
    title: "an answer to an offer of permessage-deflate names no other extension",
    requirement: notRequested,
    async run(peer) {
      expectOnly(await peer.handshake(offer(DEFLATE)), ["permessage-deflate"]);
    },
  },
  ...Object.entries(UNKNOWN).map(([name, template]): Case => ({
    id: `rfc6455/9.1/${name}`,
    title: `the offer ${template.length > 40 ? `${template.slice(0, 20)}…` : template}, where no ` +
      "server knows X, is not agreed to",
    requirement: registered,
    async run(peer) {
      const value = template.replaceAll("X", unknown(peer));
      expectOnly(await peer.handshake(offer(value)), []);
    },
  })),
  {
    id: "rfc6455/9/unknown-extension-declined",
    title: "a handshake that offers an extension no server knows is accepted without it",
    requirement: someOrAll,
    async run(peer) {
      (await peer.handshake(offer(`${unknown(peer)}; a=1`))).expectAccepted();
    },
  },
  ...Object.entries(ALIKE).map(([name, { what, requirement, plain, lines }]): Case => ({
    id: `${prefixOf(requirement)}/${name}`,
    title: `${what} is answered as the same written plainly`,
    requirement,
    needs: ["deflate"],
    async run(peer) {
      const name = unknown(peer);
      const first = await peer.handshake(offer(plain.replace("X", name)));
      first.expectDecided();
      const wanted = first.extensions();
      if (wanted.length === 0) throw new Skipped(`the server does not agree to: ${plain}`);
      const second = await peer.handshake(offer(lines.map((line) => line.replace("X", name))));
      second.expectAccepted();
      if (JSON.stringify(second.extensions()) === JSON.stringify(wanted)) return;
      throw new Broken({ expected: shownExtensions(first), observed: shownExtensions(second) });
    },
  })),
  ...refused(malformed, {
    "offer-empty": { what: "an empty list of extensions", request: offer("") },
    "offer-of-commas": { what: "a list of nothing but commas", request: offer(", ,") },
    "offer-without-a-name": { what: "an offer of ; a=1", request: offer("; a=1") },
    "offer-ending-in-a-semicolon": { what: "an offer of x-heddle;", request: offer("x-heddle;") },
    "offer-of-two-semicolons": {
      what: "an offer of x-heddle;; a",
      request: offer("x-heddle;; a"),
    },
    "offer-of-two-words": { what: "an offer of x heddle", request: offer("x heddle") },
    "offer-with-a-value-of-its-own": {
      what: "an offer of x-heddle=1",
      request: offer("x-heddle=1"),
    },
    "offer-in-quotes": { what: 'an offer of "x-heddle"', request: offer('"x-heddle"') },
    "offer-in-brackets": { what: "an offer of (x-heddle)", request: offer("(x-heddle)") },
    "offer-with-a-slash": { what: "an offer of x/heddle", request: offer("x/heddle") },
    "offer-with-a-letter-of-latin-1": {
      what: "an offer with the byte 0xe9",
      request: offer("x-heddl\xe9"),
    },
    "parameter-without-a-name": { what: "a parameter =1", request: offer("x-heddle; =1") },
    "parameter-without-a-value": { what: "a parameter a=", request: offer("x-heddle; a=") },
    "parameter-of-two-values": { what: "a parameter a=1 2", request: offer("x-heddle; a=1 2") },
    "parameter-of-two-equals": { what: "a parameter a==1", request: offer("x-heddle; a==1") },
    "parameter-of-an-empty-string": { what: 'a parameter a=""', request: offer('x-heddle; a=""') },
    "parameter-of-an-open-string": { what: 'a parameter a="1', request: offer('x-heddle; a="1') },
    "parameter-of-a-string-with-a-space": {
      what: 'a parameter a="1 2"',
      request: offer('x-heddle; a="1 2"'),
    },
    "parameter-of-a-string-and-more": {
      what: 'a parameter a="1"2',
      request: offer('x-heddle; a="1"2'),
    },
    "malformed-after-a-good-offer": {
      what: "a malformed offer after a good one",
      request: offer(`${DEFLATE}, x-heddle; =1`),
    },
    "malformed-in-a-second-line": {
      what: "a malformed offer in a second header line",
      request: offer([DEFLATE, "x-heddle; =1"]),
    },
  }),
];
