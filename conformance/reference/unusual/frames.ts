/**
 * Unusual servers: how they send, and what they do not take (RFC 6455 sections 5 to 7).
 *
 * @module
 */
import type { Socket } from "node:net";
import { isUtf8 } from "node:buffer";
import { type OutFrame, type Rules, strictRules as strict } from "../rules.ts";
import { closeBody, out } from "../broken/breakage.ts";
import type { Unusual } from "./unusual.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The frames of a message cut into parts of `size`, and what goes between them. */
function cut(
  size: number,
  between: readonly OutFrame[] = [],
): Rules["frames"] {
  return (opcode, payload, compressed) => {
    const step = Math.max(size, Math.ceil(payload.length / 50));
    const parts: OutFrame[] = [];
    for (let at = 0; at === 0 || at < payload.length; at += step) {
      const rsv = compressed && at === 0 ? 4 : 0;
      const fin = at + step >= payload.length;
      parts.push(out(at === 0 ? opcode : 0, payload.subarray(at, at + step), { fin, rsv }));
    }
    return parts.flatMap((part, i) => i === 0 ? [part] : [...between, part]);
  };
}

/** Writes and the end of TCP put off, in order. */
function later(delay: (turn: number) => number): () => Partial<Rules> {
  return () => {
    let turn = 0;
    let due = 0;
    const queue: (() => void)[] = [];
    const put = (action: () => void) => {
      const now = performance.now();
      due = Math.max(due, now + delay(turn++));
      queue.push(action);
      setTimeout(() => queue.shift()?.(), due - now);
    };
    return {
      write: (socket, bytes) => put(() => void (socket.writable && socket.write(bytes))),
      end: (socket) => put(() => void socket.end()),
    };
  };
}

/** Writes gathered and sent together a while after the first of them. */
function batched(milliseconds: number): () => Partial<Rules> {
  return () => {
    let waiting: Uint8Array[] = [];
    const flush = (socket: Socket) => {
      const all = waiting;
      waiting = [];
      if (socket.writable && all.length > 0) socket.write(strict.assemble(all));
    };
    return {
      write(socket, bytes) {
        if (waiting.push(bytes) === 1) setTimeout(() => flush(socket), milliseconds);
      },
      end(socket) {
        flush(socket);
        socket.end();
      },
    };
  };
}

const heartbeat = [
  out(9, bytesOf("are you there?")),
  out(10, bytesOf("I am")),
  out(10, bytesOf("")),
];

/** The servers that are unusual in their frames. */
export const frames: readonly Unusual[] = [
  { name: "echoes in fragments of seven bytes", server: { frames: cut(7) } },
  {
    name: "sends Pings and Pongs between its fragments",
    server: { frames: cut(100, heartbeat) },
  },
  {
    name: "begins and ends each message with an empty fragment",
    server: {
      frames: (opcode, payload, compressed) => [
        out(opcode, payload.subarray(0, 0), { fin: false, rsv: compressed ? 4 : 0 }),
        out(0, payload, { fin: false }),
        out(0, payload.subarray(0, 0)),
      ],
    },
  },
  {
    name: "writes single bytes",
    server: {
      write(socket, bytes) {
        const single = bytes.length > 300 ? 20 : bytes.length;
        for (let at = 0; at < single; at++) socket.write(bytes.subarray(at, at + 1));
        if (single < bytes.length) socket.write(bytes.subarray(single));
      },
    },
  },
  {
    name: "sends Pings and Pongs before each message and each Pong",
    server: {
      greet: (send) => heartbeat.forEach(send),
      frames: (...given) => [...heartbeat, ...strict.frames(...given)],
      pong: (payload) => [...heartbeat, out(10, payload)],
    },
  },
  {
    name: "sends each Pong twice",
    server: { pong: (payload) => [out(10, payload), out(10, payload)] },
  },
  {
    name: "answers Pongs with Pings",
    server: () => {
      let count = 0;
      return { answerPong: () => ++count > 5 ? [] : [out(9, bytesOf(`${count}`))] };
    },
  },
  {
    name: "answers of Pings that come at once the last",
    server: () => {
      let send: ((frame: OutFrame) => void) | null = null;
      let due: Uint8Array | null = null;
      return {
        greet: (given) => send = given,
        pong(payload) {
          if (due === null) {
            setImmediate(() => {
              if (due !== null) send?.(out(10, due));
              due = null;
            });
          }
          due = payload;
          return [];
        },
      };
    },
  },
  { name: "answers after 30 milliseconds", server: later(() => 30) },
  {
    name: "answers after up to 300 milliseconds",
    server: later((turn) => [300, 0, 120, 5, 0, 60][turn % 6] ?? 0),
    slow: true,
  },
  { name: "gathers what it sends for 20 milliseconds", server: batched(20) },
  {
    name: "sends its Pongs before echoes that are due",
    server: () => {
      const later: { readonly socket: Socket; readonly bytes: Uint8Array }[] = [];
      const flush = () => {
        for (const { socket, bytes } of later.splice(0)) if (socket.writable) socket.write(bytes);
      };
      return {
        write(socket, bytes) {
          const opcode = (bytes[0] ?? 0) & 15;
          if (opcode === 9 || opcode === 10) return void socket.write(bytes);
          if (later.push({ socket, bytes }) === 1) setTimeout(flush, 10);
          if (opcode === 8) flush();
        },
      };
    },
  },
  {
    name: "gives reasons in its Close frames",
    server: {
      closeReply: (body) =>
        closeBody(
          body.length === 0 ? 1000 : (body[0] ?? 0) * 256 + (body[1] ?? 0),
          "auf Wiedersehen, κόσμε",
        ),
      failure: (code) => closeBody(code, "x".repeat(123)),
    },
  },
  { name: "answers each Close frame with 1000", server: { closeReply: () => closeBody(1000) } },
  { name: "answers Close frames without a code", server: { closeReply: () => new Uint8Array() } },
  { name: "sends the body of a Close frame back", server: { closeReply: (body) => body } },
  {
    name: "keeps TCP open for a moment after its Close frame",
    server: { end: (socket) => void setTimeout(() => socket.end(), 80) },
  },
  { name: "takes no message of more than 1,000 bytes", server: { maxMessage: 1000 } },
  { name: "takes no message of more than 126 bytes", server: { maxMessage: 126 } },
  {
    name: "takes no message of more than 50 fragments",
    server: {
      checkOrder: (frame, state) =>
        state.fragments >= 50 && frame.opcode < 8 ? 1008 : strict.checkOrder(frame, state),
    },
  },
  {
    name: "takes no binary messages",
    server: {
      checkOpcode: (frame, state) => frame.opcode === 2 ? 1003 : strict.checkOpcode(frame, state),
    },
  },
  {
    name: "looks at a text when all of it is there",
    server: { checkText: (text, whole) => !whole || isUtf8(text) },
  },
  {
    name: "greets",
    server: { greet: (send) => send(out(1, bytesOf("Welcome! 你好"))) },
  },
  { name: "does not echo", server: { echo: () => [] } },
  {
    name: "does not echo and talks by itself",
    server: {
      greet: (send) => send(out(1, bytesOf("news"))),
      echo: () => [{ text: true, data: bytesOf("thank you") }],
    },
  },
];
