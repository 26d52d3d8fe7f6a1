/**
 * The environment variables that set up a hub: one schema, from which the settings, the messages about
 * mistakes, `heddle serve --help` and the table of the README are made.
 *
 * @module
 */
import { z } from "zod";
import { byteLength } from "../../base/byte_length.ts";
import { HeddleError } from "../../base/errors.ts";
import { isPublicPem } from "../../guard/key.ts";
import { OriginPolicy } from "../../guard/origin.ts";
import { Proxies } from "../../guard/proxies.ts";
import { logLevels } from "../stock.ts";

/** Where a server runs. Anonymous connections are let in during development alone. */
const environments = ["development", "testing", "staging", "production"] as const;

/** One of {@linkcode environments}. */
export type Environment = (typeof environments)[number];

/** The fewest bytes of a secret that HS256 takes (RFC 7518 section 3.2). */
export const MIN_SECRET = 32;

/** What people are told of a variable. */
export interface About {
  /** What it does. */
  readonly means: string;
  /** What it may be. */
  readonly allowed: string;
  /** What is so where it is not set. */
  readonly default: string;
}

/** A variable, for documents. */
export interface Variable extends About {
  readonly name: string;
}

/** What was found, said of a text that may not be shown itself. */
type Mistake = (text: string) => string;

const MAX_SHOWN = 100;

/** @param read Gives undefined, or throws saying why, for what is not allowed. */
function variable<T>(about: About, read: (text: string) => T | undefined, mistake?: Mistake) {
  const found = mistake ?? ((text) => `is ${JSON.stringify(shortened(text))}`);
  return z.string().transform((text, context) => {
    let why = "";
    try {
      const value = read(text);
      if (value !== undefined) return value;
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      why = `: ${error.message.replace(/^(origin|proxies): /, "")}`;
    }
    const message = `${found(text)}; it must be ${about.allowed}${why}`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }).optional().meta({ ...about });
}

