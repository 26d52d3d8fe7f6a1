/**
 * RFC 6455 sections 5.2, 5.4 and 6.2: large messages, whole and in fragments.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import type { Message } from "../peer/incoming.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOfLength, textOfLength } from "./content.ts";

const whole = must(
  "RFC 6455",
  "5.2",
  'The length of the "Payload data", in bytes: … If 127, the following 8 bytes interpreted as a ' +
    "64-bit unsigned integer (the most significant bit MUST be 0) are the payload length.",
);

const fragmented = must(
  "RFC 6455",
  "5.4",
  "A fragmented message is conceptually equivalent to a single larger message whose payload is equal " +
    "to the concatenation of the payloads of the fragments in order … Clients and servers MUST " +
    "support receiving both fragmented and unfragmented messages.",
);

const KIB = 1024;
const MIB = 1024 * 1024;
const TYPES = ["text", "binary"] as const;

function messageOf(peer: Peer, type: Message["type"], length: number): Message {
  if (peer.maxMessage !== null && length > peer.maxMessage) {
    throw new Skipped(`the server takes no more than ${peer.maxMessage} bytes`);
  }
  return type === "text"
    ? textMessage(textOfLength(length))
    : binaryMessage(bytesOfLength(peer.random, length));
}

const sizeName = (size: number) =>
  size >= MIB ? `${size / MIB}-mib` : size >= KIB ? `${size / KIB}-kib` : `${size}-bytes`;

/** What takes long belongs to the profile full. */
const full = (is: boolean): Pick<Case, "needs"> => is ? { needs: ["full"] } : {};

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...TYPES.flatMap((type) => [
    ...[256 * KIB, 1 * MIB, 4 * MIB, 8 * MIB, 16 * MIB].map((length): Case => ({
      id: `rfc6455/5.2/${type}-of-${sizeName(length)}`,
      title: `a ${type} message of ${sizeName(length)} in one frame is delivered`,
      requirement: whole,
      ...full(length > MIB),
      async run(peer) {
        const message = messageOf(peer, type, length);
        const connection = await peer.connect();
        await connection.exchange(message);
      },
    })),
    ...[64, 256, 1 * KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB].map((size): Case => ({
      id: `rfc6455/5.4/${type}-of-1-mib-in-fragments-of-${sizeName(size)}`,
      title: `a ${type} message of 1 MiB in fragments of ${sizeName(size)} is delivered`,
      requirement: fragmented,
      ...full(size < 16 * KIB),
      async run(peer) {
        const message = messageOf(peer, type, MIB);
        const connection = await peer.connect();
        await connection.exchange(message, {
          split: Array.from({ length: MIB / size }, () => size),
        });
      },
    })),
    ...[64 * KIB, 1 * MIB].map((size): Case => ({
      id: `rfc6455/5.4/${type}-of-4-mib-in-fragments-of-${sizeName(size)}`,
      title: `a ${type} message of 4 MiB in fragments of ${sizeName(size)} is delivered`,
      requirement: fragmented,
      ...full(true),
      async run(peer) {
        const message = messageOf(peer, type, 4 * MIB);
        const connection = await peer.connect();
        await connection.exchange(message, {
          split: Array.from({ length: 4 * MIB / size }, () => size),
        });
      },
    })),
    ...[128, 512, 2 * KIB].map((size): Case => ({
      id: `rfc6455/6.2/${type}-of-1-mib-in-segments-of-${sizeName(size)}`,
      title: `a ${type} message of 1 MiB in TCP segments of ${sizeName(size)} is delivered`,
      requirement: must(
        "RFC 6455",
        "6.2",
        "To receive WebSocket data, an endpoint listens on the underlying network connection. " +
          "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
      ),
      ...full(true),
      async run(peer) {
        const message = messageOf(peer, type, MIB);
        const connection = await peer.connect();
        await connection.sendInPieces(size, ...connection.framesOf(message));
        await connection.expectDelivered(message);
      },
    })),
  ]),
];
