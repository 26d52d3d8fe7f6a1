#!/usr/bin/env node
/**
 * The command line of Heddle.
 *
 * @module
 */
import process from "node:process";
import { Command, CommanderError } from "commander";
import { conformanceCommand } from "./conformance.ts";
import { connectCommand } from "./connect.ts";
import { CommandError, MISUSED } from "./failure.ts";
import { serveCommand } from "./serve.ts";
import { printable } from "./terminal.ts";
import { tokenCommand } from "./token.ts";
import { VERSION } from "./version.ts";

const program = new Command("heddle")
  .description("A realtime channel hub, and what one needs beside it.")
  .version(VERSION)
  .helpCommand(false)
  .addHelpText("after", "\nExit codes: 0 ended as asked, 1 failed, 2 called wrongly.");

for (const command of [serveCommand(), connectCommand(), tokenCommand()]) {
  const hint = `(heddle ${command.name()} --help tells what there is)`;
  program.addCommand(command.allowExcessArguments(false).showHelpAfterError(hint));
}
program.addCommand(conformanceCommand());
for (const command of [program, ...program.commands]) command.exitOverride();

process.exitCode = await run();
// Signal handlers and sockets of peers that do not close would keep some runtimes alive.
process.stdout.write("", () => process.exit());

async function run(): Promise<number> {
  try {
    await program.parseAsync(process.argv);
    return 0;
  } catch (error) {
    // Commander has said what is wrong, or printed what was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
    if (!(error instanceof CommandError)) throw error;
    // Without a message, all has been said.
    for (const line of error.message.split("\n").filter((line) => line !== "")) {
      process.stderr.write(`heddle: ${printable(line)}\n`);
    }
    return error.exitCode;
  }
}
