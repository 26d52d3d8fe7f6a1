/**
 * RFC 6455 sections 5.5.2 and 5.5.3: Ping and Pong.
 *
 * @module
 */
import { type Case, may, must } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOf, fromHex } from "../wire/bytes.ts";
import { close, continuation, ping, pong, text } from "../wire/frame.ts";

const answered = must(
  "RFC 6455",
  "5.5.2",
  "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already " +
    "received a Close frame.",
);

const identical = must(
  "RFC 6455",
  "5.5.3",
  'A Pong frame sent in response to a Ping frame must have identical "Application data" as found ' +
    "in the message body of the Ping frame being replied to. … (5.5.2) Upon receipt of a Ping frame, an " +
    "endpoint MUST send a Pong frame in response",
);

const unsolicited = must(
  "RFC 6455",
  "5.5.3",
  "A Pong frame MAY be sent unsolicited. This serves as a unidirectional heartbeat. A response to " +
    "an unsolicited Pong frame is not expected. … (6.2) If a control frame (Section 5.5) is received, " +
    "the frame MUST be handled as defined by Section 5.5.",
);

/** Payloads that a server which takes them for text, or for C strings, gets wrong. */
const PAYLOADS = {
  "nul-bytes": fromHex("00 00 61 00"),
  "bytes-that-are-no-utf8": fromHex("ff fe fd fc 80 c0 af"),
  "line-ends": bytesOf("\r\n\r\n"),
  "all-ones": new Uint8Array(125).fill(0xff),
  "the-head-of-a-frame": fromHex("89 00 8a 00 88 00"),
};

/** Pings at once from which a server may close "via any means …, such as when under attack". */
const FLOOD = 50;

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...[0, 1, 2, 3, 4, 5, 124, 125].map((length): Case => ({
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
  ...Object.entries(PAYLOADS).map(([name, payload]): Case => ({
    id: `rfc6455/5.5.3/ping-of-${name}`,
    title: `a Ping of ${name.replaceAll("-", " ")} is answered with the same bytes`,
    requirement: identical,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(ping(payload));
      await connection.expectPong(payload);
    },
  })),
  {
    id: "rfc6455/5.5.2/ten-pings-one-by-one",
    title: "each of ten Pings, sent when the one before was answered, is answered",
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      for (let i = 0; i < 10; i++) {
        connection.send(ping(`ping ${i}`));
        await connection.expectPong(`ping ${i}`);
      }
    },
  },
  ...[2, 10, 100, 1000].map((count): Case => ({
    id: `rfc6455/5.5.2/${count}-pings-at-once`,
    title: `of ${count} Pings sent at once, at least the last is answered`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...Array.from({ length: count }, (_, i) => ping(`ping ${i + 1}`)));
      await connection.expectPong(`ping ${count}`).catch((error: unknown) => {
        if (count < FLOOD || !connection.closedByServer) throw error;
        throw new Skipped(`the server takes ${count} Pings at once for an attack (7.1.1)`);
      });
    },
  })),
  {
    id: "rfc6455/5.5.2/ping-among-messages",
    title: "Pings between messages are answered and the messages delivered",
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("one"), ping("now"), text("two"));
      await connection.expectDelivered(textMessage("one"), textMessage("two"));
      connection.send(ping("then"));
      await connection.expectPong("then");
    },
  },
  {
    id: "rfc6455/5.5.1/ping-before-close",
    title: "a Close frame sent with a Ping before it is answered",
    requirement: must(
      "RFC 6455",
      "5.5.1",
      "If an endpoint receives a Close frame and did not previously send a Close frame, the " +
        "endpoint MUST send a Close frame in response.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      connection.send(ping("Hello"), close(1000));
      await connection.expectClosed([1000, null]);
    },
  },
  {
    id: "rfc6455/5.5/ping-between-fragments",
    title: "a Ping between two fragments is answered and the message is whole",
    requirement: must(
      "RFC 6455",
      "5.5",
      "Control frames can be interjected in the middle of a fragmented message. … (5.4) An endpoint " +
        "MUST be capable of handling control frames in the middle of a fragmented message.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), ping("now"));
      await connection.expectPong("now");
      connection.send(continuation("lo"));
      await connection.expectDelivered(textMessage("Hello"));
    },
  },
  ...[0, 5, 125].map((length): Case => ({
    id: `rfc6455/5.5.3/unsolicited-pong-of-${length}`,
    title: `a Pong of ${length} bytes that answers nothing does no harm`,
    requirement: unsolicited,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(pong(peer.random.bytes(length)));
      await connection.expectNoMessage("a Pong is no message");
      await connection.exchange(textMessage("after"));
    },
  })),
  {
    id: "rfc6455/5.5.3/many-unsolicited-pongs",
    title: "a hundred Pongs that answer nothing do no harm",
    requirement: unsolicited,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...Array.from({ length: 100 }, () => pong("unasked")));
      await connection.exchange(binaryMessage("after"));
    },
  },
  {
    id: "rfc6455/5.5.2/pong-like-a-pending-ping",
    title: "a Pong with the payload of the Ping that follows does not take its answer away",
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(pong("Hello"), ping("Hello"));
      await connection.expectPong("Hello");
    },
  },
  {
    id: "rfc6455/5.5.3/each-of-ten-pings-answered",
    title: "all of ten Pings sent at once are answered, in their order",
    requirement: may(
      "RFC 6455",
      "5.5.3",
      "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to " +
        "previous Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most " +
        "recently processed Ping frame.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      const payloads = Array.from({ length: 10 }, (_, i) => `ping ${i}`);
      connection.send(...payloads.map((payload) => ping(payload)));
      const answers: string[] = [];
      while (answers.at(-1) !== "ping 9") {
        const got = await connection.next("a Pong for the last Ping");
        if (got.kind === "pong") answers.push(new TextDecoder().decode(got.payload));
        if (got.kind === "close" || got.kind === "end") break;
      }
      const [expected, observed] = [payloads.join(", "), answers.join(", ")];
      if (observed !== expected) throw new Broken({ expected, observed });
    },
  },
];
