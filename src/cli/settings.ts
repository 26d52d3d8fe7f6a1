/**
 * The settings of `heddle serve`, from its options and the environment.
 *
 * @module
 */
import { z } from "zod";
import { CommandError, MISUSED } from "./failure.ts";
import type { LogLevel } from "../hub/stock.ts";
import { logLevels } from "./log.ts";

/** Where a server runs: anonymous connections are let in during development alone. */
export const environments = ["development", "testing", "staging", "production"] as const;

/** What `heddle serve` runs with. */
export interface ServeSettings {
  readonly environment: (typeof environments)[number];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Seconds between two `system_metrics`. */
  readonly metricsInterval: number;
  readonly logLevel: LogLevel;
  /** What tokens are signed with; undefined in development only. */
  readonly secret: string | undefined;
}

/** Options of the command line. Each goes before the environment variable of the same meaning. */
export interface ServeFlags {
  readonly host?: string;
  readonly port?: string;
  readonly metricsInterval?: string;
  readonly logLevel?: string;
}

/** The fewest bytes that HS256 takes (RFC 7518 section 3.2). */
const MIN_SECRET = 32;

const DEFAULT_HOST = "127.0.0.1";
const HINT = "`openssl rand -base64 48` makes one";

function must(be: string) {
  return { error: ({ input }: { input?: unknown }) => `is "${String(input)}"; it must be ${be}` };
}

const port = "a whole number from 0 to 65535, where 0 takes a free port";
const interval = "a number of seconds from 0.1 to 86400";
const schema = z.object({
  ENVIRONMENT: z.enum(environments, must(`one of ${environments.join(", ")}`)).optional(),
  HOST: z.string().regex(/^[\w.:%-]+$/, must("a host name or an IP address")).default(DEFAULT_HOST),
  PORT: z.string().regex(/^\d{1,5}$/, must(port)).default("8000").transform(Number)
    .refine((number) => number <= 65_535, must(port)),
  METRICS_INTERVAL: z.string().regex(/^\d+(\.\d+)?$/, must(interval)).default("5")
    .transform(Number).refine((number) => number >= 0.1 && number <= 86_400, must(interval)),
  LOG_LEVEL: z.enum(logLevels, must(`one of ${logLevels.join(", ")}`)).default("info"),
  // Never told, however wrong it is.
  JWT_SECRET: z.string().refine((secret) => byteLength(secret) >= MIN_SECRET, {
    error: ({ input }) =>
      `has ${byteLength(String(input))} bytes; it must have ${MIN_SECRET} or more: ${HINT}`,
  }).optional(),
});

/**
 * Reads the settings. ENVIRONMENT need not be set on one's own machine: where it is not, a server
 * without JWT_SECRET that only this machine reaches is in development, and any other in production.
 *
 * @throws {CommandError} with all that is wrong, and what would be right.
 */
export function readSettings(
  variables: Readonly<Record<string, string | undefined>>,
  flags: ServeFlags = {},
): ServeSettings {
  const named: Readonly<Record<string, string | undefined>> = {
    HOST: flags.host,
    PORT: flags.port,
    METRICS_INTERVAL: flags.metricsInterval,
    LOG_LEVEL: flags.logLevel,
  };
  const given = { ...variables };
  for (const [name, value] of Object.entries(named)) if (value !== undefined) given[name] = value;

  const { success, data, error } = schema.safeParse(given);
  const mistakes = error?.issues.map(({ path: [name], message }) => {
    const isFlag = named[String(name)] !== undefined;
    return `${isFlag ? flagOf(String(name)) : String(name)} ${message}`;
  }) ?? [];
  const environment = given["ENVIRONMENT"] ?? usualEnvironment(given);
  if (given["JWT_SECRET"] === undefined && environment !== "development") {
    mistakes.push(secretNeeded(given));
  }
  if (!success || mistakes.length > 0) throw new CommandError(MISUSED, mistakes.join("\n"));
  return {
    environment: data.ENVIRONMENT ?? usualEnvironment(given),
    host: data.HOST,
    port: data.PORT,
    metricsInterval: data.METRICS_INTERVAL,
    logLevel: data.LOG_LEVEL,
    secret: data.JWT_SECRET,
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

function usualEnvironment({ HOST, JWT_SECRET }: Variables): "development" | "production" {
  const isOwn = JWT_SECRET === undefined && isLoopback(HOST ?? DEFAULT_HOST);
  return isOwn ? "development" : "production";
}

function secretNeeded({ ENVIRONMENT, HOST }: Variables): string {
  const why = ENVIRONMENT === undefined
    ? `ENVIRONMENT is not set and other machines may reach HOST ${HOST}, so this is production`
    : `ENVIRONMENT is "${ENVIRONMENT}"`;
  return `JWT_SECRET is not set, and it is needed: ${why}. Set it to ${MIN_SECRET} bytes or more ` +
    `(${HINT}), or set ENVIRONMENT=development, which lets everybody in`;
}

function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll("_", "-")}`;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Whether an address is this machine's own alone. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);
}
