/**
 * RFC 7692 section 7.2: messages of all sizes and kinds, compressed both ways under all parameters:
 * what the old suite has as 12.* and 13.*.
 *
 * @module
 */
import { type Case, must, type Requirement } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import type { Message } from "../peer/incoming.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOf } from "../wire/bytes.ts";

const bothWays: Requirement = must(
  "RFC 7692",
  "7.2.2",
  "An endpoint uses the following algorithm to decompress a message. 1. Append 4 octets of 0x00 0x00 " +
    "0xff 0xff to the tail end of the payload of the message. 2. Decompress the resulting data using " +
    "DEFLATE. … the server MUST decompress each new message using the LZ77 sliding window used to " +
    "process the last compressed message.",
);

/** Sizes in bytes; the larger ones in the profile full. */
const SIZES = [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072] as const;

/** Messages of one size that a case sends. */
const COUNT = 10;

/** Contents of `size` bytes each. */
const KINDS: Readonly<Record<string, (peer: Peer, size: number) => Message>> = {
  json: (peer, size) => {
    const record = () => {
      const [a = 0, b = 0, c = 0] = peer.random.bytes(3);
      return `{"id":${a * 256 + b},"name":"user ${c}","active":${c > 127},"tags":["x","y"]},`;
    };
    return textMessage(grow(record, size));
  },
  prose: (peer, size) => {
    const words = ["Habe", "nun,", "ach!", "Philosophie,", "Juristerei", "und", "für", "Mühe", "€"];
    const word = () => `${words[peer.random.integer(0, words.length - 1)]} `;
    return textMessage(grow(word, size));
  },
  noise: (peer, size) => binaryMessage(peer.random.bytes(size)),
  zeros: (_, size) => binaryMessage(new Uint8Array(size)),
};

/** Parts joined to just `size` bytes of UTF-8, filled up with dots where a character does not fit. */
function grow(part: () => string, size: number): string {
  let text = "";
  for (let length = 0;;) {
    const next = part();
    length += bytesOf(next).length;
    if (length > size) return text + ".".repeat(size - bytesOf(text).length);
    text += next;
  }
}

/** The offers of the old suite's 13.1 to 13.7. */
const OFFERS = {
  "plain": "permessage-deflate",
  "no-takeover": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  "window-9": "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
  "window-15": "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
  "no-takeover-window-9":
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
    "server_max_window_bits=9; client_max_window_bits",
  "no-takeover-window-15":
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
    "server_max_window_bits=15; client_max_window_bits",
  "three-offers": "permessage-deflate; server_no_context_takeover; client_max_window_bits; " +
    "server_max_window_bits=9, permessage-deflate; server_no_context_takeover; " +
    "client_max_window_bits, permessage-deflate; client_max_window_bits",
} as const;

/** Sends messages in turn by matches into the window and by zlib, whole and in fragments. */
async function exchangeAll(connection: Connection, messages: readonly Message[]): Promise<void> {
  for (const [i, message] of messages.entries()) {
    // The kit's own matcher is for reach, not for speed.
    const blocks = i % 2 === 0 && message.data.length <= 4096 ? "matching" : "zlib";
    const split = i % 3 === 2 ? [1, 100, 0, 1000] : [];
    await connection.exchange(message, { compress: { blocks }, split });
  }
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(KINDS).flatMap(([kind, content]) =>
    SIZES.map((size): Case => ({
      id: `rfc7692/7.2.2/echo-${kind}-${size}-bytes`,
      title: `${COUNT} compressed messages of ${size} bytes of ${kind} are delivered`,
      requirement: bothWays,
      needs: size === 16 || size === 1024 || size === 131072 ? ["deflate"] : ["deflate", "full"],
      async run(peer) {
        const connection = await peer.connect({ deflate: true });
        await exchangeAll(connection, Array.from({ length: COUNT }, () => content(peer, size)));
      },
    }))
  ),
  ...Object.entries(OFFERS).flatMap(([name, offer]) =>
    SIZES.map((size): Case => ({
      id: `rfc7692/7.2.2/echo-${name}-${size}-bytes`,
      title: `${COUNT} compressed messages of ${size} bytes are delivered under "${offer}"`,
      requirement: bothWays,
      needs: size === 256 || size === 16384 ? ["deflate"] : ["deflate", "full"],
      async run(peer) {
        const connection = await peer.connect({ deflate: offer });
        const kinds = Object.values(KINDS);
        const messages = Array.from({ length: COUNT }, (_, i) =>
          kinds[i % kinds.length]?.(peer, size) ?? textMessage(""));
        await exchangeAll(connection, messages);
      },
    }))
  ),
];
