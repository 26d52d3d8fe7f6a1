/**
 * Unusual servers: how they answer the handshake, and what they agree to and send by RFC 7692.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import { type Agreement, storedBlocks, withoutTail, zlibBlocks } from "../../wire/deflate.ts";
import { type Rules, strictRules as strict } from "../rules.ts";
import type { Unusual } from "./unusual.ts";

/** Answers changed, and what they mean. */
const agreeing = (
  more: (asked: ReadonlySet<string>) => string,
  change: (asked: ReadonlySet<string>) => Partial<Agreement>,
): Partial<Rules> => ({
  chooseExtension(offers) {
    const offer = offers.find((one) => strict.chooseExtension([one]) !== null);
    const chosen = strict.chooseExtension(offers);
    if (chosen === null || chosen.agreement === null) return chosen;
    const asked = new Set(offer?.parameters.map(([name]) => name));
    const agreement = { ...chosen.agreement, ...change(asked) };
    return { header: `${chosen.header}${more(asked)}`, agreement };
  },
});

/** A parameter that the client did not ask for. */
const unasked = (name: string, value = "") => (asked: ReadonlySet<string>) =>
  asked.has(name) ? "" : `; ${name}${value}`;

/** The servers that are unusual in what they agree to. */
export const negotiation: readonly Unusual[] = [
  { name: "does not know permessage-deflate", server: { chooseExtension: () => null } },
  { name: "agrees to permessage-deflate and compresses nothing", server: { compress: () => null } },
  {
    name: "compresses what is of 100 bytes and more",
    server: {
      compress: (data, ...more) => data.length < 100 ? null : strict.compress(data, ...more),
    },
  },
  {
    name: "begins its messages anew without being asked",
    server: agreeing(
      unasked("server_no_context_takeover"),
      () => ({ serverNoContextTakeover: true }),
    ),
  },
  {
    name: "wants the client to begin its messages anew",
    server: agreeing(
      unasked("client_no_context_takeover"),
      () => ({ clientNoContextTakeover: true }),
    ),
  },
  {
    name: "uses the smallest window without being asked",
    server: agreeing(
      unasked("server_max_window_bits", "=8"),
      (asked) => asked.has("server_max_window_bits") ? {} : { serverMaxWindowBits: 8 },
    ),
  },
  {
    name: "wants the client to use the smallest window",
    server: agreeing(
      (asked) => asked.has("client_max_window_bits") ? "; client_max_window_bits=8" : "",
      (asked) => asked.has("client_max_window_bits") ? { clientMaxWindowBits: 8 } : {},
    ),
  },
  {
    name: "quotes the values in its answer",
    server: {
      chooseExtension(offers) {
        const chosen = strict.chooseExtension(offers);
        return chosen && { ...chosen, header: chosen.header.replace(/=(\d+)/g, '="$1"') };
      },
    },
  },
  {
    name: "agrees to nothing that has parameters",
    server: {
      chooseExtension: (offers) =>
        strict.chooseExtension(offers.filter(({ parameters }) => parameters.length === 0)),
    },
  },
  {
    name: "compresses into stored blocks",
    server: { compress: (data) => withoutTail(storedBlocks(data, 1000)) },
  },
  {
    name: "compresses into blocks with BFINAL",
    server: {
      // The octet of zeros that section 7.2.3.4 asks for.
      compress: (data) =>
        new Uint8Array(Buffer.concat([deflateRawSync(data, { windowBits: 9 }), Buffer.of(0)])),
      keepsWindowOut: () => false,
    },
  },
  {
    name: "compresses each message into several blocks",
    server: {
      compress: (data, _, { serverMaxWindowBits }) => {
        const options = { windowBits: Math.max(9, serverMaxWindowBits) };
        const half = Math.floor(data.length / 2);
        const first = zlibBlocks(data.subarray(0, half), { ...options, strategy: "fixed" });
        const second = zlibBlocks(data.subarray(half), { ...options, strategy: "huffman-only" });
        return withoutTail(new Uint8Array(Buffer.concat([first, second])));
      },
    },
  },
  {
    name: "writes its answer in odd cases and with blanks",
    server: {
      responseLines: (lines) =>
        lines.map((line) =>
          line.replace(/^Upgrade: websocket/, "uPGRADE:WebSocket")
            .replace(/^Connection: Upgrade/, "connection:  keep-alive ,  uPgRaDe  ")
            .replace(
              /^(Sec-WebSocket-Accept|Sec-WebSocket-Extensions|Sec-WebSocket-Protocol): /,
              (name) => `${name.toUpperCase()} \t`,
            )
        ),
    },
  },
  {
    name: "adds header fields to its answer",
    server: {
      responseLines: ([status = "", ...lines]) => [
        status.replace("Switching Protocols", "Web Socket Protocol Handshake"),
        "Date: Mon, 01 Jan 2024 00:00:00 GMT",
        "Server: heddle/0",
        ...lines,
        "Connection: keep-alive",
        "Set-Cookie: a=1; Path=/",
        "Set-Cookie: b=2",
        "X-Empty:",
        "Sec-WebSocket-Version: 13",
      ],
    },
  },
  {
    name: "gives no reason for its 101 and sends another response before it",
    server: {
      responseLines: (
        [, ...lines],
      ) => ["HTTP/1.1 103 Early Hints", "Link: </a>", "", "HTTP/1.1 101 ", ...lines],
    },
  },
  {
    name: "refuses requests of more than 8 KiB with 431",
    server: () => {
      let length = 0;
      return {
        gather(waiting, chunk) {
          const all = strict.gather(waiting, chunk);
          length = all.length;
          return all;
        },
        checkMethod: (request) => length > 8192 ? { status: 431 } : strict.checkMethod(request),
      };
    },
  },
  {
    name: "admits eight connections at once",
    server: { checkRoom: (connections) => connections > 8 ? { status: 503 } : null },
  },
  {
    name: "admits one connection at a time",
    server: { checkRoom: (connections) => connections > 1 ? { status: 503 } : null },
    slow: true,
  },
  {
    name: "selects the last subprotocol offered",
    server: { chooseSubprotocol: (offered) => offered.at(-1) ?? null },
  },
  { name: "selects no subprotocol", server: { chooseSubprotocol: () => null } },
  {
    name: "answers all bad handshakes with 403 and a page",
    server: {
      refusalLines: (lines) => [
        ...lines.filter((line) => !line.startsWith("Content-Length")),
        "Content-Type: text/html",
      ],
    },
  },
];
