/**
 * RFC 6455 sections 5.4 and 6.2: many messages and connections, kept in order and apart.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { Refused, Skipped } from "../peer/finding.ts";
import type { Message } from "../peer/incoming.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { bytesOf, concat } from "../wire/bytes.ts";
import { bytesOfLength, textOfLength } from "./content.ts";

const inOrder = must(
  "RFC 6455",
  "5.4",
  "Message fragments MUST be delivered to the recipient in the order sent by the sender.",
);

const whole = must(
  "RFC 6455",
  "6.2",
  'The "Application data" from this frame is defined as the /data/ of the message. If the frame ' +
    "comprises an unfragmented message (Section 5.4), it is said that _A WebSocket Message Has Been " +
    "Received_ with type /type/ and data /data/. … Subsequent data frames MUST be interpreted as " +
    "belonging to a new WebSocket message.",
);

/** Messages of both types that no other of them is like. */
function numbered(peer: Peer, count: number, size: (i: number) => number): Message[] {
  return Array.from({ length: count }, (_, i) => {
    const number = bytesOf(`message ${i} `);
    return i % 3 === 2
      ? binaryMessage(concat([number, bytesOfLength(peer.random, size(i))]))
      : textMessage(concat([number, textOfLength(size(i))]));
  });
}

/**
 * So many connections, all open. The case is skipped where the server does not admit that many, also
 * alone: amid a crowd a refusal says nothing of that.
 */
async function connectMany(peer: Peer, count: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  while (connections.length < count) {
    try {
      connections.push(await peer.connect());
    } catch (error) {
      if (!(error instanceof Refused) || connections.length === 0 || peer.crowded) throw error;
      throw new Skipped(`the server admits ${connections.length} connections at once`);
    }
  }
  return connections;
}

function together(count: number, full: boolean): Case {
  return {
    id: `rfc6455/6.2/${count}-connections`,
    title: `${count} connections at once are each delivered their own messages`,
    requirement: whole,
    ...(full ? { needs: ["full"] } : {}),
    async run(peer) {
      const connections = await connectMany(peer, count);
      const messages = connections.map((_, i) => textMessage(`on connection ${i}`));
      for (const [i, connection] of connections.entries()) {
        connection.sendMessage(messages[i] ?? textMessage(""));
      }
      for (const [i, connection] of connections.entries()) {
        await connection.expectDelivered(messages[i] ?? textMessage(""));
      }
    },
  };
}

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...[0, 16, 64, 256, 1024].map((size): Case => ({
    id: `rfc6455/6.2/thousand-messages-of-${size}`,
    title: `a thousand messages of ${size} bytes and a number keep order, content and type`,
    requirement: whole,
    async run(peer) {
      const connection = await peer.connect();
      const messages = numbered(peer, 1000, () => size);
      connection.send(...messages.flatMap((message) => connection.framesOf(message)));
      await connection.expectDelivered(...messages);
    },
  })),
  {
    id: "rfc6455/6.2/thousand-messages-of-many-sizes",
    title: "a thousand messages of 0 to 2,000 bytes keep order, content and type",
    requirement: whole,
    async run(peer) {
      const connection = await peer.connect();
      const messages = numbered(peer, 1000, (i) => i % 50 === 0 ? 2000 : i % 140);
      connection.send(...messages.flatMap((message) => connection.framesOf(message)));
      await connection.expectDelivered(...messages);
    },
  },
  {
    id: "rfc6455/5.4/thousand-messages-in-fragments",
    title: "a thousand messages in fragments keep order, content and type",
    requirement: inOrder,
    async run(peer) {
      const connection = await peer.connect();
      const messages = numbered(peer, 1000, (i) => i % 40);
      connection.send(
        ...messages.flatMap((message, i) =>
          connection.framesOf(message, { split: [i % 7, i % 5, i % 3] })
        ),
      );
      await connection.expectDelivered(...messages);
    },
  },
  {
    id: "rfc6455/6.2/hundred-messages-one-by-one",
    title: "a hundred messages, each sent when the one before was delivered, are delivered",
    requirement: whole,
    async run(peer) {
      const connection = await peer.connect();
      for (const message of numbered(peer, 100, (i) => i)) await connection.exchange(message);
    },
  },
  {
    id: "rfc6455/6.2/large-and-small-in-turn",
    title: "small messages behind large ones do not overtake them",
    requirement: whole,
    async run(peer) {
      const connection = await peer.connect();
      const messages = numbered(peer, 20, (i) => i % 2 === 0 ? 60_000 : 1);
      connection.send(...messages.flatMap((message) => connection.framesOf(message)));
      await connection.expectDelivered(...messages);
    },
  },
  together(10, false),
  together(50, false),
  together(300, true),
];
