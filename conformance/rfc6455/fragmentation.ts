/**
 * RFC 6455 section 5.4: messages in fragments, as they may come.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { continuation, fragments, OPCODE, ping, pong, text } from "../wire/frame.ts";

const received = must(
  "RFC 6455",
  "5.4",
  "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
);

const interleaved = must(
  "RFC 6455",
  "5.4",
  "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.",
);

const concatenated = must(
  "RFC 6455",
  "6.2",
  'If the frame is part of a fragmented message, the "Application data" of the subsequent data ' +
    "frames is concatenated to form the /data/. … Subsequent data frames MUST be interpreted as " +
    "belonging to a new WebSocket message.",
);

const TEXT = "The quick brown fox";

/** Lengths of all fragments of {@link TEXT} but the last, which takes the rest. */
const SPLITS: Readonly<Record<string, readonly number[]>> = {
  "two": [9],
  "three": [4, 6],
  "one-byte-each": Array.from(TEXT, () => 1),
  "first-empty": [0],
  "middle-empty": [9, 0],
  "last-empty": [TEXT.length, 0],
  "first-and-last-empty": [0, TEXT.length, 0],
  "many-empty-among": [0, 0, 3, 0, 0, 0, 5, 0],
};

/** Messages of no bytes in so many empty frames. */
const EMPTIES = [2, 3, 10];

/** What is sent in the middle, and where: after the fragment of that number. */
const TWO_PINGS: Readonly<Record<string, readonly number[]>> = {
  "after-the-first": [0],
  "after-the-middle": [1],
  "after-each": [0, 1],
};

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...Object.entries(SPLITS).flatMap(([name, split]): Case[] => [{
    id: `rfc6455/5.4/text-in-fragments-${name}`,
    title: `a text message in fragments (${name}) is delivered whole`,
    requirement: received,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage(TEXT), { split });
      await connection.exchange(textMessage("unfragmented"));
    },
  }, {
    id: `rfc6455/5.4/binary-in-fragments-${name}`,
    title: `a binary message in fragments (${name}) is delivered whole`,
    requirement: received,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(binaryMessage(peer.random.bytes(TEXT.length)), { split });
      await connection.exchange(textMessage("unfragmented"));
    },
  }]),
  ...EMPTIES.map((count): Case => ({
    id: `rfc6455/5.4/empty-message-in-${count}-fragments`,
    title: `a message of ${count} empty fragments is an empty message`,
    requirement: received,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage(""), { split: Array.from({ length: count }, () => 0) });
      await connection.exchange(textMessage("after"));
    },
  })),
  ...[100, 1000].map((count): Case => ({
    id: `rfc6455/5.4/text-in-${count}-fragments`,
    title: `a text message in ${count} fragments is delivered whole`,
    requirement: received,
    async run(peer) {
      const connection = await peer.connect();
      const letters = peer.random.bytes(count * 2).map((byte) => 0x61 + byte % 26);
      const split = Array.from({ length: count }, () => 2);
      await connection.exchange(textMessage(letters), { split });
    },
  })),
  ...[1, 125, 126, 65535, 65536].map((length): Case => ({
    id: `rfc6455/5.4/fragments-of-${length}-bytes`,
    title: `a message in three fragments of ${length} bytes is delivered whole`,
    requirement: received,
    async run(peer) {
      const connection = await peer.connect();
      const data = Uint8Array.from({ length: length * 3 }, (_, i) => i % 251);
      await connection.exchange(binaryMessage(data), { split: [length, length] });
    },
  })),
  ...Object.entries(TWO_PINGS).map(([name, places]): Case => ({
    id: `rfc6455/5.4/pings-${name}-fragment`,
    title: `Pings ${name.replaceAll("-", " ")} fragment are answered and the message is whole`,
    requirement: interleaved,
    async run(peer) {
      const connection = await peer.connect();
      for (const [i, part] of fragments(OPCODE.text, TEXT, [4, 6]).entries()) {
        connection.send(part);
        if (!places.includes(i)) continue;
        connection.send(ping(`ping ${i}`));
        await connection.expectPong(`ping ${i}`);
      }
      await connection.expectDelivered(textMessage(TEXT));
    },
  })),
  {
    id: "rfc6455/5.4/many-pings-between-fragments",
    title: "twenty Pings between two fragments leave the message whole",
    requirement: interleaved,
    async run(peer) {
      const connection = await peer.connect();
      const pings = Array.from({ length: 20 }, (_, i) => ping(`ping ${i}`));
      connection.send(text("Hel", { fin: false }), ...pings);
      await connection.expectPong("ping 19");
      connection.send(continuation("lo"));
      await connection.expectDelivered(textMessage("Hello"));
    },
  },
  {
    id: "rfc6455/5.4/pong-between-fragments",
    title: "a Pong between two fragments leaves the message whole",
    requirement: interleaved,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), pong("unasked"), continuation("lo"));
      await connection.expectDelivered(textMessage("Hello"));
    },
  },
  {
    id: "rfc6455/5.4/all-in-one-segment",
    title: "fragments with Pings among them are read where they come in one segment",
    requirement: interleaved,
    async run(peer) {
      const connection = await peer.connect();
      const parts = fragments(OPCODE.text, TEXT, [4, 0, 6]);
      connection.send(...parts.flatMap((part) => [part, ping("now")]));
      await connection.expectDelivered(textMessage(TEXT));
    },
  },
  {
    id: "rfc6455/6.2/not-delivered-before-its-end",
    title: "of a message whose last fragment has not come, nothing is delivered as a whole message",
    requirement: concatenated,
    needs: ["echo"],
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), continuation("lo", { fin: false }));
      await connection.expectNoMessage("its last fragment has not come");
      connection.send(continuation("!"));
      await connection.expectDelivered(textMessage("Hello!"));
    },
  },
  {
    id: "rfc6455/6.2/type-of-the-first-fragment",
    title: "messages of either type in fragments, one after the other, keep type and content",
    requirement: concatenated,
    async run(peer) {
      const connection = await peer.connect();
      const messages = Array.from({ length: 10 }, (_, i) => {
        const data = `message ${i}`;
        return i % 2 === 0 ? textMessage(data) : binaryMessage(data);
      });
      connection.send(
        ...messages.flatMap((message, i) => connection.framesOf(message, { split: [i % 4, 2] })),
      );
      await connection.expectDelivered(...messages);
    },
  },
];
