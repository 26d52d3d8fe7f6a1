/**
 * Servers that get frames wrong: masks, reserved bits, opcodes and lengths (RFC 6455 sections 5.1 to
 * 5.3).
 *
 * @module
 */
import { encodeOut, type Rules, strictRules as strict } from "../rules.ts";
import { type Breakage, IN_ANY_STREAM, passing, withByte } from "./breakage.ts";

const CLIENT_UNMASKED = "RFC 6455 5.1 MUST";
const RESERVED = "RFC 6455 5.2 MUST";
const KEY = "RFC 6455 5.3 MUST";

const control = ({ opcode }: { readonly opcode: number }) => opcode >= 8;

/** Frames sent, with their bytes changed. */
const sending = (
  which: (opcode: number, length: number) => boolean,
  change: (bytes: Uint8Array) => Uint8Array,
): Partial<Rules> => ({
  encode: (frame) => {
    const bytes = encodeOut(frame);
    return which(frame.opcode, frame.payload.length) ? change(bytes) : bytes;
  },
});

const masked = (bytes: Uint8Array): Uint8Array => {
  const length = (bytes[1] ?? 0) & 0x7f;
  const head = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0);
  const front = withByte(bytes.subarray(0, head), 1, 0x80);
  return Uint8Array.from([...front, 0, 0, 0, 0, ...bytes.subarray(head)]);
};

/** The head of a frame sent, written with a length of 16 or 64 bits whatever it needs. */
const longHead = (bytes: Uint8Array, size: 2 | 8): Uint8Array => {
  const marker = (bytes[1] ?? 0) & 0x7f;
  const old = marker === 126 ? 2 : marker === 127 ? 8 : 0;
  const payload = bytes.subarray(2 + old);
  const head = new Uint8Array(2 + size);
  const view = new DataView(head.buffer);
  view.setUint8(0, bytes[0] ?? 0);
  view.setUint8(1, size === 2 ? 126 : 127);
  if (size === 2) view.setUint16(2, payload.length);
  else view.setBigUint64(2, BigInt(payload.length));
  return Uint8Array.from([...head, ...payload]);
};

/** Unmasking that may look at the head of the frame. */
function unmasking(
  unmask: (payload: Uint8Array, key: Uint8Array, opcode: number) => Uint8Array,
): () => Partial<Rules> {
  return () => {
    let opcode = 0;
    return {
      checkMask(frame, state) {
        opcode = frame.opcode;
        return strict.checkMask(frame, state);
      },
      unmask: (payload, key) => unmask(payload, key, opcode),
    };
  };
}

