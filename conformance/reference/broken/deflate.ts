/**
 * Servers that get permessage-deflate wrong (RFC 7692).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Extension } from "../../wire/deflate.ts";
import { withoutTail } from "../../wire/deflate.ts";
import { deflateMatching } from "../../wire/matching.ts";
import { inflateMessage } from "../inflate.ts";
import { type Rules, strictRules as strict } from "../rules.ts";
import { type Breakage, out } from "./breakage.ts";

const OFFER = "RFC 7692 7 MUST";
const EMPTY = Uint8Array.of();

/** Offers read as if parameters were others. */
const reading = (
  change: (name: string, value: string | true) => readonly [string, string | true] | null,
): Partial<Rules> => ({
  chooseExtension: (offers) =>
    strict.chooseExtension(offers.map(({ name, parameters }): Extension => ({
      name,
      parameters: parameters.flatMap(([key, value]) => {
        const changed = change(key, value);
        return changed === null ? [] : [changed];
      }),
    }))),
});

const answering = (change: (header: string, offers: readonly Extension[]) => string) => ({
  chooseExtension: (offers) => {
    const chosen = strict.chooseExtension(offers);
    return chosen === null ? null : { ...chosen, header: change(chosen.header, offers) };
  },
} satisfies Partial<Rules>);

const bits = (value: string | true, most: number) =>
  value === true ? value : String(Math.min(most, Math.max(8, Number.parseInt(value) || 15)));

const NEGOTIATION: readonly Breakage[] = [
  {
    name: "passes over parameters that it does not know",
    breaks: OFFER,
    server: reading((key, value) =>
      /_(max_window_bits|no_context_takeover)$/.test(key) ? [key, value] : null
    ),
    foundBy: ["rfc7692/7/decline-unknown-parameter"],
  },
  {
    name: "takes window bits of 7 for 8, and of 16 for 15",
    breaks: OFFER,
    server: reading((key, value) => [
      key,
      value === "7" ? "8" : value === "16" ? "15" : value,
    ]),
    foundBy: [
      "rfc7692/7/decline-server-max-window-bits-7",
      "rfc7692/7/decline-client-max-window-bits-16",
    ],
  },
  {
    name: "reads window bits as far as they are a number",
    breaks: OFFER,
    server: reading((key, value) => [key, /^\d/.test(String(value)) ? bits(value, 15) : value]),
    foundBy: ["rfc7692/7/decline-server-max-window-bits-trailing-letter"],
  },
  {
    name: "takes window bits with a zero before them",
    breaks: OFFER,
    server: reading((key, value) => [key, value === true ? value : value.replace(/^0+/, "")]),
    foundBy: ["rfc7692/7/decline-client-max-window-bits-leading-zero"],
  },
  {
    name: "takes server_max_window_bits without a value",
    breaks: OFFER,
    server: reading((
      key,
      value,
    ) => [key, key === "server_max_window_bits" && value === true ? "15" : value]),
    foundBy: ["rfc7692/7/decline-server-max-window-bits-without-value"],
  },
  {
    name: "takes a value of no_context_takeover",
    breaks: OFFER,
    server: reading((key, value) => [key, key.endsWith("takeover") ? true : value]),
    foundBy: ["rfc7692/7/decline-client-no-context-takeover-true"],
  },
  {
    name: "takes the last of parameters given twice",
    breaks: OFFER,
    server: {
      chooseExtension: (offers) =>
        strict.chooseExtension(offers.map(({ name, parameters }): Extension => ({
          name,
          parameters: [...new Map(parameters)],
        }))),
    },
    foundBy: ["rfc7692/7/decline-server-max-window-bits-doubled"],
  },
  {
    name: "does not answer server_no_context_takeover",
    breaks: "RFC 7692 7.1.1.1 MUST",
    server: answering((header) => header.replace("; server_no_context_takeover", "")),
    foundBy: ["rfc7692/7.1.1.1/offer-server-no-context-takeover"],
    also: { "rfc7692/*": "all that offer it" },
  },
  {
    name: "does not answer server_max_window_bits",
    breaks: "RFC 7692 7.1.2.1 MUST",
    server: answering((header) => header.replace(/; server_max_window_bits=\d+/, "")),
    foundBy: ["rfc7692/7.1.2.1/offer-server-max-window-bits-9"],
    also: { "rfc7692/*": "all that offer it" },
  },
  {
    name: "answers more server_max_window_bits than were offered",
    breaks: "RFC 7692 7.1.2.1 MUST",
    server: answering((header) => header.replace(/(server_max_window_bits)=\d+/, "$1=15")),
    foundBy: ["rfc7692/7.1.2.1/offer-server-max-window-bits-9"],
    also: { "rfc7692/*": "all that offer it" },
  },
  {
    name: "answers client_max_window_bits that were not offered",
    breaks: "RFC 7692 7.1.2.2 MUST",
    server: answering((header) => `${header}; client_max_window_bits=15`),
    foundBy: ["rfc7692/7.1.2.2/offer-no-parameters"],
    also: { "rfc7692/*": "all that do not offer it" },
  },
  {
    name: "answers client_max_window_bits without a value",
    breaks: "RFC 7692 7 MUST",
    server: answering((header, [offer]) =>
      offer?.parameters.some(([key]) => key === "client_max_window_bits")
        ? `${header}; client_max_window_bits`
        : header
    ),
    foundBy: ["rfc7692/7*/offer-client-max-window-bits"],
  },
  {
    name: "answers window bits of 16",
    breaks: "RFC 7692 7 MUST",
    server: answering((header, [offer]) =>
      offer?.parameters.some(([key]) => key === "client_max_window_bits")
        ? `${header}; client_max_window_bits=16`
        : header
    ),
    foundBy: ["rfc7692/7*/offer-client-max-window-bits"],
  },
  {
    name: "answers a parameter that there is not",
    breaks: OFFER,
    server: answering((header) => `${header}; memory_level=8`),
    foundBy: ["rfc7692/7/*"],
    also: { "rfc7692/*": "every answer has it", "rfc6455/*": "every answer has it" },
  },
  {
    name: "answers permessage-deflate twice",
    breaks: "RFC 7692 5 MUST",
    server: answering((header) => `${header}, permessage-deflate`),
    foundBy: ["rfc7692/5/*"],
    also: { "rfc7692/*": "every answer has it" },
  },
];

