/**
 * The reporters there are, by the name that `--reporter` takes.
 *
 * @module
 */
import { json } from "./json.ts";
import { pretty } from "./pretty.ts";
import type { Reporter } from "./reporter.ts";

/** Every reporter. */
export const reporters: Readonly<Record<string, Reporter>> = { pretty, json };
