/**
 * How the page looks: light and dark, wide and narrow, on paper.
 *
 * @module
 */

/** The style sheet of the page. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f5f2; --card: #ffffff; --line: #e0ddd6; --text: #1c1d20; --soft: #5b5e66;
  --pass: #1a7336; --fail: #bd1f28; --warn: #855600; --skip: #5f636b; --error: #7a3fc4;
  --in: #0b5ea8; --tint: 9%; --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #131418; --card: #1b1d22; --line: #32353d; --text: #e7e7ea; --soft: #a4a8b2;
    --pass: #56c878; --fail: #ff7f7a; --warn: #e5b13f; --skip: #a4a8b2; --error: #c39bff;
    --in: #7db8f5; --tint: 15%;
  }
}
.pass { --own: var(--pass); } .fail { --own: var(--fail); } .warn { --own: var(--warn); }
.skip { --own: var(--skip); } .error { --own: var(--error); }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 5rem; }
body { margin: 0 auto; max-width: 68rem; padding: 2.5rem 1.5rem 5rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: inherit; text-underline-offset: .2em; }
a, code, h1, dd, p, pre { overflow-wrap: anywhere; }
code, pre { font-family: var(--mono); font-size: .84rem; }
:focus-visible { outline: 2px solid var(--in); outline-offset: 2px; }

.kind { margin: 0; color: var(--soft); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: .1rem 0 .6rem; font-size: clamp(1.3rem, 4vw, 1.9rem); line-height: 1.2; }
.headline { margin: 0 0 1rem; font-size: 1.2rem; font-weight: 600; color: var(--own); }
.bar { display: block; width: 100%; height: .9rem; border-radius: .45rem; background: var(--line); }
.bar rect { fill: var(--own); } .bar .skip { fill: var(--line); }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2.2rem; margin: 1.1rem 0 1.4rem; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; white-space: pre-wrap; }

#toolbar { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center;
  gap: .5rem .9rem; margin: 0 -.5rem 1rem; padding: .7rem .5rem; background: var(--page); }
.filters, .tools { display: flex; flex-wrap: wrap; gap: .4rem; }
.tools { flex: 1; min-width: 15rem; }
button, input { font: inherit; font-size: .9rem; color: var(--text); background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; padding: .35rem .75rem; }
button { cursor: pointer; white-space: nowrap; } button:disabled { cursor: default; opacity: 1; }
button:enabled:hover { border-color: var(--soft); }
.filters button b { color: var(--own); }
.filters button[aria-pressed=true] { background: var(--own); border-color: var(--own); color: var(--card); }
.filters button[aria-pressed=true] b { color: inherit; }
#search { flex: 1; min-width: 7rem; border-color: var(--soft); }
#status { margin: 0; color: var(--soft); font-size: .9rem; } #status:empty { display: none; }
#none { padding: 3rem 0; text-align: center; color: var(--soft); }

summary { cursor: pointer; list-style: none; } summary::-webkit-details-marker { display: none; }
.section { margin: .5rem 0; background: var(--card); border: 1px solid var(--line); border-radius: .7rem; }
.section > summary { display: grid; grid-template-columns: 1fr auto 7rem; align-items: center;
  gap: .2rem 1rem; padding: .7rem 1rem; }
.section .bar { height: .5rem; }
h2 { margin: 0; font-size: 1rem; font-weight: 600; }
h2::before, h3::before, .transcript > summary::before { content: "▸"; display: inline-block; width: 1.1em;
  color: var(--soft); font-weight: 400; }
.section[open] > summary h2::before, .case[open] > summary h3::before,
.transcript[open] > summary::before { content: "▾"; }
.number { color: var(--soft); font-weight: 400; margin-right: .35rem; }
.number span { display: inline-block; min-width: 3.2em; color: var(--text); font-weight: 600; }
.counts { font-size: .85rem; font-variant-numeric: tabular-nums; }
.counts span { color: var(--own); margin-left: .6rem; white-space: nowrap; }

.case { border-top: 1px solid var(--line); }
.case > summary { display: grid; grid-template-columns: 3.6rem 1fr auto; gap: .7rem; align-items: baseline;
  padding: .42rem 1rem; }
.case > summary:hover, .section > summary:hover { background: color-mix(in srgb, var(--soft) 7%, transparent); }
.verdict { padding: .05rem 0; border-radius: .35rem; font-size: .78rem; font-weight: 600; text-align: center;
  color: var(--own); background: color-mix(in srgb, var(--own) var(--tint), transparent); }
h3 { margin: 0; font-size: .94rem; font-weight: 400; overflow-wrap: anywhere; }
.case[open] h3 { font-weight: 600; }
.level { color: var(--soft); font-size: .74rem; letter-spacing: .04em; }
.body { padding: .1rem 1rem 1rem 5.3rem; }
.id { margin: 0 0 .5rem; font: .82rem var(--mono); color: var(--soft); } .id span { margin-left: .8rem; }
blockquote { margin: 0 0 .9rem; padding-left: .9rem; border-left: 3px solid var(--line); color: var(--soft); }
cite { font-style: normal; white-space: nowrap; } cite::before { content: "— "; }
.findings { margin: 0 0 .8rem; } .findings div { display: grid; grid-template-columns: 5.5rem 1fr; gap: .3rem; }
.findings dt { line-height: 1.9; }
.label, .close { margin: .6rem 0 .2rem; color: var(--soft); font-size: .85rem; } .close code { color: var(--text); }
pre { margin: .3rem 0 .8rem; padding: .7rem .9rem; background: var(--page); border-radius: .5rem;
  white-space: pre-wrap; line-height: 1.55; }
.transcript { margin: .5rem 0; } .transcript > summary { width: fit-content; font-size: .9rem; }
.transcript > summary span { color: var(--soft); }
.transcript i { font-style: normal; color: var(--soft); } .in { color: var(--in); } .out { color: var(--text); }
.repeat { display: flex; gap: .7rem; align-items: center; margin-top: .7rem; padding: .5rem .5rem .5rem .9rem;
  background: var(--page); border-radius: .5rem; }
.repeat code { flex: 1; } .repeat code span { display: inline-block; max-width: 100%; } .repeat button { padding: .15rem .6rem; }

.performance { margin: 1.5rem 0 0; padding: .7rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .7rem; }
.performance h2::before { content: none; } .performance > p { margin: .3rem 0; color: var(--soft); font-size: .85rem; }
.figures { overflow-x: auto; } .figures table { width: 100%; border-collapse: collapse; font-size: .9rem; }
.figures th, .figures td { padding: .4rem .6rem; border-top: 1px solid var(--line); text-align: right;
  vertical-align: top; white-space: nowrap; font-variant-numeric: tabular-nums; }
.figures thead th { border: 0; color: var(--soft); font-weight: 400; font-size: .8rem; padding: .1rem .6rem; }
.figures tbody th { min-width: 15rem; padding-left: 0; text-align: left; white-space: normal; font-weight: 400; }
.figures .skipped { text-align: left; white-space: normal; color: var(--soft); }
.figures ul { margin: .1rem 0 0; padding-left: 1.1rem; color: var(--soft); font-size: .85rem; }

@media (max-width: 44rem) {
  body { padding: 1.2rem .8rem 3rem; }
  #toolbar { position: static; }
  .section > summary { grid-template-columns: 1fr; padding: .6rem .8rem; }
  .counts span { margin: 0 .6rem 0 0; }
  .case > summary { padding: .5rem .8rem; grid-template-columns: 3.2rem 1fr auto; gap: .5rem; }
  .body { padding: .1rem .8rem 1rem; }
  .findings div { grid-template-columns: 1fr; gap: 0; } .findings dd { margin-bottom: .4rem; }
  .figures tbody th { min-width: 9rem; }
  .repeat { flex-direction: column; align-items: stretch; }
}
@media print {
  :root { --page: #ffffff; --tint: 0%; font-size: 10.5px; }
  body { max-width: none; padding: 0; font-size: 1rem; }
  #toolbar .tools, .copy { display: none !important; }
  #toolbar { position: static; }
  .section { border: 0; border-top: 1px solid var(--line); border-radius: 0; }
  .section > summary, .case > summary { break-after: avoid; }
  pre, blockquote, .findings { break-inside: avoid; }
  .figures { overflow: visible; }
  .bar, .verdict { print-color-adjust: exact; }
}
`;
