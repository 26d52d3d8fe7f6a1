import { HeddleError } from "../../base/errors.ts";
import { LOCAL_ORIGINS, originsFor } from "../../guard/origin.ts";
import type { JwtAuthOptions } from "../../guard/jwt.ts";
import type { ChannelDefinitions } from "../../channel/definition.ts";
import type { MessageDefinitions } from "../message.ts";
import type { HubOptions } from "../options.ts";
import type { LogLevel } from "../stock.ts";
import { findMisspelt } from "./misspelt.ts";
import { type Environment, type Values, variables } from "./variables.ts";

type Options = HubOptions<ChannelDefinitions, MessageDefinitions>;

/** What the environment says about a hub; of what it does not say, the defaults hold. */
export interface Settings {
  readonly environment: Environment;
  /** Options of `createHub`. */
  readonly hub: Pick<
    Options,
    "origin" | "proxies" | "limits" | "rates" | "heartbeat" | "acknowledgement"
  >;
  /** Options of `jwtAuth`. There is no `secret` where JWT_SECRET is not set. */
  readonly auth: Pick<JwtAuthOptions, "secret" | "anonymous">;
  /** Options of `serve`. */
  readonly server: {
    readonly hostname: string;
    readonly port: number;
    readonly cors?: boolean;
  };
  /** Milliseconds between two `system_metrics`: the `interval` of `stockFeeds`. */
  readonly metricsInterval: number;
  readonly logLevel: LogLevel;
  /** What is set and does nothing, and what lets in more than usual: to be logged. */
  readonly warnings: readonly string[];
}

/** What was read, or what is wrong. */
export interface Reading {
  /** Undefined where there are mistakes. */
  readonly settings?: Settings;
  readonly mistakes: readonly { readonly name: string; readonly message: string }[];
}

/**
 * Reads the settings of a hub from environment variables: those that `heddle serve` takes, which the
 * README lists. It reads nothing but what it is given.
 *
 * Where `ENVIRONMENT` is not set it is production, so that nothing is open by an oversight. `auth` fits
 * `jwtAuth`, which refuses to be made without a secret; an application with identities of its own
 * leaves it.
 *
 * @param environment Such as `process.env`, `Bun.env` or `Deno.env.toObject()`.
 * @throws {HeddleError} `option_invalid` with every mistake, one a line: the name, what was found
 * (save where it may be secret) and what is allowed.
 *
 * @example
 * ```ts
 * import { createHub, jwtAuth, settingsFromEnvironment } from "heddle";
 *
 * const settings = settingsFromEnvironment({
 *   JWT_SECRET: "an example of 32 bytes, no secret",
 *   WEBSOCKET_HEARTBEAT_INTERVAL: "20000",
 * });
 * for (const warning of settings.warnings) console.warn(warning);
 * await using hub = createHub({ ...settings.hub, auth: jwtAuth(settings.auth) });
 * if (hub.heartbeatInterval !== 20) throw new Error("the environment was not heeded");
 * ```
 */
export function settingsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const { settings, mistakes } = readEnvironment(environment);
  if (settings !== undefined) return settings;
  const lines = mistakes.map(({ name, message }) => `${name} ${message}`);
  throw new HeddleError("option_invalid", lines.join("\n"));
}

