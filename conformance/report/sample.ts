/**
 * Reports for the tests of the reporters, as no honest server would cause them.
 *
 * @module
 */
import fc from "fast-check";
import type { Level, Requirement } from "../case.ts";
import {
  type CaseReport,
  type PerformanceReport,
  type Report,
  summarize,
  type Verdict,
} from "./report.ts";

const VERDICTS = ["pass", "fail", "warn", "skip", "error"] as const satisfies readonly Verdict[];
const LEVELS = ["MUST", "SHOULD", "MAY"] as const satisfies readonly Level[];

/** What would break out of HTML, XML, TAP, YAML or a terminal, were it not escaped. */
export const HOSTILE: readonly string[] = [
  "</script><script>globalThis.broken = 1</script>",
  "</style></title></pre></details><img src=x onerror='globalThis.broken = 2'>",
  '" onmouseover="globalThis.broken = 3" \' autofocus onfocus=\'globalThis.broken = 4',
  "<!-- --!> ]]> <![CDATA[ <?xml ?> &lt; &amp; &#0; &nosuch;",
  "\u001b[31mred\u001b]0;title\u0007\u009b2J\r\u0008",
  "NUL \u0000, DEL \u007f, \ufffe \uffff, BOM \ufeff",
  "alone: \ud800 and \udfff; a pair: \u{1f9f5}",
  "reversed \u202etxt.exe\u202c, separated \u2028\u2029, tabbed\t",
  "# SKIP \\# TODO \\",
  "\n---\n...\nnot ok 1 - mine\n1..0\nBail out!\n",
  "  ---\n  ...\nok 99\n",
  "${x} `y` {{z}} %s \\u0041 \\x1b",
  "",
  " ",
];

/** A case with the same text in every field. */
export function caseOf(text: string, verdict: Verdict): CaseReport {
  return {
    id: text,
    title: text,
    requirement: requirementOf(text, text, text, "MUST"),
    verdict,
    behaviour: "broken",
    close: text,
    expected: text,
    observed: text,
    duration_ms: 7,
    transcript: [text, `#1 0.1 ms > ${text}`, `#1 0.2 ms < ${text}`],
    counterexample: text,
    repeat: text,
  };
}

/** A report of these cases, with the same text in every field. */
export function reportOf(text: string, cases: readonly CaseReport[]): Report {
  return {
    kit: text,
    target: text,
    started: text,
    duration_ms: 1234,
    seed: 42,
    summary: summarize(cases),
    cases,
  };
}

/** All that is hostile, with every verdict. */
export function hostileReport(): Report {
  const cases = HOSTILE.flatMap((text) => VERDICTS.map((verdict) => caseOf(text, verdict)));
  const all = HOSTILE.join("");
  return { ...reportOf(all, cases), performance: performanceOf(all) };
}

/** Any report there can be, and more. */
export function anyReport(): fc.Arbitrary<Report> {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 });
  const text = fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: "binary" }),
    units.map((codes) => String.fromCharCode(...codes)),
    fc.constantFrom("RFC 6455", "5.5.1", "5.10", "__proto__", "constructor"),
  );
  const requirement = fc.tuple(text, text, text, fc.constantFrom(...LEVELS))
    .map(([spec, section, sentence, level]) => requirementOf(spec, section, sentence, level));
  const one = fc.record({
    id: text,
    title: text,
    requirement,
    verdict: fc.constantFrom(...VERDICTS),
    behaviour: fc.constantFrom("kept", "broken", "not observed"),
    close: fc.option(text),
    expected: text,
    observed: text,
    duration_ms: fc.nat(),
    transcript: fc.array(text, { maxLength: 20 }),
    runs: fc.record({ made: fc.nat(), asked: fc.nat() }),
    counterexample: text,
    repeat: text,
  }, {
    requiredKeys: [
      "id",
      "title",
      "requirement",
      "verdict",
      "behaviour",
      "close",
      "expected",
      "observed",
      "duration_ms",
    ],
  });
  const parts = fc.tuple(text, fc.array(one, { maxLength: 8 }), fc.option(anyPerformance(text)));
  return parts.map(([own, cases, performance]) => ({
    ...reportOf(own, cases),
    ...(performance === null ? {} : { performance }),
  }));
}

function anyPerformance(text: fc.Arbitrary<string>): fc.Arbitrary<PerformanceReport> {
  const milliseconds = fc.double({ min: 0, max: 1e6, noNaN: true });
  const timing = fc.record({
    samples: fc.nat(),
    median_ms: milliseconds,
    p99_ms: milliseconds,
  });
  const measure = fc.record({
    id: text,
    title: text,
    target: fc.option(timing),
    raw: fc.option(timing),
    ratio: fc.option(milliseconds),
    per_second: fc.record({ target: fc.option(fc.nat()), raw: fc.option(fc.nat()) }),
    sent: fc.nat(),
    lost: fc.nat(),
    notes: fc.array(text, { maxLength: 3 }),
    skipped: fc.option(text),
  }, {
    requiredKeys: ["id", "title", "target", "raw", "ratio", "sent", "lost", "notes", "skipped"],
  });
  return fc.record({
    machine: text,
    runtime: text,
    duration_ms: fc.nat(),
    notes: fc.array(text, { maxLength: 2 }),
    measures: fc.array(measure, { maxLength: 4 }),
  });
}

/** What was measured, with the same text wherever there is one. */
function performanceOf(text: string): PerformanceReport {
  const base = { id: text, title: text, notes: [text] };
  const target = { samples: 100, median_ms: 1.402, p99_ms: 12.345 };
  const raw = { samples: 100, median_ms: 0.5, p99_ms: 1234.5 };
  const none = { target: null, raw: null, ratio: null, sent: 0, lost: 0 };
  return {
    machine: text,
    runtime: text,
    duration_ms: 1234,
    notes: [text],
    measures: [
      { ...base, target, raw, ratio: 2.804, sent: 100, lost: 1, skipped: null },
      { ...base, ...none, skipped: text },
    ],
  };
}

function requirementOf(spec: string, section: string, text: string, level: Level): Requirement {
  return { spec: spec as Requirement["spec"], section, level, text };
}
