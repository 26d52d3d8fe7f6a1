/**
 * How much a hub takes and holds.
 *
 * @module
 */
import { checkNames, optionInvalid, positiveInteger } from "../base/option_checks.ts";
import { mostOfEvent } from "./event_size.ts";

/** Sizes are bytes, after inflation too; the rest are counts. All are positive integers. */
export interface Limits {
  /** A text message. @default 10240 */
  readonly text: number;
  /** A `subscribe` or `resume` message. @default 65536 */
  readonly subscribe: number;
  /** A binary message, with its header. @default 1048576 */
  readonly binary: number;
  /** Channels a connection may be subscribed to. @default 256 */
  readonly subscriptions: number;
  /**
   * Channels that are open at once, those declared by name and the hub's own left out; where half of
   * them are, clients without a user open no more, so that there is room for the others.
   * @default 100000
   */
  readonly channels: number;
  /** Messages of a connection that may wait for their answers. @default 64 */
  readonly inFlight: number;
  /** Bytes of these messages; over it, further ones are refused with `rate_limited`. @default 2097152 */
  readonly inFlightBytes: number;
  /** Open connections; a further one is refused with 503. @default 10000 */
  readonly connections: number;
  /** Open connections of one user; of a further one becomes what `userLimitPolicy` says. @default 5 */
  readonly connectionsPerUser: number;
  /**
   * Open connections from one address, an IPv6 network of 64 bits counting as one; a further one is
   * refused with 429. Behind proxies, name them in `proxies` first. @default `connections`
   */
  readonly connectionsPerAddress: number;
  /**
   * Bytes that may wait to go out on one connection; over it, the connection is cut. An event whose data
   * have more as JSON, less 4096 for what stands beside them, is refused with `payload_invalid`, media by
   * their base64; one of more than half goes out when nothing else waits. What clients may publish, by
   * `text` and `binary` where they are given, must fit. Hubs of one broker should have the same: each takes
   * what fits its own subscribers, and knows none of the others'. @default 4194304
   */
  readonly outbox: number;
  /** Events a slow subscriber may be behind before its channel's `overflow` decides. @default 1000 */
  readonly lag: number;
}

const defaultLimits: Limits = {
  text: 10_240,
  subscribe: 65_536,
  binary: 1_048_576,
  subscriptions: 256,
  channels: 100_000,
  inFlight: 64,
  inFlightBytes: 2_097_152,
  connections: 10_000,
  connectionsPerUser: 5,
  connectionsPerAddress: 10_000,
  outbox: 4_194_304,
  lag: 1_000,
};

/**
 * Fills in the limits.
 *
 * @throws {HeddleError} `option_invalid`, naming the limit, what was found and what is allowed.
 */
export function resolveLimits(limits: Partial<Limits>): Limits {
  checkNames("limits", limits, Object.keys(defaultLimits));
  const resolved = { ...defaultLimits };
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined) {
      resolved[name as keyof Limits] = positiveInteger(`limits.${name}`, value);
    }
  }
  const most = mostOfEvent(resolved.outbox);
  // What nobody asked for is no mistake, and refused when it comes.
  if (limits.text !== undefined) checkPassable("text", resolved, most);
  if (limits.binary !== undefined) checkPassable("binary", resolved, Math.floor(most / 4) * 3);
  const { connectionsPerAddress = resolved.connections } = limits;
  return { ...resolved, connectionsPerAddress };
}

/** Messages that no subscriber could be sent are not to be taken. */
function checkPassable(name: "text" | "binary", limits: Limits, most: number): void {
  if (limits[name] <= most) return;
  throw optionInvalid(
    `limits.${name} is ${
      limits[name]
    }; with limits.outbox at ${limits.outbox} it may be at most ${most}, ` +
      "or what a client publishes could be too large for its subscribers",
  );
}
