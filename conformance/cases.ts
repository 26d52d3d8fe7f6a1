/**
 * All cases there are.
 *
 * @module
 */
import type { Case } from "./case.ts";
import { cases as closing } from "./rfc6455/closing_codes.ts";
import { cases as control } from "./rfc6455/control_frames.ts";
import { cases as masking } from "./rfc6455/frames_masking.ts";
import { cases as handshakeAnswer, OPENING_HANDSHAKE } from "./rfc6455/handshake_answer.ts";
import { cases as handshakeVersion } from "./rfc6455/handshake_version.ts";
import { cases as streams } from "./rfc6455/property_streams.ts";
import { cases as utf8 } from "./rfc6455/utf8.ts";
import { cases as watches } from "./rfc6455/watches.ts";
import { cases as deflateMessages } from "./rfc7692/messages.ts";
import { cases as negotiationDeclined } from "./rfc7692/negotiation_declined.ts";
import { cases as negotiationLists } from "./rfc7692/negotiation_lists.ts";
import { cases as negotiationOffers } from "./rfc7692/negotiation_offers.ts";

/** Every case, in the order of the specifications' sections. */
export const cases: readonly Case[] = [
  ...handshakeAnswer,
  ...handshakeVersion,
  ...watches,
  ...masking,
  ...control,
  ...closing,
  ...utf8,
  ...streams,
  ...deflateMessages,
  ...negotiationOffers,
  ...negotiationDeclined,
  ...negotiationLists,
];

/** The case that is judged where an honest opening handshake gets no right 101. */
export const HANDSHAKE_CASE: Case = OPENING_HANDSHAKE;
