/**
 * RFC 6455 sections 5.5.1 and 7: the closing handshake and its codes.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { close } from "../wire/frame.ts";

const answered = must(
  "RFC 6455",
  "5.5.1",
  "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint " +
    "MUST send a Close frame in response.",
);

const invalid = must(
  "RFC 6455",
  "7.4.2",
  "Status codes in the range 0-999 are not used. … 1005 … 1006 … MUST NOT be set as a status code " +
    "in a Close control frame by an endpoint.",
);

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...[1000, 1001, 3000, 4999].map((code): Case => ({
    id: `rfc6455/5.5.1/close-${code}-answered`,
    title: `a Close frame with ${code} is answered with one`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(code));
      await connection.expectClosed([code, 1000]);
    },
  })),
  ...[0, 999, 1005, 1006].map((code): Case => ({
    id: `rfc6455/7.4.2/close-${code}-refused`,
    title: `a Close frame with ${code} fails the connection`,
    requirement: invalid,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(code));
      await connection.expectFailed([1002]);
    },
  })),
  {
    id: "rfc6455/7.1.1/server-closes-tcp",
    title: "after Close frames both ways, the server closes TCP",
    requirement: must(
      "RFC 6455",
      "5.5.1",
      "The server MUST close the underlying TCP connection immediately.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(1000));
      await connection.expectTcpClosed();
    },
  },
];
