/**
 * Any legal stream of messages is delivered, whatever its fragments, interleaved control frames,
 * masks, segments and blocks.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import type { Peer } from "../peer/peer.ts";
import { forAll } from "../peer/property.ts";
import {
  framesOf,
  messagesOf,
  sendStream,
  showStream,
  type Stream,
  streams,
} from "./property_model.ts";

/** Offers under which compressed streams are sent, where the server agrees. */
const OFFERS = [
  "permessage-deflate",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
  "permessage-deflate; client_no_context_takeover; client_max_window_bits",
] as const;

async function isDelivered(peer: Peer, stream: Stream, deflate: string | false): Promise<void> {
  const connection = await peer.connect({ deflate });
  await sendStream(connection, stream, framesOf(connection, stream));
  await connection.expectDelivered(...messagesOf(stream));
  await connection.expectAlive();
  connection.wire.abandon();
}

async function agreedOffers(peer: Peer): Promise<string[]> {
  const agreed: string[] = [];
  for (const offer of OFFERS) {
    try {
      (await peer.connect({ deflate: offer })).wire.abandon();
      agreed.push(offer);
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
    }
  }
  return agreed;
}

/** The cases of these properties. */
export const cases: readonly Case[] = [{
  id: "rfc6455/5.4/any-legal-stream",
  title: "random legal streams of messages are delivered",
  requirement: must(
    "RFC 6455",
    "5.4",
    "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
  ),
  async run(peer) {
    await forAll(peer, {
      inputs: streams(),
      show: showStream,
      holds: (stream) => isDelivered(peer, stream, false),
    });
  },
}, {
  id: "rfc7692/7.2.2/any-legal-stream",
  title: "random legal streams of messages, compressed under any parameters or not, are delivered",
  requirement: must(
    "RFC 7692",
    "7.2.2",
    "Otherwise, the server MUST decompress each new message using the LZ77 sliding window used to " +
      "process the last compressed message.",
  ),
  needs: ["deflate"],
  async run(peer) {
    const offers = await agreedOffers(peer);
    if (offers.length === 0) throw new Skipped("the server agrees to none of the offers");
    await forAll(peer, {
      inputs: fc.record({
        stream: streams({ compressed: true }),
        offer: fc.constantFrom(...offers),
      }),
      show: ({ stream, offer }) => `${showStream(stream)}\nunder ${offer}`,
      holds: ({ stream, offer }) => isDelivered(peer, stream, offer),
    });
  },
}];
