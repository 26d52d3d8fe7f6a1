/**
 * Servers that get channels wrong (PROTOCOL.md, "Subscribing" and "Own channels").
 *
 * @module
 */
import type { Message } from "./alteration.ts";
import {
  answerTo,
  before,
  type Broken,
  each,
  events,
  hears,
  isEvent,
  list,
  moved,
  overtaken,
  record,
  rejects,
  says,
  takesNextForNewest,
  without,
} from "./breakage.ts";

const SUBSCRIBING: readonly Broken[] = [
  {
    name: "answers each name as often as it was asked for",
    breaks: "HDL-SUB-1",
    foundBy: ["1-each-once"],
    how: says("subscribed", (message) => ({
      ...message,
      channels: [...list(message["channels"]), ...list(message["channels"])],
    })),
  },
  {
    name: "rejects a name of no channel with invalid_channel",
    breaks: "HDL-SUB-2",
    foundBy: ["2-unknown"],
    how: rejects("subscribed", "unknown_channel", "invalid_channel"),
  },
  {
    name: "rejects a name outside the alphabet with unknown_channel",
    breaks: "HDL-SUB-2",
    foundBy: ["2-invalid"],
    how: rejects("subscribed", "invalid_channel", "unknown_channel"),
  },
  {
    name: "subscribes to nothing where one name is bad",
    breaks: "HDL-SUB-3",
    foundBy: ["3-one-bad-name"],
    how: says(
      "subscribed",
      (message) =>
        Object.hasOwn(message, "rejected")
          ? { ...message, channels: [], positions: {} }
          : undefined,
    ),
  },
  {
    name: "calls a subscription too many forbidden",
    breaks: "HDL-SUB-4",
    foundBy: ["4-one-too-many"],
    how: rejects("subscribed", "too_many_subscriptions", "forbidden"),
  },
  {
    name: "takes subscribing again for a new subscription",
    breaks: "HDL-SUB-13",
    foundBy: ["13-again"],
    how: before(
      "subscribe",
      (message) =>
        Object.hasOwn(message, "last") || Object.hasOwn(message, "positions")
          ? { type: "unsubscribe", channels: message["channels"] }
          : undefined,
    ),
  },
  {
    name: "tells a position one too high",
    breaks: "HDL-SUB-14",
    foundBy: ["14-subscribed"],
    how: says(
      "subscribed",
      (message) => ({ ...message, positions: moved(message["positions"], 1) }),
    ),
  },
  {
    name: "loses every seventh event",
    breaks: "HDL-SUB-15",
    foundBy: ["15-many"],
    how: () => {
      let count = 0;
      return events(() => ++count % 7 === 0 ? [] : undefined);
    },
  },
  {
    name: "sends the events of one channel alone",
    breaks: "HDL-SUB-15",
    foundBy: ["15-several-channels"],
    how: () => {
      let only: unknown;
      return events(({ channel }) => (only ??= channel) === channel ? undefined : []);
    },
  },
  {
    name: "starts before the newest event",
    breaks: "HDL-SUB-16",
    foundBy: ["16-newest"],
    how: hears("subscribe", (message) => ({ last: 1, ...message })),
  },
  {
    name: "knows no positions in subscribe",
    breaks: "HDL-SUB-17",
    foundBy: ["17-kept", "17-from-the-start"],
    how: hears("subscribe", (message) => without(message, "positions")),
  },
  {
    name: "starts one event after the position that was named",
    breaks: "HDL-SUB-17",
    foundBy: ["17-kept"],
    how: hears(
      "subscribe",
      (message) =>
        Object.hasOwn(message, "positions")
          ? { ...message, positions: moved(message["positions"], 1) }
          : undefined,
    ),
  },
  {
    name: "calls every position recovered",
    breaks: "HDL-SUB-18",
    foundBy: ["18-other-epoch", "18-future"],
    how: says(
      "subscribed",
      (message) =>
        Object.hasOwn(message, "recovered")
          ? { ...message, recovered: each(message["recovered"], () => true) }
          : undefined,
    ),
  },
  {
    name: "recovers from the place after the newest event",
    breaks: "HDL-SUB-18",
    foundBy: ["18-future"],
    how: takesNextForNewest("subscribe"),
  },
  {
    name: "gives one event more than last asks for",
    breaks: "HDL-SUB-19",
    foundBy: ["19-last"],
    how: hears(
      "subscribe",
      (message) =>
        typeof message["last"] === "number" ? { ...message, last: message["last"] + 1 } : undefined,
    ),
  },
  {
    name: "takes last before a position",
    breaks: "HDL-SUB-19",
    foundBy: ["19-position-first"],
    how: hears(
      "subscribe",
      (message) => Object.hasOwn(message, "last") ? without(message, "positions") : undefined,
    ),
  },
  {
    name: "calls recovered what had no position",
    breaks: "HDL-SUB-20",
    foundBy: ["20-of-those-named"],
    how: says("subscribed", (message) => ({
      ...message,
      recovered: {
        ...Object.fromEntries(list(message["channels"]).map((name) => [name, true])),
        ...record(message["recovered"]),
      },
    })),
  },
  {
    name: "tells of no gap that it cannot count",
    breaks: "HDL-SUB-21",
    foundBy: ["21-nothing-kept"],
    how: says("gap", ({ from }) => from === null ? [] : undefined),
  },
  {
    name: "sends missed events before it has answered",
    breaks: "HDL-SUB-22",
    foundBy: ["22-in-order"],
    how: () =>
      overtaken(
        ({ type, recovered }) => type === "subscribed" && recovered !== undefined,
        isEvent,
      ),
  },
  {
    name: "subscribes to what positions name",
    breaks: "HDL-SUB-23",
    foundBy: ["23-others"],
    how: hears("subscribe", (message) => {
      const names = Object.keys(record(message["positions"]));
      const all = new Set([...list(message["channels"]), ...names]);
      return Array.isArray(message["channels"]) && names.length > 0
        ? { ...message, channels: [...all] }
        : undefined;
    }),
  },
  {
    name: "says nothing of names that cannot be unsubscribed from",
    breaks: "HDL-SUB-8",
    foundBy: ["8-each-once"],
    how: says("unsubscribed", (message) => without(message, "rejected")),
  },
  {
    name: "sends an event more after unsubscribed",
    breaks: "HDL-SUB-9",
    foundBy: ["9-silence"],
    how: () => {
      let last: Message | null = null;
      return {
        onMessage(message) {
          if (isEvent(message)) last = message;
          if (message["type"] !== "unsubscribed" || last === null) return undefined;
          return [message, { ...last, offset: Number(last["offset"]) + 1 }];
        },
      };
    },
  },
  {
    name: "tells subscriptions in the order of their names",
    breaks: "HDL-SUB-10",
    foundBy: ["10-order"],
    how: () => {
      let flip = false;
      return says("subscriptions", (message) => {
        flip = !flip;
        return flip
          ? { ...message, channels: [...list(message["channels"])].reverse() }
          : undefined;
      });
    },
  },
  {
    name: "counts its own channels among the subscriptions",
    breaks: "HDL-SUB-10",
    foundBy: ["10-own"],
    how: says("subscriptions", (message) => ({
      ...message,
      channels: ["@all", ...list(message["channels"])],
    })),
  },
  {
    name: "takes a subscription away without a reason",
    breaks: "HDL-SUB-11",
    foundBy: ["11-taken-away"],
    how: says("unsubscribed", (message) => without(message, "code", "message")),
  },
  {
    name: "takes a subscription away without a word",
    breaks: "HDL-SUB-11",
    foundBy: ["11-taken-away"],
    how: says("unsubscribed", (message) => Object.hasOwn(message, "code") ? [] : undefined),
  },
  {
    name: "lets nobody of an unlisted role in",
    breaks: "HDL-SUB-12",
    foundBy: ["12-unlisted"],
    how: () => {
      let unlisted = false;
      return {
        onMessage(message) {
          if (message["type"] === "connected") unlisted = message["role"] === "kit-unlisted";
          if (!unlisted || message["type"] !== "subscribed") return undefined;
          const rejected = list(message["channels"]).map((channel) => ({
            channel,
            code: "forbidden",
            message: "no",
          }));
          return { ...message, channels: [], positions: {}, rejected };
        },
      };
    },
  },
];

