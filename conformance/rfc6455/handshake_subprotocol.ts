/**
 * RFC 6455 sections 4.2.1, 4.2.2 and 11.3.4: subprotocols.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken } from "../peer/finding.ts";
import { NOT_AS_DESCRIBED, refused } from "./handshake_variants.ts";

const derived = must(
  "RFC 6455",
  "4.2.2",
  "The value chosen MUST be derived from the client's handshake, specifically by selecting one of " +
    "the values from the |Sec-WebSocket-Protocol| field that the server is willing to use for this " +
    "connection (if any).",
);
const noneOffered = must(
  "RFC 6455",
  "4.2.2",
  "If the client's handshake did not contain such a header field or if the server does not agree to " +
    "any of the client's requested subprotocols, the only acceptable value is null. The absence of such " +
    "a field is equivalent to the null value (meaning that if the server does not wish to agree to one " +
    "of the suggested subprotocols, it MUST NOT send back a |Sec-WebSocket-Protocol| header field in " +
    "its response).",
);
const once = must(
  "RFC 6455",
  "11.3.4",
  "However, the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in an HTTP " +
    "response.",
);

/** Offers by the name of their case; each line is one header line. */
const OFFERS = {
  "subprotocol-of-one": { what: "one subprotocol", lines: ["heddle-a"] },
  "subprotocol-of-two": { what: "two subprotocols", lines: ["heddle-a, heddle-b"] },
  "subprotocol-of-two-without-spaces": {
    what: "two subprotocols without a space",
    lines: ["heddle-a,heddle-b"],
  },
  "subprotocol-of-two-lines": {
    what: "two subprotocols in two header lines",
    lines: ["heddle-a", "heddle-b"],
  },
  "subprotocol-of-mixed-case": { what: "a subprotocol in mixed case", lines: ["Heddle-A"] },
  "subprotocol-of-two-in-another-case": {
    what: "two subprotocols that differ only in case",
    lines: ["HEDDLE, heddle"],
  },
  "subprotocol-of-all-token-characters": {
    what: "a subprotocol of every kind of character that a token may have",
    lines: ["!#$%&'*+.^_`|~09AZaz-"],
  },
  "subprotocol-of-known-names": {
    what: "well-known subprotocols",
    lines: ["graphql-transport-ws, mqtt, v12.stomp, wamp.2.json, soap"],
  },
  "subprotocol-with-an-empty-member": {
    what: "two subprotocols with nothing between their commas",
    lines: ["heddle-a,, heddle-b"],
  },
  "subprotocol-doubled": { what: "the same subprotocol twice", lines: ["heddle-a, heddle-a"] },
  "subprotocol-of-a-hundred": {
    what: "a hundred subprotocols",
    lines: [Array.from({ length: 100 }, (_, i) => `heddle-${i}`).join(", ")],
  },
} as const;

const offer = (value: string | readonly string[] | null) => ({
  headers: { "Sec-WebSocket-Protocol": value },
});

/** The cases of this section. */
export const cases: readonly Case[] = [
  {
    id: "rfc6455/4.2.2/subprotocol-of-none",
    title: "without an offer of subprotocols the answer has none",
    requirement: noneOffered,
    async run(peer) {
      const handshake = await peer.handshake(offer(null));
      const chosen = handshake.values("Sec-WebSocket-Protocol");
      if (handshake.response?.status !== 101 || chosen.length === 0) return;
      throw new Broken({ expected: "no Sec-WebSocket-Protocol", observed: chosen.join(", ") });
    },
  },
  ...Object.entries(OFFERS).map(([name, { what, lines }]): Case => ({
    id: `rfc6455/4.2.2/${name}`,
    title: `of ${what} the answer has one, as it was offered, or none`,
    requirement: derived,
    async run(peer) {
      const handshake = await peer.handshake(offer(lines));
      // Which subprotocols an endpoint insists on is its own affair.
      if (handshake.expectDecided([], { silent: true }) === null) return;
      const offered = lines.flatMap((line) => line.split(",")).map((one) => one.trim());
      const chosen = handshake.values("Sec-WebSocket-Protocol");
      const [only] = chosen;
      const expected = `one of ${offered.slice(0, 5).join(", ")}, or none`;
      if (only === undefined) return;
      const same = chosen.every((one) => one === only);
      if (same && only !== "" && offered.includes(only)) return;
      throw new Broken({ expected, observed: chosen.map((one) => JSON.stringify(one)).join(" ") });
    },
  })),
  {
    id: "rfc6455/11.3.4/subprotocol-once",
    title: "two header lines of subprotocols are not answered by two",
    requirement: once,
    async run(peer) {
      const handshake = await peer.handshake(offer(["heddle-a", "heddle-b"]));
      const chosen = handshake.values("Sec-WebSocket-Protocol");
      if (chosen.length < 2) return;
      throw new Broken({ expected: "one line at most", observed: chosen.join(" and ") });
    },
  },
  ...refused(must("RFC 6455", "4.2.1", NOT_AS_DESCRIBED), {
    "subprotocol-list-empty": { what: "an empty list of subprotocols", request: offer("") },
    "subprotocol-list-of-commas": {
      what: "a list of subprotocols of nothing but commas",
      request: offer(" , ,"),
    },
    "subprotocol-with-a-space": {
      what: "a subprotocol with a space",
      request: offer("heddle a"),
    },
    "subprotocol-with-a-slash": {
      what: "a subprotocol with a slash",
      request: offer("heddle/a"),
    },
    "subprotocol-with-brackets": {
      what: "a subprotocol with brackets",
      request: offer("heddle(a)"),
    },
    "subprotocol-with-a-parameter": {
      what: "a subprotocol with a parameter",
      request: offer("heddle; a=1"),
    },
    "subprotocol-in-quotes": { what: "a subprotocol in quotes", request: offer('"heddle"') },
    "subprotocol-with-a-letter-of-latin-1": {
      what: "a subprotocol with the byte 0xe9",
      request: offer("heddl\xe9"),
    },
    "subprotocol-after-a-good-one": {
      what: "a subprotocol with a space after a good one",
      request: offer("heddle-a, heddle b"),
    },
  }),
];
