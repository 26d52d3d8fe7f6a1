/**
 * Servers that get messages wrong: fragments, order, volume and what connections share (RFC 6455
 * sections 5.4 to 6.2).
 *
 * @module
 */
import { isUtf8 } from "node:buffer";
import { type EchoMessage, type OutFrame, type Rules, strictRules as strict } from "../rules.ts";
import { type Breakage, IN_ANY_STREAM, out, passing, withByte } from "./breakage.ts";

const FRAGMENTS = "RFC 6455 5.4 MUST";
const RECEIVED = "RFC 6455 6.2 MUST";
const LENGTH = "RFC 6455 5.2 MUST";

const assembling = (assemble: (parts: readonly Uint8Array[]) => readonly Uint8Array[]) => ({
  assemble: (parts: readonly Uint8Array[]) => strict.assemble(assemble(parts)),
});

/** Counts the messages of each connection. */
function counting(
  echo: (message: EchoMessage, count: number) => readonly EchoMessage[],
): () => Partial<Rules> {
  return () => {
    let count = 0;
    return { echo: (message) => echo(message, ++count) };
  };
}

/** Echoes with data changed. */
const changing = (change: (data: Uint8Array, text: boolean) => Uint8Array): Partial<Rules> => ({
  echo: ({ text, data }) => [{ text, data: change(data, text) }],
});

const IN_FRAGMENTS = {
  "rfc6455/5.3/*": "messages in fragments",
  "rfc6455/5.5*": "messages in fragments",
  "rfc6455/5.6/*": "messages in fragments",
  "rfc6455/*/any-stream-*": IN_ANY_STREAM,
  "rfc6455/6.2/*": "messages in fragments",
  "rfc6455/8.1/*": "messages in fragments",
  "rfc7692/*": "messages in fragments",
};

