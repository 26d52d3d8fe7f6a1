/**
 * RFC 6455 section 4.2.2: bytes that a client sends before the 101 has come.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import { textMessage } from "../peer/sender.ts";
import { bytesOf, concat, equalBytes } from "../wire/bytes.ts";
import { encodeFrame, type FrameSpec, ping, text } from "../wire/frame.ts";

// A client MUST wait for the answer (4.1), and nothing says what a server must make of one that does
// not: so none of what follows is a MUST, but that nothing goes before the answer.
const pingAnswered = should(
  "RFC 6455",
  "5.5.2",
  "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already " +
    "received a Close frame.",
);

/** Masked by a key that is no secret. */
export const encoded = (spec: FrameSpec) => encodeFrame(spec, Uint8Array.of(1, 2, 3, 4));

/**
 * The first Pong with one of these payloads; null where the server switches no protocol or closes,
 * which it may.
 */
export async function pongAfter(
  handshake: Handshake,
  payloads: readonly string[],
  sent: readonly FrameSpec[] = [],
): Promise<string | null> {
  if (handshake.response?.status !== 101) {
    handshake.expectNotSwitched();
    return null;
  }
  const connection = handshake.expectAccepted();
  connection.send(...sent);
  for (;;) {
    const got = await connection.next(`a Pong ${payloads.join(" or ")}, or the connection's end`);
    if (got.kind === "end" || got.kind === "close") return null;
    if (got.kind === "garbage") {
      throw new Broken({ expected: "frames after the 101", observed: got.observed });
    }
    if (got.kind !== "pong") continue;
    const found = payloads.find((payload) => equalBytes(got.payload, bytesOf(payload)));
    if (found !== undefined) return found;
  }
}

/**
 * A Ping sent before the 101: the server may fail the connection for it (4.1), but not lose it. No
 * other Ping follows, for the server may answer just the last (5.5.3).
 */
function early(
  name: string,
  title: string,
  send: (peer: Peer, frame: Uint8Array) => Promise<Handshake>,
  times = 1,
): Case {
  return {
    id: `rfc6455/5.5.2/${name}`,
    title,
    requirement: pingAnswered,
    async run(peer) {
      for (let i = 0; i < times; i++) {
        const handshake = await send(peer, encoded(ping("early")));
        const { awaited, observed } = handshake;
        if (awaited !== null) {
          throw new Skipped(`nothing tells what became of the Ping: ${observed}`, awaited);
        }
        await pongAfter(handshake, ["early"]);
        handshake.wire.abandon();
      }
    },
  };
}

/** How often bytes are sent one by one: what a server takes some of them for is a matter of chance. */
const BYTE_BY_BYTE_TIMES = 30;

/** The cases of this section. */
export const cases: readonly Case[] = [
  early(
    "ping-with-the-handshake",
    "a Ping in the same segment as the handshake is answered after the 101",
    (peer, body) => peer.handshake({ body }),
  ),
  early(
    "ping-with-the-handshake-byte-by-byte",
    "a Ping after the handshake, all byte by byte, is answered after the 101",
    (peer, body) => peer.handshake({ body }, { pieces: 1 }),
    BYTE_BY_BYTE_TIMES,
  ),
  early(
    "part-of-a-ping-with-the-handshake",
    "a Ping whose first bytes came with the handshake is answered",
    async (peer, frame) => {
      const handshake = await peer.handshake({ body: frame.subarray(0, 3) });
      handshake.wire.write(frame.subarray(3));
      return handshake;
    },
  ),
  {
    id: "rfc6455/4.2.2/nothing-before-the-answer",
    title: "a Ping in the same segment as the handshake gets nothing before the answer to that",
    requirement: must(
      "RFC 6455",
      "4.2.2",
      "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP " +
        "response indicating the following. … If the server finishes these steps without aborting the " +
        "WebSocket handshake, the server considers the WebSocket connection to be established … At " +
        "this point, the server may begin sending (and receiving) data.",
    ),
    async run(peer) {
      const handshake = await peer.handshake({ body: encoded(ping("early")) });
      handshake.expectDecided([], { silent: true });
    },
  },
  {
    id: "rfc6455/4.2.2/messages-with-the-handshake",
    title: "messages in the same segment as the handshake are delivered after the 101",
    requirement: should(
      "RFC 6455",
      "4.2.2",
      "If the server finishes these steps without aborting the WebSocket handshake, the server " +
        "considers the WebSocket connection to be established and that the WebSocket connection is in " +
        "the OPEN state. At this point, the server may begin sending (and receiving) data. … (6.2) " +
        "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
    ),
    needs: ["echo"],
    async run(peer) {
      const texts = ["one", "two", "x".repeat(3000)];
      const body = concat(texts.map((one) => encoded(text(one))));
      const connection = (await peer.handshake({ body })).expectDecided([], { silent: true });
      if (connection === null) return;
      for (let i = 0; i < peer.facts.greetings; i++) await connection.nextMessage("its greeting");
      await connection.expectDelivered(...texts.map(textMessage));
    },
  },
  {
    id: "rfc6455/5.1/second-handshake-behind-the-first",
    title: "a second handshake behind the first is taken for frames, which it is not",
    requirement: should(
      "RFC 6455",
      "5.1",
      "The server MUST close the connection upon receiving a frame that is not masked.",
    ),
    async run(peer) {
      const body = peer.request("AAAAAAAAAAAAAAAAAAAAAA==");
      const connection = (await peer.handshake({ body })).expectDecided([], { silent: true });
      for (let i = 0; connection !== null && i < peer.facts.greetings; i++) {
        await connection.nextMessage("its greeting");
      }
      await connection?.expectFailed([null, 1002]);
    },
  },
];
