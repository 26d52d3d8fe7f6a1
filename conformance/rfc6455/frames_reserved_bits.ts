/**
 * RFC 6455 section 5.2: the reserved bits RSV1, RSV2 and RSV3, where no extension gives them a
 * meaning.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import {
  binary,
  close,
  continuation,
  type FrameFields,
  type FrameSpec,
  ping,
  pong,
  text,
} from "../wire/frame.ts";

const fails = must(
  "RFC 6455",
  "5.2",
  "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a " +
    "nonzero value is received and none of the negotiated extensions defines the meaning of such a " +
    "nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
);

const BITS: Readonly<Record<string, FrameFields>> = {
  "rsv1": { rsv1: true },
  "rsv2": { rsv2: true },
  "rsv3": { rsv3: true },
  "rsv1-and-rsv2": { rsv1: true, rsv2: true },
  "rsv1-and-rsv3": { rsv1: true, rsv3: true },
  "rsv2-and-rsv3": { rsv2: true, rsv3: true },
  "all-rsv": { rsv1: true, rsv2: true, rsv3: true },
};

const FRAMES: Readonly<Record<string, (bits: FrameFields) => readonly FrameSpec[]>> = {
  "text": (bits) => [text("Hello", bits)],
  "empty-text": (bits) => [text("", bits)],
  "binary": (bits) => [binary("Hello", bits)],
  "first-fragment": (bits) => [text("Hel", { ...bits, fin: false }), continuation("lo")],
  "last-fragment": (bits) => [text("Hel", { fin: false }), continuation("lo", bits)],
  "ping": (bits) => [ping("Hello", bits)],
  "pong": (bits) => [pong("Hello", bits)],
  "close": (bits) => [close(1000, "", bits)],
};

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(FRAMES).flatMap(([frame, framesWith]) =>
    Object.entries(BITS).map(([name, bits]): Case => ({
      id: `rfc6455/5.2/${name}-on-${frame}`,
      title: `${name.replaceAll("-", " ")} on a frame (${frame}) fails the connection`,
      requirement: fails,
      async run(peer) {
        const connection = await peer.connect();
        connection.send(...framesWith(bits));
        // A server that takes no binary messages may say so first.
        await connection.expectFailed(frame === "binary" ? [1002, 1003] : [1002]);
      },
    }))
  ),
  ...(["rsv1", "rsv2", "rsv3"] as const).flatMap((name): Case[] => [{
    id: `rfc6455/5.2/${name}-after-a-message`,
    title: `${name} fails the connection also after a message without it`,
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      const before = textMessage("before");
      connection.sendMessage(before);
      connection.send(text("Hello", { [name]: true }), ping("after"));
      await connection.expectFailed([1002], { after: [before] });
    },
  }, {
    id: `rfc6455/5.2/${name}-on-ping-between-fragments`,
    title: `${name} on a Ping between fragments fails the connection`,
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), ping("", { [name]: true }), continuation("lo"));
      await connection.expectFailed([1002]);
    },
  }, {
    id: `rfc6455/5.2/${name}-in-single-bytes`,
    title: `${name} fails the connection where the frame comes byte by byte`,
    requirement: fails,
    async run(peer) {
      const connection = await peer.connect();
      await connection.sendInPieces(1, text("Hello", { [name]: true }));
      await connection.expectFailed([1002]);
    },
  }]),
];