const FRAGMENTED: readonly Breakage[] = [
  {
    name: "puts fragments together backwards",
    breaks: FRAGMENTS,
    server: assembling((parts) => [...parts].reverse()),
    foundBy: ["rfc6455/5.4/binary-in-fragments-three"],
    also: IN_FRAGMENTS,
  },
  {
    name: "swaps the second and the third of four fragments and more",
    breaks: FRAGMENTS,
    server: assembling(([a, b, c, d, ...rest]) =>
      [a, ...d === undefined ? [b, c] : [c, b], d, ...rest].filter((part) => part !== undefined)
    ),
    foundBy: ["rfc6455/5.4/*in-fragments-*"],
    also: IN_FRAGMENTS,
  },
  {
    name: "loses the last fragment of messages of a hundred and more",
    breaks: FRAGMENTS,
    server: assembling((parts) => parts.length < 100 ? parts : parts.slice(0, -1)),
    foundBy: ["rfc6455/5.4/text-in-100-fragments"],
  },
  {
    name: "counts fragments in a byte",
    breaks: FRAGMENTS,
    server: assembling((parts) => parts.slice(-(parts.length % 256 || 256))),
    foundBy: ["rfc6455/5.4/text-in-1000-fragments"],
  },
  {
    name: "takes an empty fragment for the end of the message",
    breaks: FRAGMENTS,
    server: assembling((parts) => {
      const empty = parts.findIndex(({ length }, i) => length === 0 && i > 0);
      return empty < 0 ? parts : parts.slice(0, empty);
    }),
    foundBy: ["rfc6455/5.4/text-in-fragments-middle-empty"],
    also: IN_FRAGMENTS,
  },
  {
    name: "loses messages whose last fragment is empty",
    breaks: FRAGMENTS,
    server: () => {
      let lost = false;
      return {
        assemble(parts) {
          lost = parts.length > 1 && parts.at(-1)?.length === 0;
          return strict.assemble(parts);
        },
        echo: (message) => lost ? [] : [message],
      };
    },
    foundBy: ["rfc6455/5.4/binary-in-fragments-last-empty"],
    also: IN_FRAGMENTS,
  },
  {
    name: "echoes each fragment as a message",
    breaks: FRAGMENTS,
    server: () => {
      let parts: readonly Uint8Array[] = [];
      return {
        assemble(fragments) {
          parts = fragments;
          return strict.assemble(fragments);
        },
        echo: ({ text, data }) =>
          parts.length > 1 && parts.every((part) => isUtf8(part))
            ? parts.map((part) => ({ text, data: part }))
            : [{ text, data }],
      };
    },
    foundBy: ["rfc6455/5.4/text-in-fragments-two"],
    also: IN_FRAGMENTS,
  },
  {
    name: "gives a message in fragments the type of the one before",
    breaks: RECEIVED,
    server: () => {
      let before = false;
      let fragmented = false;
      return {
        assemble(parts) {
          fragmented = parts.length > 1;
          return strict.assemble(parts);
        },
        echo({ text, data }) {
          const type = fragmented && isUtf8(data) && before;
          before = text;
          return [{ text: fragmented ? type : text, data }];
        },
      };
    },
    foundBy: ["rfc6455/6.2/*"],
    also: { "rfc*": "messages in fragments" },
  },
  {
    name: "passes over continuations of nothing",
    breaks: FRAGMENTS,
    server: () => {
      let stray = false;
      return {
        checkOrder(frame, state) {
          if (frame.opcode === 0 && !state.fragmented) {
            stray = frame.fin;
            return frame.fin ? null : 1002;
          }
          return strict.checkOrder(frame, state);
        },
        echo(message) {
          const echoed = stray ? [] : [message];
          stray = false;
          return echoed;
        },
      };
    },
    verdict: "warn",
    foundBy: ["rfc6455/5.4/continuation-of-nothing-final"],
    also: { "rfc6455/7.1*": "those cases use it as their violation" },
  },
  {
    name: "takes continuations of nothing after a message in fragments",
    breaks: FRAGMENTS,
    server: () => {
      let many = false;
      return {
        checkOrder: passing(strict.checkOrder, ({ opcode }) => opcode === 0 && many),
        assemble(parts) {
          many = parts.length > 1;
          return strict.assemble(parts);
        },
      };
    },
    foundBy: ["rfc6455/5.4/continuation-of-nothing-after-message-of-2-frames"],
  },
  {
    name: "gives a message up for another that begins inside it",
    breaks: FRAGMENTS,
    server: { checkOrder: passing(strict.checkOrder, ({ opcode }) => opcode > 0) },
    foundBy: ["rfc6455/5.4/interleaved-text-in-text"],
  },
  {
    name: "takes a message inside another if it is of the other type",
    breaks: FRAGMENTS,
    server: () => {
      let begun = 0;
      return {
        checkOrder(frame, state) {
          if (frame.opcode < 1 || frame.opcode > 2) return strict.checkOrder(frame, state);
          const wrong = state.fragmented && frame.opcode === begun;
          if (!state.fragmented) begun = frame.opcode;
          return wrong ? 1002 : null;
        },
      };
    },
    foundBy: ["rfc6455/5.4/interleaved-text-in-binary"],
  },
  {
    name: "echoes a message before its last fragment came",
    breaks: "RFC 6455 6.2 MUST",
    server: () => {
      let send = (_: OutFrame) => {};
      let opcode = 0;
      return {
        greet: (given) => send = given,
        checkOrder(frame, state) {
          opcode = frame.fin ? 0 : frame.opcode;
          return strict.checkOrder(frame, state);
        },
        unmask(payload, key) {
          const data = strict.unmask(payload, key);
          if (opcode > 0 && isUtf8(data)) send(out(opcode, data));
          return data;
        },
      };
    },
    foundBy: ["rfc6455/6.2/not-delivered-before-its-end"],
    also: { "rfc*": "all that send messages in fragments" },
  },
  {
    name: "begins a new message for each fragment that it sends",
    breaks: FRAGMENTS,
    server: {
      frames: (opcode, payload, compressed) =>
        compressed || payload.length < 200 ? strict.frames(opcode, payload, compressed) : [
          out(opcode, payload.subarray(0, 100), { fin: false }),
          out(opcode, payload.subarray(100)),
        ],
    },
    foundBy: ["rfc6455/5.4/server-fragments-in-order"],
    also: { "*": "no such message can be read" },
  },
  {
    name: "sends a Pong in fragments where it is long",
    breaks: FRAGMENTS,
    server: {
      pong: (payload) =>
        payload.length < 100 ? [out(10, payload)] : [
          out(10, payload.subarray(0, 50), { fin: false }),
          out(0, payload.subarray(50)),
        ],
    },
    foundBy: ["rfc6455/5.4/server-control-frames-unfragmented", "rfc6455/5.5.2/ping-125"],
    also: {
      "rfc6455/5.3/*": "those Pongs are not the ones that are due",
      "rfc6455/5.5*": "those Pongs are not the ones that are due",
    },
  },
];

const shared: { last: EchoMessage | null; turn: number } = { last: null, turn: 0 };

