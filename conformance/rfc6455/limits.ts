/**
 * RFC 6455 section 10.4: limits, and those who try to exhaust a server.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { concat } from "../wire/bytes.ts";
import { binary, continuation, type FrameSpec, ping, text } from "../wire/frame.ts";
import { bytesOfLength } from "./content.ts";

const protects = must(
  "RFC 6455",
  "10.4",
  "Implementations that have implementation- and/or platform-specific limitations regarding the " +
    "frame size or total message size after reassembly from multiple frames MUST protect themselves " +
    "against exceeding those limits. (For example, a malicious endpoint can try to exhaust its " +
    "peer's memory or mount a denial-of-service attack by sending either a single big frame (e.g., " +
    "of size 2**60) or by sending a long stream of small frames that are a part of a fragmented " +
    "message.)",
);

const limits = should(
  "RFC 6455",
  "10.4",
  "Such an implementation SHOULD impose a limit on frame sizes and the total message size after " +
    "reassembly from multiple frames.",
);

/** Lengths beyond whatever a server could take. */
const BEYOND = { "1-tib": 2n ** 40n, "2-to-the-60": 2n ** 60n, "largest": 2n ** 63n - 1n };

const HUGE = { "2-gib": 2n ** 31n, "4-gib": 2n ** 32n, ...BEYOND };

/** Another client is served as if nothing had happened. */
async function expectOthersServed(peer: Peer): Promise<void> {
  const other = await peer.connect();
  await other.exchange(textMessage("Hello"));
  await other.expectAlive();
}

/** So many frames, of which the server may stop taking any at a number of its own. */
function flood(count: number, first: FrameSpec, rest: FrameSpec): FrameSpec[] {
  return [first, ...Array.from({ length: count - 1 }, () => rest)];
}

const open = { fin: false } as const;

const FLOODS: Readonly<Record<string, readonly FrameSpec[]>> = {
  "one-byte-fragments": flood(20_000, binary("x", open), continuation("x", open)),
  "empty-fragments": flood(20_000, text("", open), continuation("", open)),
  "empty-messages": flood(2_000, text(""), text("")),
  "one-byte-messages": flood(2_000, text("x"), binary("x")),
  "pings": flood(5_000, ping("x"), ping("x")),
  "long-pings": flood(2_000, ping(new Uint8Array(125)), ping(new Uint8Array(125))),
};

/** The limit that was named, where it is small enough to be tried. */
function namedLimit(peer: Peer): number {
  const limit = peer.maxMessage ?? 0;
  const most = peer.profile === "full" ? 256 * 1024 * 1024 : 16 * 1024 * 1024;
  if (limit > most) throw new Skipped(`a limit above ${most} bytes is not tried in this profile`);
  return limit;
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(HUGE).map(([name, declaredLength]): Case => ({
    id: `rfc6455/10.4/frame-declared-${name}-others-served`,
    title: `others are served while a frame declares a length of ${declaredLength} bytes`,
    requirement: protects,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("the first of many bytes", { declaredLength }));
      await connection.wire.flush();
      await expectOthersServed(peer);
    },
  })),
  ...Object.entries(BEYOND).map(([name, declaredLength]): Case => ({
    id: `rfc6455/10.4/frame-declared-${name}-refused`,
    title: `a frame that declares a length of ${declaredLength} bytes is refused`,
    requirement: limits,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("the first of many bytes", { declaredLength }));
      await connection.expectFailed([1009, 1002]);
    },
  })),
  {
    id: "rfc6455/10.4/twenty-frames-declared-1-gib-others-served",
    title: "others are served while twenty connections declare a frame of 1 GiB each",
    requirement: protects,
    async run(peer) {
      for (let i = 0; i < 20; i++) {
        const connection = await peer.connect();
        connection.send(text("the first of many bytes", { declaredLength: 2 ** 30 }));
      }
      await expectOthersServed(peer);
    },
  },
  {
    id: "rfc6455/10.4/fragment-declared-huge-others-served",
    title: "others are served while a continuation declares a length of 2^60 bytes",
    requirement: protects,
    async run(peer) {
      const connection = await peer.connect();
      const declaredLength = 2n ** 60n;
      connection.send(text("begun", open), continuation("and on", { declaredLength }));
      await connection.wire.flush();
      await expectOthersServed(peer);
    },
  },
  ...Object.entries(FLOODS).map(([name, frames]): Case => ({
    id: `rfc6455/10.4/flood-of-${name}-others-served`,
    title: `others are served while ${frames.length} frames (${name.replaceAll("-", " ")}) come`,
    requirement: protects,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...frames);
      await expectOthersServed(peer);
    },
  })),
  {
    id: "rfc6455/10.4/flood-of-pings-unread-others-served",
    title: "others are served while a client sends Pings and reads no Pong",
    requirement: protects,
    async run(peer) {
      const connection = await peer.connect();
      connection.wire.pause();
      const pings = Array.from({ length: 20_000 }, () => ping(new Uint8Array(125)));
      connection.send(concat([connection.encode(...pings)]));
      await expectOthersServed(peer);
    },
  },
  {
    id: "rfc6455/5.4/message-of-the-limit",
    title: "a message as large as the server's limit is delivered",
    requirement: must(
      "RFC 6455",
      "5.4",
      "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
    ),
    needs: ["limit"],
    async run(peer) {
      const limit = namedLimit(peer);
      const connection = await peer.connect();
      const message = binaryMessage(bytesOfLength(peer.random, limit));
      await connection.exchange(message);
      await connection.exchange(message, { split: [Math.floor(limit / 2)] });
    },
  },
  {
    id: "rfc6455/10.4/message-above-the-limit",
    title: "a message one byte larger than the server's limit is refused",
    requirement: limits,
    needs: ["limit"],
    async run(peer) {
      const connection = await peer.connect();
      connection.send(binary(bytesOfLength(peer.random, namedLimit(peer) + 1)));
      await connection.expectFailed([1009]);
    },
  },
  {
    id: "rfc6455/10.4/fragments-above-the-limit",
    title: "a message that passes the server's limit by its fragments taken together is refused",
    requirement: limits,
    needs: ["limit"],
    async run(peer) {
      const limit = namedLimit(peer);
      const connection = await peer.connect();
      const message = binaryMessage(bytesOfLength(peer.random, limit + 1));
      connection.sendMessage(message, { split: [Math.floor(limit / 2), Math.floor(limit / 3)] });
      await connection.expectFailed([1009]);
    },
  },
];
