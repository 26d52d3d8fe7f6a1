/**
 * Servers that get UTF-8 wrong (RFC 6455 sections 5.6 and 8.1).
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";
import { type Rules, strictRules as strict } from "../rules.ts";
import { type Breakage, IN_ANY_STREAM } from "./breakage.ts";

const BAD = "RFC 6455 8.1 MUST";
const GOOD = "RFC 6455 5.6 MUST";

/** Takes bytes that match, in Latin 1, for characters. */
const taking = (pattern: RegExp): Partial<Rules> => ({
  checkText: (text, whole) => strict.checkText(without(text, pattern), whole),
});

const without = (text: Uint8Array, pattern: RegExp): Uint8Array =>
  Buffer.from(Buffer.from(text).toString("latin1").replace(pattern, ""), "latin1");

const refusing = (pattern: RegExp): Partial<Rules> => ({
  checkText: (text, whole) =>
    strict.checkText(text, whole) && !pattern.test(Buffer.from(text).toString("latin1")),
});

const changing = (change: (text: string) => string): Partial<Rules> => ({
  echo: ({ text, data }) => [
    { text, data: text ? new Uint8Array(Buffer.from(change(Buffer.from(data).toString()))) : data },
  ],
});

/** Takes any bytes for a text in more fragments than these. */
const blindAbove = (fragments: number) => (): Partial<Rules> => {
  let blind = false;
  return {
    assemble(parts) {
      blind = parts.length > fragments;
      return strict.assemble(parts);
    },
    checkText: (text, whole) => !whole || blind || isUtf8(text),
  };
};

const STREAMS = {
  "rfc6455/5.4/*": IN_ANY_STREAM,
  "rfc7692/7.2.2/*": IN_ANY_STREAM,
  "rfc*/any-*": IN_ANY_STREAM,
};

