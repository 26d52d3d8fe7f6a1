/**
 * The reporters there are, by the name that `--reporter` takes.
 *
 * @module
 */
import { badge } from "./badge.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { pretty } from "./pretty.ts";
import type { Reporter } from "./reporter.ts";
import { tap } from "./tap.ts";

/** Every reporter. */
export const reporters: Readonly<Record<string, Reporter>> = {
  pretty,
  json,
  junit,
  tap,
  html,
  badge,
};
