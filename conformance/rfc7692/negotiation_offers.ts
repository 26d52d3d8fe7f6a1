/**
 * RFC 7692 section 7.1: what a server may answer to a legal offer. Each answer is judged, and then
 * held to: messages go both ways.
 *
 * @module
 */
import { type Case, must, type Requirement } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { agree } from "./offer.ts";

/** What a server does with an offer that it does not accept so. */
const OR_DECLINES =
  "… (7) A server MUST decline an extension negotiation offer for this extension if any of the " +
  "following conditions are met: … The server doesn't support the offered configuration.";

const serverTakeover = must(
  "RFC 7692",
  "7.1.1.1",
  'A server accepts an extension negotiation offer that includes the "server_no_context_takeover" ' +
    'extension parameter by including the "server_no_context_takeover" extension parameter in the ' +
    `corresponding extension negotiation response to send back to the client. ${OR_DECLINES}`,
);

const serverBits = must(
  "RFC 7692",
  "7.1.2.1",
  "A server accepts an extension negotiation offer with this parameter by including the " +
    '"server_max_window_bits" extension parameter in the extension negotiation response to send ' +
    `back to the client with the same or smaller value as the offer. ${OR_DECLINES}`,
);

const clientBits = must(
  "RFC 7692",
  "7.1.2.2",
  'If a received extension negotiation offer doesn\'t have the "client_max_window_bits" extension ' +
    "parameter, the corresponding extension negotiation response to the offer MUST NOT include the " +
    '"client_max_window_bits" extension parameter.',
);

const response = must(
  "RFC 7692",
  "7",
  "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension negotiation " +
    "offer for this extension with an extension negotiation response meeting any of the following " +
    "conditions: The negotiation response contains an extension parameter not defined for use in a " +
    "response. The negotiation response contains an extension parameter with an invalid value. The " +
    "negotiation response contains multiple extension parameters with the same name. … (RFC 6455, 9) " +
    "If extension parameters are included in negotiations between the client and the server, those " +
    "parameters MUST be chosen in accordance with the specification of the extension to which the " +
    `parameters apply. ${OR_DECLINES}`,
);

const ALL_BITS = [8, 9, 10, 11, 12, 13, 14, 15] as const;

/** Name, requirement, offer. */
const OFFERS: readonly (readonly [string, Requirement, string])[] = [
  ["no-parameters", clientBits, "permessage-deflate"],
  ["server-no-context-takeover", serverTakeover, "permessage-deflate; server_no_context_takeover"],
  ["client-no-context-takeover", clientBits, "permessage-deflate; client_no_context_takeover"],
  ...ALL_BITS.map((bits) =>
    [
      `server-max-window-bits-${bits}`,
      serverBits,
      `permessage-deflate; server_max_window_bits=${bits}`,
    ] as const
  ),
  ["client-max-window-bits", response, "permessage-deflate; client_max_window_bits"],
  ...ALL_BITS.map((bits) =>
    [
      `client-max-window-bits-${bits}`,
      response,
      `permessage-deflate; client_max_window_bits=${bits}`,
    ] as const
  ),
  [
    "no-context-takeover-either-way",
    serverTakeover,
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  ],
  [
    "server-parameters",
    serverBits,
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
  ],
  [
    "client-parameters",
    response,
    "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
  ],
  [
    "bits-either-way",
    serverBits,
    "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9",
  ],
  [
    "all-parameters",
    serverBits,
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
    "server_max_window_bits=11; client_max_window_bits=13",
  ],
  [
    "all-parameters-in-another-order",
    serverBits,
    "permessage-deflate; client_max_window_bits; server_max_window_bits=14; " +
    "client_no_context_takeover; server_no_context_takeover",
  ],
  [
    "quoted-server-max-window-bits",
    serverBits,
    'permessage-deflate; server_max_window_bits="10"',
  ],
  ["quoted-client-max-window-bits", response, 'permessage-deflate; client_max_window_bits="10"'],
  [
    "no-blanks",
    serverBits,
    "permessage-deflate;server_max_window_bits=10;server_no_context_takeover",
  ],
  [
    "blanks-and-tabs",
    serverBits,
    "permessage-deflate \t;  server_max_window_bits = 10\t; server_no_context_takeover",
  ],
];

/** The cases of this section. */
export const cases: readonly Case[] = OFFERS.map(([name, requirement, offer]) => ({
  id: `rfc7692/${requirement.section}/offer-${name}`,
  title: `the answer to "${offer}" keeps to the offer, and both sides to the answer`,
  requirement,
  needs: ["deflate"],
  async run(peer) {
    const { connection } = await agree(peer, offer);
    // A client that names its bits uses no more of them, whatever the server answers.
    const named = /client_max_window_bits\s*=\s*"?(\d+)/.exec(offer)?.[1];
    const compress = { reach: 2 ** Number(named ?? 15) };
    const noise = Array.from(peer.random.bytes(900), (byte) => byte.toString(16)).join("");
    for (const text of ["Hello", `${noise} ${noise}`, "Hello", `${noise}!`]) {
      await connection.exchange(textMessage(text), { compress });
    }
  },
}));