/** The servers that break a requirement of texts. */
export const texts: readonly Breakage[] = [
  {
    name: "takes any bytes for text",
    breaks: BAD,
    server: { checkText: () => true },
    foundBy: ["rfc6455/8.1/byte-ff-in-middle"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc6455/7.1*": "and goes on",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "takes surrogates for characters",
    breaks: BAD,
    server: taking(/\xed[\xa0-\xbf][\x80-\xbf]/g),
    foundBy: ["rfc6455/8.1/surrogate-d800-alone"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "takes surrogates for characters where a fragment ends inside them",
    breaks: BAD,
    server: () => {
      let cut = false;
      return {
        checkText(text, whole) {
          const latin = Buffer.from(text).toString("latin1");
          if (!whole) {
            cut ||= /\xed([\xa0-\xbf])?$/.test(latin);
            return strict.checkText(text, false) || /\xed[\xa0-\xbf]?$/.test(latin);
          }
          const taken = cut ? without(text, /\xed[\xa0-\xbf][\x80-\xbf]/g) : text;
          cut = false;
          return isUtf8(taken);
        },
      };
    },
    foundBy: ["rfc6455/8.1/*"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "takes overlong forms of two bytes",
    breaks: BAD,
    server: taking(/[\xc0\xc1][\x80-\xbf]/g),
    foundBy: ["rfc6455/8.1/overlong-2-bytes-in-middle"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "takes NUL in two bytes",
    breaks: BAD,
    server: taking(/\xc0\x80/g),
    foundBy: ["rfc6455/8.1/overlong-2-bytes-of-nul-in-middle"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "takes overlong forms of three bytes",
    breaks: BAD,
    server: taking(/\xe0[\x80-\x9f][\x80-\xbf]/g),
    foundBy: ["rfc6455/8.1/overlong-3-bytes-last-at-end"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "takes overlong forms of four bytes",
    breaks: BAD,
    server: taking(/\xf0[\x80-\x8f][\x80-\xbf]{2}/g),
    foundBy: ["rfc6455/8.1/overlong-4-bytes-at-start"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "takes characters above U+10FFFF",
    breaks: BAD,
    server: taking(/\xf4[\x90-\xbf][\x80-\xbf]{2}|[\xf5-\xf7][\x80-\xbf]{3}/g),
    foundBy: ["rfc6455/8.1/above-10ffff-in-middle"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "takes forms of five and six bytes",
    breaks: BAD,
    server: taking(/[\xf8-\xfb][\x80-\xbf]{4}|[\xfc-\xfd][\x80-\xbf]{5}/g),
    foundBy: ["rfc6455/8.1/5-bytes-alone"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "takes a text that ends inside a character",
    breaks: BAD,
    server: { checkText: (text) => strict.checkText(text, false) },
    foundBy: ["rfc6455/8.1/1-of-2-bytes-at-end"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends it back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "does not look at texts of more than 1,000 bytes",
    breaks: BAD,
    server: { checkText: (text, whole) => text.length > 1000 || strict.checkText(text, whole) },
    foundBy: ["rfc6455/8.1/invalid-at-end-of-5000-bytes"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "looks at the first 64 KiB of a text",
    breaks: BAD,
    server: {
      checkText: (text, whole) =>
        strict.checkText(text.subarray(0, 65536), whole && text.length <= 65536),
    },
    foundBy: ["rfc6455/8.1/invalid-at-end-of-70000-bytes"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "does not look at texts in fragments",
    breaks: BAD,
    server: blindAbove(1),
    foundBy: ["rfc6455/8.1/*"],
    also: {
      "rfc6455/5.6/server-text-is-utf8": "and sends them back",
      "rfc7692/6.1/not-utf8-*": "also compressed",
    },
  },
  {
    name: "does not look at texts in five fragments and more",
    breaks: BAD,
    server: blindAbove(4),
    foundBy: ["rfc6455/8.1/*-in-fragments-of-a-byte"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "does not look at compressed texts",
    breaks: "RFC 7692 6.1 MUST",
    server: () => {
      let compressed = false;
      return {
        inflate(...given) {
          compressed = true;
          return strict.inflate(...given);
        },
        checkText(text, whole) {
          const passed = compressed;
          compressed = false;
          return passed || strict.checkText(text, whole);
        },
      };
    },
    foundBy: ["rfc7692/6.1/not-utf8-invalid-byte"],
    also: { "rfc6455/5.6/server-text-is-utf8": "and sends them back" },
  },
  {
    name: "checks UTF-8 fragment by fragment",
    breaks: GOOD,
    server: { checkText: (text) => isUtf8(text) },
    foundBy: ["rfc6455/5.6/text-cut-after-byte-2"],
    also: {
      "rfc6455/5.3/*": "characters cut by fragments",
      "rfc6455/5.4/*": "characters cut by fragments",
      "rfc6455/6.2/*": "characters cut by fragments",
      "rfc6455/8.1/any-text": "characters cut by fragments",
      "rfc7692/*": "characters cut by fragments",
    },
  },
  {
    name: "refuses noncharacters",
    breaks: GOOD,
    server: refusing(/\xef\xbf[\xbe\xbf]/),
    foundBy: ["rfc6455/5.6/text-of-noncharacter-ffff"],
    also: STREAMS,
  },
  {
    name: "refuses characters above the first plane",
    breaks: GOOD,
    server: refusing(/[\xf0-\xf4]/),
    foundBy: ["rfc6455/5.6/text-of-first-of-4-bytes"],
    also: { "rfc*": "they have such characters in them, too" },
  },
  {
    name: "refuses NUL",
    breaks: GOOD,
    server: refusing(/\0/),
    foundBy: ["rfc6455/5.6/text-of-nul"],
    also: { "rfc*": "they have NUL in them, too" },
  },
  {
    name: "ends texts at NUL",
    breaks: GOOD,
    server: changing((text) => text.split("\0")[0] ?? ""),
    foundBy: ["rfc6455/5.6/text-of-nul-inside"],
    also: { "rfc*": "they have NUL in them, too" },
  },
  {
    name: "drops the byte order mark",
    breaks: GOOD,
    server: changing((text) => text.replace(/^\ufeff/, "")),
    foundBy: ["rfc6455/5.6/text-of-byte-order-mark-at-start"],
    also: STREAMS,
  },
  {
    name: "composes characters",
    breaks: GOOD,
    server: changing((text) => text.normalize("NFC")),
    foundBy: ["rfc6455/5.6/text-of-decomposed-and-composed"],
    also: STREAMS,
  },
  {
    name: "trims texts",
    breaks: GOOD,
    server: changing((text) => text.trimEnd()),
    foundBy: ["rfc6455/5.6/*"],
    also: { "rfc*": "they end in blanks, too" },
  },
  {
    name: "writes line ends as LF",
    breaks: GOOD,
    server: changing((text) => text.replaceAll("\r\n", "\n")),
    foundBy: ["rfc6455/5.6/text-of-line-ends"],
    also: STREAMS,
  },
  {
    name: "puts the replacement character for what is no UTF-8",
    breaks: BAD,
    server: { checkText: () => true, ...changing((text) => text) },
    foundBy: ["rfc6455/8.1/byte-ff-in-middle"],
    also: { "rfc6455/7.1*": "and goes on", "rfc7692/6.1/not-utf8-*": "also compressed" },
  },
  {
    name: "refuses binary messages that are no UTF-8",
    breaks: GOOD,
    server: { echo: (message) => !message.text && !isUtf8(message.data) ? [] : [message] },
    foundBy: ["rfc6455/5.6/binary-of-bad-utf8"],
    also: { "rfc*": "they have such messages, too" },
  },
];
