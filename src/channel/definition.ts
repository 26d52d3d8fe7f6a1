/**
 * What an application declares of a channel.
 *
 * @module
 */
import type { Schema } from "../base/schema.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkObject, checkType } from "../base/option_checks.ts";
import type { Retention } from "../broker/broker.ts";
import type { PresenceTerms } from "../broker/presence.ts";
import { type Action, defaultPermissions, type Permissions } from "../guard/permissions.ts";
import type { ConflationKey } from "./conflation.ts";

/** The events of a channel: a schema by event type; a type that ends in `*` covers all that start so. */
export type EventSchemas = Readonly<Record<string, Schema>>;

/** Options of {@linkcode channel}. */
export interface ChannelOptions<E extends EventSchemas> {
  /** What it carries, for people. @default "" */
  readonly description?: string;
  /**
   * A schema for each event type: `{ system_metrics: z.object({…}) }`, or `"signal.*"` for a family. Any
   * other event type is refused with `payload_invalid`. @default any event type, any JSON
   */
  readonly events?: E;
  /** What each role may do. @default { "*": ["subscribe"] } */
  readonly permissions?: Permissions;
  /** Whether a connection that publishes gets its own event too. @default true */
  readonly echo?: boolean;
  /** How much of its past is kept for those who come back. @default 1000 events, 8 MiB, 300000 ms */
  readonly history?: Partial<Retention>;
  /**
   * Which channels of a connection go first where its socket cannot take everything: `critical` before
   * `normal` before `bulk`. Inside a channel the order stays. @default "normal"
   */
  readonly priority?: Priority;
  /**
   * What happens to a subscriber that is more than `limits.lag` events behind: `disconnect` cuts it off
   * with 4503 (it resumes and recovers), `drop-oldest` leaves the oldest out and tells the gap;
   * {@linkcode conflate} sends only the newest of each key to whoever is behind, and tells the gaps.
   *
   * @default "disconnect"
   */
  readonly overflow?: Overflow;
  /** Whether each subscriber must acknowledge each event, which is repeated until it does. @default false */
  readonly ack?: boolean;
  /**
   * Whether subscribers are told who else is there: `presence.join`, `presence.leave` and
   * `presence.update` come as events without an offset.
   *
   * @default false; with `true`, a grace of 10000 ms, 1000 members told of singly, coalesced over 100 ms
   */
  readonly presence?: boolean | Partial<PresenceTerms>;
}

/** Which channels go first. */
export type Priority = "critical" | "normal" | "bulk";

/** What happens to a subscriber that is too far behind. */
export type Overflow = "disconnect" | "drop-oldest" | { readonly key: ConflationKey };

/**
 * An overflow policy: of the events that a slow subscriber has not got yet, only the newest with the same
 * key is sent.
 *
 * @param key Names what an event is about, from its data and its type. Where it throws, the event is kept.
 * @throws {HeddleError} `option_invalid` for what is no function.
 *
 * @example
 * ```ts
 * import { channel, conflate } from "heddle";
 *
 * const prices = channel({
 *   overflow: conflate((data) => String((data as { symbol: string }).symbol)),
 * });
 * if (typeof prices.overflow !== "object") throw new Error("no policy");
 * ```
 */
export function conflate(key: ConflationKey): Overflow {
  checkKey(key);
  return { key };
}

/** What is kept of a channel that says nothing of it. */
export const defaultRetention: Retention = { size: 1_000, bytes: 8_388_608, ttl: 300_000 };

/** How presence is told where `presence: true` is all that is said of it. */
export const defaultPresence: PresenceTerms = { grace: 10_000, maxMembers: 1_000, coalesce: 100 };

/** A channel as declared: what {@linkcode channel} returns. */
export interface ChannelDefinition<E extends EventSchemas = EventSchemas> {
  readonly description: string;
  readonly events: E | undefined;
  readonly permissions: Permissions;
  readonly echo: boolean;
  readonly retention: Retention;
  readonly priority: Priority;
  readonly overflow: Overflow;
  readonly ack: boolean;
  /** How presence is told; undefined where it is not. */
  readonly presence: PresenceTerms | undefined;
}

