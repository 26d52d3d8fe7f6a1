/**
 * RFC 6455 section 6.2: frames are read from a stream of bytes, wherever TCP cuts it.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import {
  binary,
  close,
  continuation,
  fragments,
  type FrameSpec,
  OPCODE,
  ping,
  text,
} from "../wire/frame.ts";

const parsed = must(
  "RFC 6455",
  "6.2",
  "To receive WebSocket data, an endpoint listens on the underlying network connection. Incoming " +
    "data MUST be parsed as WebSocket frames as defined in Section 5.2.",
);

/** Frames whose heads have each of the three forms, to be cut everywhere in the head and behind. */
const CUT: Readonly<Record<string, { readonly length: number; readonly cuts: number }>> = {
  "empty-frame": { length: 0, cuts: 5 },
  "7-bit-length": { length: 9, cuts: 14 },
  "16-bit-length": { length: 126, cuts: 12 },
  "64-bit-length": { length: 65536, cuts: 18 },
};

/** Sends the same frames again and again, cut in two at each place in turn. */
async function cutEverywhere(peer: Peer, frames: readonly FrameSpec[], cuts: number) {
  const connection = await peer.connect();
  for (let cut = 1; cut <= cuts; cut++) {
    const bytes = connection.encode(...frames);
    await connection.wire.writePieces(bytes.subarray(0, cut), cut);
    connection.send(bytes.subarray(cut));
  }
  return connection;
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(CUT).map(([name, { length, cuts }]): Case => ({
    id: `rfc6455/6.2/cut-at-every-offset-${name}`,
    title: `a frame (${name}) is read wherever two segments of TCP cut it`,
    requirement: parsed,
    async run(peer) {
      const message = binaryMessage(peer.random.bytes(length));
      const connection = await cutEverywhere(peer, [binary(message.data)], cuts);
      await connection.expectDelivered(...Array.from({ length: cuts }, () => message));
    },
  })),
  {
    id: "rfc6455/6.2/cut-at-every-offset-fragments-and-ping",
    title: "fragments with a Ping between them are read wherever two segments cut them",
    requirement: parsed,
    async run(peer) {
      const frames = [text("Hel", { fin: false }), ping("now"), continuation("lo")];
      const connection = await cutEverywhere(peer, frames, 25);
      await connection.expectDelivered(...Array.from({ length: 25 }, () => textMessage("Hello")));
    },
  },
  ...[1, 2, 3, 5, 7, 13].map((size): Case => ({
    id: `rfc6455/6.2/segments-of-${size}`,
    title: `messages and Pings in segments of ${size} bytes are read`,
    requirement: parsed,
    async run(peer) {
      const connection = await peer.connect();
      const long = peer.random.bytes(130);
      const parts = fragments(OPCODE.binary, long, [1, 0, 126]);
      await connection.sendInPieces(size, text("Hello"), ping("now"), text(""), ...parts);
      await connection.expectDelivered(
        textMessage("Hello"),
        textMessage(""),
        binaryMessage(long),
      );
    },
  })),
  {
    id: "rfc6455/6.2/close-in-single-bytes",
    title: "a Close frame that comes byte by byte is answered",
    requirement: parsed,
    async run(peer) {
      const connection = await peer.connect();
      await connection.sendInPieces(1, close(1000, "bye"));
      await connection.expectClosed([1000, null]);
    },
  },
  {
    id: "rfc6455/6.2/ping-in-single-bytes",
    title: "a Ping that comes byte by byte is answered",
    requirement: parsed,
    async run(peer) {
      const connection = await peer.connect();
      await connection.sendInPieces(1, ping("Hello"));
      await connection.expectPong("Hello");
    },
  },
  ...[2, 20, 200].map((count): Case => ({
    id: `rfc6455/6.2/merged-${count}-messages`,
    title: `${count} messages in one segment are all read`,
    requirement: parsed,
    async run(peer) {
      const connection = await peer.connect();
      const messages = Array.from({ length: count }, (_, i) => textMessage(`message ${i}`));
      connection.send(...messages.map(({ data }) => text(data)));
      await connection.expectDelivered(...messages);
    },
  })),
  {
    id: "rfc6455/6.2/merged-message-and-half",
    title: "a segment with one message and half of the next and one with its rest are two messages",
    requirement: parsed,
    async run(peer) {
      const connection = await peer.connect();
      const second = connection.encode(text("second"));
      connection.send(text("first"), second.subarray(0, 7));
      // Nothing is read in between: the answer to a Ping of the server would cut the frame apart.
      await connection.wire.flush();
      connection.send(second.subarray(7));
      await connection.expectDelivered(textMessage("first"), textMessage("second"));
    },
  },
];
