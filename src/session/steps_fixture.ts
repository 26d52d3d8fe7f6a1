/**
 * What can be done to a session, in any order.
 *
 * @module
 */
import fc from "fast-check";
import { assertNever } from "../base/exhaustive.ts";
import type { Inbound } from "../protocol/decode.ts";
import { failure } from "../protocol/errors.ts";
import type { Request } from "../protocol/messages.ts";
import type { Effect, Outcome } from "./effect.ts";

/** Silence after which a session pings, in milliseconds. */
export const INTERVAL = 30;

/** Channels that are there, one that starts with `@`, one that is no name, and two traps. */
const NAMES = ["a", "b", "c", "d", "__proto__", "constructor", "@all", "no name"] as const;
export const isUsable = (name: string) => !name.startsWith("@") && !name.includes(" ");

export const lost = failure("forbidden", "no more");

/** What is done to the session. Messages get a number of their own as correlation id. */
export type Step =
  | { readonly do: "open" }
  | { readonly do: "open with"; readonly channels: readonly string[] }
  | {
    readonly do: "receive";
    readonly what: What;
    readonly channels: readonly string[];
    readonly bytes: number;
  }
  | { readonly do: "settle"; readonly which: number; readonly good: readonly boolean[] }
  | { readonly do: "settle wrongly"; readonly id: number }
  | { readonly do: "hear" }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "wait for the deadline"; readonly late: number }
  | { readonly do: "revoke"; readonly channels: readonly string[] }
  | { readonly do: "renew"; readonly expiresIn: number | undefined }
  | { readonly do: "set the wall clock"; readonly by: number }
  | { readonly do: "close" }
  | { readonly do: "end" };

export type What = Request["type"] | "declared" | "undeclared" | "faulty";

const names = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 6 });
const whats: readonly What[] = [
  "hello",
  "subscribe",
  "unsubscribe",
  "get_subscriptions",
  "get_reconnection_token",
  "ping",
  "publish",
  "history",
  "presence",
  "ack",
  "resume",
  "authenticate",
  "declared",
  "undeclared",
  "faulty",
];

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Step>({ do: "open" }) },
    {
      weight: 14,
      arbitrary: fc.record({
        do: fc.constant("receive" as const),
        what: fc.constantFrom(...whats),
        channels: names,
        bytes: fc.constantFrom(10, 400, 2_000),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant("settle" as const),
        which: fc.nat(9),
        good: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("settle wrongly" as const), id: fc.nat(40) }),
    },
    { weight: 2, arbitrary: fc.constant<Step>({ do: "hear" }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(2 * INTERVAL) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("wait for the deadline" as const),
        late: fc.constantFrom(0, 0, 0, 1, 1_000),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("revoke" as const), channels: names }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("renew" as const),
        expiresIn: fc.option(fc.integer({ min: -1_000, max: 200_000 }), { nil: undefined }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("set the wall clock" as const),
        by: fc.integer({ min: -100_000, max: 100_000 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Step>({ do: "close" }, { do: "end" }, { do: "open" }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("open with" as const), channels: names }),
    },
  ),
  { maxLength: 80 },
);

export function inboundOf(
  what: What,
  channels: readonly string[],
  id: string | undefined,
): Inbound {
  const correlated = id === undefined ? {} : { correlation_id: id };
  switch (what) {
    case "declared":
    case "undeclared":
      return { kind: "application", message: { type: what, ...correlated } };
    case "faulty":
      return {
        kind: "failure",
        failure: failure("invalid_json", "Invalid JSON format"),
        ...(id === undefined ? {} : { correlationId: id }),
      };
    case "hello":
      return { kind: "request", request: { type: what, features: { binary: {} }, ...correlated } };
    case "subscribe":
      return {
        kind: "request",
        request: {
          type: what,
          channels: [...channels],
          positions: Object.fromEntries(
            ["a", "constructor"].map((name) => [name, { epoch: name, offset: 7 }]),
          ),
          last: 3,
          ...correlated,
        },
      };
    case "unsubscribe":
      return { kind: "request", request: { type: what, channels: [...channels], ...correlated } };
    case "history":
    case "presence":
      return { kind: "request", request: { type: what, channel: channels[0]!, ...correlated } };
    case "ack":
      return { kind: "request", request: { type: what, ack_ids: [...channels], ...correlated } };
    case "resume":
      return {
        kind: "request",
        request: { type: what, reconnection_token: "token", ...correlated },
      };
    case "authenticate":
      return { kind: "request", request: { type: what, token: "token", ...correlated } };
    case "publish":
      return {
        kind: "request",
        request: { type: what, channel: channels[0]!, event_type: "e", data: 1, ...correlated },
      };
    case "get_subscriptions":
    case "get_reconnection_token":
    case "ping":
      return { kind: "request", request: { type: what, ...correlated } };
    default:
      return assertNever(what);
  }
}

/** The first choice is for the whole, the others for the channels of a join, one by one. */
export function outcomeOf(effect: Effect, [whole, ...each]: readonly boolean[]): Outcome {
  const position = { epoch: "e", offset: 1 };
  if (!whole) return { kind: "failed", failure: failure("broker_unavailable", "away") };
  switch (effect.kind) {
    case "join":
      return {
        kind: "joined",
        results: effect.joins.map(({ channel }, i) =>
          each[i]
            ? { channel, position, recovered: i % 2 === 0 }
            : { channel, failure: failure("unknown_channel", "no") }
        ),
      };
    case "resume":
      return {
        kind: "resumed",
        clientId: "00000000-0000-4000-8000-000000000000",
        reconnectionToken: "next",
        expiresIn: 300,
        results: ["@all", "a", "b"].map((channel, i) =>
          each[i]
            ? { channel, position, recovered: true }
            : { channel, failure: failure("forbidden", "no") }
        ),
      };
    case "authenticate":
      return {
        kind: "authenticated",
        userId: null,
        role: "viewer",
        lost: { channels: ["a", "b", "c"].filter((_name, i) => each[i]), reason: lost },
      };
    case "history":
      return {
        kind: "page",
        page: { channel: "a", epoch: "e", events: [], more: false, next: position },
      };
    case "presence":
      return { kind: "present", presence: { channel: "a", count: 0 } };
    case "locate":
      return {
        kind: "located",
        positions: Object.fromEntries(effect.channels.map((channel) => [channel, position])),
      };
    case "remind":
      return { kind: "reminded", reconnectionToken: "this", expiresIn: 300 };
    case "publish":
      return { kind: "published", position, duplicate: each[0] ?? false };
    default:
      return { kind: "handled" };
  }
}
