/**
 * RFC 7692 section 7: offers that a server must decline. It may do so by leaving the extension out of
 * its answer, or by refusing the whole handshake, which it may do by dropping the connection (RFC 6455
 * section 10.7).
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken } from "../peer/finding.ts";
import { answered, negotiate } from "./offer.ts";

const START =
  "A server MUST decline an extension negotiation offer for this extension if any of the " +
  "following conditions are met: ";

const unknown = must(
  "RFC 7692",
  "7",
  `${START}The negotiation offer contains an extension parameter not defined for use in an offer.`,
);
const invalid = must(
  "RFC 7692",
  "7",
  `${START}… The negotiation offer contains an extension parameter with an invalid value.`,
);
const doubled = must(
  "RFC 7692",
  "7",
  `${START}… The negotiation offer contains multiple extension parameters with the same name.`,
);

/** Values that are no "decimal integer value without leading zeroes between 8 to 15, inclusive". */
const NO_BITS = {
  "7": "7",
  "16": "16",
  "0": "0",
  "1": "1",
  "32": "32",
  "100": "100",
  "negative": "-10",
  "leading-zero": "08",
  "leading-zero-of-two-digits": "010",
  "two-to-the-32-more": "4294967306",
  "word": "abc",
  "decimal-point": "10.0",
  "exponent": "1e1",
  "hexadecimal": "0xa",
  "plus": "+10",
  "trailing-letter": "10x",
  "quoted-7": '"7"',
  "quoted-leading-zero": '"08"',
  "quoted-empty": '""',
} as const;

const VALUES = Object.entries(NO_BITS).flatMap(([name, value]) => [
  [`server-max-window-bits-${name}`, invalid, `server_max_window_bits=${value}`] as const,
  [`client-max-window-bits-${name}`, invalid, `client_max_window_bits=${value}`] as const,
]);

const OFFERS = [
  ...VALUES,
  ["server-max-window-bits-without-value", invalid, "server_max_window_bits"],
  ["server-no-context-takeover-true", invalid, "server_no_context_takeover=true"],
  ["server-no-context-takeover-1", invalid, "server_no_context_takeover=1"],
  ["client-no-context-takeover-true", invalid, "client_no_context_takeover=true"],
  ["client-no-context-takeover-1", invalid, "client_no_context_takeover=1"],
  [
    "server-no-context-takeover-doubled",
    doubled,
    "server_no_context_takeover; server_no_context_takeover",
  ],
  [
    "client-no-context-takeover-doubled",
    doubled,
    "client_no_context_takeover; client_no_context_takeover",
  ],
  [
    "server-max-window-bits-doubled",
    doubled,
    "server_max_window_bits=10; server_max_window_bits=10",
  ],
  [
    "server-max-window-bits-twice-different",
    doubled,
    "server_max_window_bits=10; server_max_window_bits=12",
  ],
  ["client-max-window-bits-doubled", doubled, "client_max_window_bits; client_max_window_bits"],
  [
    "client-max-window-bits-twice-different",
    doubled,
    "client_max_window_bits; client_max_window_bits=12",
  ],
  ["unknown-parameter", unknown, "no_such_parameter"],
  ["unknown-parameter-with-value", unknown, "no_such_parameter=10"],
  ["unknown-after-known", unknown, "server_no_context_takeover; no_such_parameter"],
  ["parameter-of-the-draft", unknown, "s2c_no_context_takeover"],
  ["parameter-misspelt", unknown, "server_max_windows_bits=10"],
] as const;

/** The cases of this section. */
export const cases: readonly Case[] = OFFERS.map(([name, requirement, parameters]) => ({
  id: `rfc7692/7/decline-${name}`,
  title: `"permessage-deflate; ${parameters}" is declined`,
  requirement,
  needs: ["deflate"],
  async run(peer) {
    const { handshake, answer } = await negotiate(peer, `permessage-deflate; ${parameters}`);
    if (answer === null) return;
    throw new Broken({ expected: "the offer declined", observed: answered(handshake) });
  },
}));