const MASKS: readonly Breakage[] = [
  {
    name: "takes unmasked frames",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: () => null },
    foundBy: ["rfc6455/5.1/unmasked-text"],
  },
  {
    name: "takes unmasked frames if they are empty",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: passing(strict.checkMask, ({ length }) => length === 0n) },
    foundBy: ["rfc6455/5.1/unmasked-empty"],
  },
  {
    name: "takes unmasked control frames",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: passing(strict.checkMask, control) },
    foundBy: ["rfc6455/5.1/unmasked-ping"],
  },
  {
    name: "takes unmasked Pongs",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: passing(strict.checkMask, ({ opcode }) => opcode === 10) },
    foundBy: ["rfc6455/5.1/unmasked-pong"],
  },
  {
    name: "takes unmasked Close frames",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: passing(strict.checkMask, ({ opcode }) => opcode === 8) },
    verdict: "warn",
    foundBy: ["rfc6455/5.1/unmasked-close"],
  },
  {
    name: "takes unmasked continuations",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: passing(strict.checkMask, ({ opcode }) => opcode === 0) },
    foundBy: ["rfc6455/5.1/unmasked-continuation"],
  },
  {
    name: "takes unmasked frames of more than 125 bytes",
    breaks: CLIENT_UNMASKED,
    server: { checkMask: passing(strict.checkMask, ({ length }) => length > 125n) },
    foundBy: ["rfc6455/5.1/unmasked-long"],
  },
  {
    name: "looks at the mask of the first frame alone",
    breaks: CLIENT_UNMASKED,
    server: () => {
      let seen = false;
      return {
        checkMask: (frame, state) =>
          strict.checkMask(seen ? { ...frame, masked: true } : frame, state),
        unmask(payload, key) {
          seen = true;
          return strict.unmask(payload, key);
        },
      };
    },
    foundBy: ["rfc6455/5.1/unmasked-after-masked"],
  },
  {
    name: "begins the key with its second byte",
    breaks: KEY,
    server: { unmask: (data, key) => data.map((byte, i) => byte ^ (key[(i + 1) % 4] ?? 0)) },
    foundBy: ["rfc6455/5.3/first-byte-only-key"],
    also: { "*": "nothing that a client sends is read right" },
  },
  {
    name: "goes on with the key over the fragments of a message",
    breaks: KEY,
    server: () => {
      let offset = 0;
      let continues = false;
      return {
        checkMask(frame, state) {
          continues = frame.opcode === 0;
          return strict.checkMask(frame, state);
        },
        unmask(payload, key) {
          const from = continues ? offset : 0;
          offset = from + payload.length;
          return payload.map((byte, i) => byte ^ (key[(from + i) % 4] ?? 0));
        },
      };
    },
    foundBy: ["rfc6455/5.3/key-starts-anew-with-each-fragment"],
    also: { "*": "most messages in fragments are read wrong" },
  },
  {
    name: "unmasks the fragment after a Ping with the key of the Ping",
    breaks: KEY,
    server: () => {
      let opcode = 0;
      let last: Uint8Array | null = null;
      return {
        checkMask(frame, state) {
          opcode = frame.opcode;
          return strict.checkMask(frame, state);
        },
        unmask(payload, key) {
          const used = opcode === 0 ? last ?? key : key;
          last = opcode >= 8 ? key.slice() : null;
          return strict.unmask(payload, used);
        },
      };
    },
    foundBy: ["rfc6455/5.3/key-of-a-ping-between-fragments"],
    also: {
      "rfc6455/*/any-*": IN_ANY_STREAM,
      "rfc6455/5.4/*": "a Ping between fragments",
      "rfc6455/5.5*": "a Ping between fragments",
      "rfc6455/6.2/*": "a Ping between fragments",
      "rfc6455/5.6/*": "a Ping between fragments",
      "rfc7692/*": "a Ping between fragments",
    },
  },
  {
    name: "leaves the payload of Pings masked",
    breaks: KEY,
    server: unmasking((data, key, opcode) => opcode === 9 ? data : strict.unmask(data, key)),
    foundBy: ["rfc6455/5.3/ping-of-3-unmasked"],
    also: { "*": "no Pong has the payload of its Ping" },
  },
  {
    name: "unmasks the last bytes of long payloads with the key from its start",
    breaks: KEY,
    server: unmasking((data, key) => {
      const whole = data.length - data.length % 4;
      const wrong = data.length > 1000;
      return data.map((byte, i) => byte ^ (key[wrong && i >= whole ? 3 - i % 4 : i % 4] ?? 0));
    }),
    foundBy: ["rfc6455/5.3/all-of-*"],
    also: { "*": "no long message is read right" },
  },
  {
    name: "takes a key of zeros for no mask",
    breaks: KEY,
    server: {
      checkMask: ({ masked, key }) => masked && key.some((byte) => byte !== 0) ? null : 1002,
    },
    foundBy: ["rfc6455/5.3/zero-key"],
    also: { "rfc*/any-*": "keys drawn at random are zeros now and then" },
  },
  {
    name: "masks its frames",
    breaks: CLIENT_UNMASKED,
    server: sending(() => true, masked),
    foundBy: ["rfc6455/5.1/server-never-masks"],
  },
  {
    name: "masks its Pongs",
    breaks: CLIENT_UNMASKED,
    server: sending((opcode) => opcode === 10, masked),
    foundBy: ["rfc6455/5.1/server-never-masks"],
  },
  {
    name: "masks its Close frames",
    breaks: CLIENT_UNMASKED,
    server: sending((opcode) => opcode === 8, masked),
    foundBy: ["rfc6455/5.1/server-never-masks"],
  },
  {
    name: "masks its frames of more than 64 KiB",
    breaks: CLIENT_UNMASKED,
    server: sending((_, length) => length > 65535, masked),
    foundBy: ["rfc6455/5.1/server-never-masks"],
  },
];

