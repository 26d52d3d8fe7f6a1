import { describe, it } from "node:test";
import { deflateRawSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { inflateMessage } from "../reference/inflate.ts";
import { type OutFrame, type Rules, strictRules as strict } from "../reference/rules.ts";
import { startReference } from "../reference/server.ts";
import type { ConformanceOptions } from "../runner/options.ts";
import { runConformance } from "../runner/run.ts";
import { concat } from "../wire/bytes.ts";
import { type Extension, storedBlocks, withoutTail } from "../wire/deflate.ts";
import { deflateMatching } from "../wire/matching.ts";

async function casesOn(rules: Partial<Rules>, options: Partial<ConformanceOptions>) {
  const server = await startReference(rules);
  try {
    const report = await runConformance({ url: server.url, seed: 1, timeout: 1000, ...options });
    return report.cases;
  } finally {
    await server.close();
  }
}

type Choose = Rules["chooseExtension"];

/** The strict answer with its header changed, and what the server then does as well. */
const answering =
  (change: (header: string, offers: readonly Extension[]) => string): Choose => (offers) => {
    const chosen = strict.chooseExtension(offers);
    return chosen && { ...chosen, header: change(chosen.header, offers) };
  };

/** The strict answer to other offers than were made. */
const reading = (change: (offer: Extension) => Extension): Choose => (offers) =>
  strict.chooseExtension(offers.map(change));

const withValues = (change: (value: string) => string): Choose =>
  reading(({ name, parameters }) => ({
    name,
    parameters: parameters.map(([key, value]) => [key, value === true ? value : change(value)]),
  }));

const without = (drop: (name: string, value: string | true) => boolean): Choose =>
  reading(({ name, parameters }) => ({
    name,
    parameters: parameters.filter(([key, value]) => !drop(key, value)),
  }));

const KNOWN = ["server_no_context_takeover", "client_no_context_takeover"];
const isKnown = (name: string) => KNOWN.includes(name) || name.endsWith("_max_window_bits");

const agreed = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

const rsvBut = (excused: (opcode: number) => boolean, bits: number): Rules["checkRsv"] =>
(
  head,
  state,
) => strict.checkRsv(excused(head.opcode) ? { ...head, rsv: head.rsv & ~bits } : head, state);

const inflatingBut = (change: (data: Uint8Array, payload: Uint8Array) => Uint8Array | null) =>
(
  ...[payload, window, limit]: Parameters<Rules["inflate"]>
): ReturnType<Rules["inflate"]> => {
  const result = inflateMessage(payload, window, limit);
  if ("code" in result) return result;
  const data = change(result.data, payload);
  return data === null ? { code: 1007 } : { data };
};

/** A server that no longer answers once it saw what it cannot stand. */
function dying(sees: (payload: Uint8Array) => boolean): Partial<Rules> {
  let dead = false;
  return {
    inflate: (payload, window, limit) => {
      dead ||= sees(payload);
      return inflateMessage(payload, window, limit);
    },
    echo: (message) => dead ? [] : [message],
    pong: (payload, state) => dead ? [] : strict.pong(payload, state),
    failure: () => null,
    end: (socket) => void (dead ? null : socket.end()),
  };
}

const noise = (at: number) => (at * at * 31 + (at >> 5) * 7) & 255;
const cut = (payload: Uint8Array) => payload.length === 2 && payload[0] === 0xf2;
const isFinal = (payload: Uint8Array) => ((payload[0] ?? 0) & 1) === 1;

/** Broken servers, each with the case that finds it. */
const BROKEN: Readonly<Record<string, readonly [Partial<Rules>, id: string, verdict?: "warn"]>> = {
  "takes window bits with leading zeros": [
    { chooseExtension: withValues((value) => value.replace(/^0+/, "")) },
    "rfc7692/7/decline-server-max-window-bits-leading-zero",
  ],
  "takes 7 window bits for 8": [
    { chooseExtension: withValues((value) => value === "7" ? "8" : value) },
    "rfc7692/7/decline-client-max-window-bits-7",
  ],
  "takes 16 window bits for 15": [
    { chooseExtension: withValues((value) => value === "16" ? "15" : value) },
    "rfc7692/7/decline-server-max-window-bits-16",
  ],
  "passes over unknown parameters": [
    { chooseExtension: without((name) => !isKnown(name)) },
    "rfc7692/7/decline-unknown-after-known",
  ],
  "takes a takeover parameter with a value": [
    {
      chooseExtension: reading(({ name, parameters }) => ({
        name,
        parameters: parameters.map(([key, value]) => [key, KNOWN.includes(key) ? true : value]),
      })),
    },
    "rfc7692/7/decline-server-no-context-takeover-1",
  ],
  "takes the last of two parameters of a name": [
    {
      chooseExtension: reading(({ name, parameters }) => ({
        name,
        parameters: [...new Map(parameters)],
      })),
    },
    "rfc7692/7/decline-server-max-window-bits-twice-different",
  ],
  "takes server_max_window_bits without a value": [
    {
      chooseExtension: without((name, value) =>
        name === "server_max_window_bits" && value === true
      ),
    },
    "rfc7692/7/decline-server-max-window-bits-without-value",
  ],
  "answers client_max_window_bits unasked": [
    { chooseExtension: answering((header) => `${header}; client_max_window_bits=15`) },
    "rfc7692/7.1.2.2/offer-no-parameters",
  ],
  "answers client_max_window_bits without a value": [
    { chooseExtension: answering((header) => `${header}; client_max_window_bits`) },
    "rfc7692/7/offer-client-max-window-bits",
  ],
  "leaves server_no_context_takeover out of its answer": [
    { chooseExtension: answering((header) => header.replace("; server_no_context_takeover", "")) },
    "rfc7692/7.1.1.1/offer-server-no-context-takeover",
  ],
  "leaves server_max_window_bits out of its answer": [
    { chooseExtension: answering((header) => header.replace(/; server_max_window_bits=\d+/, "")) },
    "rfc7692/7.1.2.1/offer-server-max-window-bits-9",
  ],
  "answers more window bits than it was asked for": [
    { chooseExtension: answering((header) => header.replace(/(server_max.*=)\d+/, "$115")) },
    "rfc7692/7.1.2.1/offer-bits-either-way",
  ],
  "answers a parameter twice": [
    { chooseExtension: answering((header) => `${header}; server_no_context_takeover`) },
    "rfc7692/7.1.1.1/offer-server-no-context-takeover",
  ],
  "answers a parameter that there is not": [
    { chooseExtension: answering((header) => `${header}; level=9`) },
    "rfc7692/7.1.2.2/offer-no-parameters",
  ],
  "answers two offers": [
    { chooseExtension: answering((header, { length }) => Array(length).fill(header).join(", ")) },
    "rfc7692/5/list-same-offer-twice",
  ],
  "picks an illegal offer from a list": [
    {
      chooseExtension: () => ({
        header: "permessage-deflate; client_max_window_bits=15",
        agreement: agreed,
      }),
    },
    "rfc7692/7/list-fallback-from-bits-7",
  ],
  "prefers the last offer": [
    { chooseExtension: (offers) => strict.chooseExtension([...offers].reverse()) },
    "rfc7692/5/preference-is-kept",
    "warn",
  ],
  "forgets the client's window": [
    { keepsWindowIn: () => false },
    "rfc7692/7.2.2/shared-window-example",
  ],
  "keeps only a part of the client's window": [
    { inflate: (payload, window, limit) => inflateMessage(payload, window.slice(-1024), limit) },
    "rfc7692/7.2.2/takeover-whole-window",
  ],
  "takes the hint for an agreement": [
    {
      chooseExtension: answering((header) => header.replace("; client_no_context_takeover", "")),
    },
    "rfc7692/7.2.2/takeover-hint-is-no-agreement",
  ],
  "reads back only as far as 256 bytes": [
    {
      inflate: (payload, window, limit) => {
        const result = inflateMessage(payload, window, limit);
        return "data" in result && result.data.length > 256 ? { code: 1007 } : result;
      },
    },
    "rfc7692/7.1.2.2/client-window-of-9-bits",
  ],
  "keeps its own window in spite of the agreement": [
    { keepsWindowOut: () => true },
    "rfc7692/7.2.1/server-starts-anew",
  ],
  "uses a larger window than agreed": [
    { compress: (data, window) => withoutTail(deflateMatching(data, window, 32768)) },
    "rfc7692/7.2.1/server-window-of-10-bits",
  ],
  "sends the tail of the flush": [
    {
      compress: (data, window, { serverMaxWindowBits }) =>
        deflateMatching(data, window, 2 ** serverMaxWindowBits),
    },
    "rfc7692/7.2.2/example-one-block",
  ],
  "sends nothing at all for an empty message": [
    {
      compress: (data) =>
        data.length === 0 ? data : strict.compress(data, new Uint8Array(), agreed),
    },
    "rfc7692/7.2.2/empty-stored",
  ],
  "takes RSV1 on control frames": [
    { checkRsv: rsvBut((opcode) => opcode >= 8, 4) },
    "rfc7692/6.1/rsv1-on-ping",
  ],
  "takes RSV1 on a Close frame": [
    { checkRsv: rsvBut((opcode) => opcode === 8, 4) },
    "rfc7692/6.1/rsv1-on-close",
  ],
  "takes RSV1 on continuations": [
    { checkRsv: rsvBut((opcode) => opcode === 0, 4) },
    "rfc7692/6.1/rsv1-on-last-fragment",
  ],
  "takes RSV2 where deflate was agreed to": [
    { checkRsv: rsvBut(() => true, 2) },
    "rfc6455/5.2/rsv1-and-rsv2-beside-deflate",
  ],
  "takes RSV1 where nothing was agreed to": [
    { checkRsv: () => null },
    "rfc6455/5.2/compressed-binary-without-deflate",
  ],
  "drops what follows a block with BFINAL": [
    { inflate: inflatingBut((data, payload) => isFinal(payload) ? data.slice(0, 1000) : data) },
    "rfc7692/7.2.1/bfinal-first",
  ],
  "takes no block with BFINAL": [
    { inflate: inflatingBut((data, payload) => isFinal(payload) ? null : data) },
    "rfc7692/7.2.1/example-bfinal",
  ],
  "takes no stored blocks": [
    { inflate: inflatingBut((data, payload) => (payload[0] ?? 0) % 8 === 0 ? null : data) },
    "rfc7692/7.2.2/stored-blocks-of-7-bytes",
  ],
  "takes no dynamic blocks": [
    { inflate: inflatingBut((data, payload) => ((payload[0] ?? 0) & 6) === 4 ? null : data) },
    "rfc7692/7.2.2/zlib-level-9",
  ],
  "takes no empty message": [
    { inflate: inflatingBut((data) => data.length === 0 ? null : data) },
    "rfc7692/7.2.2/empty-fixed",
  ],
  "loses the last byte": [
    { inflate: inflatingBut((data) => data.slice(0, -1)) },
    "rfc7692/7.2.2/fixed-block",
  ],
  "loses messages of 64 KiB": [
    { inflate: inflatingBut((data) => data.length >= 65536 ? new Uint8Array() : data) },
    "rfc7692/7.2.2/echo-noise-65536-bytes",
  ],
  "decompresses what is not compressed": [
    {
      echo: ({ text, data }) => {
        const inflated = data[0] === 0xf2 ? inflateMessage(data, new Uint8Array(), 1000) : null;
        return [{ text, data: inflated !== null && "data" in inflated ? inflated.data : data }];
      },
    },
    "rfc7692/6/plain-message-that-looks-compressed",
  ],
  "reads only the first frame of a message": [
    { assemble: ([first = new Uint8Array()]) => first },
    "rfc7692/6/compressed-in-fragments-of-3",
  ],
  "delivers what it could not decompress": [
    {
      inflate: (payload, window, limit) => {
        const result = inflateMessage(payload, window, limit);
        return "code" in result ? { data: payload } : result;
      },
    },
    "rfc7692/7.2.2/reserved-distance-30",
  ],
  "passes over what it could not decompress": [
    {
      inflate: (payload, window, limit) => {
        const result = inflateMessage(payload, window, limit);
        return "code" in result ? { data: Uint8Array.of(0, 255, 0) } : result;
      },
      echo: (message) => message.data[1] === 255 ? [] : [message],
    },
    "rfc7692/7.2.2/repeat-of-nothing",
    "warn",
  ],
  "hangs where the data is cut off": [
    dying(cut),
    "rfc6455/5.5.2/pong-after-deflate-cut-off-fixed",
  ],
  "does not check decompressed text": [
    { checkText: () => true },
    "rfc7692/6.1/not-utf8-surrogate",
  ],
  "dies of a bomb": [
    dying((payload) => payload.length > 5000),
    "rfc6455/10.4/inflates-to-8-mib",
  ],
  "does not limit what it decompresses": [
    {
      maxMessage: 100_000,
      inflate: (payload, window) => inflateMessage(payload, window, 2 ** 30),
    },
    "rfc6455/10.4/inflates-above-the-limit",
  ],
  "loses a message in a hundred": [
    { echo: (message) => message.data.length % 97 === 96 ? [] : [message] },
    "rfc7692/7.2.2/any-legal-stream",
  ],
};

describe("the cases of RFC 7692", () => {
  for (const [what, [rules, id, verdict = "fail"]] of Object.entries(BROKEN)) {
    it(`find a server that ${what}`, async () => {
      const [one, none] = await casesOn(rules, {
        only: [id],
        // The case may be one of the full profile; what that measures besides is of no interest.
        skip: ["performance/*"],
        profile: "full",
        maxMessage: 100_000,
        runs: 200,
        timeout: 400,
      });
      assert(one !== undefined && none === undefined, `no such case: ${id}`);
      assertEquals([one.verdict, one.behaviour], [
        verdict,
        verdict === "fail" ? "broken" : one.behaviour,
      ], one.observed);
    });
  }
});

const finalBlock = (data: Uint8Array) =>
  concat([new Uint8Array(deflateRawSync(data)), Uint8Array.of(0)]);

const inPieces: Rules["frames"] = (opcode, payload, compressed) => {
  const frames: OutFrame[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += 50) {
    const rsv = compressed && at === 0 ? 4 : 0;
    const part = payload.subarray(at, at + 50);
    frames.push({
      fin: at + 50 >= payload.length,
      rsv,
      opcode: at === 0 ? opcode : 0,
      payload: part,
    });
  }
  return frames;
};

/** Servers that are right, in their own way. */
const UNUSUAL: Readonly<Record<string, Partial<Rules>>> = {
  "declines the extension": { chooseExtension: () => null },
  "declines window bits below 15": {
    chooseExtension: (offers) =>
      strict.chooseExtension(
        offers.filter(({ parameters }) =>
          parameters.every(([key]) => key !== "server_max_window_bits")
        ),
      ),
  },
  "refuses the handshake for an illegal offer": {
    checkHost: (request) => {
      const header = request.values("sec-websocket-extensions").join();
      const fine = header === "" ||
        strict.chooseExtension(strict.readOffers(header) ?? []) !== null;
      return fine ? null : { status: 400 };
    },
  },
  "wants no context takeover either way": {
    chooseExtension: (offers) => {
      const chosen = strict.chooseExtension(offers);
      if (chosen === null || chosen.header.includes("bits")) return null;
      return {
        header: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        agreement: { ...agreed, serverNoContextTakeover: true, clientNoContextTakeover: true },
      };
    },
  },
  "uses a smaller window than was asked for": {
    chooseExtension: (offers) => {
      const chosen = strict.chooseExtension(offers);
      if (chosen === null || chosen.agreement === null) return chosen;
      const header = chosen.header.replace(/; server_max_window_bits=\d+/, "");
      return {
        header: `${header}; server_max_window_bits=8`,
        agreement: { ...chosen.agreement, serverMaxWindowBits: 8 },
      };
    },
  },
  "limits the client's window where it may": {
    chooseExtension: (offers) => {
      const chosen = strict.chooseExtension(offers);
      const [first] = offers;
      const may = first?.parameters.some(([key]) => key === "client_max_window_bits");
      if (chosen === null || offers.length > 1 || !may) return chosen;
      return { ...chosen, header: `${chosen.header}; client_max_window_bits=9` };
    },
  },
  "answers with its parameters quoted and spaced": {
    chooseExtension: answering((header) => header.replace(/=(\d+)/, '="$1"').replaceAll(";", " ;")),
  },
  "compresses nothing": { compress: () => null },
  "compresses only long messages": {
    compress: (data, window, agreement) =>
      data.length < 1024 ? null : strict.compress(data, window, agreement),
    keepsWindowOut: () => false,
  },
  "sends stored blocks of a few bytes": {
    compress: (data) => concat([storedBlocks(data, 7), Uint8Array.of(0)]),
  },
  "sends blocks with BFINAL": {
    compress: finalBlock,
    keepsWindowOut: () => false,
    chooseExtension: (offers) =>
      strict.chooseExtension(
        offers.filter(({ parameters }) =>
          parameters.every(([key]) => key !== "server_max_window_bits")
        ),
      ),
  },
  "sends compressed messages in fragments": { frames: inPieces },
  "sends Pings between": {
    greet: (send) =>
      send({ fin: true, rsv: 0, opcode: 9, payload: Uint8Array.from([1, 2].map(noise)) }),
  },
  "fails bad data with 1002": {
    failure: () => Uint8Array.of(1002 >> 8, 1002 & 255),
    checkText: strict.checkText,
  },
  "closes without a Close frame on errors": { failure: () => null },
  "takes 1,000 bytes at most": { maxMessage: 1000 },
  "keeps the window where it need not": { keepsWindowIn: () => true },
};

describe("a server that is right in its own way is blamed for nothing", () => {
  const only = ["rfc7692/*", "rfc6455/5.2/*deflate", "rfc6455/5.5.2/pong-after-deflate*"];
  const skip = ["rfc7692/7.2.2/echo*", "rfc7692/7/decline-client*"];
  for (const [what, rules] of Object.entries(UNUSUAL)) {
    it(`where it ${what}`, async () => {
      const cases = await casesOn(rules, { only, skip, runs: 10 });
      const blamed = cases.filter(({ verdict }) => verdict === "fail" || verdict === "error");
      assertEquals(blamed.map(({ id, expected, observed }) => [id, expected, observed]), []);
    });
  }
});

describe("inflateMessage()", () => {
  it("takes a limit beyond what any buffer holds for none", () => {
    const payload = withoutTail(storedBlocks(new TextEncoder().encode("Hello"), 5));
    const result = inflateMessage(payload, new Uint8Array(), Number.MAX_VALUE);
    assertEquals("data" in result && new TextDecoder().decode(result.data), "Hello");
  });
});
