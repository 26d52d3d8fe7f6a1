import type { Command } from "commander";
import { listVariables } from "../hub/settings/variables.ts";

/** What `--help` says of the environment variables. */
export function environmentHelp(command: Command): string {
  const help = command.createHelp();
  help.prepareContext({ helpWidth: command.configureOutput().getOutHelpWidth?.() ?? 80 });
  const listed = listVariables();
  const width = Math.max(...listed.map(({ name }) => name.length));
  const items = listed.map(({ name, means, allowed, default: fallback }) => {
    return help.formatItem(
      name,
      width,
      `${means}. ${capital(allowed)} (default: ${fallback})`,
      help,
    );
  });
  return `\nEnvironment variables:\n${items.join("\n")}\n`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