const BITS: readonly Breakage[] = [
  {
    name: "takes RSV2",
    breaks: RESERVED,
    server: { checkRsv: (head, state) => strict.checkRsv({ ...head, rsv: head.rsv & 5 }, state) },
    foundBy: ["rfc6455/5.2/rsv2-on-text"],
  },
  {
    name: "takes RSV3 where it comes with RSV1",
    breaks: RESERVED,
    server: { checkRsv: passing(strict.checkRsv, ({ rsv }) => rsv === 5) },
    foundBy: ["rfc6455/5.2/rsv1-and-rsv3-on-text"],
  },
  {
    name: "takes reserved bits on control frames",
    breaks: RESERVED,
    server: { checkRsv: passing(strict.checkRsv, control) },
    foundBy: ["rfc6455/5.2/rsv1-on-ping"],
    also: { "rfc7692/6.1/rsv1-on-*": "RSV1 is one of them" },
  },
  {
    name: "takes RSV2 and RSV3 on Close frames",
    breaks: RESERVED,
    server: { checkRsv: passing(strict.checkRsv, ({ opcode, rsv }) => opcode === 8 && rsv < 4) },
    verdict: "warn",
    foundBy: ["rfc6455/5.2/rsv2-on-close"],
  },
  {
    name: "takes reserved bits on continuations",
    breaks: RESERVED,
    server: { checkRsv: passing(strict.checkRsv, ({ opcode }) => opcode === 0) },
    foundBy: ["rfc6455/5.2/rsv3-on-last-fragment"],
    also: { "rfc7692/6.1/rsv1-on-*": "RSV1 is one of them" },
  },
  {
    name: "takes RSV1 on binary messages without an extension",
    breaks: RESERVED,
    server: { checkRsv: passing(strict.checkRsv, ({ rsv, opcode }) => rsv === 4 && opcode === 2) },
    foundBy: ["rfc6455/5.2/rsv1-on-binary"],
  },
  {
    name: "takes RSV2 and RSV3 once permessage-deflate is agreed to",
    breaks: RESERVED,
    server: {
      checkRsv: (head, state) =>
        strict.checkRsv(state.agreement === null ? head : { ...head, rsv: head.rsv & 4 }, state),
    },
    foundBy: ["rfc6455/5.2/*deflate*"],
  },
  {
    name: "takes RSV1 on control frames once permessage-deflate is agreed to",
    breaks: "RFC 7692 6.1 MUST",
    server: {
      checkRsv: passing(
        strict.checkRsv,
        ({ rsv, opcode }, { agreement }) => agreement !== null && opcode >= 8 && rsv === 4,
      ),
    },
    foundBy: ["rfc7692/6.1/rsv1-on-ping"],
  },
  {
    name: "takes RSV1 on fragments after the first once permessage-deflate is agreed to",
    breaks: "RFC 7692 6.1 MUST",
    server: {
      checkRsv: passing(
        strict.checkRsv,
        ({ rsv, opcode }, { agreement }) => agreement !== null && opcode === 0 && rsv === 4,
      ),
    },
    foundBy: ["rfc7692/6.1/rsv1-on-last-fragment"],
  },
  {
    name: "sends RSV2",
    breaks: RESERVED,
    server: sending(() => true, (bytes) => withByte(bytes, 0, 0x20)),
    foundBy: ["rfc6455/5.2/server-sets-no-reserved-bits"],
  },
  {
    name: "sends RSV1 on messages of more than 1,000 bytes without an extension",
    breaks: RESERVED,
    server: () => {
      let agreed = false;
      return {
        compress(...given) {
          agreed = true;
          return strict.compress(...given);
        },
        encode: (frame) => {
          const bytes = encodeOut(frame);
          return agreed || frame.payload.length < 1000 ? bytes : withByte(bytes, 0, 0x40);
        },
      };
    },
    foundBy: ["rfc6455/5.2/server-sets-no-reserved-bits"],
  },
];

