/**
 * The compatibility matrix as Markdown: what the kit found of each server, and the bytes that prove it.
 *
 * @module
 */
import type { CaseReport, Summary } from "../report/report.ts";
import { summarize } from "../report/report.ts";
import { visibleLine } from "../report/visible.ts";
import { KIT } from "../version.ts";
import { type Deviation, deviationsOf } from "./deviations.ts";
import type { Judged } from "./judge.ts";

/** A server that was not judged. */
export interface NotJudged {
  readonly name: string;
  /** As `not installed: conformance/matrix/install.sh go`. */
  readonly reason: string;
}

/** All that the matrix tells. */
export interface Findings {
  readonly judged: readonly Judged[];
  readonly notJudged: readonly NotJudged[];
  readonly profile: "fast" | "full";
  readonly repeat: number;
  readonly seed: number;
  /** Folders of this machine, of which nothing is to be seen. */
  readonly places: readonly string[];
}

/** Parts of the specifications, in the order of the columns. */
const PARTS = [
  ["Handshake", /^RFC (6455 (1|4|9|11)|9110|9112)\b/],
  ["Frames", /^RFC 6455 (5\.[1-46-8]|6)/],
  ["Control", /^RFC 6455 5\.5/],
  ["Closing", /^RFC 6455 7/],
  ["UTF-8", /^RFC 6455 8/],
  ["Limits", /^RFC 6455 10/],
  ["Deflate", /^RFC 7692/],
] as const;

/** How much of a transcript is shown. */
const EXCERPT = { first: 3, last: 3, columns: 160 } as const;

/** How many cases of a deviation are told. */
const TOLD = 4;

/** The matrix as a Markdown document. */
export function matrix(findings: Findings): string {
  const { judged, notJudged, profile, repeat, seed, places } = findings;
  const date = new Date().toISOString().slice(0, 10);
  const text = [
    "# Compatibility matrix",
    "",
    `What the conformance kit finds of servers of others. Made on ${date} by \`node --import tsx ` +
    `conformance/matrix/run.ts\` with ${KIT} (profile \`${profile}\`), and not written by hand: ` +
    "the programs are in [`matrix/servers/`](matrix/servers/), and " +
    "[`matrix/README.md`](matrix/README.md) says how to make it again.",
    "",
    (repeat === 1
      ? `Each server was judged once, with the seed ${seed}; whether it is stable, more runs would show. `
      : `Each server was judged ${repeat} times, freshly started each time: first with the seed ${seed}, ` +
        "then with the same seed and the cases in another order, then with other seeds and orders. It is " +
        "stable where all these gave every case the same verdict. ") +
    "`fail` is a MUST that was broken; `warn` " +
    "is a SHOULD that was not kept, or a connection that was ended as it must be, but not closed as it " +
    "should. What a server does not offer (an extension, an echo) is skipped and not held against it. " +
    "Requirements of HTTP (RFC 9110, RFC 9112) count for the handshake; most servers leave them to an " +
    "HTTP server that they are used with.",
    "",
    "## Results",
    "",
    ...table(
      ["Server", "Version", "Runtime", "Pass", "Fail", "Warn", "Skip", "Seconds", "Stable"],
      judged.map((one) => {
        const { passed, failed, warned, skipped } = total(one);
        return [
          `[${one.name}](#${one.name})`,
          one.library,
          one.runtime,
          passed,
          failed,
          warned,
          skipped,
          ((one.reports[0]?.duration_ms ?? 0) / 1000).toFixed(1),
          repeat === 1
            ? "1 run"
            : one.unstable.length === 0
            ? "yes"
            : `but for ${one.unstable.length}`,
        ];
      }),
    ),
    "",
    "## By part of the specifications",
    "",
    "Pass / fail / warn / skip. Handshake: RFC 6455 sections 1, 4, 9 and 11, RFC 9110, RFC 9112; " +
    "frames: 5.1–5.4, 5.6–6; control frames: 5.5; closing: 7; UTF-8: 8; limits: 10; deflate: RFC 7692.",
    "",
    ...table(
      ["Server", ...PARTS.map(([name]) => name)],
      judged.map((one) => [
        one.name,
        ...PARTS.map(([, pattern]) => {
          const { passed, failed, warned, skipped } = summarize(
            cases(one).filter(({ requirement: { spec, section } }) =>
              pattern.test(`${spec} ${section}`)
            ),
          );
          return `${passed} / ${failed === 0 ? 0 : `**${failed}**`} / ${warned} / ${skipped}`;
        }),
      ]),
    ),
    "",
    ...notJudged.length === 0 ? [] : [
      `Not judged: ${notJudged.map(({ name, reason }) => `${name} (${reason})`).join(", ")}.`,
      "",
    ],
    "## Deviations",
    "",
    "What was not kept, by requirement, the gravest first. In a transcript `>` is what the kit sent and " +
    "`<` what the server sent, in hexadecimal where it is not HTTP.",
    "",
    ...judged.flatMap(chapter),
  ].join("\n");
  return `${places.reduce((shown, place) => shown.replaceAll(place, "…"), text).trimEnd()}\n`;
}

