/**
 * RFC 7692 section 5 and 7.1.3: several offers at once, in order of preference.
 *
 * @module
 */
import { type Case, must, type Requirement, should } from "../case.ts";
import { Broken } from "../peer/finding.ts";
import { textMessage } from "../peer/sender.ts";
import { agree, parameter } from "./offer.ts";

const conflict = must(
  "RFC 7692",
  "5",
  "A server MUST NOT accept a PMCE extension negotiation offer together with another extension if " +
    "the PMCE will conflict with the extension on their use of the RSV1 bit.",
);

const pick = must(
  "RFC 7692",
  "7",
  "A server MUST decline an extension negotiation offer for this extension if any of the following " +
    "conditions are met: … The negotiation offer contains an extension parameter with an invalid value.",
);

const preference = should(
  "RFC 7692",
  "5",
  "The order of elements is important as it specifies the client's preference. … It is recommended " +
    "that a server accepts PMCEs with higher preference if the server supports them.",
);

/** Name, requirement, header fields. Of the last, the answer must fit one of the legal offers. */
const LISTS: readonly (readonly [string, Requirement, string | readonly string[]])[] = [
  ["same-offer-twice", conflict, "permessage-deflate, permessage-deflate"],
  [
    "restrictive-then-plain",
    conflict,
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate",
  ],
  [
    "three-offers",
    conflict,
    [
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
      "permessage-deflate; server_no_context_takeover",
      "permessage-deflate",
    ].join(", "),
  ],
  ["two-header-fields", conflict, [
    "permessage-deflate; server_max_window_bits=10",
    "permessage-deflate",
  ]],
  ["unknown-extension-first", conflict, "x-no-such-extension; a=1, permessage-deflate"],
  ["unknown-extension-last", conflict, 'permessage-deflate, x-no-such-extension; a="12"'],
  [
    "another-compression",
    conflict,
    "x-webkit-deflate-frame, permessage-deflate, permessage-bzip2, permessage-snappy",
  ],
  [
    "fallback-from-bits-7",
    pick,
    "permessage-deflate; client_max_window_bits; server_max_window_bits=7, permessage-deflate",
  ],
  [
    "fallback-from-unknown-parameter",
    pick,
    "permessage-deflate; client_max_window_bits; no_such_parameter, permessage-deflate; " +
    "server_no_context_takeover",
  ],
  [
    "fallback-from-doubled-parameter",
    pick,
    "permessage-deflate; client_max_window_bits; client_max_window_bits, permessage-deflate; " +
    "server_max_window_bits=10",
  ],
];

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...LISTS.map(([name, requirement, offers]): Case => ({
    id: `rfc7692/${requirement.section}/list-${name}`,
    title: `the answer to "${[offers].flat().join('", "')}" accepts one offer that is legal`,
    requirement,
    needs: ["deflate"],
    async run(peer) {
      const { connection } = await agree(peer, offers);
      for (const text of ["Hello", "Hello, hello", "Hello"]) {
        await connection.exchange(textMessage(text), { compress: true });
      }
    },
  })),
  {
    id: "rfc7692/5/preference-is-kept",
    title: "of two offers, each of which the server accepts alone, it accepts the first",
    requirement: preference,
    needs: ["deflate"],
    async run(peer) {
      const first = "permessage-deflate; server_max_window_bits=12";
      await agree(peer, first);
      const { answer } = await agree(peer, `${first}, permessage-deflate`);
      if (parameter(answer, "server_max_window_bits") !== undefined) return;
      throw new Broken({ expected: "server_max_window_bits in the answer", observed: "none" });
    },
  },
];
