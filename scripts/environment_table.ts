/**
 * The README's table of environment variables, made from their schema. Run as a program it writes the
 * table into the README: `npm run environment-table`.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { listVariables } from "../src/hub/settings/variables.ts";

const START = "<!-- environment variables: written by `npm run environment-table` -->";
const END = "<!-- end of environment variables -->";

/** The README, and what it would be with the table as it should be. */
export interface Readme {
  readonly path: string;
  readonly is: string;
  readonly shouldBe: string;
}

/** Reads the README of this project. */
export function readme(): Readme {
  const path = fileURLToPath(new URL("../README.md", import.meta.url));
  const is = readFileSync(path, "utf8");
  const start = is.indexOf(START);
  const end = is.indexOf(END, start);
  if (start === -1 || end === -1) throw new Error(`${path} lacks the marks round the table`);
  const shouldBe = `${is.slice(0, start)}${START}\n\n${table()}\n\n${is.slice(end)}`;
  return { path, is, shouldBe };
}

/** As `deno fmt` would write it. */
function table(): string {
  const rows = listVariables().map(({ name, means, allowed, default: fallback }) => {
    return [`\`${name}\``, means, allowed, fallback].map((cell) => cell.replaceAll("|", "\\|"));
  });
  const all = [["variable", "what it does", "what it may be", "where it is not set"], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(" | ")} |`;
  const [head, ...body] = all.map((row) => line(row));
  return [head, line(widths.map(() => ""), "-"), ...body].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { path, shouldBe } = readme();
  writeFileSync(path, shouldBe);
}
