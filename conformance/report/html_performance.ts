/**
 * What was measured, as HTML.
 *
 * @module
 */
import { showMilliseconds, showRatio, titleOf } from "./figures.ts";
import { type Markup, markup } from "./markup.ts";
import type { Measure, PerformanceReport } from "./report.ts";

/** The table; nothing where nothing was measured. */
export function performanceView(report: PerformanceReport | undefined): Markup | null {
  if (report === undefined) return null;
  const { machine, runtime, duration_ms, notes, measures } = report;
  return markup`<section class="performance" id="performance">
<h2>Performance</h2>
<p>A check, not a promise: no figure here is a failure. Milliseconds; beside the target the same bytes, in turn, between raw sockets of the kit’s own, on its machine and runtime.</p>
<div class="figures" tabindex="0" role="region" aria-label="Figures">
<table>
<thead>
<tr><th></th><th colspan="2" scope="colgroup">Target</th><th colspan="2" scope="colgroup">Raw sockets</th><th></th><th></th></tr>
<tr><th></th><th scope="col">median</th><th scope="col">p99</th><th scope="col">median</th><th scope="col">p99</th><th scope="col">ratio</th><th scope="col">samples</th></tr>
</thead>
<tbody>
${measures.map(rowOf)}
</tbody>
</table>
</div>
${notes.map((note) => markup`<p>${note}</p>`)}
<p>${machine}, ${runtime}, ${(duration_ms / 1000).toFixed(1)} s</p>
</section>`;
}

function rowOf(one: Measure): Markup {
  const { id, target, raw, ratio, notes, skipped } = one;
  const cell = (text: string) => markup`<td>${text}</td>`;
  const cells = skipped === null
    ? [
      ...[target, raw].flatMap((timing) => [
        cell(showMilliseconds(timing?.median_ms)),
        cell(showMilliseconds(timing?.p99_ms)),
      ]),
      cell(showRatio(ratio)),
      cell(String(target?.samples ?? 0)),
    ]
    : markup`<td colspan="6" class="skipped">skipped: ${skipped}</td>`;
  const told = notes.length === 0
    ? null
    : markup`<ul>${notes.map((note) => markup`<li>${note}</li>`)}</ul>`;
  return markup`<tr id="${id}"><th scope="row"><b>${id.replace(/^performance\//, "")}</b> ${
    titleOf(one)
  }${told}</th>${cells}</tr>
`;
}
