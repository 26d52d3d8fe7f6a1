/**
 * Which web pages may connect: browsers name the page's origin in each handshake (RFC 6454 section 7),
 * and let any page try, so it is for the server to refuse.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import { Refusal } from "./refusal.ts";

/** Which origins may connect. */
export interface OriginOptions {
  /**
   * Origins as browsers write them, such as `https://app.example.com` or `http://localhost:5173`.
   * `https://*.example.com` stands for one or more labels in front, never for `example.com` itself, and
   * `:*` for any port of a loopback host. `"any"` lets every page in, and is for what is public anyhow.
   *
   * @default the host that the request itself is for, and no other
   */
  readonly allow?: readonly string[] | "any" | undefined;
  /** What becomes of a request without an origin, which no browser made. @default "allow" */
  readonly absent?: "allow" | "refuse" | undefined;
}

/** What a request was sent to, as far as it can be believed. */
export interface Target {
  /** `example.com` or `example.com:8443`. */
  readonly host: string;
  /** Absent where TLS may have ended in front of the server. */
  readonly scheme?: "http" | "https";
}

/** The parts of an origin: in lower case, and a port that is the scheme's own left out. */
export interface Origin {
  /** With the colon: `https:`. */
  readonly scheme: string;
  /** IPv6 stands in brackets. */
  readonly host: string;
  /** "" for the scheme's own. */
  readonly port: string;
}

/** The pages of one's own machine, on any port. */
export const LOCAL_ORIGINS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"]
  .flatMap((host) => [`http://${host}:*`, `https://${host}:*`]);

/** The origins of each environment. */
export interface EnvironmentOrigins {
  /** @default LOCAL_ORIGINS */
  readonly development?: readonly string[] | undefined;
  readonly staging?: readonly string[] | undefined;
  readonly production?: readonly string[] | undefined;
}

