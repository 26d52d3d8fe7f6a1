/**
 * RFC 6455 sections 5.1 and 5.3: masking.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { binary, close, continuation, ping, pong, text } from "../wire/frame.ts";

const closes = must(
  "RFC 6455",
  "5.1",
  "The server MUST close the connection upon receiving a frame that is not masked.",
);

const unmasked = { mask: false } as const;

const frames = {
  text: text("Hello", unmasked),
  binary: binary("Hello", unmasked),
  empty: text("", unmasked),
  ping: ping("Hello", unmasked),
  pong: pong("Hello", unmasked),
  close: close(1000, "", unmasked),
};

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...Object.entries(frames).map(([name, frame]): Case => ({
    id: `rfc6455/5.1/unmasked-${name}`,
    title: `an unmasked frame (${name}) ends the connection`,
    requirement: closes,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(frame);
      await connection.expectFailed([1002]);
    },
  })),
  {
    id: "rfc6455/5.1/unmasked-continuation",
    title: "an unmasked continuation of a masked first fragment ends the connection",
    requirement: closes,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), continuation("lo", unmasked));
      await connection.expectFailed([1002]);
    },
  },
  {
    id: "rfc6455/5.3/zero-key",
    title: "a masking key of four zero bytes leaves the payload as it is",
    requirement: must(
      "RFC 6455",
      "5.3",
      "To convert masked data into unmasked data, or vice versa, the following algorithm is applied.",
    ),
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hello", { mask: new Uint8Array(4) }));
      await connection.expectDelivered(textMessage("Hello"));
    },
  },
];
