/**
 * PROTOCOL.md as data: its requirements and its tables, read from the page itself, so that no case
 * quotes what the page says no more.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { Level } from "../case.ts";
import type { RequirementId } from "../peer/watch.ts";

/** A numbered sentence of the page. */
export interface ProtocolRequirement {
  readonly id: RequirementId;
  /** `SUB` */
  readonly area: string;
  readonly level: Level;
  readonly text: string;
}

/** A field of a message, as the tables have it. */
export interface Field {
  readonly name: string;
  /** `string`, `string or null`, `object`, `any` … */
  readonly type: string;
  readonly required: boolean;
}

/** The page's own text; beside this file in the sources and in the published package alike. */
const PAGE: string = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");

/** Every requirement, by id, in the order of the page. */
export const REQUIREMENTS: ReadonlyMap<string, ProtocolRequirement> = new Map(
  PAGE.split(/\n{2,}/).flatMap((paragraph) => {
    const match = /^\*\*(HDL-([A-Z]+)-\d+)\*\* ([^]*)$/.exec(paragraph.trim());
    if (match === null) return [];
    const [, id = "", area = "", prose = ""] = match;
    const text = prose.replaceAll(/\s*\n\s*/g, " ");
    const level = /\b(MUST|SHOULD|MAY)\b/.exec(text)?.[1] as Level | undefined;
    return level === undefined ? [] : [[id, { id: id as RequirementId, area, level, text }]];
  }),
);

/** The heading that each area stands under: `SUB` → `Subscribing`. */
export const AREA_TITLES: ReadonlyMap<string, string> = areaTitles();

/** The fields of what clients send, by type. */
export const CLIENT_MESSAGES: ReadonlyMap<string, readonly Field[]> = fieldsOf("Client messages");

/** The fields of what servers send, by type. */
export const SERVER_MESSAGES: ReadonlyMap<string, readonly Field[]> = fieldsOf("Server messages");

/** The answer to each request; `none` for an `ack`. */
export const ANSWERS: ReadonlyMap<string, string> = new Map(
  rows("Request", "Answer").map(([request = "", answer = ""]) => [bare(request), bare(answer)]),
);

/** The codes of errors, and whether each is recoverable. */
export const ERRORS: ReadonlyMap<string, boolean> = new Map(
  rows("Code", "Recoverable").map(([code = "", word]) => [bare(code), word === "yes"]),
);

/** The close codes, and whether a client comes back after each. */
export const CLOSE_CODES: ReadonlyMap<
  number,
  { readonly reason: string; readonly action: "retry" | "terminal" }
> = new Map(
  rows("Code", "Reason", "Action").map(([code, reason = "", action]) => [
    Number(code),
    { reason, action: action === "retry" ? "retry" : "terminal" },
  ]),
);

/** The rows of the first table whose heading begins so, without the heading. */
export function rows(...heading: readonly string[]): readonly (readonly string[])[] {
  const tables = PAGE.split(/\n{2,}/).filter((block) => block.startsWith("|"));
  const found = tables.map((table) => table.trim().split("\n").map(cells))
    .find(([first]) => heading.every((name, i) => first?.[i] === name));
  return found?.slice(2) ?? [];
}

function cells(line: string): string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

function bare(cell: string): string {
  return cell.replaceAll("`", "");
}

function areaTitles(): Map<string, string> {
  const titles = new Map<string, string>();
  let heading = "";
  for (const line of PAGE.split("\n")) {
    const area = /^\*\*HDL-([A-Z]+)-\d+\*\*/.exec(line)?.[1];
    if (line.startsWith("## ")) heading = line.slice(3).trim();
    else if (area !== undefined && !titles.has(area)) titles.set(area, heading);
  }
  return titles;
}

function fieldsOf(heading: string): Map<string, Field[]> {
  const section = PAGE.split(`### ${heading}\n`)[1]?.split(/\n#/)[0] ?? "";
  const fields = new Map<string, Field[]>();
  let type = "";
  for (const line of section.split("\n").filter((one) => one.startsWith("|"))) {
    const [named = "", field = "", json = "", required] = cells(line);
    if (named === "Request") break;
    if (named === "Type" || named.startsWith("--")) continue;
    type = bare(named) || type;
    const known = fields.get(type) ?? [];
    if (field !== "") known.push({ name: bare(field), type: json, required: required === "yes" });
    fields.set(type, known);
  }
  return fields;
}