function shortened(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

interface Range extends Omit<About, "allowed"> {
  /** What is counted, in the plural. */
  readonly of?: string;
  readonly from: number;
  readonly to: number;
}

function number(kind: "a whole number" | "a number", digits: RegExp, range: Range) {
  const { of, from, to, ...about } = range;
  const allowed = `${kind}${of === undefined ? "" : ` of ${of}`} from ${from} to ${to}`;
  return variable({ ...about, allowed }, (text) => {
    const value = digits.test(text) ? Number(text) : NaN;
    return value >= from && value <= to ? value : undefined;
  });
}

const whole = (range: Range) => number("a whole number", /^\d{1,15}$/, range);
const decimal = (range: Range) => number("a number", /^\d{1,15}(\.\d{1,15})?$/, range);

function oneOf<const T extends string>(names: readonly T[], about: Omit<About, "allowed">) {
  const allowed = `one of ${names.join(", ")}`;
  return variable({ ...about, allowed }, (text) => names.find((name) => name === text));
}

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

function yesOrNo(about: Omit<About, "allowed">) {
  return variable({ ...about, allowed: "true or false (or yes, on, 1, no, off, 0)" }, (text) => {
    const word = text.toLowerCase();
    return Object.hasOwn(truths, word) ? truths[word] : undefined;
  });
}

function entriesOf(text: string): string[] {
  return text.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

function readProxies(text: string): readonly string[] | undefined {
  const trusted = entriesOf(text);
  if (trusted.length === 0) return undefined;
  new Proxies({ trusted });
  return trusted;
}

function readOrigins(text: string): readonly string[] | "any" | undefined {
  if (text.trim() === "any") return "any";
  const entries = entriesOf(text);
  if (entries.includes("*")) throw new HeddleError("option_invalid", '"*" is written any');
  if (entries.length === 0) return undefined;
  new OriginPolicy({ allow: entries });
  return entries;
}

/** An address may hold a password, so it is never told. */
const untold: Mistake = () => "is not right";

/** How to make one. */
export const SECRET_HINT = "`openssl rand -base64 48` makes one";

/** All variables, in the order they are told. */
export const variables = z.object({
  ENVIRONMENT: oneOf(environments, {
    means: "Where the server runs. Development lets in connections without a token, " +
      "`heddle serve` also under the user_id of their query",
    default: "production; `heddle serve` on loopback without JWT_SECRET: development",
  }),
  HOST: variable({
    means: "The address to listen at",
    allowed: "a host name or an IP address",
    default: "127.0.0.1",
  }, (text) => /^[\w.:%-]+$/.test(text) ? text : undefined),
  PORT: whole({
    means: "The port to listen at; 0 takes a free one",
    default: "8000",
    from: 0,
    to: 65_535,
  }),
  JWT_SECRET: variable(
    {
      means: "What tokens are signed with (HS256)",
      allowed: `${MIN_SECRET} bytes or more (${SECRET_HINT})`,
      default: "none: needed, save in development",
    },
    (text) => byteLength(text) >= MIN_SECRET && !isPublicPem(text) ? text : undefined,
    (text) =>
      isPublicPem(text) ? "is a public key, which anybody has" : `has ${byteLength(text)} bytes`,
  ),
  LOG_LEVEL: oneOf(logLevels, {
    means: "What is logged: this and what is graver",
    default: "info",
  }),
  METRICS_INTERVAL: decimal({
    means: "Time between two system_metrics",
    default: "5",
    of: "seconds",
    from: 0.1,
    to: 86_400,
  }),
  WEBSOCKET_REQUIRE_AUTH: yesOrNo({
    means: "Whether connections without a token are refused",
    default: "true; in development: false",
  }),
  WEBSOCKET_ALLOWED_ORIGINS: variable({
    means: "Web pages that may connect, save in production beside those of this machine",
    allowed: "origins separated by commas, such as https://app.example.com or " +
      "https://*.example.com; or any, alone",
    default: "in production the server's own host, else pages of this machine",
  }, readOrigins),
  WEBSOCKET_ENABLE_CORS: yesOrNo({
    means: "Whether pages of the allowed origins may read the HTTP routes",
    default: "true",
  }),
  TRUSTED_PROXIES: variable({
    means: "Proxies in front that are believed about the client's address",
    allowed: "addresses and ranges separated by commas, such as 10.0.0.5 or 10.0.0.0/8",
    default: "none: the address is the proxy's",
  }, readProxies),
  TRUSTED_PROXY_HEADER: oneOf(["x-forwarded-for", "forwarded"], {
    means: "The header field that these proxies write, where clients may send the other",
    default: "whichever there is; neither where they differ",
  }),
  WEBSOCKET_MAX_CONNECTIONS: whole({
    means: "Open connections; a further one is refused",
    default: "10000",
    from: 1,
    to: 1_000_000,
  }),
  WEBSOCKET_MAX_CONNECTIONS_PER_USER: whole({
    means: "Open connections of one user; the oldest is closed for a further one",
    default: "5",
    from: 1,
    to: 1_000_000,
  }),
  WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: whole({
    means: "Open connections from one address; a further one is refused. " +
      "Behind a proxy set TRUSTED_PROXIES too",
    default: "WEBSOCKET_MAX_CONNECTIONS",
    from: 1,
    to: 1_000_000,
  }),
  WEBSOCKET_MAX_MESSAGE_SIZE: whole({
    means: "The longest text message that is taken",
    default: "10240",
    of: "bytes",
    from: 256,
    to: 4_000_000,
  }),
  WEBSOCKET_MAX_MESSAGE_RATE: whole({
    means: "Messages a minute of one user, or of those without one at an address",
    default: "no limit but the hub's own",
    from: 1,
    to: 1_000_000,
  }),
  RATE_LIMIT_MAX_REQUESTS: whole({
    means: "Requests for a connection from one address in RATE_LIMIT_WINDOW_SECONDS. " +
      "Behind a proxy set TRUSTED_PROXIES too",
    default: "no limit by address",
    from: 1,
    to: 1_000_000,
  }),
  RATE_LIMIT_WINDOW_SECONDS: whole({
    means: "The time in which RATE_LIMIT_MAX_REQUESTS may come",
    default: "60",
    of: "seconds",
    from: 1,
    to: 86_400,
  }),
  WEBSOCKET_HEARTBEAT_INTERVAL: whole({
    means: "Silence after which a connection is pinged; after three times as much it is closed",
    default: "30000",
    of: "milliseconds",
    from: 1_000,
    to: 3_600_000,
  }),
  MESSAGE_QUEUE_SIZE: whole({
    means: "Events of a connection that may wait to be acknowledged",
    default: "1000",
    from: 1,
    to: 1_000_000,
  }),
  MESSAGE_RETRY_INTERVAL: decimal({
    means: "Time after which an event that was not acknowledged is sent again",
    default: "5",
    of: "seconds",
    from: 0.1,
    to: 3_600,
  }),
  REDIS_URL: variable(
    {
      means:
        "Nothing yet: this version has no Redis broker. `heddle serve` refuses to start with it",
      allowed: "a redis: or rediss: URL",
      default: "none",
    },
    (text) => /^rediss?:\/\/\S+$/.test(text) ? text : undefined,
    untold,
  ),
  REDIS_CHANNEL_PREFIX: variable({
    means: "Nothing yet: this version has no Redis broker",
    allowed: "1 to 100 of A-Z a-z 0-9 _ . : -",
    default: "none",
  }, (text) => /^[\w.:-]{1,100}$/.test(text) ? text : undefined),
  METRICS_SAMPLE_SIZE: whole({
    means: "Nothing yet: this version measures no latency",
    default: "none",
    from: 1,
    to: 1_000_000,
  }),
  LATENCY_TRACKING_ENABLED: yesOrNo({
    means: "Nothing yet: this version measures no latency",
    default: "false",
  }),
});

/** The variables that were set, as they were read. */
export type Values = z.infer<typeof variables>;

/** The variables, for documents. */
export function listVariables(): Variable[] {
  return Object.entries(variables.shape).map(([name, schema]) => {
    const { means, allowed, default: fallback } = schema.meta() as unknown as About;
    return { name, means, allowed, default: fallback };
  });
}