/** As {@linkcode settingsFromEnvironment}, for callers with mistakes of their own to add. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Reading {
  const { success, data, error } = variables.safeParse(environment);
  if (!success) {
    const mistakes = error.issues.map(({ path: [name], message }) => ({
      name: String(name),
      message,
    }));
    return { mistakes };
  }
  const set = Object.keys(environment).filter((name) => environment[name] !== undefined);
  const known = Object.keys(variables.shape);
  const settings = {
    ...settingsOf(data),
    warnings: [...findMisspelt(set, known), ...warningsOf(data)],
  };
  return { settings, mistakes: [] };
}

function settingsOf(values: Values): Omit<Settings, "warnings"> {
  const environment = values.ENVIRONMENT ?? "production";
  return {
    environment,
    hub: {
      origin: { allow: originsOf(values) },
      ...(values.TRUSTED_PROXIES === undefined ? {} : {
        proxies: { trusted: values.TRUSTED_PROXIES, header: values.TRUSTED_PROXY_HEADER },
      }),
      limits: given({
        connections: values.WEBSOCKET_MAX_CONNECTIONS,
        connectionsPerUser: values.WEBSOCKET_MAX_CONNECTIONS_PER_USER,
        connectionsPerAddress: values.WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS,
        text: values.WEBSOCKET_MAX_MESSAGE_SIZE,
      }),
      rates: given({ user: values.WEBSOCKET_MAX_MESSAGE_RATE, upgrades: upgradesOf(values) }),
      heartbeat: given({ interval: values.WEBSOCKET_HEARTBEAT_INTERVAL }),
      acknowledgement: given({
        interval: milliseconds(values.MESSAGE_RETRY_INTERVAL),
        waiting: values.MESSAGE_QUEUE_SIZE,
      }),
    },
    auth: {
      ...given({ secret: values.JWT_SECRET }),
      anonymous: !(values.WEBSOCKET_REQUIRE_AUTH ?? environment !== "development"),
    },
    server: {
      hostname: values.HOST ?? "127.0.0.1",
      port: values.PORT ?? 8000,
      ...given({ cors: values.WEBSOCKET_ENABLE_CORS }),
    },
    metricsInterval: milliseconds(values.METRICS_INTERVAL) ?? 5_000,
    logLevel: values.LOG_LEVEL ?? "info",
  };
}

/** The pages of this machine are added to those that are named, but in production. */
function originsOf(values: Values): readonly string[] | "any" | undefined {
  const { ENVIRONMENT = "production", WEBSOCKET_ALLOWED_ORIGINS: named } = values;
  if (named === "any" || named === undefined) return named ?? originsFor(ENVIRONMENT);
  return originsFor(ENVIRONMENT, {
    development: [...LOCAL_ORIGINS, ...named],
    production: named,
  });
}

function upgradesOf(values: Values) {
  const { RATE_LIMIT_MAX_REQUESTS: limit, RATE_LIMIT_WINDOW_SECONDS: seconds } = values;
  return limit === undefined ? undefined : { limit, window: (seconds ?? 60) * 1000 };
}

function warningsOf(values: Values): string[] {
  const { ENVIRONMENT = "production", WEBSOCKET_REQUIRE_AUTH, HOST = "127.0.0.1" } = values;
  const warnings: string[] = [];
  if (ENVIRONMENT === "development" && WEBSOCKET_REQUIRE_AUTH !== true && !isLoopback(HOST)) {
    warnings.push(
      `ENVIRONMENT is development and HOST is ${HOST}: whoever reaches this server is let in`,
    );
  }
  if (WEBSOCKET_REQUIRE_AUTH === false && ENVIRONMENT !== "development") {
    warnings.push(
      `WEBSOCKET_REQUIRE_AUTH is false in ${ENVIRONMENT}: whoever reaches this server is let in`,
    );
  }
  if (values.WEBSOCKET_ALLOWED_ORIGINS === "any" && ENVIRONMENT !== "development") {
    warnings.push(`WEBSOCKET_ALLOWED_ORIGINS is any in ${ENVIRONMENT}: every web page may connect`);
  }
  if (values.TRUSTED_PROXY_HEADER !== undefined && values.TRUSTED_PROXIES === undefined) {
    warnings.push("TRUSTED_PROXY_HEADER does nothing: TRUSTED_PROXIES names no proxy");
  }
  if (
    values.RATE_LIMIT_WINDOW_SECONDS !== undefined && values.RATE_LIMIT_MAX_REQUESTS === undefined
  ) {
    warnings.push("RATE_LIMIT_WINDOW_SECONDS does nothing: RATE_LIMIT_MAX_REQUESTS is not set");
  }
  const idle = {
    REDIS_URL: "this version has no Redis broker: events stay in this process",
    REDIS_CHANNEL_PREFIX: "this version has no Redis broker",
    METRICS_SAMPLE_SIZE: "this version measures no latency",
    LATENCY_TRACKING_ENABLED: "this version measures no latency",
  } as const;
  for (const [name, why] of Object.entries(idle)) {
    if (values[name as keyof typeof idle]) warnings.push(`${name} does nothing: ${why}`);
  }
  return warnings;
}

/** Whether an address is this machine's own alone. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

/** Without what is undefined, so that defaults hold. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
