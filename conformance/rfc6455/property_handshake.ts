/**
 * Any legal spelling of an opening handshake is accepted.
 *
 * @module
 */
import fc from "fast-check";
import { type Case, must } from "../case.ts";
import { Refused } from "../peer/finding.ts";
import type { Peer } from "../peer/peer.ts";
import { forAll } from "../peer/property.ts";
import { EXCLUDES_BLANKS, NOT_AS_DESCRIBED } from "./handshake_variants.ts";

/** The fields of an honest request besides Host and key, and what else may stand there. */
const STANDARD = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"];

interface Spelling {
  /** Upper or lower case of one letter after the other; used in turn. */
  readonly cases: readonly boolean[];
  /** Place of each field: smaller numbers first. */
  readonly order: readonly number[];
  /** Blanks before and after each value. */
  readonly blanks: readonly (readonly [string, string])[];
  /** Members of Connection before and after `Upgrade`. */
  readonly options: readonly [readonly string[], readonly string[]];
  /** Connection in one field each member. */
  readonly apart: boolean;
  readonly others: readonly (readonly [string, string])[];
  readonly segment: number | null;
}

const blank = fc.constantFrom("", " ", "  ", "\t", " \t ");
/** Tabs at the end are a case of their own, lest they hide all else. */
const blankAfter = fc.constantFrom("", " ", "  ");
const option = fc.constantFrom("keep-alive", "Keep-Alive", "x-no-such-option");
const other = fc.constantFrom<(readonly [string, string])[]>(
  ["User-Agent", "a client (of the tests; no browser)"],
  ["Accept-Language", "de, en;q=0.5"],
  ["Pragma", "no-cache"],
  ["Cookie", "a=b; c=d"],
  ["X-No-Such-Field", 'anything: "goes"'],
  ["X-Empty", ""],
);

const spelling: fc.Arbitrary<Spelling> = fc.record({
  cases: fc.array(fc.boolean(), { maxLength: 20 }),
  order: fc.array(fc.nat(9), { minLength: 12, maxLength: 12 }),
  blanks: fc.array(fc.tuple(blank, blankAfter), { maxLength: 6 }),
  options: fc.tuple(fc.array(option, { maxLength: 2 }), fc.array(option, { maxLength: 2 })),
  apart: fc.boolean(),
  others: fc.uniqueArray(other, { maxLength: 4, selector: ([name]) => name }),
  segment: fc.option(fc.integer({ min: 1, max: 40 }), { nil: null }),
});

/** The header lines of a spelling. */
function linesOf(given: Spelling, authority: string, key: string): string[] {
  const { cases, order, blanks, options: [before, after], apart, others } = given;
  let letters = 0;
  const spelled = (word: string) =>
    word.replaceAll(/[a-z]/gi, (letter) => {
      const upper = cases[letters++ % Math.max(1, cases.length)];
      return upper === undefined ? letter : upper ? letter.toUpperCase() : letter.toLowerCase();
    });
  const members = [...before, spelled("Upgrade"), ...after];
  const fields: readonly (readonly [string, string])[] = [
    ["Host", authority],
    ["Upgrade", spelled("websocket")],
    ...(apart ? members : [members.join(", ")]).map((value) => ["Connection", value] as const),
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
    ...others,
  ];
  const lines = fields.map(([name, value], i) => {
    const [left, right] = blanks[i % Math.max(1, blanks.length)] ?? [" ", ""];
    return { place: order[i] ?? 0, line: `${spelled(name)}:${left}${value}${right}` };
  });
  return lines.sort((a, b) => a.place - b.place).map(({ line }) => line);
}

const treated = must(
  "RFC 6455",
  "4.2.1",
  `${NOT_AS_DESCRIBED} … ` +
    'An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive ' +
    'value. … A |Connection| header field that includes the token "Upgrade", treated as an ASCII ' +
    "case-insensitive value.",
);

/** Sends a request of these lines, and expects a connection that works. */
async function isAccepted(
  peer: Peer,
  spell: (key: string) => readonly string[],
  segment: number | null = null,
): Promise<void> {
  const key = peer.key();
  const headers = Object.fromEntries(STANDARD.map((name) => [name, null]));
  const bytes = peer.request(key, { headers, lines: spell(key) });
  const wire = await peer.open();
  if (segment === null) wire.write(bytes);
  else await wire.writePieces(bytes, segment);
  const handshake = await peer.answer(wire, key);
  const status = handshake.response?.status;
  if (status === 429 || status === 503) throw new Refused(handshake.observed);
  const connection = handshake.expectAccepted();
  await connection.expectAlive();
  wire.abandon();
}

/** The cases of this property. */
export const cases: readonly Case[] = [{
  id: "rfc6455/4.2.1/any-legal-spelling",
  title: "opening handshakes in any case, order, blanks, lists and segments are accepted",
  requirement: treated,
  async run(peer) {
    const { authority } = peer.target;
    await forAll(peer, {
      inputs: spelling,
      show: (given) => {
        const lines = linesOf(given, authority, "(a key)").map((line) => JSON.stringify(line));
        if (given.segment !== null) lines.push(`in segments of ${given.segment} bytes`);
        return lines.join("\n");
      },
      holds: (given) => isAccepted(peer, (key) => linesOf(given, authority, key), given.segment),
    });
  },
}, {
  id: "rfc9110/5.5/tab-after-values",
  title: "tabs after the values of the opening handshake are no part of them",
  requirement: must("RFC 9110", "5.5", EXCLUDES_BLANKS),
  run: (peer) =>
    isAccepted(peer, (key) =>
      [
        `Host: ${peer.target.authority}`,
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Key: ${key}`,
        "Sec-WebSocket-Version: 13",
      ].map((line) => `${line}\t`)),
}];