const allowing = (...codes: readonly number[]): Partial<Rules> => ({
  checkOpcode: passing(strict.checkOpcode, ({ opcode }) => codes.includes(opcode)),
});

const OPCODES: readonly Breakage[] = [
  {
    name: "passes over frames with the opcodes 3 to 7",
    breaks: RESERVED,
    server: allowing(3, 4, 5, 6, 7),
    foundBy: ["rfc6455/5.2/opcode-5-empty"],
    also: { "rfc6455/7.1*": "those cases use a reserved opcode as their violation" },
  },
  {
    name: "passes over frames with opcode 7",
    breaks: RESERVED,
    server: allowing(7),
    foundBy: ["rfc6455/5.2/opcode-7-empty"],
  },
  {
    name: "passes over frames with opcode 15",
    breaks: RESERVED,
    server: allowing(15),
    foundBy: ["rfc6455/5.2/opcode-f-with-payload"],
    also: { "rfc6455/7.1*": "those cases use a reserved opcode as their violation" },
  },
  {
    name: "answers opcode 11 as if it were a Ping",
    breaks: RESERVED,
    server: { ...allowing(11), opcodeOf: ({ opcode }) => opcode === 11 ? 9 : opcode },
    foundBy: ["rfc6455/5.2/opcode-b-with-payload"],
    also: { "rfc6455/7.1*": "those cases use a reserved opcode as their violation" },
  },
  {
    name: "takes opcode 3 for text",
    breaks: RESERVED,
    server: { ...allowing(3), opcodeOf: ({ opcode }) => opcode === 3 ? 1 : opcode },
    foundBy: ["rfc6455/5.2/opcode-3-with-payload"],
    also: { "rfc6455/7.1*": "those cases use a reserved opcode as their violation" },
  },
  {
    name: "passes over reserved opcodes between the fragments of a message",
    breaks: RESERVED,
    server: {
      checkOpcode: passing(strict.checkOpcode, (_, { fragmented }) => fragmented),
      checkOrder: (frame, state) => frame.opcode > 2 ? null : strict.checkOrder(frame, state),
    },
    foundBy: ["rfc6455/5.2/opcode-3-between-fragments"],
  },
  {
    name: "passes over reserved opcodes that are not final",
    breaks: RESERVED,
    server: { checkOpcode: passing(strict.checkOpcode, ({ fin }) => !fin) },
    foundBy: ["rfc6455/5.2/opcode-3-not-final"],
  },
  {
    name: "passes over reserved opcodes once a message was echoed",
    breaks: RESERVED,
    server: () => {
      let echoed = false;
      return {
        checkOpcode: passing(strict.checkOpcode, () => echoed),
        checkOrder: (frame, state) => frame.opcode > 2 ? null : strict.checkOrder(frame, state),
        echo(message) {
          echoed = true;
          return [message];
        },
      };
    },
    foundBy: ["rfc6455/5.2/opcode-3-after-a-message"],
  },
  {
    name: "sends Pongs with opcode 11",
    breaks: RESERVED,
    server: sending((opcode) => opcode === 10, (bytes) => withByte(bytes, 0, 1)),
    foundBy: ["rfc6455/5.2/server-uses-no-reserved-opcode"],
    also: { "*": "Pings get no Pong" },
  },
  {
    name: "answers binary messages with text",
    breaks: RESERVED,
    server: { frames: (_, payload, compressed) => strict.frames(1, payload, compressed) },
    foundBy: ["rfc6455/5.2/binary-of-5"],
    also: { "*": "so are all binary messages" },
  },
  {
    name: "answers texts of ASCII with binary",
    breaks: RESERVED,
    server: {
      echo: ({ text, data }) => [{ text: text && data.some((byte) => byte > 127), data }],
    },
    foundBy: ["rfc6455/5.2/text-of-5"],
    also: { "*": "most texts of the cases are ASCII" },
  },
];

