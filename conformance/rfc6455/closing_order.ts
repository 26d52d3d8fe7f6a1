/**
 * RFC 6455 sections 5.5.1 and 7.1: what comes before, with and after a Close frame.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { Broken } from "../peer/finding.ts";
import { showIncoming } from "../peer/incoming.ts";
import { textMessage } from "../peer/sender.ts";
import { close, continuation, frame, type FrameSpec, ping, pong, text } from "../wire/frame.ts";

const answered = must(
  "RFC 6455",
  "5.5.1",
  "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint " +
    "MUST send a Close frame in response.",
);

const closesTcp = must(
  "RFC 6455",
  "5.5.1",
  "After both sending and receiving a Close message, an endpoint considers the WebSocket connection " +
    "closed and MUST close the underlying TCP connection. The server MUST close the underlying TCP " +
    "connection immediately",
);

const discards = should(
  "RFC 6455",
  "7.1.1",
  "An endpoint SHOULD use a method that cleanly closes the TCP connection, as well as the TLS session, " +
    "if applicable, discarding any trailing bytes that may have been received. … (1.4) after receiving a control frame indicating the connection should be closed, a peer discards any " +
    "further data received.",
);

const once = should(
  "RFC 6455",
  "7.1.5",
  "both endpoints will have sent and received a Close frame and will not send further Close frames. … " +
    "(5.5.1) If an endpoint receives a Close frame and did not previously send a Close frame, the " +
    "endpoint MUST send a Close frame in response.",
);

/** Frames with a Close frame among them, that is answered all the same. */
const AMONG: Readonly<Record<string, readonly FrameSpec[]>> = {
  "after-a-message": [text("Hello"), close(1000)],
  "after-a-pong": [pong("unasked"), close(1000)],
  "inside-a-message": [text("Hel", { fin: false }), close(1000)],
  "inside-a-message-after-a-ping": [text("Hel", { fin: false }), ping("now"), close(1000)],
  "then-a-message": [close(1000), text("late")],
  "then-a-ping": [close(1000), ping("late")],
  "then-a-pong": [close(1000), pong("late")],
  "then-another-close": [close(1000), close(1001)],
  "then-a-reserved-opcode": [close(1000), frame(3, "late")],
  "then-an-unmasked-frame": [close(1000), text("late", { mask: false })],
  "then-the-rest-of-a-message": [text("Hel", { fin: false }), close(1000), continuation("lo")],
};

/** Closings after which the server closes TCP. */
const CLOSINGS = { "1000": close(1000), "3000": close(3000, "reason"), "empty": close(null) };

/** Frames behind a Close frame that would be echoed, were they not too late. */
const LATE: Readonly<Record<string, readonly FrameSpec[]>> = {
  "message": [close(1000), text("late")],
  "fragments": [close(1000), text("la", { fin: false }), continuation("te")],
  "rest-of-a-message": [text("la", { fin: false }), close(1000), continuation("te")],
};

/** What makes a server send a Close frame more than once, where anything does. */
const TWICE: Readonly<Record<string, readonly FrameSpec[]>> = {
  "two-close-frames": [close(1000), close(1000)],
  "close-and-a-violation": [close(1000), frame(3, "bad")],
  "violation-and-close": [frame(3, "bad"), close(1000)],
  "two-violations": [frame(3, "bad"), frame(3, "bad")],
};

/** All that comes until TCP ends. */
async function untilTheEnd(connection: Connection) {
  const all = [];
  for (;;) {
    const got = await connection.next("the end of TCP");
    if (got.kind === "end" || got.kind === "garbage") return all;
    all.push(got);
  }
}

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...Object.entries(AMONG).map(([name, frames]): Case => ({
    id: `rfc6455/5.5.1/close-${name}`,
    title: `a Close frame (${name.replaceAll("-", " ")}) is answered with one`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...frames);
      // A server may find the end of a message wanting, and say so in its answer.
      const open = frames[0]?.fin === false;
      await connection.expectClosed(open ? [1000, 1002, null] : [1000, null]);
    },
  })),
  {
    id: "rfc6455/5.5.1/close-at-once",
    title: "a Close frame as the very first is answered with one, and TCP closed",
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(1001));
      await connection.expectClosed([1001, 1000, null]);
      await connection.expectTcpClosed();
    },
  },
  ...Object.entries(CLOSINGS).map(([name, sent]): Case => ({
    id: `rfc6455/5.5.1/server-closes-tcp${name === "1000" ? "" : `-after-${name}`}`,
    title: `after Close frames both ways (${name}), the server closes TCP`,
    requirement: closesTcp,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(sent);
      await connection.expectTcpClosed();
    },
  })),
  ...Object.entries(LATE).map(([name, frames]): Case => ({
    id: `rfc6455/7.1.1/${name}-after-close-discarded`,
    title: `data (${name.replaceAll("-", " ")}) that comes after a Close frame is not echoed`,
    requirement: discards,
    needs: ["echo"],
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...frames);
      const echoed = (await untilTheEnd(connection)).find(({ kind }) => kind === "message");
      if (echoed !== undefined) {
        throw new Broken({ expected: "no echo of late data", observed: showIncoming(echoed) });
      }
    },
  })),
  ...Object.entries(TWICE).map(([name, frames]): Case => ({
    id: `rfc6455/7.1.5/one-close-frame-for-${name}`,
    title: `the server sends no second Close frame (${name.replaceAll("-", " ")})`,
    requirement: once,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...frames);
      const closes = (await untilTheEnd(connection)).filter(({ kind }) => kind === "close");
      if (closes.length > 1) {
        const observed = closes.map(showIncoming).join(", then ");
        throw new Broken({ expected: "one Close frame at most", observed });
      }
    },
  })),
  {
    id: "rfc6455/5.5.1/echo-then-close",
    title: "a message answered before the Close frame was sent does not hinder the closing",
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage("Hello"));
      connection.send(close(1000, "done"));
      await connection.expectClosed([1000, null]);
    },
  },
];