const VOLUME: readonly Breakage[] = [
  {
    name: "loses every 777th message",
    breaks: RECEIVED,
    server: counting((message, count) => count % 777 === 0 ? [] : [message]),
    foundBy: ["rfc6455/6.2/thousand-messages-of-*"],
    also: { "rfc6455/5.4/thousand-messages-in-fragments": "it is the 777th of those, too" },
  },
  {
    name: "sends every 333rd message twice",
    breaks: RECEIVED,
    server: counting((message, count) => count % 333 === 0 ? [message, message] : [message]),
    foundBy: ["rfc6455/6.2/thousand-messages-of-*"],
    also: { "rfc6455/5.4/thousand-messages-in-fragments": "it is the 333rd of those, too" },
  },
  {
    name: "swaps the 500th and the 501st message",
    breaks: RECEIVED,
    server: () => {
      let count = 0;
      let held: EchoMessage | null = null;
      return {
        echo(message) {
          if (++count === 500) {
            held = message;
            return [];
          }
          const before = held;
          held = null;
          return before === null ? [message] : [message, before];
        },
      };
    },
    foundBy: ["rfc6455/6.2/thousand-messages-of-*"],
    also: { "rfc6455/5.4/thousand-messages-in-fragments": "they are among those, too" },
  },
  {
    name: "makes every 400th message binary",
    breaks: RECEIVED,
    server: counting(({ text, data }, count) => [
      { text: text && count % 400 !== 0, data },
    ]),
    foundBy: ["rfc6455/6.2/thousand-messages-of-*"],
    also: { "rfc6455/5.4/thousand-messages-in-fragments": "it is the 400th of those, too" },
  },
  {
    name: "changes the last byte of every 900th message",
    breaks: RECEIVED,
    server: counting(({ text, data }, count) => [
      { text, data: count % 900 === 0 ? withByte(data, data.length - 1, 1) : data },
    ]),
    foundBy: ["rfc6455/6.2/thousand-messages-of-*"],
    also: { "rfc6455/5.4/thousand-messages-in-fragments": "it is the 900th of those, too" },
  },
  {
    name: "answers the hundredth message with the one before",
    breaks: RECEIVED,
    server: () => {
      let count = 0;
      let before: EchoMessage | null = null;
      return {
        echo(message) {
          const echoed = ++count === 100 && before !== null ? before : message;
          before = message;
          return [echoed];
        },
      };
    },
    foundBy: ["rfc6455/6.2/hundred-messages-one-by-one"],
    also: { "rfc6455/*": "all that send a hundred", "rfc7692/*": "all that send a hundred" },
  },
  {
    name: "changes a byte in messages of more than 64 KiB",
    breaks: LENGTH,
    server: changing((data, text) =>
      data.length > 65536 ? withByte(data, 40_000, text ? 0 : 0x80) : data
    ),
    foundBy: ["rfc6455/5.2/binary-of-65537"],
    also: { "rfc*": "all that send as much" },
  },
  {
    name: "changes a letter in texts of more than 64 KiB",
    breaks: LENGTH,
    server: changing((data, text) => {
      const at = text && data.length > 65536 ? data.findLastIndex((byte) => byte === 0x61) : -1;
      return withByte(data, at, 3);
    }),
    foundBy: ["rfc6455/5.2/text-of-65537"],
    also: { "rfc*": "all that send as much" },
  },
  {
    name: "sends messages of 4,096 bytes without the last",
    breaks: LENGTH,
    server: changing((data) => data.subarray(0, data.length === 4096 ? -1 : data.length)),
    foundBy: ["rfc6455/5.2/binary-of-4096"],
    also: { "rfc7692/*": "all that send as much" },
  },
  {
    name: "does not echo empty messages",
    breaks: LENGTH,
    server: { echo: (message) => message.data.length === 0 ? [] : [message] },
    foundBy: ["rfc6455/5.2/text-of-0"],
    also: { "rfc*": "all that send an empty message" },
  },
  {
    name: "loses a message that comes in one segment with the one before",
    breaks: RECEIVED,
    server: () => {
      let busy = false;
      return {
        echo(message) {
          const echoed = busy ? [] : [message];
          busy = true;
          setImmediate(() => busy = false);
          return echoed;
        },
      };
    },
    foundBy: ["rfc6455/6.2/merged-2-messages"],
    also: { "rfc*": "all that send messages at once" },
  },
  {
    name: "sends a message to whoever sent the one before",
    breaks: RECEIVED,
    server: {
      echo(message) {
        const turn = ++shared.turn;
        const before = shared.last;
        shared.last = message;
        return [turn % 50 === 0 && before !== null ? before : message];
      },
    },
    foundBy: ["rfc6455/6.2/*"],
    also: { "*": "it happens to the messages of any case" },
  },
];

/** The servers that break a requirement of messages. */
export const messages: readonly Breakage[] = [...FRAGMENTED, ...VOLUME];