const LENGTHS: readonly Breakage[] = [
  {
    name: "takes lengths in more bytes than they need",
    breaks: "RFC 6455 5.2 SHOULD",
    server: { checkLength: () => null },
    foundBy: ["rfc6455/5.2/length-125-in-16-bits-refused"],
  },
  {
    name: "takes lengths in 64 bits that would fit 16",
    breaks: "RFC 6455 5.2 SHOULD",
    server: {
      checkLength: passing(
        strict.checkLength,
        ({ length, lengthBytes }) => lengthBytes === 8 && length < 65536n,
      ),
    },
    foundBy: ["rfc6455/5.2/length-65535-in-64-bits-refused"],
  },
  {
    name: "takes long lengths on control frames",
    breaks: "RFC 6455 5.2 SHOULD",
    server: { checkLength: passing(strict.checkLength, control) },
    foundBy: ["rfc6455/5.2/ping-length-in-16-bits-refused"],
  },
  {
    name: "reads long lengths without their highest bit",
    breaks: RESERVED,
    server: {
      checkLength: passing(strict.checkLength, ({ length }) => length >= 2n ** 63n),
      lengthOf: ({ length }) => BigInt.asUintN(63, length),
      maxMessage: Number.MAX_VALUE,
    },
    foundBy: ["rfc6455/5.2/high-bit-over-5-bytes"],
  },
  {
    name: "cuts lengths down to 32 bits",
    breaks: RESERVED,
    server: { lengthOf: ({ length }) => BigInt.asUintN(32, length), maxMessage: Number.MAX_VALUE },
    foundBy: ["rfc6455/5.2/length-above-32-bits"],
    also: { "rfc6455/10.4/frame-declared-*": "those lengths are cut too" },
  },
  {
    name: "takes lengths of 16 bits for signed ones",
    breaks: RESERVED,
    server: {
      checkLength: (frame, state) =>
        frame.lengthBytes === 2 && frame.length > 32767n ? 1002 : strict.checkLength(frame, state),
    },
    foundBy: ["rfc6455/5.2/*-of-65535"],
    also: { "*": "so it is with every message of that size" },
  },
  {
    name: "writes the length of messages of 125 bytes in 16 bits",
    breaks: RESERVED,
    server: sending((_, length) => length === 125, (bytes) => longHead(bytes, 2)),
    foundBy: ["rfc6455/5.2/server-minimal-length", "rfc6455/5.2/text-of-125"],
  },
  {
    name: "writes the length of messages of 65,535 bytes in 64 bits",
    breaks: RESERVED,
    server: sending((_, length) => length === 65535, (bytes) => longHead(bytes, 8)),
    foundBy: ["rfc6455/5.2/server-minimal-length", "rfc6455/5.2/text-of-65535"],
  },
  {
    name: "writes all lengths in 64 bits",
    breaks: RESERVED,
    server: sending(() => true, (bytes) => longHead(bytes, 8)),
    foundBy: ["rfc6455/5.2/server-minimal-length"],
  },
  {
    name: "loses what is above 65,535 bytes of a message",
    breaks: RESERVED,
    server: { echo: ({ text, data }) => [{ text, data: data.subarray(0, 65535) }] },
    foundBy: ["rfc6455/5.2/binary-of-65536"],
    also: { "*": `it loses them of every message; ${IN_ANY_STREAM}` },
  },
];

/** The servers that break a requirement of frames. */
export const frames: readonly Breakage[] = [...MASKS, ...BITS, ...OPCODES, ...LENGTHS];
