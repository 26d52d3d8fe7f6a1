/**
 * RFC 6455 section 5.2: the length of the payload.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { Broken } from "../peer/finding.ts";
import { showIncoming } from "../peer/incoming.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOf, equalBytes } from "../wire/bytes.ts";
import { type FrameSpec, ping, text } from "../wire/frame.ts";
import { TimeOut } from "../wire/socket.ts";
import { bytesOfLength, textOfLength } from "./content.ts";

const lengths = must(
  "RFC 6455",
  "5.2",
  'The length of the "Payload data", in bytes: if 0-125, that is the payload length. If 126, the ' +
    "following 2 bytes interpreted as a 16-bit unsigned integer are the payload length. If 127, the " +
    "following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be " +
    "0) are the payload length. Multibyte length quantities are expressed in network byte order. … " +
    "(6.2) Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
);

/** 5.2 binds the sender with a MUST; that a receiver refuses it follows from 10.7 alone. */
const minimal = should(
  "RFC 6455",
  "5.2",
  "Note that in all cases, the minimal number of bytes MUST be used to encode the length, for " +
    "example, the length of a 124-byte-long string can't be encoded as the sequence 126, 0, 124. … " +
    "(10.7) Incoming data MUST always be validated by both clients and servers. … If the invalid " +
    "data was received after a successful WebSocket handshake, the endpoint SHOULD send a Close " +
    "frame with an appropriate status code (Section 7.4) before proceeding to _Close the " +
    "WebSocket Connection_.",
);

const LENGTHS = [
  ...[0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 1000, 4096],
  ...[65534, 65535, 65536, 65537, 131072],
];

const LONG_FORMS: readonly (readonly [length: number, lengthBytes: 2 | 8])[] = [
  [0, 2],
  [1, 2],
  [124, 2],
  [125, 2],
  [0, 8],
  [1, 8],
  [125, 8],
  [126, 8],
  [127, 8],
  [65535, 8],
];

/** Lengths with the highest bit set, whose lower bits are those of a frame that is all there. */
const HIGH_BITS = {
  "5-bytes": { payload: "Hello", declaredLength: 2n ** 63n + 5n },
  "no-bytes": { payload: "", declaredLength: 2n ** 63n },
  "200-bytes": { payload: "x".repeat(200), declaredLength: 2n ** 63n + 200n },
};

/** Sends the frame and throws where the server takes it for a whole one. */
async function expectNotTaken(
  connection: Connection,
  frame: FrameSpec,
  echoes: boolean,
): Promise<void> {
  const fence = "after the frame";
  connection.send(frame, ping(fence));
  const expected = "a failed connection, or silence until all those bytes have come";
  try {
    for (;;) {
      const got = await connection.next(expected);
      if (got.kind === "close" || got.kind === "end") return;
      const taken = echoes && got.kind === "message" || got.kind === "garbage" ||
        got.kind === "pong" && equalBytes(got.payload, bytesOf(fence));
      if (taken) throw new Broken({ expected, observed: showIncoming(got) });
    }
  } catch (error) {
    if (!(error instanceof TimeOut)) throw error;
  }
}

/** Sends the frame, which is refused, or taken for what it says. */
async function expectRefusedOrWhole(
  connection: Connection,
  frame: FrameSpec,
  taken: () => Promise<unknown>,
): Promise<void> {
  connection.send(frame);
  try {
    await taken();
    await connection.expectAlive();
  } catch (error) {
    if (!(error instanceof Broken) || !connection.closedByServer) throw error;
  }
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...LENGTHS.flatMap((length): Case[] => [{
    id: `rfc6455/5.2/text-of-${length}`,
    title: `a text message of ${length} bytes is delivered`,
    requirement: lengths,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage(textOfLength(length)));
      await connection.expectAlive();
    },
  }, {
    id: `rfc6455/5.2/binary-of-${length}`,
    title: `a binary message of ${length} bytes is delivered`,
    requirement: lengths,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(binaryMessage(bytesOfLength(peer.random, length)));
      await connection.expectAlive();
    },
  }]),
  ...LONG_FORMS.flatMap(([length, lengthBytes]): Case[] => {
    const name = `${length}-in-${lengthBytes * 8}-bits`;
    const data = textOfLength(length);
    return [{
      id: `rfc6455/5.2/length-${name}-read-right`,
      title: `a length of ${length} in ${lengthBytes * 8} bits is refused, or read as ${length}`,
      requirement: lengths,
      async run(peer) {
        const connection = await peer.connect();
        const frame = text(data, { lengthBytes });
        const message = textMessage(data);
        await expectRefusedOrWhole(connection, frame, () => connection.expectDelivered(message));
      },
    }, {
      id: `rfc6455/5.2/length-${name}-refused`,
      title: `a length of ${length} in ${lengthBytes * 8} bits, where fewer hold it, is refused`,
      requirement: minimal,
      async run(peer) {
        const connection = await peer.connect();
        connection.send(text(data, { lengthBytes }));
        await connection.expectFailed([1002]);
      },
    }];
  }),
  ...([2, 8] as const).flatMap((lengthBytes): Case[] => [{
    id: `rfc6455/5.2/ping-length-in-${lengthBytes * 8}-bits-read-right`,
    title: `a Ping whose length of 5 is in ${
      lengthBytes * 8
    } bits is refused, or answered as it is`,
    requirement: lengths,
    async run(peer) {
      const connection = await peer.connect();
      const frame = ping("Hello", { lengthBytes });
      await expectRefusedOrWhole(connection, frame, () => connection.expectPong("Hello"));
    },
  }, {
    id: `rfc6455/5.2/ping-length-in-${lengthBytes * 8}-bits-refused`,
    title: `a Ping whose length of 5 is in ${lengthBytes * 8} bits is refused`,
    requirement: minimal,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(ping("Hello", { lengthBytes }));
      await connection.expectFailed([1002]);
    },
  }]),
  ...Object.entries(HIGH_BITS).map(([name, { payload, declaredLength }]): Case => ({
    id: `rfc6455/5.2/high-bit-over-${name}`,
    title: `a 64-bit length with its highest bit set over ${name} is not read without that bit`,
    requirement: lengths,
    async run(peer) {
      const connection = await peer.connect();
      const frame = text(payload, { declaredLength, lengthBytes: 8 });
      await expectNotTaken(connection, frame, peer.facts.echoes);
    },
  })),
  ...Object.entries({ "32": 2n ** 32n, "53": 2n ** 53n }).map((
    [bits, more],
  ): Case => ({
    id: `rfc6455/5.2/length-above-${bits}-bits`,
    title: `a 64-bit length of 5 above 2^${bits} is not cut down to 5`,
    requirement: lengths,
    async run(peer) {
      const connection = await peer.connect();
      const declaredLength = more + 5n;
      const frame = text("Hello", { declaredLength, lengthBytes: 8 });
      await expectNotTaken(connection, frame, peer.facts.echoes);
    },
  })),
];
