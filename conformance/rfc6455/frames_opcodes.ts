/**
 * RFC 6455 section 5.2: opcodes that are reserved.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { textMessage } from "../peer/sender.ts";
import { continuation, frame, type FrameSpec, ping, text } from "../wire/frame.ts";

const fails = must(
  "RFC 6455",
  "5.2",
  'Defines the interpretation of the "Payload data". If an unknown opcode is received, the receiving ' +
    "endpoint MUST _Fail the WebSocket Connection_. … %x3-7 are reserved for further non-control " +
    "frames … %xB-F are reserved for further control frames",
);

const OPCODES = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

const FRAMES: Readonly<Record<string, (opcode: number) => readonly FrameSpec[]>> = {
  "empty": (opcode) => [frame(opcode)],
  "with-payload": (opcode) => [frame(opcode, "Hello")],
  "not-final": (opcode) => [frame(opcode, "Hel", { fin: false })],
  "between-fragments": (opcode) => [
    text("Hel", { fin: false }),
    frame(opcode, "now"),
    continuation("lo"),
  ],
};

/** The cases of this section. */
export const cases: readonly Case[] = OPCODES.flatMap((opcode): Case[] => {
  const name = `opcode-${opcode.toString(16)}`;
  return [
    ...Object.entries(FRAMES).map(([manner, framesOf]): Case => ({
      id: `rfc6455/5.2/${name}-${manner}`,
      title: `a frame of the reserved opcode ${opcode} (${manner}) fails the connection`,
      requirement: fails,
      async run(peer) {
        const connection = await peer.connect();
        connection.send(...framesOf(opcode));
        await connection.expectFailed([1002]);
      },
    })),
    {
      id: `rfc6455/5.2/${name}-after-a-message`,
      title: `the reserved opcode ${opcode} fails the connection after a message and before a Ping`,
      requirement: fails,
      async run(peer) {
        const connection = await peer.connect();
        const before = textMessage("before");
        connection.sendMessage(before);
        connection.send(frame(opcode, "Hello"), ping("after"));
        await connection.expectFailed([1002], { after: [before] });
      },
    },
  ];
});
