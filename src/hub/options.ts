/**
 * The options of a hub; their defaults are resolved here and nowhere else.
 *
 * @module
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { type Random, systemRandom } from "../base/random.ts";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import type { ChannelDefinitions } from "../channel/definition.ts";
import type { Authenticate } from "../guard/identity.ts";
import type { CompressionOptions } from "../protocol/compression.ts";
import { isReservedType, MAX_TYPE_NAME } from "../protocol/messages.ts";
import type { ConnectionInfo } from "./info.ts";
import { type Logger, quietLogger } from "./logger.ts";
import type { MessageDefinitions } from "./message.ts";

/** Sizes are bytes, after inflation too; the rest are counts. All are positive integers. */
export interface Limits {
  /** A text message. @default 10240 */
  readonly text: number;
  /** A `subscribe` message. @default 65536 */
  readonly subscribe: number;
  /** A binary message, with its header. @default 1048576 */
  readonly binary: number;
  /** Channels a connection may be subscribed to. @default 256 */
  readonly subscriptions: number;
  /** Messages of a connection that may wait for their answers. @default 64 */
  readonly inFlight: number;
  /** Open connections; a further one is refused with 503. @default 10000 */
  readonly connections: number;
  /** Bytes that may wait to go out on one connection; over it, the connection is cut. @default 4194304 */
  readonly outbox: number;
}

/** When a silent connection is pinged and when it is given up, in milliseconds. */
export interface Heartbeat {
  /** Silence before a Ping, and between further ones. @default 30000 */
  readonly interval: number;
  /** Silence after which the connection is closed with 4408; over `interval`. @default three intervals */
  readonly timeout: number;
}

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
  /** The channels there are, by name or pattern. @default {} */
  readonly channels?: C;
  /** The messages clients may send to the application, by type. @default {} */
  readonly messages?: M;
  /** What carries events. @default memoryBroker() */
  readonly broker?: Broker;
  readonly limits?: Partial<Limits>;
  readonly heartbeat?: Partial<Heartbeat>;
  /** Thresholds and levels of compression, for connections that ask for it. */
  readonly compression?: CompressionOptions;
  /** Where the hub says what happens. @default warnings and errors to the console */
  readonly logger?: Logger;
  /** Called when a connection has been greeted. */
  readonly onConnect?: (connection: ConnectionInfo) => void;
  /** Called once when it has ended. */
  readonly onDisconnect?: (connection: ConnectionInfo, ending: Ending) => void;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly auth: Authenticate;
  readonly channels: ChannelDefinitions;
  readonly messages: MessageDefinitions;
  readonly broker: Broker;
  readonly limits: Limits;
  readonly heartbeat: Heartbeat;
  readonly compression: CompressionOptions;
  readonly logger: Logger;
  readonly onConnect: (connection: ConnectionInfo) => void;
  readonly onDisconnect: (connection: ConnectionInfo, ending: Ending) => void;
  readonly clock: Clock;
  readonly random: Random;
}

const defaultLimits: Limits = {
  text: 10_240,
  subscribe: 65_536,
  binary: 1_048_576,
  subscriptions: 256,
  inFlight: 64,
  connections: 10_000,
  outbox: 4_194_304,
};

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function resolveOptions<C extends ChannelDefinitions, M extends MessageDefinitions>(
  options: HubOptions<C, M>,
): ResolvedOptions {
  if (typeof options.auth !== "function") {
    throw new HeddleError(
      "option_invalid",
      "auth is missing: give jwtAuth({…}), a function of the request, or allowAnonymous()",
    );
  }
  const messages: MessageDefinitions = options.messages ?? {};
  for (const [type, definition] of Object.entries(messages)) {
    checkMessageType(type);
    if (typeof definition?.handle !== "function") {
      throw new HeddleError("option_invalid", `messages: "${type}" must be made by message(…)`);
    }
  }
  const interval = positive("heartbeat.interval", options.heartbeat?.interval ?? 30_000);
  const timeout = positive("heartbeat.timeout", options.heartbeat?.timeout ?? 3 * interval);
  if (timeout <= interval) {
    throw new HeddleError(
      "option_invalid",
      `heartbeat.timeout is ${timeout}; it must be more than heartbeat.interval, ${interval}`,
    );
  }
  const random = options.random ?? systemRandom;
  return {
    auth: options.auth,
    channels: options.channels ?? {},
    messages,
    broker: options.broker ?? memoryBroker({ random }),
    limits: resolveLimits(options.limits ?? {}),
    heartbeat: { interval, timeout },
    compression: options.compression ?? {},
    logger: options.logger ?? quietLogger,
    onConnect: options.onConnect ?? ignore,
    onDisconnect: options.onDisconnect ?? ignore,
    clock: options.clock ?? systemClock,
    random,
  };
}

function resolveLimits(limits: Partial<Limits>): Limits {
  const resolved = { ...defaultLimits };
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(defaultLimits, name)) {
      const known = Object.keys(defaultLimits).join(", ");
      throw new HeddleError("option_invalid", `there is no limit "${name}"; there are: ${known}`);
    }
    if (value !== undefined) resolved[name as keyof Limits] = positive(`limits.${name}`, value);
  }
  return resolved;
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new HeddleError("option_invalid", `${name} is ${value}; it must be a positive integer`);
}

function checkMessageType(type: string): void {
  if (isReservedType(type)) {
    throw new HeddleError("option_invalid", `messages: "${type}" is a name of the protocol's own`);
  }
  if (type === "" || type.length > MAX_TYPE_NAME) {
    throw new HeddleError(
      "option_invalid",
      `messages: a type must have 1 to ${MAX_TYPE_NAME} characters, not ${type.length}`,
    );
  }
}

function ignore(): void {}
