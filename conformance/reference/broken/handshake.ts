/**
 * Servers that get the opening handshake wrong (RFC 6455 section 4.2, RFC 7692 sections 5 and 7.1).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Request } from "../request.ts";
import { STRICT } from "../request.ts";
import { membersOf, type Rules, strictRules as strict } from "../rules.ts";
import type { Breakage } from "./breakage.ts";

const REQUEST = "RFC 6455 4.2.1 MUST";
const ANSWER = "RFC 6455 4.2.2 MUST";

const bad = { status: 400 };
const ok = (is: boolean) => is ? null : bad;
const first = (request: Request, name: string): string => request.values(name)[0] ?? "";
const all = (request: Request, name: string): string => request.values(name).join(", ");
const sha1 = (text: string | Uint8Array) => createHash("sha1").update(text).digest();
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const adding = (...more: readonly string[]): Partial<Rules> => ({
  responseLines: (lines) => [...lines, ...more],
});
const replacing = (pattern: RegExp, by: string): Partial<Rules> => ({
  responseLines: (lines) => lines.map((line) => line.replace(pattern, by)).filter(Boolean),
});

const TOKENS: readonly Breakage[] = [
  {
    name: "compares Upgrade with its case",
    breaks: REQUEST,
    server: { checkUpgrade: (request) => ok(membersOf(request, "upgrade").includes("websocket")) },
    foundBy: ["rfc6455/4.2.1/upgrade-in-capitals"],
  },
  {
    name: "compares Connection with its case",
    breaks: REQUEST,
    server: {
      checkConnection: (request) => ok(membersOf(request, "connection").includes("Upgrade")),
    },
    foundBy: ["rfc6455/4.2.1/connection-in-small-letters"],
  },
  {
    name: "takes Connection for one token",
    breaks: REQUEST,
    server: {
      checkConnection: (request) => ok(all(request, "connection").toLowerCase() === "upgrade"),
    },
    foundBy: ["rfc6455/4.2.1/connection-list-upgrade-last"],
    also: { "rfc9110/5.6.1.2/*": "empty members make a list, too" },
  },
  {
    name: "reads the first member of Connection alone",
    breaks: REQUEST,
    server: {
      checkConnection: (request) =>
        ok(membersOf(request, "connection")[0]?.toLowerCase() === "upgrade"),
    },
    foundBy: ["rfc6455/4.2.1/connection-list-upgrade-last"],
  },
  {
    name: "reads the first line of Connection alone",
    breaks: REQUEST,
    server: {
      checkConnection: (request) =>
        ok(/(^|,)\s*upgrade\s*(,|$)/i.test(first(request, "connection"))),
    },
    foundBy: ["rfc6455/4.2.1/connection-list-in-two-lines"],
  },
  {
    name: "needs a blank after the comma in Connection",
    breaks: REQUEST,
    server: {
      checkConnection: (request) =>
        ok(all(request, "connection").toLowerCase().split(", ").includes("upgrade")),
    },
    foundBy: ["rfc6455/4.2.1/connection-list-without-spaces"],
    also: { "rfc9110/5.6.1.2/*": "empty members have none, either" },
  },
  {
    name: "looks for upgrade anywhere in Connection",
    breaks: REQUEST,
    server: { checkConnection: (request) => ok(/upgrade/i.test(all(request, "connection"))) },
    foundBy: ["rfc6455/4.2.1/connection-of-a-longer-token"],
  },
  {
    name: "does not look at Connection",
    breaks: REQUEST,
    server: { checkConnection: () => null },
    foundBy: ["rfc6455/4.2.1/connection-missing"],
  },
  {
    name: "looks for websocket anywhere in Upgrade",
    breaks: "RFC 9110 7.8 MUST",
    server: { checkUpgrade: (request) => ok(/websocket/i.test(all(request, "upgrade"))) },
    foundBy: ["rfc9110/7.8/upgrade-of-a-longer-name"],
  },
  {
    name: "does not look at Upgrade",
    breaks: "RFC 9110 7.8 MUST",
    server: { checkUpgrade: () => null },
    foundBy: ["rfc9110/7.8/upgrade-missing"],
  },
];

const FIELDS: readonly Breakage[] = [
  {
    name: "takes version 12",
    breaks: ANSWER,
    server: {
      checkVersion: (request) =>
        all(request, "sec-websocket-version") === "12" ? null : strict.checkVersion(request),
    },
    foundBy: ["rfc6455/4.2.2/version-12-refused"],
  },
  {
    name: "takes any version from 13",
    breaks: ANSWER,
    server: {
      checkVersion: (request) =>
        Number(all(request, "sec-websocket-version")) >= 13 ? null : strict.checkVersion(request),
    },
    foundBy: ["rfc6455/4.2.2/version-14-refused"],
    also: { "rfc6455/4.2.1/version-*": "013 is no less than 13, either" },
  },
  {
    name: "does without a version",
    breaks: REQUEST,
    server: {
      checkVersion: (request) =>
        request.values("sec-websocket-version").length === 0 ? null : strict.checkVersion(request),
    },
    foundBy: ["rfc6455/4.2.1/version-missing"],
  },
  {
    name: "reads the version as far as it is a number",
    breaks: REQUEST,
    server: {
      checkVersion: (request) =>
        parseInt(all(request, "sec-websocket-version")) === 13
          ? null
          : strict.checkVersion(request),
    },
    foundBy: ["rfc6455/4.2.1/version-with-letters-after"],
    also: { "rfc6455/11.3.5/*": "two versions begin with 13, too" },
  },
  {
    name: "does not say which version it speaks",
    breaks: ANSWER,
    server: {
      checkVersion: (request) => strict.checkVersion(request) === null ? null : { status: 426 },
    },
    foundBy: ["rfc6455/4.2.2/version-14-refused"],
    also: { "rfc9110/15.5.22/*": "nor what to upgrade to, of which Upgrade is part" },
  },
  {
    name: "does without a key",
    breaks: REQUEST,
    server: {
      checkKey: (request) =>
        request.values("sec-websocket-key").length === 0 ? null : strict.checkKey(request),
    },
    foundBy: ["rfc6455/4.2.1/key-missing"],
    also: { "rfc6455/10.7/bad-handshake-answered": "whose fault is that it has no key" },
  },
  {
    name: "takes a key of any length",
    breaks: REQUEST,
    server: {
      checkKey: (request) => ok(/^[A-Za-z0-9+/]+=*$/.test(all(request, "sec-websocket-key"))),
    },
    foundBy: ["rfc6455/4.2.1/key-of-15-bytes"],
  },
  {
    name: "takes any characters for a key",
    breaks: REQUEST,
    server: { checkKey: (request) => ok(all(request, "sec-websocket-key").length === 24) },
    foundBy: ["rfc6455/4.2.1/key-no-base64", "rfc6455/4.2.1/key-in-the-alphabet-of-urls"],
  },
  {
    name: "takes a key of base64url",
    breaks: REQUEST,
    server: {
      checkKey: (request) => ok(/^[\w+/-]{22}==$/.test(all(request, "sec-websocket-key"))),
    },
    foundBy: ["rfc6455/4.2.1/key-in-the-alphabet-of-urls"],
  },
  {
    name: "takes the first of two keys",
    breaks: "RFC 6455 11.3.1 MUST",
    server: {
      checkKey: (request) => ok(/^[A-Za-z0-9+/]{22}==$/.test(first(request, "sec-websocket-key"))),
    },
    foundBy: ["rfc6455/11.3.1/key-doubled"],
  },
  {
    name: "takes POST",
    breaks: REQUEST,
    server: { checkMethod: ({ method }) => ok(["GET", "POST"].includes(method)) },
    foundBy: ["rfc6455/4.2.1/method-post"],
    also: { "rfc9112/9.3/*": "one of them comes with POST" },
  },
  {
    name: "takes any method",
    breaks: REQUEST,
    server: { checkMethod: () => null },
    foundBy: ["rfc6455/4.2.1/method-head"],
    also: { "rfc9112/*": "one of them comes with another method" },
  },
  {
    name: "takes HTTP/1.0",
    breaks: "RFC 9110 7.8 MUST",
    server: { checkHttpVersion: ({ version }) => ok(/^HTTP\/1\.\d$/.test(version)) },
    foundBy: ["rfc9110/7.8/http-1-0"],
  },
  {
    name: "takes any version of HTTP",
    breaks: "RFC 9110 7.8 MUST",
    server: { checkHttpVersion: () => null },
    foundBy: ["rfc9110/7.8/http-1-0"],
    also: { "rfc6455/4.2.1/http-version-*": "HTTP/1 is no version" },
  },
  {
    name: "does without Host",
    breaks: "RFC 9112 3.2 MUST",
    server: {
      checkHost: (request) =>
        request.values("host").length === 0 ? null : strict.checkHost(request),
    },
    foundBy: ["rfc9112/3.2/host-missing"],
    also: { "rfc6455/4.2.1/host-*": "RFC 6455 says so, too" },
  },
  {
    name: "takes two Host fields",
    breaks: "RFC 9112 3.2 MUST",
    server: { checkHost: (request) => ok(request.values("host").length > 0) },
    foundBy: ["rfc9112/3.2/host-doubled"],
    also: { "rfc6455/4.2.1/host-*": "RFC 6455 says so, too" },
  },
  {
    name: "takes a space before the colon of a header field",
    breaks: "RFC 9112 5.1 MUST",
    server: { leniency: { ...STRICT, spaceBeforeColon: true } },
    foundBy: ["rfc9112/5.1/space-before-colon"],
  },
  {
    name: "drops folded lines",
    breaks: "RFC 9112 5.2 MUST",
    server: { leniency: { ...STRICT, folds: "dropped" } },
    foundBy: ["rfc9112/5.2/folded-version"],
  },
  {
    name: "knows header fields in their usual spelling alone",
    breaks: "RFC 6455 4.1 MUST",
    server: {
      gather: (waiting, chunk) =>
        new Uint8Array(Buffer.from(
          strict.gather(waiting, chunk).reduce((text, byte) => text + String.fromCharCode(byte), "")
            .replace(/\r\n(sec-websocket-key|SEC-WEBSOCKET-KEY):/g, "\r\nX-Unknown:"),
          "latin1",
        )),
    },
    foundBy: ["rfc6455/4.1/names-in-small-letters"],
    also: { "rfc6455/4.2.1/any-legal-spelling": "which writes names in any way" },
  },
  {
    name: "needs the request in one segment",
    breaks: "RFC 6455 4.2.2 MUST",
    server: { gather: (_, chunk) => chunk },
    foundBy: ["rfc6455/4.2.2/handshake-in-segments-of-7", "rfc6455/4.2.2/handshake-slow"],
    also: {
      "rfc6455/4.2.1/any-legal-spelling": "which is cut anywhere",
      "rfc9110/5.4/*": "which come in many segments",
      "rfc9112/*": "which come in many segments",
    },
  },
  {
    name: "loses frames that come with the request",
    breaks: "RFC 6455 4.2.2 SHOULD",
    server: { early: () => new Uint8Array() },
    foundBy: ["rfc6455/4.2.2/messages-with-the-handshake"],
  },
];

const ANSWERS: readonly Breakage[] = [
  {
    name: "answers 200",
    breaks: ANSWER,
    server: replacing(/^HTTP\/1.1 101 .*/, "HTTP/1.1 200 OK"),
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "answers without Upgrade",
    breaks: ANSWER,
    server: replacing(/^Upgrade: .*/, ""),
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "answers without Connection",
    breaks: ANSWER,
    server: replacing(/^Connection: .*/, ""),
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "answers Connection: close",
    breaks: ANSWER,
    server: replacing(/^Connection: .*/, "Connection: close"),
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "answers without Sec-WebSocket-Accept",
    breaks: ANSWER,
    server: replacing(/^Sec-WebSocket-Accept: .*/, ""),
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "hashes keys with / wrong",
    breaks: ANSWER,
    server: { acceptOf: (key) => strict.acceptOf(key.replaceAll("/", "\\/")) },
    foundBy: ["rfc6455/4.2.2/accept-of-plus-and-slash"],
  },
  {
    name: "hashes keys with + wrong",
    breaks: ANSWER,
    server: { acceptOf: (key) => strict.acceptOf(key.replaceAll("+", " ")) },
    foundBy: ["rfc6455/4.2.2/accept-of-plus-and-slash"],
  },
  {
    name: "hashes keys in small letters",
    breaks: ANSWER,
    server: { acceptOf: (key) => strict.acceptOf(key.toLowerCase()) },
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "hashes the sixteen bytes and not their base64",
    breaks: ANSWER,
    server: {
      acceptOf: (key) =>
        sha1(Buffer.concat([Buffer.from(key, "base64"), Buffer.from(GUID)])).toString("base64"),
    },
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "answers the hash in base64url",
    breaks: ANSWER,
    server: {
      acceptOf: (key) => strict.acceptOf(key).replaceAll("+", "-").replaceAll("/", "_"),
    },
    foundBy: ["rfc6455/4.2.2/opening-handshake", "rfc6455/4.2.2/accept-of-any-key"],
    also: {
      "rfc9110/5.5/key-*": "the hashes of some of their keys have + or /",
      "rfc6455/4.1/names-in-*": "so have those of some of its keys",
    },
  },
  {
    name: "answers the hash without its padding",
    breaks: ANSWER,
    server: { acceptOf: (key) => strict.acceptOf(key).replace("=", "") },
    foundBy: ["rfc6455/4.2.2/opening-handshake"],
  },
  {
    name: "decodes the key and encodes it again before it hashes it",
    breaks: ANSWER,
    server: { acceptOf: (key) => strict.acceptOf(Buffer.from(key, "base64").toString("base64")) },
    foundBy: ["rfc6455/4.2.2/accept-of-the-key-as-written"],
  },
  {
    name: "answers with two Sec-WebSocket-Accept",
    breaks: "RFC 6455 11.3.3 MUST",
    server: {
      responseLines: (lines) => [
        ...lines,
        ...lines.filter((line) => line.startsWith("Sec-WebSocket-Accept")),
      ],
    },
    foundBy: ["rfc6455/11.3.3/*"],
  },
  {
    name: "answers with Content-Length",
    breaks: "RFC 9110 8.6 MUST",
    server: adding("Content-Length: 0"),
    foundBy: ["rfc9110/8.6/no-content-length-in-101"],
  },
  {
    name: "answers with Transfer-Encoding",
    breaks: "RFC 9112 6.1 MUST",
    server: adding("Transfer-Encoding: chunked"),
    foundBy: ["rfc9112/6.1/no-transfer-encoding-in-101"],
  },
  {
    name: "answers in HTTP/1.0",
    breaks: "RFC 9110 6.2 SHOULD",
    server: replacing(/^HTTP\/1.1/, "HTTP/1.0"),
    foundBy: ["rfc9110/6.2/answer-in-http-1-1"],
  },
  {
    name: "names h2c in Upgrade, too",
    breaks: ANSWER,
    server: replacing(/^Upgrade: websocket/, "Upgrade: h2c, websocket"),
    foundBy: ["rfc6455/4.2.2/answer-upgrades-to-websocket-alone"],
  },
  {
    name: "selects a subprotocol where none was offered",
    breaks: ANSWER,
    server: { chooseSubprotocol: (offered) => offered[0] ?? "chat" },
    foundBy: ["rfc6455/4.2.2/subprotocol-of-none"],
  },
  {
    name: "selects a subprotocol that was not offered",
    breaks: ANSWER,
    server: { chooseSubprotocol: (offered) => offered.length > 0 ? "superchat.v9" : null },
    foundBy: ["rfc6455/4.2.2/subprotocol-of-one"],
  },
  {
    name: "selects all subprotocols offered",
    breaks: ANSWER,
    server: { chooseSubprotocol: (offered) => offered.length > 0 ? offered.join(", ") : null },
    foundBy: ["rfc6455/4.2.2/subprotocol-of-two"],
  },
  {
    name: "writes the subprotocol in small letters",
    breaks: ANSWER,
    server: { chooseSubprotocol: (offered) => offered[0]?.toLowerCase() ?? null },
    foundBy: ["rfc6455/4.2.2/subprotocol-of-mixed-case"],
  },
  {
    name: "names the subprotocol twice",
    breaks: "RFC 6455 11.3.4 MUST",
    server: {
      responseLines: (lines) => [
        ...lines,
        ...lines.filter((line) => line.startsWith("Sec-WebSocket-Protocol")),
      ],
    },
    foundBy: ["rfc6455/11.3.4/subprotocol-once"],
  },
  {
    name: "answers permessage-deflate where it was not offered",
    breaks: "RFC 6455 9 MUST",
    server: {
      chooseExtension: (offers) =>
        offers.length > 0
          ? strict.chooseExtension(offers)
          : { header: "permessage-deflate", agreement: null },
    },
    foundBy: ["rfc6455/9/no-extension-unasked"],
  },
  {
    name: "answers an extension that nobody offered besides permessage-deflate",
    breaks: "RFC 6455 9 MUST",
    server: {
      chooseExtension: (offers) => {
        const chosen = strict.chooseExtension(offers);
        return chosen === null ? null : { ...chosen, header: `${chosen.header}, x-heddle` };
      },
    },
    foundBy: ["rfc6455/9/no-extension-besides-those-offered"],
  },
];

/** The servers that break a requirement of the opening handshake. */
export const handshake: readonly Breakage[] = [...TOKENS, ...FIELDS, ...ANSWERS];
