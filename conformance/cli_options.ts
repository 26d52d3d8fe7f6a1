/**
 * The options of the command line, read and checked.
 *
 * @module
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { reporters } from "./report/reporters.ts";
import type { KitLevel } from "./runner/options.ts";

/** Where one reporter writes; `file` is null for standard output. */
export interface Output {
  readonly reporter: string;
  readonly file: string | null;
}

/** The options as commander leaves them. */
export interface CliOptions {
  readonly url?: string;
  readonly level: KitLevel;
  readonly profileFile?: string;
  readonly start?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly echo: "auto" | "yes" | "no";
  readonly maxMessage?: number;
  readonly header?: readonly (readonly [string, string])[];
  readonly subprotocol?: readonly string[];
  readonly profile: "fast" | "full";
  readonly seed?: number;
  readonly runs?: number;
  readonly concurrency?: number;
  readonly timeout?: number;
  readonly baseline?: string;
  readonly updateBaseline?: boolean;
  readonly insecure?: boolean;
  readonly ca?: string;
  readonly list?: true | string;
}

/** The command and, once it has parsed, where the reporters write, in the order they were given. */
export function createCommand(): { readonly command: Command; readonly outputs: () => Output[] } {
  const given: { reporter: string | null; file: string | null }[] = [];
  const collect = (value: string, all: readonly string[] = []) => [...all, value];

  // An --output belongs to the --reporter before it, or else to the one after it.
  const addReporter = (reporter: string) => {
    const last = given.at(-1);
    if (last?.reporter === null) last.reporter = reporter;
    else given.push({ reporter, file: null });
    return reporter;
  };
  const addFile = (file: string) => {
    const last = given.at(-1);
    if (last !== undefined && last.file === null) last.file = file;
    else given.push({ reporter: null, file });
    return file;
  };

  const command = new Command("heddle conformance")
    .description(
      "Holds any WebSocket server to RFC 6455 and RFC 7692, and one of Protocol 1 to PROTOCOL.md. " +
        "0 is the exit code where no MUST is broken, 1 where one is, 2 where it could not run.",
    )
    .option("--url <url>", "the endpoint: ws://HOST:PORT/PATH or wss://…")
    .addOption(
      new Option("--level <level>", "which cases").choices(["wire", "channels", "all"])
        .default("wire"),
    )
    .option("--profile-file <file>", "JSON: what the target offers, for the channel level")
    .option("--start <command>", "starts the target, and ends it after; {port} is a free port")
    .option(
      "--only <glob>",
      "run just the cases, or the measures, with such an id (repeatable)",
      collect,
    )
    .option(
      "--skip <glob>",
      "leave out the cases and measures with such an id (repeatable)",
      collect,
    )
    .addOption(
      new Option("--echo <echo>", "does the endpoint echo? auto finds out")
        .choices(["auto", "yes", "no"]).default("auto"),
    )
    .option("--max-message <bytes>", "the server's limit, where known", wholeNumber)
    .option("--header <header>", "'Name: value' that the endpoint needs (repeatable)", header)
    .option("--subprotocol <name>", "subprotocol to offer (repeatable)", collect)
    .addOption(
      new Option(
        "--profile <profile>",
        "how much; full also measures how quick the target is, which fails nothing",
      ).choices(["fast", "full"]).default("fast"),
    )
    .option(
      "--seed <n>",
      "seed of everything random (default 1; others try other inputs)",
      wholeNumber,
    )
    .option("--runs <n>", "runs of each property (default 20; full: 200)", wholeNumber)
    .option("--concurrency <n>", "cases at a time (default 16)", wholeNumber)
    .option("--timeout <ms>", "how long to wait for what must come (default 2000)", wholeNumber)
    .addOption(
      new Option("--reporter <name>", "how to report (repeatable, each with its --output)")
        .argParser(addReporter).choices(Object.keys(reporters)),
    )
    .option("--output <file>", "where to write the report (default standard output)", addFile)
    .option("--baseline <file>", "known failures; a stale entry fails too")
    .option("--update-baseline", "write the baseline from this run")
    .option("--insecure", "accept any certificate (wss)")
    .option("--ca <file>", "PEM of the certificates to trust (wss)")
    .option("--list [format]", "list the cases and measures, as text or json, and end");
  // choices() sets an argParser of its own: check first, then note the order.
  const reporter = command.options.find(({ long }) => long === "--reporter");
  const check = reporter?.parseArg;
  if (reporter !== undefined && check !== undefined) {
    reporter.argParser((value: string) => {
      check.call(reporter, value, undefined);
      return addReporter(value);
    });
  }
  return {
    command,
    outputs: () =>
      given.length === 0
        ? [{ reporter: "pretty", file: null }]
        : given.map(({ reporter, file }) => ({ reporter: reporter ?? "pretty", file })),
  };
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function header(
  text: string,
  all: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("It must be 'Name: value'.");
  return [...all, [match[1] ?? "", match[2] ?? ""]];
}
