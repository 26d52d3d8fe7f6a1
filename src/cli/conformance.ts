import process from "node:process";
import { Command } from "commander";
import { CommandError } from "./failure.ts";

/** `heddle conformance`: the kit's own command line, which is loaded only where it is asked for. */
export function conformanceCommand(): Command {
  return new Command("conformance")
    .description("hold any WebSocket server to its specification (--help tells how)")
    // Every word belongs to the kit, --help too.
    .helpOption(false)
    .allowUnknownOption()
    .argument("[words...]")
    .action(async () => {
      const { main } = await import("../../conformance/cli.ts");
      const words = process.argv.slice(process.argv.indexOf("conformance") + 1);
      const exitCode = await main(words);
      if (exitCode !== 0) throw new CommandError(exitCode, "");
    });
}
