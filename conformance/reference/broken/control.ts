/**
 * Servers that get control frames and closing wrong (RFC 6455 sections 5.5 and 7).
 *
 * @module
 */
import { isUtf8 } from "node:buffer";
import { type OutFrame, type Rules, strictRules as strict } from "../rules.ts";
import { type Breakage, closeBody, out, passing, withByte } from "./breakage.ts";

const LENGTH = "RFC 6455 5.5 MUST";
const PING = "RFC 6455 5.5.2 MUST";
const PONG = "RFC 6455 5.5.3 MUST";
const CLOSE = "RFC 6455 5.5.1 MUST";

const codeOf = ([high = 0, low = 0]: Uint8Array) => high * 256 + low;

/** Close frames taken that the strict server fails, answered with 1000. */
const taking = (taken: (code: number, body: Uint8Array) => boolean): Partial<Rules> => ({
  checkClose: (body) =>
    body.length > 0 && taken(codeOf(body), body) ? null : strict.checkClose(body),
  closeReply: (body) =>
    strict.checkClose(body) === null ? strict.closeReply(body) : closeBody(1000),
});

const AS_LONG = {
  "rfc6455/5.3/*": "they send Pings that are as long",
  "rfc6455/5.5*": "they send Pings that are as long",
};

const NO_PONG = "most cases ask by a Ping whether the server is alive";

const PINGS: readonly Breakage[] = [
  {
    name: "answers no Ping between fragments",
    breaks: "RFC 6455 5.4 MUST",
    server: { pong: (payload, { fragmented }) => fragmented ? [] : [out(10, payload)] },
    foundBy: ["rfc6455/5.4/pings-after-the-first-fragment", "rfc6455/5.5/ping-between-fragments"],
    also: { "rfc6455/*": NO_PONG },
  },
  {
    name: "answers Pings with a hundred bytes of their payload at most",
    breaks: PONG,
    server: { pong: (payload) => [out(10, payload.subarray(0, 100))] },
    foundBy: ["rfc6455/5.5.3/ping-of-all-ones"],
    also: AS_LONG,
  },
  {
    name: "answers Pings as if they were text",
    breaks: PONG,
    server: {
      pong: (payload) => [out(10, isUtf8(payload) ? payload : new TextEncoder().encode("?"))],
    },
    foundBy: ["rfc6455/5.5.3/ping-of-bytes-that-are-no-utf8"],
    also: { "*": "most Pings of the cases have random bytes in them" },
  },
  {
    name: "ends the payload of Pongs at NUL",
    breaks: PONG,
    server: {
      pong: (
        payload,
      ) => [out(10, payload.includes(0) ? payload.subarray(0, payload.indexOf(0)) : payload)],
    },
    foundBy: ["rfc6455/5.5.3/ping-of-nul-bytes"],
    also: { "*": "some Pings of the cases have random bytes in them" },
  },
  {
    name: "answers a Ping with the payload of the one before",
    breaks: "RFC 6455 5.5.2 MUST",
    server: () => {
      let before: Uint8Array | null = null;
      return {
        pong(payload) {
          const sent = before ?? payload;
          before = payload;
          return [out(10, sent)];
        },
      };
    },
    foundBy: ["rfc6455/5.5.2/ten-pings-one-by-one"],
    also: { "*": NO_PONG },
  },
  {
    name: "changes the last byte of Pongs of 125 bytes",
    breaks: PONG,
    server: {
      pong: (payload) => [out(10, payload.length < 125 ? payload : withByte(payload, 124, 1))],
    },
    foundBy: ["rfc6455/5.5.3/ping-of-all-ones"],
    also: AS_LONG,
  },
  {
    name: "answers no empty Ping",
    breaks: PING,
    server: { pong: (payload) => payload.length === 0 ? [] : [out(10, payload)] },
    foundBy: ["rfc6455/5.5.2/ping-0"],
  },
  {
    name: "answers Pings with Pings",
    breaks: PING,
    server: { pong: (payload) => [out(9, payload)] },
    foundBy: ["rfc6455/5.5.2/ping-5"],
    also: { "*": NO_PONG },
  },
  {
    name: "answers the first of Pings that come at once",
    breaks: PING,
    server: () => {
      let busy = false;
      return {
        pong(payload) {
          const pongs = busy ? [] : [out(10, payload)];
          busy = true;
          setImmediate(() => busy = false);
          return pongs;
        },
      };
    },
    foundBy: ["rfc6455/5.5.2/2-pings-at-once"],
    also: { "rfc*": NO_PONG },
  },
  {
    name: "answers no more than nine Pings",
    breaks: PING,
    server: () => {
      let count = 0;
      return { pong: (payload) => ++count > 9 ? [] : [out(10, payload)] };
    },
    foundBy: ["rfc6455/5.5.2/ten-pings-one-by-one"],
    also: { "rfc*": NO_PONG },
  },
  {
    name: "takes Pongs for messages",
    breaks: PONG,
    server: { answerPong: (payload) => [out(2, payload)] },
    foundBy: ["rfc6455/5.5.3/unsolicited-pong-of-5"],
    also: { "rfc*": "random streams have Pongs in them, too" },
  },
  {
    name: "fails a connection for a Pong that it did not ask for",
    breaks: PONG,
    server: {
      checkOpcode: (frame, state) => frame.opcode === 10 ? 1002 : strict.checkOpcode(frame, state),
    },
    foundBy: ["rfc6455/5.5.3/unsolicited-pong-of-0"],
    also: { "rfc*": "they send Pongs, too" },
  },
];

