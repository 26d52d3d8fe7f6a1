/**
 * RFC 6455 sections 5.1 and 5.3: masking.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import { concat, fromHex } from "../wire/bytes.ts";
import { binary, close, continuation, frame, ping, pong, text } from "../wire/frame.ts";

const closes = must(
  "RFC 6455",
  "5.1",
  "The server MUST close the connection upon receiving a frame that is not masked. In this case, a " +
    "server MAY send a Close frame with a status code of 1002 (protocol error) as defined in " +
    "Section 7.4.1.",
);

const unmasks = must(
  "RFC 6455",
  "5.3",
  'Octet i of the transformed data ("transformed-octet-i") is the XOR of octet i of the original ' +
    'data ("original-octet-i") with octet at index i modulo 4 of the masking key ' +
    '("masking-key-octet-j") … (6.2) A server MUST remove masking for data frames received from a client ' +
    "as described in Section 5.3.",
);

const removes = must(
  "RFC 6455",
  "6.2",
  "A server MUST remove masking for data frames received from a client as described in Section 5.3.",
);

/** The Close frame is left to the server here, so that none is right too. */
const ALLOWED = [1002, null];

const unmasked = { mask: false } as const;

const frames = {
  "text": text("Hello", unmasked),
  "binary": binary("Hello", unmasked),
  "empty": text("", unmasked),
  "long": binary(new Uint8Array(300), unmasked),
  "first-fragment": text("Hel", { ...unmasked, fin: false }),
  "ping": ping("Hello", unmasked),
  "empty-ping": ping("", unmasked),
  "pong": pong("Hello", unmasked),
  "close": close(1000, "", unmasked),
  "empty-close": close(null, "", unmasked),
};

/** Masking keys that a shortcut would get wrong. */
const KEYS = {
  "zero-key": "00 00 00 00",
  "ones-key": "ff ff ff ff",
  "first-byte-only-key": "5a 00 00 00",
  "second-byte-only-key": "00 5a 00 00",
  "third-byte-only-key": "00 00 5a 00",
  "fourth-byte-only-key": "00 00 00 5a",
  "high-bits-key": "80 80 80 80",
  "rising-key": "01 02 03 04",
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
      await connection.expectFailed(ALLOWED);
    },
  })),
  {
    id: "rfc6455/5.1/unmasked-continuation",
    title: "an unmasked continuation of a masked first fragment ends the connection",
    requirement: closes,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), continuation("lo", unmasked));
      await connection.expectFailed(ALLOWED);
    },
  },
  {
    id: "rfc6455/5.1/unmasked-after-masked",
    title: "an unmasked frame ends the connection also after messages that were masked",
    requirement: closes,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage("masked"));
      connection.send(text("unmasked", unmasked));
      await connection.expectFailed(ALLOWED);
    },
  },
  {
    id: "rfc6455/5.1/unmasked-ping-between-fragments",
    title: "an unmasked Ping between masked fragments ends the connection",
    requirement: closes,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(text("Hel", { fin: false }), ping("", unmasked), continuation("lo"));
      await connection.expectFailed(ALLOWED);
    },
  },
  ...Object.entries(KEYS).map(([name, key]): Case => ({
    id: `rfc6455/5.3/${name}`,
    title: `what is masked with the key ${key} is unmasked with it`,
    requirement: unmasks,
    async run(peer) {
      const connection = await peer.connect();
      const mask = fromHex(key);
      const data = Uint8Array.from({ length: 256 }, (_, i) => i);
      connection.send(text("Hello", { mask }), binary(data, { mask }), ping("Hello", { mask }));
      await connection.expectDelivered(textMessage("Hello"), binaryMessage(data));
    },
  })),
  {
    id: "rfc6455/5.3/any-length-and-start",
    title: "the key starts anew with each frame, whatever the length of the one before",
    requirement: unmasks,
    async run(peer) {
      const connection = await peer.connect();
      const messages = Array.from({ length: 40 }, (_, n) => binaryMessage(peer.random.bytes(n)));
      connection.send(...messages.map(({ data }) => binary(data)));
      await connection.expectDelivered(...messages);
    },
  },
  {
    id: "rfc6455/5.3/key-starts-anew-with-each-fragment",
    title: "each fragment is unmasked with its own key from the key's first byte",
    requirement: unmasks,
    async run(peer) {
      const connection = await peer.connect();
      const parts = [1, 2, 3, 5, 7, 1].map((length) => peer.random.bytes(length));
      connection.send(
        ...parts.map((part, i) => frame(i === 0 ? 2 : 0, part, { fin: i === parts.length - 1 })),
      );
      await connection.expectDelivered(binaryMessage(concat(parts)));
    },
  },
  {
    id: "rfc6455/5.3/key-of-a-ping-between-fragments",
    title: "a Ping between fragments is unmasked with its own key, and so are they",
    requirement: unmasks,
    async run(peer) {
      const connection = await peer.connect();
      const parts = [7, 9, 5].map((length) => peer.random.bytes(length));
      connection.send(
        ...parts.flatMap((part, i) => [
          frame(i === 0 ? 2 : 0, part, { fin: i === parts.length - 1 }),
          ping(peer.random.bytes(3)),
        ]),
      );
      await connection.expectDelivered(binaryMessage(concat(parts)));
    },
  },
  ...[1001, 4099, 65_538].map((length): Case => ({
    id: `rfc6455/5.3/all-of-${length}-bytes`,
    title: `all of a payload of ${length} bytes is unmasked, to the last of them`,
    requirement: unmasks,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(binaryMessage(peer.random.bytes(length)));
    },
  })),
  ...[1, 2, 3, 5, 7].map((size): Case => ({
    id: `rfc6455/6.2/unmasked-across-segments-of-${size}`,
    title: `a message that comes in segments of ${size} bytes is unmasked as one`,
    requirement: removes,
    async run(peer) {
      const connection = await peer.connect();
      const data = peer.random.bytes(61);
      await connection.sendInPieces(size, binary(data));
      await connection.expectDelivered(binaryMessage(data));
    },
  })),
  ...[1, 3, 125].map((length): Case => ({
    id: `rfc6455/5.3/ping-of-${length}-unmasked`,
    title: `the Pong for a Ping of ${length} bytes has them unmasked`,
    requirement: unmasks,
    async run(peer) {
      const connection = await peer.connect();
      const payload = peer.random.bytes(length);
      connection.send(ping(payload, { mask: fromHex("9d 27 e1 5c") }));
      await connection.expectPong(payload);
    },
  })),
];
