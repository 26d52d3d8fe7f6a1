/**
 * All cases there are.
 *
 * @module
 */
import type { Case } from "./case.ts";
import { cases as chaos } from "./chaos/cases.ts";
import { cases as channels } from "./channels/all.ts";
import { cases as model } from "./model/cases.ts";
import { cases as closing } from "./rfc6455/closing_codes.ts";
import { cases as closingFailures } from "./rfc6455/closing_failures.ts";
import { cases as closingFrames } from "./rfc6455/closing_frames.ts";
import { cases as closingOrder } from "./rfc6455/closing_order.ts";
import { cases as control } from "./rfc6455/control_frames.ts";
import { cases as controlLimits } from "./rfc6455/control_limits.ts";
import { cases as fragmentation } from "./rfc6455/fragmentation.ts";
import { cases as fragmentationOrder } from "./rfc6455/fragmentation_order.ts";
import { cases as lengths } from "./rfc6455/frames_lengths.ts";
import { cases as masking } from "./rfc6455/frames_masking.ts";
import { cases as opcodes } from "./rfc6455/frames_opcodes.ts";
import { cases as reservedBits } from "./rfc6455/frames_reserved_bits.ts";
import { cases as segments } from "./rfc6455/frames_segments.ts";
import { cases as handshakeAccept } from "./rfc6455/handshake_accept.ts";
import { cases as handshakeAnswer, OPENING_HANDSHAKE } from "./rfc6455/handshake_answer.ts";
import { cases as handshakeBody } from "./rfc6455/handshake_body.ts";
import { cases as handshakeEarly } from "./rfc6455/handshake_early.ts";
import { cases as handshakeExtensions } from "./rfc6455/handshake_extensions.ts";
import { cases as handshakeFields } from "./rfc6455/handshake_fields.ts";
import { cases as handshakeKey } from "./rfc6455/handshake_key.ts";
import { cases as handshakeOrigin } from "./rfc6455/handshake_origin.ts";
import { cases as handshakeRequest } from "./rfc6455/handshake_request.ts";
import { cases as handshakeSegments } from "./rfc6455/handshake_segments.ts";
import { cases as handshakeSize } from "./rfc6455/handshake_size.ts";
import { cases as handshakeSubprotocol } from "./rfc6455/handshake_subprotocol.ts";
import { cases as handshakeUpgrade } from "./rfc6455/handshake_upgrade.ts";
import { cases as handshakeVersion } from "./rfc6455/handshake_version.ts";
import { cases as limits } from "./rfc6455/limits.ts";
import { cases as anyBytes } from "./rfc6455/property_bytes.ts";
import { cases as anySpelling } from "./rfc6455/property_handshake.ts";
import { cases as streams } from "./rfc6455/property_streams.ts";
import { cases as anyViolation } from "./rfc6455/property_violations.ts";
import { cases as utf8FailFast } from "./rfc6455/utf8_fail_fast.ts";
import { cases as utf8Invalid } from "./rfc6455/utf8_invalid.ts";
import { cases as utf8Valid } from "./rfc6455/utf8_valid.ts";
import { cases as volume } from "./rfc6455/volume.ts";
import { cases as volumeLarge } from "./rfc6455/volume_large.ts";
import { cases as watches } from "./rfc6455/watches.ts";
import { cases as badDeflate } from "./rfc7692/bad_data.ts";
import { cases as deflateBlocks } from "./rfc7692/blocks.ts";
import { cases as deflateEchoes } from "./rfc7692/echoes.ts";
import { cases as deflateFrames } from "./rfc7692/frames.ts";
import { cases as deflateLimits } from "./rfc7692/limits.ts";
import { cases as negotiationDeclined } from "./rfc7692/negotiation_declined.ts";
import { cases as negotiationLists } from "./rfc7692/negotiation_lists.ts";
import { cases as negotiationOffers } from "./rfc7692/negotiation_offers.ts";
import { cases as takeoverClient } from "./rfc7692/takeover_client.ts";
import { cases as takeoverServer } from "./rfc7692/takeover_server.ts";

/** Every case, in the order of the specifications' sections. */
export const cases: readonly Case[] = [
  ...handshakeAnswer,
  ...handshakeAccept,
  ...handshakeRequest,
  ...handshakeUpgrade,
  ...handshakeKey,
  ...handshakeVersion,
  ...handshakeSubprotocol,
  ...handshakeExtensions,
  ...handshakeOrigin,
  ...handshakeFields,
  ...handshakeSize,
  ...handshakeBody,
  ...handshakeEarly,
  ...handshakeSegments,
  ...watches,
  ...masking,
  ...lengths,
  ...reservedBits,
  ...opcodes,
  ...segments,
  ...fragmentation,
  ...fragmentationOrder,
  ...control,
  ...controlLimits,
  ...closing,
  ...closingFrames,
  ...closingOrder,
  ...closingFailures,
  ...utf8Valid,
  ...utf8Invalid,
  ...utf8FailFast,
  ...volume,
  ...volumeLarge,
  ...limits,
  ...streams,
  ...negotiationOffers,
  ...negotiationDeclined,
  ...negotiationLists,
  ...deflateBlocks,
  ...badDeflate,
  ...deflateFrames,
  ...deflateEchoes,
  ...deflateLimits,
  ...takeoverClient,
  ...takeoverServer,
  ...anyBytes,
  ...anySpelling,
  ...anyViolation,
  ...channels,
  ...model,
  ...chaos,
];

/** Whether a case is of the channel level. */
export function isChannelCase({ id }: Pick<Case, "id">): boolean {
  return id.startsWith("channels/");
}

/** The case that is judged where an honest opening handshake gets no right 101. */
export const HANDSHAKE_CASE: Case = OPENING_HANDSHAKE;