const LONG: readonly Breakage[] = [
  {
    name: "takes long Pings",
    breaks: LENGTH,
    server: {
      checkControl: passing(strict.checkControl, ({ opcode, fin }) => opcode === 9 && fin),
      pong: (payload) => [out(10, payload.subarray(0, 125))],
    },
    foundBy: ["rfc6455/5.5/ping-126"],
  },
  {
    name: "takes long Pongs",
    breaks: LENGTH,
    server: {
      checkControl: passing(strict.checkControl, ({ opcode, fin }) => opcode === 10 && fin),
    },
    verdict: "warn",
    foundBy: ["rfc6455/5.5/pong-126"],
  },
  {
    name: "takes long Close frames",
    breaks: LENGTH,
    server: {
      checkControl: passing(strict.checkControl, ({ opcode, fin }) => opcode === 8 && fin),
    },
    verdict: "warn",
    foundBy: ["rfc6455/5.5/close-126"],
  },
  {
    name: "takes control frames of 126 bytes",
    breaks: LENGTH,
    server: {
      checkControl: passing(strict.checkControl, ({ fin, length }) => fin && length === 126n),
      pong: (payload) => [out(10, payload.subarray(0, 125))],
    },
    foundBy: ["rfc6455/5.5/ping-126"],
  },
  {
    name: "sends Pongs of 126 bytes",
    breaks: LENGTH,
    server: { pong: (payload) => [out(10, payload), out(10, new Uint8Array(126))] },
    foundBy: ["rfc6455/5.5/server-control-frames-125-bytes"],
  },
  {
    name: "takes Pings in fragments",
    breaks: LENGTH,
    server: {
      checkControl: passing(
        strict.checkControl,
        ({ opcode, length }) => opcode === 9 && length < 126n,
      ),
      checkOrder: passing(strict.checkOrder, ({ opcode }) => opcode === 0),
      pong: () => [],
    },
    foundBy: ["rfc6455/5.5/fragmented-ping-alone"],
    also: { "*": "it answers none of them" },
  },
  {
    name: "takes Pongs in fragments",
    breaks: LENGTH,
    server: {
      checkControl: passing(
        strict.checkControl,
        ({ opcode, length }) => opcode === 10 && length < 126n,
      ),
    },
    verdict: "warn",
    foundBy: ["rfc6455/5.5/fragmented-pong-alone"],
  },
  {
    name: "takes Close frames in fragments",
    breaks: LENGTH,
    server: {
      checkControl: passing(
        strict.checkControl,
        ({ opcode, length }) => opcode === 8 && length < 126n,
      ),
    },
    verdict: "warn",
    foundBy: ["rfc6455/5.5/fragmented-close-alone"],
  },
];

/** Goes on reading for a moment after its Close frame. */
const onForAMoment: Partial<Rules> = {
  readsOn: true,
  end: (socket) => void setImmediate(() => socket.end()),
};

