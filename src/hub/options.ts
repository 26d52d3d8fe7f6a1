/**
 * The options of a hub. Their defaults are resolved here, those of a group in a file of its own, and
 * nowhere else.
 *
 * @module
 */
import { byteLength } from "../base/byte_length.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import {
  checkMethods,
  checkNames,
  checkObject,
  checkType,
  positiveInteger,
} from "../base/option_checks.ts";
import { type Random, systemRandom } from "../base/random.ts";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import type { ChannelDefinitions } from "../channel/definition.ts";
import type { Authenticate } from "../guard/identity.ts";
import { type OriginOptions, OriginPolicy } from "../guard/origin.ts";
import { Proxies, type ProxyOptions } from "../guard/proxies.ts";
import { Throttle, type ThrottleOptions } from "../guard/throttle.ts";
import type { CompressionOptions } from "../protocol/compression.ts";
import { isSendableCloseCode } from "../protocol/close.ts";
import type { AcknowledgementOptions, DeliveryOutcome } from "./acknowledgements.ts";
import type { ConnectionInfo } from "./info.ts";
import { type Limits, resolveLimits } from "./limits.ts";
import { type Logger, quietLogger, redactingLogger } from "./logger.ts";
import { checkMessages, type MessageDefinitions } from "./message.ts";
import { type RateOptions, type ResolvedRates, resolveRates } from "./rate_options.ts";

/** When a silent connection is pinged and when it is given up, in milliseconds: positive integers. */
export interface Heartbeat {
  /** Silence before a Ping, and between further ones. @default 30000 */
  readonly interval: number;
  /** Silence after which the connection is closed with 4408; over `interval`. @default three intervals */
  readonly timeout: number;
}

/** What outlives a connection, for its client to come back to. */
export interface SessionOptions {
  /** Milliseconds it is kept after a disconnect: a positive integer. @default 300000 */
  readonly ttl: number;
}

/** How events are handed to sockets. */
export type FanoutMode = "together" | "each";

/** What becomes of a user's connections over their number. */
export type UserLimitPolicy = "close-oldest" | "refuse";

/** How a connection ended. */
export interface Ending {
  /** The close code: the peer's, the hub's, or 1006 where the connection was simply gone. */
  readonly code: number;
  readonly reason: string;
}