/** The channels of a hub: names, or patterns that end in `*`, and their definitions. */
export type ChannelDefinitions = Readonly<Record<string, ChannelDefinition>>;

const optionNames = Object.keys(
  {
    description: true,
    events: true,
    permissions: true,
    echo: true,
    history: true,
    priority: true,
    overflow: true,
    ack: true,
    presence: true,
  } satisfies Record<keyof ChannelOptions<EventSchemas>, true>,
);

/**
 * Declares a channel, or with a pattern for its name a family of them.
 *
 * @example
 * ```ts
 * import { channel } from "heddle";
 * import { z } from "zod";
 *
 * const metrics = channel({
 *   description: "System metrics",
 *   events: { system_metrics: z.object({ cpu_percent: z.number() }) },
 *   permissions: { admin: ["subscribe", "broadcast"], "*": ["subscribe"] },
 * });
 * if (metrics.echo !== true) throw new Error("echo is on unless it is switched off");
 * ```
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 */
export function channel<const E extends EventSchemas = EventSchemas>(
  options: ChannelOptions<E> = {},
): ChannelDefinition<E> {
  checkNames("channel", options, optionNames);
  const { description = "", events, permissions = defaultPermissions, echo = true } = options;
  if (typeof description !== "string") {
    throw new HeddleError("option_invalid", "channel.description must be a string");
  }
  checkType("channel.echo", echo, "boolean");
  checkType("channel.ack", options.ack, "boolean");
  checkObject("channel.events", events ?? {});
  checkObject("channel.permissions", permissions);
  for (const [type, schema] of Object.entries(events ?? {})) {
    if (typeof schema?.safeParse !== "function") {
      throw new HeddleError(
        "option_invalid",
        `channel.events: what "${type}" takes must be a zod schema`,
      );
    }
  }
  for (const [role, actions] of Object.entries(permissions)) {
    if (!Array.isArray(actions)) {
      throw new HeddleError(
        "option_invalid",
        `channel.permissions of role "${role}" must be a list of actions`,
      );
    }
    for (const action of actions) checkAction(role, action);
  }
  const { priority = "normal", overflow = "disconnect", ack = false } = options;
  checkChoice("channel.priority", priority, ["critical", "normal", "bulk"]);
  if (typeof overflow === "string") {
    checkChoice("channel.overflow", overflow, ["disconnect", "drop-oldest"]);
  } else {
    checkNames("channel.overflow", overflow, ["key"]);
    checkKey(overflow.key);
  }
  checkNames("channel.history", options.history ?? {}, Object.keys(defaultRetention));
  const retention = { ...defaultRetention, ...options.history };
  for (const [name, value] of Object.entries(retention)) {
    checkCount(`channel.history.${name}`, value);
  }
  const presence = presenceTerms(options.presence ?? false);
  return { description, events, permissions, echo, retention, priority, overflow, ack, presence };
}

function presenceTerms(option: boolean | Partial<PresenceTerms>): PresenceTerms | undefined {
  if (option === false) return undefined;
  const given = option === true ? {} : option;
  checkNames("channel.presence", given, Object.keys(defaultPresence));
  const terms = { ...defaultPresence, ...given };
  for (const [name, value] of Object.entries(terms)) checkCount(`channel.presence.${name}`, value);
  return terms;
}

function checkKey(key: ConflationKey): void {
  if (typeof key === "function") return;
  throw new HeddleError("option_invalid", "conflate takes a function of an event's data and type");
}

function checkChoice(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const choices = allowed.map((choice) => `"${choice}"`).join(", ");
  throw new HeddleError("option_invalid", `${option} is "${value}"; allowed are ${choices}`);
}

function checkCount(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new HeddleError("option_invalid", `${option} is ${value}; it must be an integer from 0`);
}

function checkAction(role: string, action: Action): void {
  if (action === "subscribe" || action === "broadcast") return;
  throw new HeddleError(
    "option_invalid",
    `channel.permissions of role "${role}": "${action}" is no action; allowed are "subscribe" and ` +
      '"broadcast"',
  );
}
