/**
 * The settings of `heddle serve`, from its options and the environment.
 *
 * @module
 */
import { isLoopback, readEnvironment, type Settings } from "../hub/settings/settings.ts";
import { MIN_SECRET, SECRET_HINT } from "../hub/settings/variables.ts";
import { CommandError, MISUSED } from "./failure.ts";

/** Options of the command line. Each goes before the environment variable of the same meaning. */
export interface ServeFlags {
  readonly host?: string;
  readonly port?: string;
  readonly metricsInterval?: string;
  readonly logLevel?: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. ENVIRONMENT need not be set on one's own machine: where it is not, a server
 * without JWT_SECRET that only this machine reaches is in development, and any other in production.
 *
 * @throws {CommandError} with all that is wrong, and what would be right.
 */
export function readSettings(variables: Variables, flags: ServeFlags = {}): Settings {
  const named = given({
    HOST: flags.host,
    PORT: flags.port,
    METRICS_INTERVAL: flags.metricsInterval,
    LOG_LEVEL: flags.logLevel,
  });
  const set = given({ ...variables, ...named });
  const environment = set["ENVIRONMENT"] ?? usualEnvironment(set);
  const { settings, mistakes } = readEnvironment({ ...set, ENVIRONMENT: environment });
  const lines = mistakes.map(({ name, message }) => {
    return `${name in named ? flagOf(name) : name} ${message}`;
  });
  if (set["JWT_SECRET"] === undefined && environment !== "development") {
    lines.push(secretNeeded(set));
  }
  if (set["REDIS_URL"] !== undefined) lines.push(NO_REDIS);
  if (settings === undefined || lines.length > 0) throw new CommandError(MISUSED, lines.join("\n"));
  return settings;
}

/** Started all the same, each of several servers would keep its events to itself. */
const NO_REDIS = "REDIS_URL is set, and this version has no Redis broker: a server would share " +
  "nothing with others. Unset it to run this one alone";

function usualEnvironment({ HOST, JWT_SECRET }: Variables): "development" | "production" {
  const isOwn = JWT_SECRET === undefined && (HOST === undefined || isLoopback(HOST));
  return isOwn ? "development" : "production";
}

function secretNeeded({ ENVIRONMENT, HOST }: Variables): string {
  const why = ENVIRONMENT === undefined
    ? `ENVIRONMENT is not set and other machines may reach HOST ${HOST}, so this is production`
    : `ENVIRONMENT is "${ENVIRONMENT}"`;
  return `JWT_SECRET is not set, and it is needed: ${why}. Set it to ${MIN_SECRET} bytes or more ` +
    `(${SECRET_HINT}), or set ENVIRONMENT=development, which lets everybody in`;
}

function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll("_", "-")}`;
}

function given(variables: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
