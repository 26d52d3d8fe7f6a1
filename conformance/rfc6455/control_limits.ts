/**
 * RFC 6455 section 5.5: control frames that are too long, or in fragments.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { continuation, frame, type FrameSpec, ping, pong, text } from "../wire/frame.ts";
import { VALIDATED } from "./validated.ts";

const limited = must(
  "RFC 6455",
  "5.5",
  "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented. " +
    VALIDATED,
);

const CONTROLS = { close: 8, ping: 9, pong: 10 };

/** A body of that length that would do, were it not so long. */
function body(name: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x61);
  if (name === "close") bytes.set([0x03, 0xe8]);
  return bytes;
}

const FRAGMENTED: Readonly<Record<string, (opcode: number, name: string) => readonly FrameSpec[]>> =
  {
    "alone": (opcode, name) => [frame(opcode, body(name, 4), { fin: false })],
    "with-its-rest": (opcode, name) => [
      frame(opcode, body(name, 4), { fin: false }),
      continuation("rest"),
    ],
    "between-fragments": (opcode, name) => [
      text("Hel", { fin: false }),
      frame(opcode, body(name, 4), { fin: false }),
      continuation("lo"),
    ],
  };

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(CONTROLS).flatMap(([name, opcode]): Case[] => [
    ...[126, 127, 256, 65536].map((length): Case => ({
      id: `rfc6455/5.5/${name}-${length}`,
      title: `a control frame (${name}) of ${length} bytes fails the connection`,
      requirement: limited,
      async run(peer) {
        const connection = await peer.connect();
        connection.send(frame(opcode, body(name, length)));
        await connection.expectFailed([1002], { mayGoOn: true });
      },
    })),
    ...Object.entries(FRAGMENTED).map(([manner, framesOf]): Case => ({
      id: `rfc6455/5.5/fragmented-${name}-${manner}`,
      title: `a control frame (${name}) without FIN, ${
        manner.replaceAll("-", " ")
      }, fails the connection`,
      requirement: limited,
      async run(peer) {
        const connection = await peer.connect();
        connection.send(...framesOf(opcode, name));
        await connection.expectFailed([1002], { mayGoOn: true });
      },
    })),
  ]),
  {
    id: "rfc6455/5.5/ping-126-between-fragments",
    title: "a Ping of 126 bytes between fragments fails the connection",
    requirement: limited,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), ping(new Uint8Array(126)), continuation("lo"));
      await connection.expectFailed([1002], { mayGoOn: true });
    },
  },
  {
    id: "rfc6455/5.5/ping-126-after-a-message",
    title: "a Ping of 126 bytes fails the connection after a message and a Pong",
    requirement: limited,
    async run(peer) {
      const connection = await peer.connect();
      const before = textMessage("before");
      connection.sendMessage(before);
      connection.send(pong("fine"), ping(new Uint8Array(126)));
      await connection.expectFailed([1002], { after: [before], mayGoOn: true });
    },
  },
];
