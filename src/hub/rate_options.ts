/**
 * How often things may happen, as an application says it.
 *
 * @module
 */
import { checkNames, checkObject, optionInvalid } from "../base/option_checks.ts";
import { checkWindowRule, type WindowRule } from "../base/sliding_window.ts";
import { type BucketRule, checkBucketRule } from "../base/token_bucket.ts";
import { isRequestType } from "../protocol/messages.ts";

/** How often messages and connections may come. `Infinity` is no limit, where a number stands alone. */
export interface RateOptions {
  /**
   * The token buckets of a session, by message type. Each type of the protocol has one of its own, by
   * `default` where it is not named. So has each of the application's types that is named; the others of
   * these share one by `default`, as do messages that cannot be read.
   *
   * @default { default: 60 and 10 a second, ping: 120 and 2, subscribe: 30 and 1, unsubscribe: 30 and 1,
   * get_subscriptions: 10 and 0.5, ack: 1000 and 500 }
   */
  readonly messages: Readonly<Record<string, Partial<BucketRule>>>;
  /** What is added to the capacity of each bucket: an integer from 0. @default 20 */
  readonly burst: number;
  /** Messages of one connection in any second, `ack` left out. @default 100 */
  readonly connection: number;
  /**
   * Messages in any minute, `ack` left out, of one user on all connections of this hub, or of those without
   * a user at one address. @default Infinity
   */
  readonly user: number;
  /** Messages of all connections together in any second, `ack` left out. @default Infinity */
  readonly hub: number;
  /** Requests for a connection from one address, or one IPv6 network of 64 bits. @default no limit */
  readonly upgrades?: WindowRule | undefined;
  /** Refusals of one connection in any second; the next one closes it with 4429. @default 20 */
  readonly refusals: number;
  /** The most users, and the most addresses, that are remembered: an integer from 2. @default 100000 */
  readonly keys: number;
}

/** The options with every default filled in; undefined stands for no limit. */
export interface ResolvedRates {
  /** By type, the burst included; `default` is among them. */
  readonly messages: ReadonlyMap<string, BucketRule>;
  readonly connection: WindowRule | undefined;
  readonly user: WindowRule | undefined;
  readonly hub: WindowRule | undefined;
  readonly upgrades: WindowRule | undefined;
  readonly refusals: WindowRule | undefined;
  readonly keys: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;

const defaultMessages = {
  default: { capacity: 60, perSecond: 10 },
  ping: { capacity: 120, perSecond: 2 },
  subscribe: { capacity: 30, perSecond: 1 },
  unsubscribe: { capacity: 30, perSecond: 1 },
  get_subscriptions: { capacity: 10, perSecond: 0.5 },
  // One comes for each event that asks for it, and is cheap.
  ack: { capacity: 1_000, perSecond: 500 },
} as const satisfies Record<string, BucketRule>;

const defaults: Required<RateOptions> = {
  messages: {},
  burst: 20,
  connection: 100,
  user: Infinity,
  hub: Infinity,
  upgrades: undefined,
  refusals: 20,
  keys: 100_000,
};

/**
 * @param declares Whether the application declares a message of a type.
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 */
export function resolveRates(
  options: Partial<RateOptions>,
  declares: (type: string) => boolean,
): ResolvedRates {
  checkNames("rates", options, Object.keys(defaults));
  const given = { ...defaults };
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) Object.assign(given, { [name]: value });
  }
  const { burst, upgrades, keys } = given;
  if (!Number.isSafeInteger(burst) || burst < 0) {
    throw optionInvalid(`rates.burst is ${burst}; it must be an integer from 0`);
  }
  if (!Number.isSafeInteger(keys) || keys < 2) {
    throw optionInvalid(`rates.keys is ${keys}; it must be an integer from 2`);
  }
  if (upgrades !== undefined) checkWindowRule("rates.upgrades", upgrades);
  return {
    messages: resolveMessages(given.messages, burst, declares),
    connection: within(SECOND, "connection", given.connection),
    user: within(MINUTE, "user", given.user),
    hub: within(SECOND, "hub", given.hub),
    upgrades,
    refusals: within(SECOND, "refusals", given.refusals),
    keys,
  };
}

function resolveMessages(
  messages: RateOptions["messages"],
  burst: number,
  declares: (type: string) => boolean,
): ReadonlyMap<string, BucketRule> {
  checkObject("rates.messages", messages);
  for (const [type, rule] of Object.entries(messages)) {
    checkNames(`rates.messages.${type}`, rule, Object.keys(defaultMessages.default));
  }
  const base = { ...defaultMessages.default, ...messages["default"] };
  const rules: Record<string, BucketRule> = { ...defaultMessages, default: base };
  for (const [type, rule] of Object.entries(messages)) {
    if (type !== "default" && !isRequestType(type) && !declares(type)) {
      throw optionInvalid(
        `rates.messages: "${type}" is no message; name one of the protocol or of the application, or "default"`,
      );
    }
    rules[type] = { ...(Object.hasOwn(rules, type) ? rules[type] : base), ...rule } as BucketRule;
  }
  return new Map(
    Object.entries(rules).map(([type, rule]) => {
      checkBucketRule(`rates.messages.${type}`, rule);
      return [type, { capacity: rule.capacity + burst, perSecond: rule.perSecond }];
    }),
  );
}

/** The limits in force, by the names that `connected.limits` has for them. */
export function rateLimits(rates: ResolvedRates | undefined): Readonly<Record<string, number>> {
  if (rates === undefined) return {};
  const { connection, user, refusals } = rates;
  return {
    ...(connection === undefined ? {} : { messages_per_second: connection.limit }),
    ...(user === undefined ? {} : { messages_per_minute: user.limit }),
    ...(refusals === undefined ? {} : { refusals_per_second: refusals.limit }),
  };
}

/** The buckets of a session, as `connected.rates` tells them. */
export function bucketTable({ messages }: ResolvedRates) {
  return Object.fromEntries(
    Array.from(messages, ([type, { capacity, perSecond }]) => [
      type,
      { capacity, per_second: perSecond },
    ]),
  );
}

/** A limit in a fixed time, undefined where there is none. */
function within(window: number, name: string, limit: number): WindowRule | undefined {
  if (limit === Infinity) return undefined;
  if (Number.isSafeInteger(limit) && limit > 0) return { limit, window };
  throw optionInvalid(
    `rates.${name} is ${limit}; it must be a positive integer, or Infinity for no limit`,
  );
}
