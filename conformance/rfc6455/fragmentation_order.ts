/**
 * RFC 6455 section 5.4: fragments that do not follow from one another.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { binary, continuation, type FrameSpec, ping, text } from "../wire/frame.ts";
import { VALIDATED } from "./validated.ts";

const unbegun = must(
  "RFC 6455",
  "5.4",
  "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than " +
    "0, followed by zero or more frames with the FIN bit clear and the opcode set to 0, and " +
    `terminated by a single frame with the FIN bit set and an opcode of 0. ${VALIDATED}`,
);

const interleaved = must(
  "RFC 6455",
  "5.4",
  "The fragments of one message MUST NOT be interleaved between the fragments of another message " +
    `unless an extension has been negotiated that can interpret the interleaving. ${VALIDATED}`,
);

/** Continuations of no message that was begun. */
const UNBEGUN: Readonly<Record<string, readonly FrameSpec[]>> = {
  "final": [continuation("lo")],
  "final-empty": [continuation("")],
  "not-final": [continuation("lo", { fin: false })],
  "not-final-empty": [continuation("", { fin: false })],
  "not-final-then-final": [continuation("Hel", { fin: false }), continuation("lo")],
  "before-a-message": [continuation("lo", { fin: false }), text("Hello")],
  "after-a-ping": [ping("now"), continuation("lo")],
};

/** Data frames that begin a message inside another. */
const INTERLEAVED: Readonly<Record<string, readonly FrameSpec[]>> = {
  "text-in-text": [text("Hel", { fin: false }), text("new")],
  "binary-in-binary": [binary("Hel", { fin: false }), binary("new")],
  "text-in-binary": [binary("Hel", { fin: false }), text("new")],
  "binary-in-text": [text("Hel", { fin: false }), binary("new")],
  "empty-text-in-text": [text("Hel", { fin: false }), text("")],
  "fragment-in-text": [text("Hel", { fin: false }), text("ne", { fin: false })],
  "fragments-of-two-messages": [
    text("Hel", { fin: false }),
    text("ne", { fin: false }),
    continuation("lo"),
    continuation("w"),
  ],
  "text-after-a-continuation": [
    text("Hel", { fin: false }),
    continuation("l", { fin: false }),
    text("new"),
  ],
  "text-instead-of-a-continuation": [text("Hel", { fin: false }), ping("now"), text("lo")],
  "text-after-an-empty-first": [text("", { fin: false }), text("new")],
};

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(UNBEGUN).map(([name, frames]): Case => ({
    id: `rfc6455/5.4/continuation-of-nothing-${name}`,
    title: `a continuation where no message was begun (${name}) fails the connection`,
    requirement: unbegun,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...frames);
      await connection.expectFailed([1002], { mayGoOn: true });
    },
  })),
  ...[1, 2].map((count): Case => ({
    id: `rfc6455/5.4/continuation-of-nothing-after-message-of-${count}-frames`,
    title: `a continuation after a whole message of ${count} frames fails the connection`,
    requirement: unbegun,
    async run(peer) {
      const connection = await peer.connect();
      const message = textMessage("Hello");
      connection.sendMessage(message, { split: count === 1 ? [] : [3] });
      connection.send(continuation("more"));
      await connection.expectFailed([1002], { after: [message], mayGoOn: true });
    },
  })),
  ...Object.entries(INTERLEAVED).map(([name, frames]): Case => ({
    id: `rfc6455/5.4/interleaved-${name}`,
    title: `a message begun inside another (${name}) fails the connection`,
    requirement: interleaved,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(...frames);
      // A server that takes no binary messages may say so first.
      await connection.expectFailed(name.includes("binary") ? [1002, 1003] : [1002], {
        mayGoOn: true,
      });
    },
  })),
];
