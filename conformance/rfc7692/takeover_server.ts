/**
 * RFC 7692 sections 7.1.1.1, 7.1.2 and 7.2.1: how far back the server's own compressed messages
 * reach, seen in the matches of its DEFLATE data, and how far the client's may.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { IncomingMessage } from "../peer/incoming.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { concat } from "../wire/bytes.ts";
import { agree } from "./offer.ts";

const emptyWindow = must(
  "RFC 7692",
  "7.2.1",
  'If the "agreed parameters" contain the "server_no_context_takeover" extension parameter, the ' +
    "server MUST start compressing each new message with an empty LZ77 sliding window.",
);

const serverWindow = must(
  "RFC 7692",
  "7.2.1",
  'If the "agreed parameters" contain the "server_max_window_bits" extension parameter with a value ' +
    "of w, the server MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes to " +
    "compress messages to send.",
);

const clientWindow = must(
  "RFC 7692",
  "7.1.2.2",
  "Absence of this extension parameter in an extension negotiation response indicates that the " +
    "server can receive messages compressed using an LZ77 sliding window of up to 32,768 bytes. … " +
    "(7.2.2) the server MUST decompress each new message using the LZ77 sliding window used to process " +
    "the last compressed message.",
);

const ALL_BITS = [8, 9, 10, 11, 12, 13, 14, 15] as const;

/** Digits and letters that do not compress by matches. */
function noise(peer: Peer, length: number): string {
  const byte = (value: number) => String.fromCharCode(97 + value % 26);
  return Array.from(peer.random.bytes(length), byte).join("");
}

/** The distances of the server's matches. @throws Skipped where it compressed nothing */
function distances(echoes: readonly IncomingMessage[]): number[] {
  const found = echoes.flatMap(({ inflated }) => inflated === null ? [] : [inflated.farthest]);
  if (found.length === 0) throw new Skipped("the server sent none of its echoes compressed");
  return found;
}

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...["", "; server_max_window_bits=10"].map((more): Case => ({
    id: `rfc7692/7.2.1/server-starts-anew${more === "" ? "" : "-in-a-small-window"}`,
    title: `server_no_context_takeover${more} was agreed to: each message decompresses by itself`,
    requirement: emptyWindow,
    needs: ["deflate", "echo"],
    async run(peer) {
      const offer = `permessage-deflate; server_no_context_takeover${more}`;
      const { connection } = await agree(peer, offer, { misfit: "skipped" });
      const message = textMessage(noise(peer, 300).repeat(14));
      const echoes: IncomingMessage[] = [];
      // The kit decompresses each with an empty window: a match that reaches before it is an error.
      for (let i = 0; i < 4; i++) echoes.push(...await connection.exchange(message));
      distances(echoes);
    },
  })),
  ...ALL_BITS.map((bits): Case => ({
    id: `rfc7692/7.2.1/server-window-of-${bits}-bits`,
    title: `server_max_window_bits=${bits}: no match reaches further back than ${2 ** bits} bytes`,
    requirement: serverWindow,
    needs: ["deflate", "echo"],
    async run(peer) {
      const offer = `permessage-deflate; server_max_window_bits=${bits}`;
      const { connection } = await agree(peer, offer, { misfit: "skipped" });
      const agreed = connection.agreement?.serverMaxWindowBits ?? bits;
      // What repeats does so just outside the window, and much of it.
      const length = Math.ceil(2 ** bits * 1.25);
      const message = textMessage(
        noise(peer, length).repeat(Math.max(2, Math.ceil(4096 / length))),
      );
      const echoes = [...await connection.exchange(message), ...await connection.exchange(message)];
      const farthest = Math.max(...distances(echoes));
      if (farthest <= 2 ** agreed) return;
      const expected = `no distance above ${2 ** agreed} bytes`;
      throw new Broken({ expected, observed: `a distance of ${farthest} bytes` });
    },
  })),
  ...ALL_BITS.map((bits): Case => ({
    id: `rfc7692/7.1.2.2/client-window-of-${bits}-bits`,
    title: `client_max_window_bits=${bits} was offered: matches ${2 ** bits} bytes back are read`,
    requirement: clientWindow,
    needs: ["deflate"],
    async run(peer) {
      const offer = `permessage-deflate; client_max_window_bits=${bits}`;
      const { connection } = await agree(peer, offer, { misfit: "skipped" });
      const reach = 2 ** Math.min(bits, connection.agreement?.clientMaxWindowBits ?? 15);
      const part = peer.random.bytes(reach);
      const message = binaryMessage(concat([part, part, part.subarray(0, 100)]));
      await connection.exchange(message, { compress: { reach } });
    },
  })),
  {
    id: "rfc7692/7.1.2.2/client-window-as-the-server-says",
    title: "client_max_window_bits was offered: all of the window that the server leaves is used",
    requirement: clientWindow,
    needs: ["deflate"],
    async run(peer) {
      const { connection } = await agree(peer, "permessage-deflate; client_max_window_bits");
      const part = peer.random.bytes(2 ** (connection.agreement?.clientMaxWindowBits ?? 15));
      await connection.exchange(binaryMessage(concat([part, part])), { compress: true });
    },
  },
];