/** Options of `createHub`. */
export interface HubOptions<C extends ChannelDefinitions, M extends MessageDefinitions> {
  /** Who may connect: `jwtAuth({…})`, `allowAnonymous()`, or a function of the request. */
  readonly auth: Authenticate;
  /** Which web pages may connect. @default those of the host that the request is for */
  readonly origin?: OriginOptions | undefined;
  /** Which proxies in front are believed about the client's address. @default none */
  readonly proxies?: ProxyOptions | undefined;
  /** The channels there are, by name or pattern. @default {} */
  readonly channels?: C;
  /** The messages clients may send to the application, by type. @default {} */
  readonly messages?: M;
  /**
   * Lets connections join a room by their path: with `"room:"`, whoever connects to `/ws/lobby` is
   * subscribed to `room:lobby` from the start, where their role may be. @default no rooms
   */
  readonly rooms?: string;
  /** What carries events. @default memoryBroker() */
  readonly broker?: Broker;
  readonly limits?: Partial<Limits>;
  /** How often messages and connections may come; false for as often as they like. */
  readonly rates?: Partial<RateOptions> | false;
  /**
   * What becomes of a connection over `limits.connectionsPerUser`: the user's oldest is closed with 4409
   * for it, or it is refused with 429. One that resumes the session of an open connection replaces that
   * one in any case; where others are refused, its request names that session: by `reconnection_token`, or
   * its client id as `resumes`, as the client does. @default "close-oldest"
   */
  readonly userLimitPolicy?: UserLimitPolicy | undefined;
  /** How fast handshakes are taken on; over it they are refused with 503. */
  readonly accept?: Partial<ThrottleOptions>;
  readonly heartbeat?: Partial<Heartbeat>;
  readonly session?: Partial<SessionOptions>;
  /** When events that are to be acknowledged are sent again, and given up. */
  readonly acknowledgement?: Partial<AcknowledgementOptions>;
  /** Thresholds and levels of compression, for connections that ask for it. */
  readonly compression?: CompressionOptions;
  /**
   * Whether an event is handed to all its subscribers together, where the runtime has a way to do that, or
   * to each by itself, which gives the same and costs more: to find out where a fault lies.
   * @default "together"
   */
  readonly fanout?: FanoutMode;
  /** Where the hub says what happens. @default warnings and errors to the console */
  readonly logger?: Logger;
  /**
   * Called when a connection has been greeted. What this and the other callbacks throw, or reject with where
   * they are async, is logged, and the hub goes on.
   */
  readonly onConnect?: (connection: ConnectionInfo) => void;
  /** Called once when it has ended. */
  readonly onDisconnect?: (connection: ConnectionInfo, ending: Ending) => void;
  /** Called each time a silent connection has left a further Ping unanswered: so many in a row. */
  readonly onMissed?: (connection: ConnectionInfo, missed: number) => void;
  /** Called with what became of each event that a subscriber was to acknowledge. */
  readonly onDelivery?: (delivery: Delivery) => void;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

/** What became of an event that a subscriber was to acknowledge. */
export interface Delivery {
  readonly outcome: DeliveryOutcome;
  /** Who was to acknowledge it. */
  readonly clientId: string;
  readonly userId: string | null;
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  /** How often it was sent. */
  readonly attempts: number;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly auth: Authenticate;
  readonly origins: OriginPolicy;
  readonly proxies: Proxies;
  readonly channels: ChannelDefinitions;
  readonly messages: MessageDefinitions;
  readonly broker: Broker;
  readonly limits: Limits;
  readonly rates: ResolvedRates | undefined;
  readonly userLimitPolicy: UserLimitPolicy;
  readonly throttle: Throttle;
  readonly heartbeat: Heartbeat;
  readonly session: SessionOptions;
  readonly acknowledgement: AcknowledgementOptions;
  readonly onMissed: (connection: ConnectionInfo, missed: number) => void;
  readonly onDelivery: (delivery: Delivery) => void;
  /** Whether the broker is the hub's own, to be closed with it. */
  readonly ownsBroker: boolean;
  readonly compression: CompressionOptions;
  readonly fanout: FanoutMode;
  readonly logger: Logger;
  readonly onConnect: (connection: ConnectionInfo) => void;
  readonly onDisconnect: (connection: ConnectionInfo, ending: Ending) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** The name of every option, for those who are not told of a wrong one by the types. */
const names: Readonly<Record<keyof HubOptions<ChannelDefinitions, MessageDefinitions>, true>> = {
  auth: true,
  origin: true,
  proxies: true,
  channels: true,
  messages: true,
  rooms: true,
  broker: true,
  limits: true,
  rates: true,
  userLimitPolicy: true,
  accept: true,
  heartbeat: true,
  session: true,
  acknowledgement: true,
  compression: true,
  fanout: true,
  logger: true,
  onConnect: true,
  onDisconnect: true,
  onMissed: true,
  onDelivery: true,
  clock: true,
  random: true,
};

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function resolveOptions<C extends ChannelDefinitions, M extends MessageDefinitions>(
  options: HubOptions<C, M>,
): ResolvedOptions {
  checkNames("", options, Object.keys(names));
  checkNames("heartbeat", options.heartbeat ?? {}, ["interval", "timeout"]);
  checkNames("session", options.session ?? {}, ["ttl"]);
  checkNames("acknowledgement", options.acknowledgement ?? {}, ["interval", "retries", "waiting"]);
  if (typeof options.auth !== "function") {
    throw new HeddleError(
      "option_invalid",
      "auth is missing: give jwtAuth({…}), a function of the request, or allowAnonymous()",
    );
  }
  for (const name of ["onConnect", "onDisconnect", "onMissed", "onDelivery"] as const) {
    checkType(name, options[name], "function");
  }
  checkMethods("logger", options.logger, ["debug", "info", "warn", "error"]);
  checkMethods("clock", options.clock, ["now", "wall", "after", "every"]);
  checkMethods("random", options.random, ["bytes", "fraction"]);
  checkMethods("broker", options.broker, ["publish", "subscribe", "history", "close"]);
  checkObject("channels", options.channels ?? {});
  const messages: MessageDefinitions = options.messages ?? {};
  checkMessages(messages);
  const interval = positiveInteger("heartbeat.interval", options.heartbeat?.interval ?? 30_000);
  const timeout = positiveInteger("heartbeat.timeout", options.heartbeat?.timeout ?? 3 * interval);
  if (timeout <= interval) {
    throw new HeddleError(
      "option_invalid",
      `heartbeat.timeout is ${timeout}; it must be more than heartbeat.interval, ${interval}`,
    );
  }
  const fanout = options.fanout ?? "together";
  if (fanout !== "together" && fanout !== "each") {
    throw new HeddleError(
      "option_invalid",
      `fanout is ${JSON.stringify(fanout)}; it must be "together" or "each"`,
    );
  }
  const random = options.random ?? systemRandom;
  const clock = options.clock ?? systemClock;
  return {
    auth: options.auth,
    origins: new OriginPolicy(options.origin),
    proxies: new Proxies(options.proxies),
    channels: options.channels ?? {},
    messages,
    broker: options.broker ?? memoryBroker({ random, clock }),
    ownsBroker: options.broker === undefined,
    limits: resolveLimits(options.limits ?? {}),
    rates: options.rates === false
      ? undefined
      : resolveRates(options.rates ?? {}, (type) => Object.hasOwn(messages, type)),
    userLimitPolicy: resolvePolicy(options.userLimitPolicy ?? "close-oldest"),
    throttle: new Throttle(options.accept),
    heartbeat: { interval, timeout },
    session: { ttl: positiveInteger("session.ttl", options.session?.ttl ?? 300_000) },
    acknowledgement: {
      interval: positiveInteger(
        "acknowledgement.interval",
        options.acknowledgement?.interval ?? 5_000,
      ),
      retries: positiveInteger("acknowledgement.retries", options.acknowledgement?.retries ?? 3),
      waiting: positiveInteger(
        "acknowledgement.waiting",
        options.acknowledgement?.waiting ?? 1_000,
      ),
    },
    onMissed: options.onMissed ?? ignore,
    onDelivery: options.onDelivery ?? ignore,
    compression: options.compression ?? {},
    fanout,
    logger: redactingLogger(options.logger ?? quietLogger),
    onConnect: options.onConnect ?? ignore,
    onDisconnect: options.onDisconnect ?? ignore,
    clock,
    random,
  };
}

function resolvePolicy(policy: UserLimitPolicy): UserLimitPolicy {
  if (policy === "close-oldest" || policy === "refuse") return policy;
  throw new HeddleError(
    "option_invalid",
    `userLimitPolicy is ${JSON.stringify(policy)}; it must be "close-oldest" or "refuse"`,
  );
}

function ignore(): void {}

/** @throws {HeddleError} `option_invalid` for what cannot stand in a Close frame. */
export function checkEnding({ code, reason }: Ending): void {
  if (!isSendableCloseCode(code)) {
    throw new HeddleError(
      "option_invalid",
      `${code} is no close code that may be sent: 1000, 1001, 1003, 1007 to 1014 and 3000 to 4999 are`,
    );
  }
  if (typeof reason !== "string" || byteLength(reason) > 123) {
    throw new HeddleError("option_invalid", "a close reason is a string of at most 123 bytes");
  }
}
