import { describe, it } from "node:test";
import { isUtf8 } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { encodeOut, type InState, type OutFrame, type Rules } from "../reference/rules.ts";
import { strictRules } from "../reference/rules.ts";
import { startReference } from "../reference/server.ts";
import { runConformance } from "../runner/run.ts";
import type { ConformanceOptions } from "../runner/options.ts";

async function verdictsOf(rules: Partial<Rules>, options: Partial<ConformanceOptions>) {
  const server = await startReference(rules);
  try {
    const timeout = 1000;
    const report = await runConformance({ url: server.url, seed: 1, timeout, ...options });
    return report.cases;
  } finally {
    await server.close();
  }
}

const strict = strictRules;
const out = (opcode: number, payload: Uint8Array, fin = true): OutFrame => ({
  fin,
  rsv: 0,
  opcode,
  payload,
});
const body = (code: number) => Uint8Array.of(code >> 8, code & 255);
const allowing = (allowed: (opcode: number) => boolean): Rules["checkOpcode"] => (head, state) =>
  allowed(head.opcode) ? null : strict.checkOpcode(head, state);
const toMarker = (mark: (bytes: Uint8Array) => void): Rules["encode"] => (frame) => {
  const bytes = encodeOut(frame);
  mark(bytes);
  return bytes;
};
const readingOn = { readsOn: true, end: () => {} } as const;
const inFragment = ({ fragmented }: InState) => fragmented;

