/**
 * The report as a badge: JSON that badge services read from a URL (shields.io "endpoint").
 *
 * @module
 */
import type { Report } from "./report.ts";

/**
 * What was held to what, and how it came out, in a few words: `Protocol 1 | 236 kept`, with how many
 * were not judged where some were. Red where a MUST is broken, yellow where a SHOULD is.
 */
export function badge({ cases, summary }: Report): string {
  const { passed, failed, warned, skipped, errored } = summary;
  const specs = [...new Set(cases.map(({ requirement }) => requirement.spec))];
  const parts: readonly (readonly [count: number, what: string])[] = [
    [failed, "broken"],
    [warned, "warned"],
    [errored, "unclear"],
    [passed, "kept"],
    [skipped, "skipped"],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `${
    JSON.stringify({
      schemaVersion: 1,
      label: specs.length === 1 ? specs[0] : "conformance",
      message: told.join(", ") || "nothing judged",
      color: failed > 0
        ? "red"
        : errored + passed + warned === 0
        ? "lightgrey"
        : warned + errored > 0
        ? "yellow"
        : "brightgreen",
    })
  }\n`;
}
