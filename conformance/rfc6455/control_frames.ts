/**
 * RFC 6455 section 5.5: control frames.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { continuation, ping, text } from "../wire/frame.ts";

const answered = must(
  "RFC 6455",
  "5.5.2",
  "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already " +
    "received a Close frame.",
);

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...[0, 1, 125].map((length): Case => ({
    id: `rfc6455/5.5.2/ping-${length}`,
    title: `a Ping of ${length} bytes is answered by a Pong with the same bytes`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      const payload = peer.random.bytes(length);
      connection.send(ping(payload));
      await connection.expectPong(payload);
    },
  })),
  {
    id: "rfc6455/5.5/ping-126",
    title: "a Ping of 126 bytes ends the connection",
    requirement: must(
      "RFC 6455",
      "5.5",
      "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      connection.send(ping(new Uint8Array(126)));
      await connection.expectFailed([1002]);
    },
  },
  {
    id: "rfc6455/5.5/ping-between-fragments",
    title: "a Ping between two fragments is answered and the message is whole",
    requirement: must(
      "RFC 6455",
      "5.4",
      "Control frames MAY be injected in the middle of a fragmented message. … An endpoint MUST be " +
        "capable of handling control frames in the middle of a fragmented message.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), ping("now"));
      await connection.expectPong("now");
      connection.send(continuation("lo"));
      await connection.expectDelivered(textMessage("Hello"));
    },
  },
];
