/**
 * RFC 7692 section 7.2: compressed messages.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { fromHex } from "../wire/bytes.ts";
import { text } from "../wire/frame.ts";

const decompress = must(
  "RFC 7692",
  "6.2",
  'If the "Per-Message Compressed" bit is set to 1, … the endpoint MUST decompress the message.',
);

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...(["matching", "zlib", "fixed", "stored"] as const).map((blocks): Case => ({
    id: `rfc7692/7.2.2/${blocks}-block`,
    title: `a message in a ${blocks} block is decompressed`,
    requirement: decompress,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const message = textMessage("the quick brown fox jumps over the lazy dog. ".repeat(20));
      await connection.exchange(message, { compress: { blocks } });
      await connection.exchange(message, { compress: { blocks } });
    },
  })),
  {
    id: "rfc7692/7.2.2/reserved-block-type",
    title: "data that is no DEFLATE fails the connection",
    requirement: decompress,
    needs: ["deflate"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      connection.send(text(fromHex("07 01 02 03"), { rsv1: true }));
      await connection.expectFailed([1002, 1007]);
    },
  },
];