/** Broken servers, each with the case that finds it and the verdict that it gets. */
const BROKEN: Readonly<Record<string, readonly [Partial<Rules>, id: string, "fail" | "warn"]>> = {
  "takes unmasked frames": [{ checkMask: () => null }, "5.1/unmasked-text", "fail"],
  "takes unmasked control frames": [
    { checkMask: ({ masked, opcode }) => masked || opcode > 7 ? null : 1002 },
    "5.1/unmasked-ping",
    "fail",
  ],
  "begins the key with its second byte": [
    { unmask: (data, key) => data.map((byte, i) => byte ^ (key[(i + 1) % 4] ?? 0)) },
    "5.3/first-byte-only-key",
    "fail",
  ],
  "takes RSV2": [
    { checkRsv: (head, state) => strict.checkRsv({ ...head, rsv: head.rsv & 5 }, state) },
    "5.2/rsv2-on-text",
    "fail",
  ],
  "takes reserved bits on continuations": [
    { checkRsv: (head, state) => head.opcode === 0 ? null : strict.checkRsv(head, state) },
    "5.2/rsv1-on-last-fragment",
    "fail",
  ],
  "takes reserved bits on control frames": [
    { checkRsv: (head, state) => head.opcode > 7 ? null : strict.checkRsv(head, state) },
    "5.2/all-rsv-on-pong",
    "fail",
  ],
  "passes over opcode 5": [
    { checkOpcode: allowing((code) => code === 5) },
    "5.2/opcode-5-empty",
    "fail",
  ],
  "passes over control opcodes": [
    { checkOpcode: allowing((code) => code > 10) },
    "5.2/opcode-f-with-payload",
    "fail",
  ],
  "reads long lengths without their highest bit": [
    {
      checkLength: () => null,
      lengthOf: ({ length }) => BigInt.asUintN(63, length),
      maxMessage: Number.MAX_VALUE,
    },
    "5.2/high-bit-over-5-bytes",
    "fail",
  ],
  "cuts lengths down to 32 bits": [
    { lengthOf: ({ length }) => BigInt.asUintN(32, length), maxMessage: Number.MAX_VALUE },
    "5.2/length-above-32-bits",
    "fail",
  ],
  "takes lengths in more bytes than they need": [
    { checkLength: () => null },
    "5.2/length-125-in-16-bits-refused",
    "warn",
  ],
  "loses empty first fragments": [
    {
      checkOrder: (head, state) => state.fragments === 1 ? null : strict.checkOrder(head, state),
      assemble: (parts) => strict.assemble(parts.length > 1 ? parts.slice(1) : parts),
    },
    "5.4/text-in-fragments-two",
    "fail",
  ],
  "puts fragments together backwards": [
    { assemble: (parts) => strict.assemble([...parts].reverse()) },
    "5.4/binary-in-fragments-three",
    "fail",
  ],
  "passes over continuations of nothing": [
    {
      checkOrder: (head, state) => head.opcode === 0 ? null : strict.checkOrder(head, state),
      echo: () => [],
    },
    "5.4/continuation-of-nothing-not-final",
    "warn",
  ],
  "takes a new message inside another": [
    { checkOrder: (head, state) => head.opcode > 0 ? null : strict.checkOrder(head, state) },
    "5.4/interleaved-text-in-text",
    "fail",
  ],
  "answers no Ping between fragments": [
    { pong: (data, state) => inFragment(state) ? [] : [out(10, data)] },
    "5.4/pings-after-the-first-fragment",
    "fail",
  ],
  "answers Pings without their payload": [
    { pong: (data) => data.length > 100 ? [out(10, data.subarray(0, 100))] : [out(10, data)] },
    "5.5.2/ping-125",
    "fail",
  ],
  "answers Pings as if they were text": [
    { pong: (data) => [out(10, isUtf8(data) ? data : new TextEncoder().encode("?"))] },
    "5.5.3/ping-of-bytes-that-are-no-utf8",
    "fail",
  ],
  "takes Pongs for messages": [
    { answerPong: (data) => [out(2, data)] },
    "5.5.3/unsolicited-pong-of-5",
    "fail",
  ],
  "takes long Pings": [
    {
      checkControl: ({ opcode, fin }) => opcode > 7 && !fin ? 1002 : null,
      pong: () => [out(10, new Uint8Array())],
    },
    "5.5/ping-126",
    "fail",
  ],
  "takes fragmented Pongs": [
    { checkControl: (head, state) => head.opcode === 10 ? null : strict.checkControl(head, state) },
    "5.5/fragmented-pong-alone",
    "warn",
  ],
  "takes any bytes for text": [{ checkText: () => true }, "8.1/byte-ff-in-middle", "fail"],
  "checks UTF-8 fragment by fragment": [
    { checkText: (text) => isUtf8(text) },
    "5.6/text-cut-after-byte-2",
    "fail",
  ],
  "takes surrogates": [
    {
      checkText: (text, whole) =>
        strict.checkText(text, whole) ||
        text.some((byte, i) => byte === 0xed && (text[i + 1] ?? 0) > 0x9f),
    },
    "8.1/surrogate-dc00-at-start",
    "fail",
  ],
  "refuses noncharacters": [
    {
      checkText: (text, whole) =>
        strict.checkText(text, whole) &&
        !text.some((byte, i) => byte === 0xbf && text[i + 1] === 0xbf && text[i - 1] === 0xef),
    },
    "5.6/text-of-noncharacter-ffff",
    "fail",
  ],
  "drops the byte order mark": [
    {
      echo: ({ text, data }) => [
        { text, data: text && data[0] === 0xef && data[1] === 0xbb ? data.subarray(3) : data },
      ],
    },
    "5.6/text-of-byte-order-mark-at-start",
    "fail",
  ],
  "ends text at NUL": [
    {
      echo: (
        { text, data },
      ) => [{ text, data: text && data.includes(0) ? data.subarray(0, data.indexOf(0)) : data }],
    },
    "5.6/text-of-nul-inside",
    "fail",
  ],
  "answers binary with text": [
    { echo: ({ data }) => [{ text: true, data }], checkText: () => true },
    "5.2/binary-of-5",
    "fail",
  ],
  "loses every hundredth message": [
    (() => {
      let count = 0;
      return { echo: (message) => ++count % 100 === 0 ? [] : [message] } satisfies Partial<Rules>;
    })(),
    "6.2/thousand-messages-of-16",
    "fail",
  ],
  "answers no Close frame": [{ closeReply: () => null }, "5.5.1/close-1000-answered", "fail"],
  "answers no empty Close frame": [
    { closeReply: (given) => given.length === 0 ? null : given.subarray(0, 2) },
    "5.5.1/close-without-a-body",
    "fail",
  ],
  "leaves TCP open": [{ end: () => {} }, "5.5.1/server-closes-tcp", "fail"],
  "takes bad close codes": [
    { checkClose: () => null, closeReply: () => body(1000) },
    "7.4.2/close-999-refused",
    "warn",
  ],
  "sends bad close codes back": [{ checkClose: () => null }, "7.4.1/server-close-codes", "fail"],
  "takes bad UTF-8 as a close reason": [
    { checkClose: (given) => given.length === 1 ? 1002 : null },
    "8.1/close-reason-byte-ff",
    "warn",
  ],
  "echoes after Close": [
    { readsOn: true, end: (socket) => void setImmediate(() => socket.end()) },
    "7.1.1/message-after-close-discarded",
    "warn",
  ],
  "sends a second Close frame": [
    { readsOn: true, closesAgain: true, end: (socket) => void setImmediate(() => socket.end()) },
    "7.1.5/one-close-frame-for-two-close-frames",
    "warn",
  ],
  "processes what comes after a violation": [
    { readsOn: true, end: (socket) => void setImmediate(() => socket.end()) },
    "7.1.7/nothing-processed-after-bad-utf8",
    "fail",
  ],
  "leaves TCP open after a violation": [readingOn, "7.1.7/tcp-closed-after-bad-utf8", "fail"],
  "sends no Close frame for a violation": [
    { failure: () => null },
    "7.1.7/close-frame-1002-for-reserved-bit",
    "warn",
  ],
  "never refuses a length": [
    { maxMessage: Number.MAX_VALUE },
    "10.4/frame-declared-2-to-the-60-refused",
    "warn",
  ],
  "sends RSV2": [
    { encode: toMarker((bytes) => bytes[0] = (bytes[0] ?? 0) | 0x20) },
    "5.2/server-sets-no-reserved-bits",
    "fail",
  ],
  "sends text that is no UTF-8": [
    { echo: ({ text }) => [{ text, data: Uint8Array.of(0xff) }] },
    "5.6/server-text-is-utf8",
    "fail",
  ],
  "sends a continuation of nothing": [
    { frames: (_, data) => [out(0, data)] },
    "5.4/server-fragments-in-order",
    "fail",
  ],
  "sends Pongs of 126 bytes": [
    { pong: () => [out(10, new Uint8Array(126))] },
    "5.5/server-control-frames-125-bytes",
    "fail",
  ],
  "sends Pongs in fragments": [
    { pong: (data) => [out(10, data, false)] },
    "5.4/server-control-frames-unfragmented",
    "fail",
  ],
  "sends Close frames of one byte": [
    { closeReply: () => Uint8Array.of(3) },
    "5.5.1/server-close-bodies",
    "fail",
  ],
};

