/**
 * A report's cases by the section of the specification that they hold a server to.
 *
 * @module
 */
import { AREA_TITLES } from "../channels/protocol.ts";
import type { CaseReport, Report, Summary } from "./report.ts";
import { summarize } from "./report.ts";
import { SECTION_TITLES } from "./section_titles.ts";

/** The cases of one section, in the order of the report. */
export interface Section {
  /** `RFC 6455` */
  readonly spec: string;
  /** `5.5.1`; of Protocol 1 the area, `SUB` */
  readonly number: string;
  /** The section's title in the specification; empty where it is not known. */
  readonly title: string;
  /** `RFC 6455 section 5.5.1 Close` */
  readonly name: string;
  readonly cases: readonly CaseReport[];
  readonly summary: Summary;
}

/** The sections in the specifications' order: 5.5.1 after 5.5, 10.4 after 5.5. */
export function sectionsOf(report: Report): Section[] {
  const sections = new Map<string, CaseReport[]>();
  for (const one of report.cases) {
    const key = JSON.stringify([one.requirement.spec, one.requirement.section]);
    const cases = sections.get(key);
    if (cases === undefined) sections.set(key, [one]);
    else cases.push(one);
  }
  return [...sections.values()].flatMap((cases) => {
    const [first] = cases;
    return first === undefined ? [] : [sectionOf(first.requirement, cases)];
  }).sort((a, b) =>
    compareNaturally(a.spec, b.spec) || areaOf(a) - areaOf(b) ||
    compareNaturally(a.number, b.number)
  );
}

function sectionOf(
  { spec, section: number }: CaseReport["requirement"],
  cases: readonly CaseReport[],
): Section {
  const areas = spec === "Protocol 1" ? AREAS : [];
  const titles = Object.hasOwn(SECTION_TITLES, spec) ? SECTION_TITLES[spec] ?? {} : {};
  const title = Object.hasOwn(titles, number) ? titles[number] ?? "" : "";
  const section = areas.includes(number) ? number : `section ${number}`;
  const name = `${spec} ${section}${title === "" ? "" : ` ${title}`}`;
  return { spec, number, title, name, cases, summary: summarize(cases) };
}

/** The areas of Protocol 1, in the order of its page. */
const AREAS = [...AREA_TITLES.keys()];

function areaOf({ number }: Pick<Section, "number">): number {
  return AREAS.indexOf(number);
}

/** Compares with numbers by their value: `5.5` < `5.5.1` < `5.10`. */
function compareNaturally(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