function chapter(one: Judged): string[] {
  const deviations = deviationsOf(cases(one));
  const { port } = new URL(one.reports[0]?.target ?? "ws://localhost/");
  return [
    `### ${one.name}`,
    "",
    `${one.library} on ${one.runtime}.` + (deviations.length === 0 ? " No deviation." : ""),
    "",
    ...one.ended === null ? [] : [`In the middle of a run ${one.ended}.`, ""],
    ...one.unstable.length === 0
      ? []
      : ["Not the same in all runs:", "", ...one.unstable.map((text) => `- ${text}`), ""],
    ...deviations.flatMap((deviation) => shown(deviation, `127.0.0.1:${port}`)),
  ];
}

function shown({ requirement, verdict, cases }: Deviation, host: string): string[] {
  const { spec, section, level, text } = requirement;
  const [first] = cases;
  if (first === undefined) return [];
  const count = cases.length === 1 ? "" : ` ${cases.length} cases, as:`;
  return [
    `- **${verdict}** ${spec}, section ${section}, ${level}.${count} ${sentence(first)}`,
    "  <details><summary>Proof</summary>",
    "",
    `  > ${escaped(text)}`,
    "",
    ...cases.length === 1 ? [] : [
      ...cases.slice(1, TOLD).map((one) => `  - \`${one.id}\`: ${sentence(one)}`),
      ...cases.length > TOLD ? [`  - and ${cases.length - TOLD} more`] : [],
      "",
    ],
    "  ```text",
    ...[
      `# ${first.id}`,
      ...first.counterexample === undefined ? [] : first.counterexample.split("\n"),
      ...excerpt(first.transcript ?? []),
    ].map((line) => `  ${cut(visibleLine(line.replaceAll(host, "127.0.0.1:PORT")))}`),
    "  ```",
    "",
    "  </details>",
    "",
  ];
}

/** What was done, what had to come of it, and what came. */
function sentence({ title, expected, observed, close }: CaseReport): string {
  const closed = close === null || observed.includes(close) ? "" : ` (closing: ${close})`;
  const awaited = expected === title ? "" : `; expected was ${expected}`;
  return escaped(cut(`${title}${awaited}; seen was ${observed}${closed}.`));
}

/** Its beginning, and its end, of the last connection alone where a case made many. */
function excerpt(lines: readonly string[]): string[] {
  const last = lines.at(-1)?.split(" ")[0] ?? "";
  const own = lines.filter((line) => line.startsWith(`${last} `));
  const left = own.length - EXCERPT.first - EXCERPT.last;
  if (left <= 1) return own;
  return [
    ...own.slice(0, EXCERPT.first),
    `… ${left} lines more`,
    ...own.slice(-EXCERPT.last),
  ];
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length <= EXCERPT.columns
    ? text
    : `${characters.slice(0, EXCERPT.columns - 1).join("")}…`;
}

/** Text of any kind, as Markdown that shows it. */
function escaped(text: string): string {
  return visibleLine(text).replaceAll(/[\\`*_[\]<>|#~]/g, "\\$&");
}

function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string[] {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function cases(one: Judged): readonly CaseReport[] {
  return one.reports[0]?.cases ?? [];
}

function total(one: Judged): Summary {
  return summarize(cases(one));
}