/** Only what a host and a port are written in: what a parser would clean up first is no origin. */
const FORM =
  /^[a-z][a-z0-9+.-]{0,31}:\/\/(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Takes an origin apart, by the parser of the URL standard; undefined for what is none: `null`, a path,
 * user information, or anything that the parser would have to put right.
 */
export function parseOrigin(text: string): Origin | undefined {
  if (!FORM.test(text)) return undefined;
  try {
    const { protocol, hostname, port } = new URL(text);
    return { scheme: protocol, host: hostname.toLowerCase(), port };
  } catch {
    return undefined;
  }
}

/**
 * The origins that are let in where a server runs: on one's own machine the local ones, in staging those
 * and its own, in production its own alone.
 *
 * @returns Undefined where production names none, which leaves the server's own host.
 */
export function originsFor(
  environment: "development" | "testing" | "staging" | "production",
  { development = LOCAL_ORIGINS, staging = [], production }: EnvironmentOrigins = {},
): readonly string[] | undefined {
  switch (environment) {
    case "development":
    case "testing":
      return development;
    case "staging":
      return [...staging, ...development];
    case "production":
      return production;
  }
}

/** Judges the origins of requests. */
export class OriginPolicy {
  readonly #patterns: readonly Pattern[] | "any" | undefined;
  readonly #refusesAbsent: boolean;

  /** @throws {HeddleError} `option_invalid`, naming the entry that is no origin, or the option that is none. */
  constructor(options: OriginOptions = {}) {
    checkNames("origin", options, ["allow", "absent"]);
    const { allow, absent = "allow" } = options;
    if (absent !== "allow" && absent !== "refuse") {
      throw invalid(`absent is ${JSON.stringify(absent)}; it must be "allow" or "refuse"`);
    }
    if (allow !== undefined && allow !== "any" && !Array.isArray(allow)) {
      throw invalid('allow must be a list of origins, or "any"');
    }
    this.#patterns = allow === undefined || allow === "any" ? allow : allow.map(parsePattern);
    this.#refusesAbsent = absent === "refuse";
  }

  /** Whether origins other than the server's own are named. */
  get namesOthers(): boolean {
    return this.#patterns !== undefined;
  }

  /** Whether every page is let in. */
  get letsAnyIn(): boolean {
    return this.#patterns === "any";
  }

  /** Whether the options name this origin, which a browser sent. */
  names(origin: string): boolean {
    if (this.#patterns === "any") return true;
    const parsed = this.#patterns === undefined ? undefined : parseOrigin(origin);
    return parsed !== undefined && this.#matches(parsed);
  }

  /**
   * Judges the origin of a handshake.
   *
   * @throws {Refusal} 403 where it may not connect.
   */
  check(origin: string | null, target: Target): void {
    if (origin === null) {
      if (!this.#refusesAbsent) return;
      throw new Refusal(403, "origin_not_allowed", "the request must name its Origin");
    }
    if (this.#patterns === "any") return;
    const parsed = parseOrigin(origin);
    const isAllowed = parsed !== undefined &&
      (this.#patterns === undefined ? isOwn(parsed, target) : this.#matches(parsed));
    if (!isAllowed) throw notAllowed(origin);
  }

  /**
   * Judges the origin of a request that changes something, and that a page of the server's own host
   * may make too.
   *
   * @throws {Refusal} 403 where it may not.
   */
  checkWrite(origin: string | null, target: Target): void {
    if (origin === null || this.names(origin)) return;
    const parsed = parseOrigin(origin);
    if (parsed === undefined || !isOwn(parsed, target)) throw notAllowed(origin);
  }

  #matches(origin: Origin): boolean {
    const patterns = this.#patterns as readonly Pattern[];
    return patterns.some((pattern) => covers(pattern, origin));
  }
}

/** An entry of the list. */
interface Pattern extends Origin {
  /** Whether labels must stand before the host. */
  readonly isWild: boolean;
}

function parsePattern(text: string): Pattern {
  if (typeof text !== "string") throw invalid(`allow must hold strings, and one is ${typeof text}`);
  const isWild = /^[^:]*:\/\/\*\./.test(text);
  const anyPort = text.endsWith(":*");
  const plain = text.replace("://*.", "://").replace(/:\*$/, "");
  const parsed = parseOrigin(plain);
  if (parsed === undefined) {
    throw invalid(
      `${
        JSON.stringify(text)
      } is no origin: write "https://app.example.com", with ":8443" where the ` +
        'port is another than the usual, or "https://*.example.com", and no path' +
        (text === "*" ? '; to let every page in, say allow: "any"' : ""),
    );
  }
  if (anyPort && !LOOPBACK.has(parsed.host)) {
    throw invalid(`"${text}" has any port: only ${[...LOOPBACK].join(", ")} may`);
  }
  if (isWild && parsed.host !== "localhost" && !isDomain(parsed.host)) {
    throw invalid(`"${text}" stands for too much: after "*." comes a domain such as example.com`);
  }
  return { ...parsed, port: anyPort ? "*" : parsed.port, isWild };
}

/** Whether a host has two labels or more, and is no address. */
function isDomain(host: string): boolean {
  const labels = host.split(".");
  return labels.length > 1 && !labels.includes("") && !/^\d+$/.test(labels.at(-1)!);
}

function covers(pattern: Pattern, { scheme, host, port }: Origin): boolean {
  if (scheme !== pattern.scheme) return false;
  if (port !== pattern.port && pattern.port !== "*") return false;
  if (!pattern.isWild) return host === pattern.host;
  const suffix = `.${pattern.host}`;
  return host.endsWith(suffix) && LABELS.test(host.slice(0, -suffix.length));
}

/** Whether a page comes from the host that its request is for. */
function isOwn(origin: Origin, { host, scheme }: Target): boolean {
  if (scheme !== undefined && origin.scheme !== `${scheme}:`) return false;
  if (origin.scheme !== "http:" && origin.scheme !== "https:") return false;
  const own = parseOrigin(`${origin.scheme}//${host}`);
  return own !== undefined && own.host === origin.host && own.port === origin.port;
}

function notAllowed(origin: string): Refusal {
  const name = JSON.stringify(origin.length > 100 ? `${origin.slice(0, 100)}…` : origin);
  const message = `pages of ${name} may not connect to this server: it does not name their origin`;
  return new Refusal(403, "origin_not_allowed", message);
}

function invalid(message: string): HeddleError {
  return new HeddleError("option_invalid", `origin: ${message}`);
}
