/**
 * The options of a client; their defaults are resolved here and nowhere else.
 *
 * @module
 */
import { z } from "zod";
import { type Clock, systemClock } from "../base/clock.ts";
import { checkMethods, checkNames, optionInvalid } from "../base/option_checks.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { describeIssue } from "../protocol/issue.ts";
import {
  type Features,
  featuresSchema,
  MAX_RECONNECTION_TOKEN,
  positionsSchema,
} from "../protocol/messages.ts";
import { type ReconnectOptions, resolveReconnect } from "./backoff.ts";
import { Credentials } from "./credentials.ts";
import type { QueueOptions } from "./queue.ts";
import { checkTimeout } from "./requests.ts";
import type { ClientSession } from "./session.ts";
import type { ClientSocketConstructor } from "./socket.ts";
import { parseUrl, type TokenPlace } from "./url.ts";

/**
 * A token, or what finds one: it is asked anew for every attempt to connect, and where the server says
 * that the connection's token is about to run out.
 */
export type TokenSource = string | (() => MaybePromise<string | undefined>);

/** Options of `createClient`. Times are milliseconds, sizes bytes. */
export interface ClientOptions {
  /**
   * The server's endpoint: `wss://example.com/ws`. A query is kept; `http` and `https` are taken for `ws`
   * and `wss`; in a page, a path such as `/ws` will do.
   */
  readonly url: string | URL;
  /**
   * A JWT, or a function that gives one: with a function, the client renews its token by itself, and comes
   * back with a new one where the server closed for the old. @default none: anonymous
   */
  readonly token?: TokenSource;
  /** How the token travels; as a subprotocol it stays out of access logs. @default "query" */
  readonly tokenPlace?: TokenPlace;
  /** The constructor to connect with. @default the runtime's own, on Node 20 that of `ws` */
  readonly WebSocket?: ClientSocketConstructor;
  /** When to come back after the connection was lost; false for never. */
  readonly reconnect?: Partial<ReconnectOptions> | false;
  /**
   * What to ask the server for with `hello`: `binary` to get media as {@linkcode Media} instead of base64,
   * `compression` to get long messages compressed, `batch` to get several in one frame. @default nothing
   */
  readonly features?: Features;
  /** How much may wait while there is no connection, or the server takes no more. */
  readonly queue?: Partial<QueueOptions>;
  /** The session to go on with: `client.session` of a client that is gone. @default a new one */
  readonly session?: ClientSession | undefined;
  /** From the start of an attempt to `connected`. @default 10000 */
  readonly connectTimeout?: number;
  /** What a request waits for its answer. @default 10000 */
  readonly requestTimeout?: number;
  /** The largest message that is inflated. @default 16777216 */
  readonly maxInflated?: number;
  /** @default the machine's, whose timers keep a process alive while it waits to come back */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

/** The options with every default filled in. */
export interface ResolvedClientOptions {
  readonly address: URL;
  readonly credentials: Credentials;
  readonly tokenPlace: TokenPlace;
  readonly WebSocket: ClientSocketConstructor | undefined;
  readonly reconnect: ReconnectOptions | undefined;
  readonly features: Features | undefined;
  readonly queue: QueueOptions;
  readonly session: ClientSession | undefined;
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly maxInflated: number;
  readonly clock: Clock;
  readonly random: Random;
}

const sessionSchema = z.object({
  token: z.string().min(1).max(MAX_RECONNECTION_TOKEN),
  positions: positionsSchema,
});

const names: Readonly<Record<keyof ClientOptions, true>> = {
  url: true,
  token: true,
  tokenPlace: true,
  WebSocket: true,
  reconnect: true,
  features: true,
  queue: true,
  session: true,
  connectTimeout: true,
  requestTimeout: true,
  maxInflated: true,
  clock: true,
  random: true,
};

/**
 * The hub has sockets to live for; a client that waits to come back has nothing but its timer, and
 * must not let the process end meanwhile.
 */
const clientClock: Clock = {
  ...systemClock,
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function resolveOptions(options: ClientOptions): ResolvedClientOptions {
  checkNames("", options, Object.keys(names));
  const { token, tokenPlace = "query", WebSocket, reconnect, features, maxInflated } = options;
  if (options.url === undefined) {
    throw optionInvalid("url is missing: give one such as wss://host/ws");
  }
  if (token !== undefined && typeof token !== "string" && typeof token !== "function") {
    throw optionInvalid("token must be a string, or a function that gives one");
  }
  if (tokenPlace !== "query" && tokenPlace !== "subprotocol") {
    throw optionInvalid(`tokenPlace is ${String(tokenPlace)}; it must be "query" or "subprotocol"`);
  }
  if (WebSocket !== undefined && typeof WebSocket !== "function") {
    throw optionInvalid("WebSocket must be a constructor");
  }
  if (maxInflated !== undefined && !(Number.isSafeInteger(maxInflated) && maxInflated > 0)) {
    throw optionInvalid(`maxInflated is ${String(maxInflated)}; it must be a positive integer`);
  }
  checkMethods("clock", options.clock, ["now", "wall", "after", "every"]);
  checkMethods("random", options.random, ["bytes", "fraction"]);
  return {
    address: parseUrl(options.url),
    credentials: new Credentials(token),
    tokenPlace,
    WebSocket,
    reconnect: reconnect === false ? undefined : resolveReconnect(reconnect),
    features: checkFeatures(features),
    queue: resolveQueue(options.queue),
    session: checkSession(options.session),
    connectTimeout: checkTimeout("connectTimeout", options.connectTimeout ?? 10_000),
    requestTimeout: checkTimeout("requestTimeout", options.requestTimeout ?? 10_000),
    maxInflated: maxInflated ?? 16 * 1024 * 1024,
    clock: options.clock ?? clientClock,
    random: options.random ?? systemRandom,
  };
}

function resolveQueue(options: Partial<QueueOptions> = {}): QueueOptions {
  const queue = { messages: 1_000, bytes: 1_048_576 };
  checkNames("queue", options, Object.keys(queue));
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 0) {
      throw optionInvalid(`queue.${name} is ${String(value)}; it must be an integer from 0`);
    }
    queue[name as keyof QueueOptions] = value;
  }
  return queue;
}

function checkFeatures(features: Features | undefined): Features | undefined {
  if (features === undefined) return undefined;
  checkNames("features", features, Object.keys(featuresSchema.shape));
  const { error } = featuresSchema.safeParse(features);
  if (error === undefined) return features;
  throw optionInvalid(`features: ${describeIssue(error)}`);
}

/** It comes from where an application kept it, so it may be anything. */
function checkSession(session: unknown): ClientSession | undefined {
  if (session === undefined) return undefined;
  const { data, error } = sessionSchema.safeParse(session);
  if (error === undefined) return data;
  throw optionInvalid(`session: ${describeIssue(error)}; give what client.session was`);
}
