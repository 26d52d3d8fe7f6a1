/**
 * One case as HTML.
 *
 * @module
 */
import { showRuns } from "./figures.ts";
import { Markup, markup } from "./markup.ts";
import type { CaseReport } from "./report.ts";

/** The case folded, or unfolded where a MUST is broken or the kit failed. */
export function caseView(one: CaseReport): Markup {
  const { id, title, verdict, requirement, close, duration_ms } = one;
  const open = verdict === "fail" || verdict === "error" ? " open" : "";
  return markup`<details class="case" id="${id}" data-verdict="${verdict}"${new Markup(open)}>
<summary><span class="verdict ${verdict}">${verdict}</span><h3>${title}</h3><span class="level">${requirement.level}</span></summary>
<div class="body">
<p class="id"><a href="#${encodeURI(wellFormed(id))}">${id}</a> <span>${duration_ms} ms</span></p>
<blockquote>${requirement.text} <cite>${citation(one)}</cite></blockquote>
${findings(one)}
${block("Smallest input that shows it", one.counterexample)}
${block("Runs", showRuns(one) ?? undefined)}
${close === null ? null : markup`<p class="close">Closed: <code>${close}</code></p>`}
${transcriptView(one.transcript ?? [])}
${repeatView(one.repeat)}
</div>
</details>
`;
}

function findings({ verdict, expected, observed, title }: CaseReport): Markup | null {
  if (verdict === "pass") return null;
  const row = (name: string, text: string) => markup`<div><dt>${name}</dt><dd>${text}</dd></div>`;
  if (verdict === "skip") return markup`<dl class="findings">${row("Skipped", observed)}</dl>`;
  // Where there was no finding, what was expected is just the title again.
  return markup`<dl class="findings">${expected === title ? null : row("Expected", expected)}${
    row("Observed", observed)
  }</dl>`;
}

/** The requirement's number, or the section, with the place to read it where it is an RFC. */
function citation({ requirement: { spec, section, number } }: CaseReport): Markup {
  if (number !== undefined) return markup`${number}`;
  const text = `${spec}, section ${section}`;
  const rfc = /^RFC (\d+)$/.exec(spec);
  if (rfc === null || !/^\d+(\.\d+)*$/.test(section)) return markup`${text}`;
  const address = `https://www.rfc-editor.org/rfc/rfc${rfc[1]}#section-${section}`;
  return markup`<a href="${address}" rel="noreferrer">${text}</a>`;
}

function block(name: string, text: string | undefined): Markup | null {
  return text === undefined ? null : markup`<p class="label">${name}</p><pre>${text}</pre>`;
}

function transcriptView(lines: readonly string[]): Markup | null {
  if (lines.length === 0) return null;
  const count = lines.length === 1 ? "1 line" : `${lines.length} lines`;
  return markup`<details class="transcript">
<summary>Transcript <span>${count}; <b class="out">&gt;</b> the kit, <b class="in">&lt;</b> the server</span></summary>
<pre>${lines.map(transcriptLine)}</pre>
</details>`;
}

/** A line of `wire/transcript.ts`: connection, time, direction, bytes. */
function transcriptLine(line: string): Markup {
  const match = /^(.* ms )([<>])( [^]*)$/.exec(line.split("\n").join(" "));
  if (match === null) return markup`${line}\n`;
  const [, place = "", direction = "", bytes = ""] = match;
  const side = direction === ">" ? "out" : "in";
  return markup`<i>${place}</i><span class="${side}">${direction}${bytes}</span>\n`;
}

function repeatView(command: string | undefined): Markup | null {
  if (command === undefined) return null;
  // An option stays with its value where the line breaks.
  const words = command.split(/ (?=--)/).map((option, i) =>
    markup`${i === 0 ? "" : " "}<span>${option}</span>`
  );
  return markup`<div class="repeat"><code>${words}</code><button type="button" class="copy" hidden>Copy</button></div>`;
}

/** Without lone surrogates, which no address can carry. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