const CLOSING: readonly Breakage[] = [
  {
    name: "answers no Close frame",
    breaks: CLOSE,
    server: { closeReply: () => null },
    foundBy: ["rfc6455/5.5.1/close-1000-answered"],
    also: { "rfc*": "no Close frame is answered in any other case" },
  },
  {
    name: "answers no empty Close frame",
    breaks: CLOSE,
    server: { closeReply: (body) => body.length === 0 ? null : body.subarray(0, 2) },
    foundBy: ["rfc6455/5.5.1/close-without-a-body"],
  },
  {
    name: "answers no Close frame with a reason of 123 bytes",
    breaks: CLOSE,
    server: { closeReply: (body) => body.length === 125 ? null : body.subarray(0, 2) },
    foundBy: ["rfc6455/5.5.1/close-reason-of-123"],
    also: { "rfc6455/*": "those have such a reason, too" },
  },
  {
    name: "answers no Close frame inside a message",
    breaks: CLOSE,
    server: () => {
      let inside = false;
      return {
        checkOrder(frame, state) {
          inside = state.fragmented;
          return strict.checkOrder(frame, state);
        },
        closeReply: (body) => inside ? null : strict.closeReply(body),
      };
    },
    foundBy: ["rfc6455/5.5.1/close-inside-a-message"],
  },
  {
    name: "answers only Close frames of 1000",
    breaks: CLOSE,
    server: { closeReply: (body) => codeOf(body) === 1000 ? body.subarray(0, 2) : null },
    foundBy: ["rfc6455/5.5.1/close-1001-answered"],
    also: { "rfc6455/*": "those have another code, too" },
  },
  {
    name: "answers a Close frame and leaves TCP open",
    breaks: "RFC 6455 5.5.1 MUST",
    server: { end: () => {} },
    foundBy: ["rfc6455/5.5.1/server-closes-tcp"],
    also: { "rfc6455/7.1.7/*": "it leaves TCP open after a violation too" },
  },
  {
    name: "leaves TCP open after a Close frame of an application's code",
    breaks: "RFC 6455 5.5.1 MUST",
    server: () => {
      let open = false;
      return {
        closeReply(body) {
          open = codeOf(body) >= 3000;
          return strict.closeReply(body);
        },
        end: (socket) => open ? undefined : strict.end(socket),
      };
    },
    foundBy: ["rfc6455/5.5.1/server-closes-tcp-after-3000"],
  },
  {
    name: "leaves TCP open after a violation",
    breaks: "RFC 6455 7.1.7 MUST",
    server: () => {
      let failed = false;
      return {
        failure(code) {
          failed = true;
          return strict.failure(code);
        },
        end: (socket) => failed ? undefined : strict.end(socket),
      };
    },
    foundBy: ["rfc6455/7.1.7/tcp-closed-after-bad-utf8"],
  },
  {
    name: "echoes after its Close frame",
    breaks: CLOSE,
    server: onForAMoment,
    foundBy: [
      "rfc6455/5.5.1/server-no-data-after-close",
      "rfc6455/7.1.1/message-after-close-discarded",
    ],
    also: { "rfc6455/7.1.7/nothing-processed-after-*": "it reads on after a violation, too" },
  },
  {
    name: "processes what comes after bad UTF-8",
    breaks: "RFC 6455 7.1.7 MUST",
    server: () => {
      let failed = false;
      return {
        readsOn: true,
        failure(code) {
          failed = code === 1007;
          return strict.failure(code);
        },
        echo: (message) => failed ? [] : [message],
        end: (socket) => void setImmediate(() => socket.end()),
      };
    },
    foundBy: ["rfc6455/7.1.7/nothing-processed-after-bad-utf8"],
    also: {
      "rfc6455/5.5.1/server-no-data-after-close": "and echoes what comes after a Close frame",
      "rfc6455/7.1.7/*": "it reads on after other violations, too",
    },
  },
  {
    name: "sends its Close frame twice",
    breaks: "RFC 6455 7.1.5 SHOULD",
    server: { ...onForAMoment, closesAgain: true, echo: (message) => [message] },
    foundBy: ["rfc6455/7.1.5/one-close-frame-for-two-close-frames"],
    also: {
      "rfc6455/5.5.1/server-no-data-after-close": "and echoes what comes after a Close frame",
      "rfc6455/7.1.7/*": "it reads on after other violations, too",
    },
  },
  {
    name: "sends Close frames of one byte",
    breaks: CLOSE,
    server: { closeReply: () => Uint8Array.of(3) },
    foundBy: ["rfc6455/5.5.1/server-close-bodies"],
  },
  {
    name: "gives a reason cut inside a character",
    breaks: CLOSE,
    server: { closeReply: () => Uint8Array.of(3, 0xe8, 0x62, 0xc3) },
    foundBy: ["rfc6455/5.5.1/server-close-bodies"],
  },
  {
    name: "answers an empty Close frame with 1005",
    breaks: "RFC 6455 7.4.1 MUST",
    server: { closeReply: (body) => body.length === 0 ? closeBody(1005) : body.subarray(0, 2) },
    foundBy: ["rfc6455/7.4.1/server-close-codes", "rfc6455/5.5.1/close-without-a-body"],
  },
  {
    name: "sends 1006 for a violation",
    breaks: "RFC 6455 7.4.1 MUST",
    server: { failure: () => closeBody(1006) },
    foundBy: ["rfc6455/7.4.1/server-close-codes", "rfc6455/5.2/rsv2-on-text"],
  },
  {
    name: "sends 1015 for bad UTF-8",
    breaks: "RFC 6455 7.4.1 MUST",
    server: { failure: (code) => closeBody(code === 1007 ? 1015 : code) },
    foundBy: ["rfc6455/7.4.1/server-close-codes", "rfc6455/8.1/byte-ff-alone"],
  },
  {
    name: "sends the code 0 for a violation",
    breaks: "RFC 6455 7.4.1 MUST",
    server: { failure: () => closeBody(0) },
    foundBy: ["rfc6455/7.4.1/server-close-codes", "rfc6455/5.2/rsv2-on-text"],
  },
  {
    name: "sends codes with their bytes swapped",
    breaks: "RFC 6455 7.4.1 MUST",
    server: { failure: (code) => Uint8Array.of(code & 0xff, code >> 8) },
    foundBy: ["rfc6455/7.4.1/server-close-codes", "rfc6455/5.2/rsv2-on-text"],
  },
  {
    name: "takes a Close frame of one byte",
    breaks: CLOSE,
    server: taking((_, body) => body.length === 1),
    verdict: "warn",
    foundBy: ["rfc6455/5.5.1/close-with-the-one-byte-3"],
  },
  {
    name: "takes the codes below 1000",
    breaks: "RFC 6455 7.4.2 MUST",
    server: taking((code) => code < 1000),
    verdict: "warn",
    foundBy: ["rfc6455/7.4.2/close-999-refused"],
  },
  {
    name: "takes the code 1005",
    breaks: "RFC 6455 7.4.1 MUST",
    server: taking((code) => code === 1005),
    verdict: "warn",
    foundBy: ["rfc6455/7.4.1/close-1005-refused"],
  },
  {
    name: "sends the code 1006 back",
    breaks: "RFC 6455 7.4.1 MUST",
    server: {
      checkClose: (body) => codeOf(body) === 1006 ? null : strict.checkClose(body),
    },
    foundBy: ["rfc6455/7.4.1/server-close-codes", "rfc6455/7.4.1/close-1006-refused"],
  },
  {
    name: "takes the codes above 4999",
    breaks: "RFC 6455 7.4.2 SHOULD",
    server: taking((code) => code > 4999),
    foundBy: ["rfc6455/7.4.2/close-5000-refused"],
  },
  {
    name: "takes the codes that are not assigned",
    breaks: "RFC 6455 7.4.2 SHOULD",
    server: taking((code) => code > 1015 && code < 3000),
    foundBy: ["rfc6455/7.4.2/close-2999-refused"],
  },
  {
    name: "refuses the codes of applications",
    breaks: CLOSE,
    server: {
      checkClose: (body) => codeOf(body) >= 4000 ? 1002 : strict.checkClose(body),
    },
    verdict: "warn",
    foundBy: ["rfc6455/5.5.1/close-4000-answered"],
  },
  {
    name: "takes any bytes for the reason of a Close frame",
    breaks: "RFC 6455 8.1 MUST",
    server: taking((code, body) =>
      body.length > 2 && strict.checkClose(closeBody(code)) === null && !isUtf8(body.subarray(2))
    ),
    verdict: "warn",
    foundBy: ["rfc6455/8.1/close-reason-byte-ff"],
  },
  {
    name: "takes a reason that is cut inside a character",
    breaks: "RFC 6455 8.1 MUST",
    server: taking((code, body) =>
      strict.checkClose(closeBody(code)) === null && body.length > 2 &&
      strict.checkText(body.subarray(2), false)
    ),
    verdict: "warn",
    foundBy: ["rfc6455/8.1/close-reason-2-of-3-bytes"],
  },
  {
    name: "sends no Close frame for a violation",
    breaks: "RFC 6455 7.1.7 SHOULD",
    server: { failure: () => null },
    foundBy: ["rfc6455/7.1.7/close-frame-1002-for-reserved-bit"],
  },
  {
    name: "sends 1002 for bad UTF-8",
    breaks: "RFC 6455 7.1.7 SHOULD",
    server: { failure: (code) => closeBody(code === 1007 ? 1002 : code) },
    foundBy: ["rfc6455/7.1.7/close-frame-1007-for-bad-utf8"],
  },
  {
    name: "sends a message as it closes",
    breaks: CLOSE,
    server: () => {
      let send = (_: OutFrame) => {};
      return {
        greet: (given) => send = given,
        end(socket) {
          send(out(1, new TextEncoder().encode("bye")));
          socket.end();
        },
      };
    },
    foundBy: ["rfc6455/5.5.1/server-no-data-after-close"],
  },
];

/** The servers that break a requirement of control frames. */
export const control: readonly Breakage[] = [...PINGS, ...LONG, ...CLOSING];
