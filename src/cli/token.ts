import process from "node:process";
import { Command } from "commander";
import { HeddleError } from "../base/errors.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { CommandError, MISUSED } from "./failure.ts";

interface TokenFlags {
  readonly sub: string;
  readonly role?: string;
  readonly expiresIn: string;
  readonly secret?: string;
  readonly issuer?: string;
  readonly audience?: string;
}

/** `heddle token`: prints a token, and nothing else, on standard output. */
export function tokenCommand(): Command {
  return new Command("token")
    .description("mint a token (JWT, HS256) and print it alone on standard output")
    .requiredOption("--sub <user>", "the user id: 1 to 255 characters")
    .option("--role <role>", "the role, such as admin, developer, viewer or bot")
    .option("--expires-in <seconds>", "how long it holds, in whole seconds", "7200")
    .option("--secret <secret>", "what it is signed with, 32 bytes or more (default: $JWT_SECRET)")
    .option("--issuer <issuer>", "its iss claim")
    .option("--audience <audience>", "its aud claim")
    .action(async (flags: TokenFlags) => {
      process.stdout.write(`${await mint(flags)}\n`);
    });
}

async function mint(flags: TokenFlags): Promise<string> {
  const { sub, role, expiresIn, issuer, audience } = flags;
  const secret = flags.secret ?? process.env["JWT_SECRET"];
  if (secret === undefined) {
    throw new CommandError(
      MISUSED,
      "a secret is needed: --secret, or JWT_SECRET in the environment",
    );
  }
  if (!/^[1-9]\d{0,14}$/.test(expiresIn)) {
    const allowed = "it must be a whole number of seconds above 0";
    throw new CommandError(MISUSED, `--expires-in is "${expiresIn}"; ${allowed}`);
  }
  try {
    const issue = tokenIssuer({
      secret,
      algorithm: "HS256",
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    });
    return await issue.issue({
      userId: sub,
      expiresIn: Number(expiresIn),
      ...(role === undefined ? {} : { role }),
    });
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    throw new CommandError(MISUSED, error.message.replace(/^userId/, "--sub"));
  }
}