const TAKEOVER = "RFC 7692 7.2.2 MUST";
const COMPRESS = "RFC 7692 7.2.1 MUST";

/** Inflates anew what comes when `forgets` says so. */
function forgetting(
  forgets: (count: number, payload: Uint8Array) => boolean,
): () => Partial<Rules> {
  return () => {
    let count = 0;
    let from = 0;
    let total = 0;
    return {
      inflate(payload, window, limit) {
        if (forgets(++count, payload)) from = total;
        const kept = Math.min(window.length, total - from);
        const result = strict.inflate(payload, window.subarray(window.length - kept), limit);
        if ("data" in result) total += result.data.length;
        return result;
      },
    };
  };
}

const IN_DEFLATE = { "rfc7692/*": "all that send such messages" };
const ANY = { "rfc7692/*": "every compressed message comes so" };

const DATA: readonly Breakage[] = [
  {
    name: "forgets what came before after three messages",
    breaks: TAKEOVER,
    server: forgetting((count) => count === 4),
    foundBy: ["rfc7692/7.2.2/takeover-ten-messages-back"],
    also: IN_DEFLATE,
  },
  {
    name: "begins with an empty window for each message",
    breaks: TAKEOVER,
    server: forgetting(() => true),
    foundBy: ["rfc7692/7.2.2/takeover-same-message-again"],
    also: IN_DEFLATE,
  },
  {
    name: "begins with an empty window after an empty message",
    breaks: TAKEOVER,
    server: () => {
      let empty = false;
      return {
        inflate(payload, window, limit) {
          const result = strict.inflate(payload, empty ? EMPTY : window, limit);
          empty = "data" in result && result.data.length === 0;
          return result;
        },
      };
    },
    foundBy: ["rfc7692/7.2.2/takeover-over-empty-message"],
    also: IN_DEFLATE,
  },
  {
    name: "begins with an empty window after a message that was not compressed",
    breaks: TAKEOVER,
    server: () => {
      let plain = false;
      let begun = false;
      return {
        inflate(payload, window, limit) {
          begun = true;
          return strict.inflate(payload, plain ? EMPTY : window, limit);
        },
        echo(message) {
          plain = !begun;
          begun = false;
          return [message];
        },
      };
    },
    foundBy: ["rfc7692/7.2.2/takeover-over-uncompressed-message"],
    also: IN_DEFLATE,
  },
  {
    name: "keeps half of the client's window",
    breaks: TAKEOVER,
    server: {
      inflate: (payload, window, limit) => strict.inflate(payload, window.subarray(-16384), limit),
    },
    foundBy: ["rfc7692/7.2.2/takeover-whole-window"],
    also: IN_DEFLATE,
  },
  {
    name: "keeps a window of 32,767 bytes",
    breaks: TAKEOVER,
    server: {
      inflate: (payload, window, limit) => strict.inflate(payload, window.subarray(-32767), limit),
    },
    foundBy: ["rfc7692/7.2.2/takeover-whole-window"],
    also: IN_DEFLATE,
  },
  {
    name: "begins with an empty window because that was offered, and not agreed to",
    breaks: TAKEOVER,
    server: () => {
      let asked = false;
      return {
        chooseExtension: (offers) => {
          const chosen = strict.chooseExtension(offers);
          if (chosen === null) return null;
          asked = /client_no/.test(chosen.header);
          return { ...chosen, header: chosen.header.replace("; client_no_context_takeover", "") };
        },
        keepsWindowIn: () => !asked,
      };
    },
    foundBy: ["rfc7692/7.2.2/takeover-hint-is-no-agreement"],
    also: IN_DEFLATE,
  },
  {
    name: "reads the first block alone",
    breaks: TAKEOVER,
    server: {
      inflate: (payload, window, limit) => {
        const whole = inflateMessage(payload, window, limit);
        if ("code" in whole || payload.length < 2) return whole;
        const empty = Buffer.from(payload).indexOf(Buffer.from([0, 0, 0xff, 0xff]));
        if (empty < 0) return whole;
        return inflateMessage(payload.subarray(0, empty), window, limit);
      },
    },
    foundBy: ["rfc7692/7.2.2/example-two-blocks"],
    also: { "rfc7692/*": "all that send more blocks" },
  },
  {
    name: "stops at a block with BFINAL",
    breaks: "RFC 7692 7.2.1 MUST",
    server: {
      inflate: (payload, window, limit) => {
        const whole = inflateMessage(payload, window, limit);
        if ("code" in whole || window.length > 0) return whole;
        try {
          const data = inflateRawSync(Buffer.concat([payload, TAIL]), {
            finishFlush: constants.Z_SYNC_FLUSH,
          });
          return { data: new Uint8Array(data) };
        } catch {
          return whole;
        }
      },
    },
    foundBy: ["rfc7692/7.2.*/bfinal-*"],
  },
  {
    name: "refuses blocks with BFINAL",
    breaks: COMPRESS,
    server: {
      inflate: (payload, window, limit) =>
        ((payload[0] ?? 0) & 1) === 1 ? { code: 1007 } : strict.inflate(payload, window, limit),
    },
    foundBy: ["rfc7692/7.2.1/example-bfinal", "rfc7692/7.2.1/bfinal-fixed"],
    also: { "rfc7692/7.2*": "all that send such a block" },
  },
  {
    name: "refuses stored blocks",
    breaks: "RFC 7692 7.2.2 MUST",
    server: {
      inflate: (payload, window, limit) =>
        payload.length > 1 && ((payload[0] ?? 0) & 6) === 0
          ? { code: 1007 }
          : strict.inflate(payload, window, limit),
    },
    foundBy: ["rfc7692/7.2.2/stored-block", "rfc7692/7.2.2/stored-block*"],
    also: { "rfc7692/*": "all that send stored blocks" },
  },
  {
    name: "delivers what it can of bad data",
    breaks: TAKEOVER,
    server: {
      inflate: (payload, window, limit) => {
        const result = strict.inflate(payload, window, limit);
        return "code" in result && result.code === 1007 ? { data: EMPTY } : result;
      },
    },
    foundBy: ["rfc7692/7.2.2/reserved-block-type"],
    also: { "rfc7692/*": "all that send bad data" },
  },
  {
    name: "loses what is above 64 KiB of decompressed data",
    breaks: TAKEOVER,
    server: {
      inflate: (payload, window, limit) => {
        const result = strict.inflate(payload, window, limit);
        return "data" in result ? { data: result.data.subarray(0, 65536) } : result;
      },
    },
    foundBy: ["rfc7692/7.2.2/echo-prose-131072-bytes"],
    also: IN_DEFLATE,
  },
  {
    name: "keeps its window though it agreed to begin anew",
    breaks: COMPRESS,
    server: { keepsWindowOut: () => true },
    foundBy: ["rfc7692/7.2.1/server-starts-anew"],
    also: { "rfc7692/*": "all that agree so" },
  },
  {
    name: "uses a larger window than it agreed to",
    breaks: COMPRESS,
    server: {
      compress: (data, window) => withoutTail(deflateMatching(data, window, 32768)),
    },
    foundBy: ["rfc7692/7.2.1/server-window-of-9-bits"],
    also: { "rfc7692/7.1.2.1/*": "which is where the window is agreed on" },
  },
  {
    name: "uses twice the window of 8 bits",
    breaks: COMPRESS,
    server: {
      compress: (data, window, { serverMaxWindowBits }) =>
        withoutTail(deflateMatching(data, window, 2 ** Math.max(9, serverMaxWindowBits))),
    },
    foundBy: ["rfc7692/7.2.1/server-window-of-8-bits"],
    also: { "rfc7692/7.1.2.1/*": "which is where the window is agreed on" },
  },
  {
    name: "sets no RSV1 on what it compressed",
    breaks: "RFC 7692 6 MUST",
    server: { frames: (opcode, payload) => [out(opcode, payload)] },
    foundBy: ["rfc7692/6/*"],
    also: {
      "rfc7692/*": "no such message can be read",
      "rfc6455/5.6/server-text-is-utf8": "nor as text",
    },
  },
  {
    name: "sets RSV1 on what it did not compress",
    breaks: "RFC 7692 7.2.1 MUST",
    server: { compress: (data) => data },
    foundBy: ["rfc7692/7.2.1/server-compresses-by-deflate"],
    also: { "rfc7692/*": "no such message can be read" },
  },
  {
    name: "sets RSV1 on all fragments",
    breaks: "RFC 7692 6.1 MUST",
    server: {
      frames: (opcode, payload, compressed) => [
        out(opcode, payload.subarray(0, 1), { fin: false, rsv: compressed ? 4 : 0 }),
        out(0, payload.subarray(1), { rsv: compressed ? 4 : 0 }),
      ],
    },
    foundBy: ["rfc7692/6.1/server-rsv1-on-first-fragments-alone"],
  },
  {
    name: "sets RSV1 on Pongs once permessage-deflate is agreed to",
    breaks: "RFC 7692 6.1 MUST",
    server: {
      pong: (payload, { agreement }) => [out(10, payload, { rsv: agreement === null ? 0 : 4 })],
    },
    foundBy: ["rfc7692/6.1/server-rsv1-on-first-fragments-alone"],
  },
  {
    name: "leaves the four bytes of the tail in place",
    breaks: COMPRESS,
    server: {
      compress: (data, window, { serverMaxWindowBits }) =>
        deflateMatching(data, window, 2 ** serverMaxWindowBits),
    },
    foundBy: ["rfc7692/7.2.1/*"],
    also: ANY,
  },
  {
    name: "sends zlib's format and not raw DEFLATE",
    breaks: COMPRESS,
    server: {
      compress: (data) => new Uint8Array([0x78, 0x9c, ...deflateRawSync(data)]),
    },
    foundBy: ["rfc7692/7.2.1/server-compresses-by-deflate"],
    also: ANY,
  },
  {
    name: "sends an empty message as a compressed one of no bytes",
    breaks: COMPRESS,
    server: {
      compress: (data, ...more) => data.length === 0 ? EMPTY : strict.compress(data, ...more),
    },
    foundBy: ["rfc7692/7.2.1/server-compresses-by-deflate", "rfc7692/7.2.2/empty-stored"],
    also: { "rfc7692/*": "all that send an empty message" },
  },
  {
    name: "refers to messages that it sent without compression",
    breaks: COMPRESS,
    server: () => {
      let held: Uint8Array = EMPTY;
      return {
        compress(data, window, { serverMaxWindowBits }) {
          const before = held;
          held = EMPTY;
          if (data.length < 40) {
            held = data;
            return null;
          }
          const joined = new Uint8Array(Buffer.concat([window, before]));
          return withoutTail(deflateMatching(data, joined, 2 ** serverMaxWindowBits));
        },
      };
    },
    foundBy: ["rfc7692/7.2.1/*", "rfc7692/7.2.2/*"],
    also: ANY,
  },
];

const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** The servers that break a requirement of permessage-deflate. */
export const deflate: readonly Breakage[] = [...NEGOTIATION, ...DATA];
