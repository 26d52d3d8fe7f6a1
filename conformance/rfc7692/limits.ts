/**
 * RFC 6455 section 10.4, for messages that grow when they are decompressed: the server may take them
 * or not, but others are still served.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { withoutTail, zlibBlocks } from "../wire/deflate.ts";
import { binary, fragments, type FrameSpec, OPCODE } from "../wire/frame.ts";

const protect = must(
  "RFC 6455",
  "10.4",
  "Implementations that have implementation- and/or platform-specific limitations regarding the frame " +
    "size or total message size after reassembly from multiple frames MUST protect themselves against " +
    "exceeding those limits.",
);

const MIB = 1024 * 1024;

/** Zeros, a thousand to one. */
function bomb(size: number): Uint8Array {
  return withoutTail(zlibBlocks(new Uint8Array(size), { level: 9 }));
}

/** Sends frames; whatever becomes of that connection, a new one and one from before are served. */
async function othersAreServed(peer: Peer, frames: readonly FrameSpec[]): Promise<void> {
  const before = await peer.connect({ deflate: true });
  const attacker = await peer.connect({ deflate: true });
  attacker.send(...frames);
  await before.exchange(textMessage("Hello"), { compress: true });
  const after = await peer.connect({ deflate: true });
  await after.exchange(textMessage("Hello"), { compress: true });
  attacker.wire.abandon();
  await before.expectAlive();
  await after.expectAlive();
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  {
    id: "rfc6455/10.4/inflates-to-8-mib",
    title: "a message of 8 KiB that inflates to 8 MiB does not keep the server from others",
    requirement: protect,
    needs: ["deflate"],
    run: (peer) => othersAreServed(peer, [binary(bomb(8 * MIB), { rsv1: true })]),
  },
  {
    id: "rfc6455/10.4/inflates-to-64-mib",
    title: "a message of 64 KiB that inflates to 64 MiB does not keep the server from others",
    requirement: protect,
    needs: ["deflate", "full"],
    run: (peer) => othersAreServed(peer, [binary(bomb(64 * MIB), { rsv1: true })]),
  },
  {
    id: "rfc6455/10.4/inflates-to-32-mib-in-fragments",
    title: "a message in 32 fragments that inflates to 32 MiB does not keep the server from others",
    requirement: protect,
    needs: ["deflate", "full"],
    run: (peer) => {
      const split = Array<number>(31).fill(1024);
      return othersAreServed(peer, fragments(OPCODE.binary, bomb(32 * MIB), split, { rsv1: true }));
    },
  },
  {
    id: "rfc6455/10.4/inflates-above-the-limit",
    title:
      "a message within the server's limit that inflates to more than that fails the connection",
    requirement: protect,
    needs: ["deflate", "limit"],
    async run(peer) {
      const limit = peer.maxMessage ?? 0;
      const connection = await peer.connect({ deflate: true });
      const payload = bomb(Math.min(2 * limit + 1, 256 * MIB));
      connection.send(binary(payload, { rsv1: true }));
      await connection.expectFailed([1009]);
    },
  },
  {
    id: "rfc6455/10.4/inflates-to-the-limit",
    title: "a message that inflates to just the server's limit is delivered",
    requirement: protect,
    needs: ["deflate", "limit"],
    async run(peer) {
      const connection = await peer.connect({ deflate: true });
      const message = binaryMessage(new Uint8Array(Math.min(peer.maxMessage ?? 0, 16 * MIB)));
      connection.sendMessage(message, { compress: { blocks: "zlib" } });
      await connection.expectDelivered(message);
    },
  },
];
