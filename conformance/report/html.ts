/**
 * The report as one HTML file that needs nothing else: no server, no other file, no network.
 *
 * @module
 */
import { caseView } from "./html_case.ts";
import { countsOf, summaryBar, VERDICT_WORDS, VERDICTS } from "./html_counts.ts";
import { performanceView } from "./html_performance.ts";
import { SCRIPT } from "./html_script.ts";
import { STYLE } from "./html_style.ts";
import { Markup, markup } from "./markup.ts";
import type { Report, Summary } from "./report.ts";
import { type Section, sectionsOf } from "./sections.ts";

/** The report as a page. */
export async function html(report: Report): Promise<string> {
  const sections = sectionsOf(report);
  const policy = await contentPolicy();
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${headline(report.summary)} – ${report.target}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${header(report)}
${toolbar(report.summary)}
<main>
${sections.map(sectionView)}
<p id="none" hidden>No case fits.</p>
</main>
${performanceView(report.performance)}
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`;
  return page.toString();
}

function header(report: Report): Markup {
  const { kit, target, started, duration_ms, seed, summary } = report;
  const fact = (name: string, value: Markup | string) =>
    markup`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return markup`<header>
<p class="kind">WebSocket conformance</p>
<h1>${target}</h1>
<p class="headline ${summary.failed > 0 ? "fail" : "pass"}">${headline(summary)}</p>
${summaryBar(summary)}
<dl class="facts">
${fact("Kit", kit)}
${fact("Started", markup`<time datetime="${started}">${moment(started)}</time>`)}
${fact("Took", `${(duration_ms / 1000).toFixed(1)} s`)}
${fact("Seed", String(seed))}
${fact("Cases", String(report.cases.length))}
</dl>
</header>`;
}

/** The buttons count without the script too; it is the script that makes them work. */
function toolbar(summary: Summary): Markup {
  const counts = countsOf(summary);
  const buttons = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) =>
    markup`<button type="button" class="${verdict}" data-filter="${verdict}" aria-pressed="false" disabled><b>${
      counts[verdict]
    }</b> ${VERDICT_WORDS[verdict]}</button>`
  );
  return markup`<div id="toolbar" role="search" aria-label="Cases">
<div class="filters" role="group" aria-label="Show only">${buttons}</div>
<div class="tools" hidden>
<input id="search" type="search" placeholder="Search" aria-label="Search in the cases" autocomplete="off" spellcheck="false">
<button type="button" id="unfold">Unfold all</button>
</div>
<p id="status" role="status" aria-live="polite"></p>
</div>`;
}

function sectionView({ spec, number, title, cases, summary }: Section): Markup {
  const { failed, errored, warned } = summary;
  const open = failed + errored + warned > 0 ? " open" : "";
  const counts = countsOf(summary);
  const told = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) =>
    markup`<span class="${verdict}">${counts[verdict]} ${VERDICT_WORDS[verdict]}</span> `
  );
  const sorted = VERDICTS.flatMap((verdict) => cases.filter((one) => one.verdict === verdict));
  return markup`<details class="section"${new Markup(open)}>
<summary><h2><span class="number">${spec} <span>${
    /^\d/.test(number) ? "§ " : ""
  }${number}</span></span> ${title}</h2>
<span class="counts">${told}</span>${summaryBar(summary)}</summary>
${sorted.map(caseView)}
</details>
`;
}

function headline({ passed, failed, warned, errored }: Summary): string {
  const judged = passed + failed + warned;
  const cases = (count: number) => count === 1 ? "1 case" : `${count} cases`;
  const kit = errored === 0 ? "" : `; the kit itself failed in ${cases(errored)}`;
  if (judged === 0) return `Nothing was judged${kit}`;
  if (failed > 0) return `A MUST is broken in ${failed} of ${cases(judged)}${kit}`;
  if (warned > 0) return `No MUST is broken; ${cases(warned)} to look at${kit}`;
  return `All that was judged is kept: ${cases(judged)}${kit}`;
}

/** `2026-11-21T03:44:00.000Z` as a person reads it; anything else as it is. */
function moment(time: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:[\d.]+)?Z$/.exec(time);
  return match === null ? time : `${match[1]} ${match[2]} UTC`;
}

/** Names the only script and style that may run, should an escape ever fail. */
async function contentPolicy(): Promise<Markup> {
  const [script, style] = await Promise.all([hashOf(SCRIPT), hashOf(STYLE)]);
  return new Markup(
    `default-src 'none'; script-src '${script}'; style-src '${style}'; base-uri 'none'; ` +
      "form-action 'none'",
  );
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}