const OWN: readonly Broken[] = [
  {
    name: "tells no position of @all",
    breaks: "HDL-OWN-1",
    foundBy: ["1-user", "1-nobody"],
    how: says("connected", (message) => ({
      ...message,
      positions: without(record(message["positions"]), "@all"),
    })),
  },
  {
    name: "sends what is for a user on the connection's channel",
    breaks: "HDL-OWN-2",
    foundBy: ["2-user"],
    how: () => {
      let client: unknown;
      return {
        onMessage(message) {
          if (message["type"] === "connected") client = message["client_id"];
          return message["type"] === "event" && String(message["channel"]).startsWith("@user:")
            ? { ...message, channel: `@client:${client}` }
            : undefined;
        },
      };
    },
  },
  {
    name: "loses what is for everyone",
    breaks: "HDL-OWN-2",
    foundBy: ["2-everyone"],
    how: says("event", ({ channel }) => channel === "@all" ? [] : undefined),
  },
  {
    name: "lets clients subscribe to @ channels",
    breaks: "HDL-OWN-3",
    foundBy: ["3-subscribe"],
    how: says("subscribed", (message) => {
      const names = list(message["rejected"]).map((one) => record(one)["channel"]);
      return names.some((name) => String(name).startsWith("@"))
        ? {
          ...without(message, "rejected"),
          channels: names,
          positions: Object.fromEntries(names.map((name) => [name, { epoch: "e", offset: 0 }])),
        }
        : undefined;
    }),
  },
  {
    name: "says that events were published to @ channels",
    breaks: "HDL-OWN-3",
    foundBy: ["3-publish"],
    how: hears("publish", (message, link) => {
      if (!String(message["channel"]).startsWith("@")) return undefined;
      const { channel } = message;
      link.toClient(answerTo(message, { type: "published", channel, epoch: "e", offset: 1 }));
      return [];
    }),
  },
];

/** The servers that get channels wrong. */
export const subscribing: readonly Broken[] = [...SUBSCRIBING, ...OWN];