const split = (payload: Uint8Array, opcode: number): OutFrame[] => [
  out(opcode, payload.subarray(0, 1), false),
  out(9, new Uint8Array(2)),
  out(0, new Uint8Array(), false),
  out(0, payload.subarray(1)),
];

/** Servers that keep every requirement in a way of their own. */
const UNUSUAL: Readonly<Record<string, Partial<Rules>>> = {
  "echoes in fragments with Pings between": {
    frames: (opcode, payload) => split(payload, opcode),
    compress: () => null,
  },
  "sends Pings and Pongs unasked": {
    greet: (send) => [9, 10].forEach((opcode) => send(out(opcode, new TextEncoder().encode("hi")))),
  },
  "takes no message above 200 bytes": { maxMessage: 200 },
  "takes no message of more than 50 fragments": {
    checkOrder: (head, state) => state.fragments >= 50 ? 1008 : strict.checkOrder(head, state),
  },
  "takes no binary messages": {
    checkOpcode: (head, state) => head.opcode === 2 ? 1003 : strict.checkOpcode(head, state),
  },
  "answers Close frames without a code": { closeReply: () => new Uint8Array() },
  "answers late": {
    write: (socket, bytes) => void setTimeout(() => socket.write(bytes), 5),
    end: (socket) => void setTimeout(() => socket.end(), 10),
  },
  "writes its first bytes one by one": {
    write(socket, bytes) {
      for (const byte of bytes.subarray(0, 40)) socket.write(Uint8Array.of(byte));
      socket.write(bytes.subarray(40));
    },
  },
  "does not echo": { echo: () => [] },
  "echoes nothing but text of its own": {
    echo: () => [{ text: true, data: new TextEncoder().encode("thank you") }],
  },
  "waits for the end of a text before it looks at it": {
    checkText: (text, whole) => !whole || isUtf8(text),
  },
};

/** Side by side where the runtime can, as much of the time is spent waiting for what never comes. */
const WAITING = { concurrency: 4 } as const;

describe("the cases of frames, control frames, UTF-8 and closing", WAITING, () => {
  for (const [name, [rules, id, verdict]] of Object.entries(BROKEN)) {
    it(`find a server that ${name}`, async () => {
      // The last is for the codes that only a bad one brings out.
      const only = [`rfc6455/${id}`, "rfc6455/7.4.1/close-1005-refused"];
      const all = await verdictsOf(rules, { only, echo: "yes", timeout: 150 });
      const found = all.find((one) => one.id === `rfc6455/${id}`);
      assertEquals(found?.verdict, verdict, found?.observed);
    });
  }
});

describe("the same cases", () => {
  for (const [name, rules] of Object.entries(UNUSUAL)) {
    it(`blame nothing on a server that ${name}`, async () => {
      const all = await verdictsOf(rules, { only: ["rfc6455/*"], skip: ["rfc6455/4*"] });
      assert(all.filter((one) => one.verdict === "pass").length > 400);
      const blamed = all.filter((one) => !["pass", "skip"].includes(one.verdict));
      assertEquals(blamed.map((one) => [one.id, one.verdict, one.observed]), []);
    });
  }
});
