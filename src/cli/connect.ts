import process from "node:process";
import { Command, Option } from "commander";
import { HeddleError } from "../base/errors.ts";
import { CommandError, MISUSED } from "./failure.ts";
import { type Format, formats } from "./format.ts";
import { Watch } from "./watch.ts";

interface ConnectFlags {
  readonly url: string;
  readonly token?: string;
  readonly subscribe?: string;
  readonly format: Format;
  readonly count?: string;
  readonly interactive?: true;
  readonly verbose?: true;
}

const MORE = `
Remarks go to standard error: that it was connected, lost the connection, comes back. Ctrl-C, the end
of the input with --interactive, and --count close the connection with 1000 and end with exit code 0.
A server that refuses, or closes in a way that forbids to come back, ends with exit code 1.`;

/** `heddle connect`: shows what a server sends. */
export function connectCommand(): Command {
  return new Command("connect")
    .description("connect to a server and show what it sends")
    .option("--url <url>", "the server's WebSocket endpoint", "ws://127.0.0.1:8000/ws")
    .option("--token <token>", "a JWT (default: $HEDDLE_TOKEN, which other users cannot list)")
    .option("--subscribe <channels>", "channels, with commas between them")
    .addOption(
      new Option("--format <format>", "json: every message as it came, one a line")
        .choices(formats).default("pretty"),
    )
    .option("--count <n>", "end after n events")
    .option("--interactive", "read commands from standard input: help tells which")
    .option("--verbose", "remark on more, and on what is sent")
    .addHelpText("after", MORE)
    .action(async (flags: ConnectFlags) => {
      const token = flags.token ?? process.env["HEDDLE_TOKEN"];
      try {
        const watch = new Watch({
          url: flags.url,
          token: token === "" ? undefined : token,
          channels: (flags.subscribe ?? "").split(",").map((name) => name.trim())
            .filter((name) => name !== ""),
          format: flags.format,
          count: readCount(flags.count),
          isInteractive: flags.interactive === true,
          isVerbose: flags.verbose === true,
        });
        await watch.run();
      } catch (error) {
        if (!(error instanceof HeddleError) || error.code !== "option_invalid") throw error;
        throw new CommandError(MISUSED, error.message.replace(/^url:/, "--url:"));
      }
    });
}

function readCount(count: string | undefined): number {
  if (count === undefined) return Infinity;
  if (/^[1-9]\d{0,14}$/.test(count)) return Number(count);
  throw new CommandError(MISUSED, `--count is "${count}"; it must be a whole number above 0`);
}
