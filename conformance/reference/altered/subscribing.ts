/**
 * Servers that get channels wrong (PROTOCOL.md, "Subscribing", "Own channels", "Gaps" and "History").
 *
 * @module
 */
import { close } from "../../wire/frame.ts";
import type { Alteration, Message } from "./alteration.ts";
import {
  answerTo,
  type Broken,
  each,
  errs,
  events,
  hears,
  isEvent,
  list,
  moved,
  OURS,
  record,
  rejects,
  says,
  without,
} from "./breakage.ts";

/** The server is sent something more before a message of the client's. */
const before = (
  type: string,
  extra: (message: Message) => Message | undefined,
): Alteration => ({
  ...hears(type, (message) => {
    const more = extra(message);
    return more === undefined ? undefined : [{ ...more, correlation_id: OURS }, message];
  }),
  onMessage: (message) => message["correlation_id"] === OURS ? [] : undefined,
});

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
    how: () => {
      let held: Message | null = null;
      return {
        onMessage(message) {
          if (message["type"] === "subscribed" && Object.hasOwn(message, "recovered")) {
            held = message;
            return [];
          }
          if (!isEvent(message) || held === null) return undefined;
          const both = [message, held];
          held = null;
          return both;
        },
      };
    },
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

const GAPS: readonly Broken[] = [
  {
    name: "tells of no gap",
    breaks: "HDL-GAP-1",
    foundBy: ["1-each", "1-later"],
    how: says("gap", () => []),
  },
  {
    name: "tells a gap that ends one event early",
    breaks: "HDL-GAP-2",
    foundBy: ["2-offsets"],
    how: says(
      "gap",
      (message) =>
        typeof message["to"] === "number" ? { ...message, to: message["to"] - 1 } : undefined,
    ),
  },
  {
    name: "counts what cannot be counted from 0",
    breaks: "HDL-GAP-2",
    foundBy: ["2-nulls"],
    how: says(
      "gap",
      (message) => message["from"] === null ? { ...message, from: 0, to: 0 } : undefined,
    ),
  },
  {
    name: "tells of a gap after the event that follows it",
    breaks: "HDL-GAP-3",
    foundBy: ["3-before-the-rest", "3-null-before-all"],
    how: () => {
      let held: Message | null = null;
      return {
        onMessage(message) {
          if (message["type"] === "gap") {
            held = message;
            return [];
          }
          if (!isEvent(message) || held === null) return undefined;
          const both = [message, held];
          held = null;
          return both;
        },
      };
    },
  },
  {
    name: "leaves out old events for those who are far behind",
    breaks: "HDL-GAP-6",
    foundBy: ["6-far-behind"],
    how: hears("subscribe", (message) => {
      const { positions, ...rest } = message;
      return positions === undefined ? undefined : { ...rest, last: 500 };
    }),
  },
  {
    name: "cuts off a slow reader where it is to leave out the oldest events",
    breaks: "HDL-GAP-7",
    foundBy: ["7-drop-oldest"],
    how: says("gap", () => [close(4503)]),
  },
  {
    name: "tells another epoch than it publishes in",
    breaks: "HDL-GAP-8",
    foundBy: ["8-epoch"],
    how: says("subscribed", (message) => ({
      ...message,
      positions: each(message["positions"], (one) => ({ ...record(one), epoch: "other" })),
    })),
  },
];

const HISTORY: readonly Broken[] = [
  {
    name: "tells the newest event first",
    breaks: "HDL-HIS-1",
    foundBy: ["1-all"],
    how: says("history", (message) => ({
      ...message,
      events: [...list(message["events"])].reverse(),
    })),
  },
  {
    name: "knows no since",
    breaks: "HDL-HIS-1",
    foundBy: ["1-since"],
    how: hears("history", (message) => without(message, "since")),
  },
  {
    name: "has an empty past for a name of no channel",
    breaks: "HDL-HIS-2",
    foundBy: ["2-unknown"],
    how: () => {
      let asked: Message = {};
      return {
        ...hears("history", (message) => {
          asked = message;
          return undefined;
        }),
        ...errs("unknown_channel", () => {
          const next = { epoch: "e", offset: 0 };
          const { channel } = asked;
          const answer = { type: "history", channel, epoch: "e", events: [], more: false, next };
          return answerTo(asked, answer);
        }),
      };
    },
  },
  {
    name: "subscribes whoever asks for the past",
    breaks: "HDL-HIS-3",
    foundBy: ["3-unsubscribed"],
    how: before("history", ({ channel }) => ({ type: "subscribe", channels: [channel] })),
  },
  {
    name: "knows no limit",
    breaks: "HDL-HIS-4",
    foundBy: ["4-limit"],
    how: hears("history", (message) => without(message, "limit")),
  },
  {
    name: "gives 50 events where the request does not say",
    breaks: "HDL-HIS-4",
    foundBy: ["4-hundred"],
    how: hears("history", (message) => ({ limit: 50, ...message })),
  },
  {
    name: "leaves the time out of past events",
    breaks: "HDL-HIS-5",
    foundBy: ["5-as-events"],
    how: says("history", (message) => ({
      ...message,
      events: list(message["events"]).map((one) => without(record(one), "timestamp")),
    })),
  },
  {
    name: "gives a sender its own past events, whatever it wanted",
    breaks: "HDL-HIS-6",
    foundBy: ["6-not-for-it"],
    how: () => {
      const asked = new Map<unknown, Message>();
      const own: Message[] = [];
      return {
        ...hears("publish", (message) => {
          if (message["echo"] === false) asked.set(message["correlation_id"], message);
          return undefined;
        }),
        onMessage(message) {
          const { type, timestamp, channel, offset, events } = message;
          const { event_type, data } = asked.get(message["correlation_id"]) ?? {};
          if (type === "published" && event_type !== undefined) {
            own.push({ type: "event", channel, event_type, data, timestamp, offset });
          }
          if (type !== "history") return undefined;
          const all = [...list(events), ...own.filter((one) => one["channel"] === channel)];
          const offsetOf = (one: unknown) => Number(record(one)["offset"]);
          return { ...message, events: all.sort((a, b) => offsetOf(a) - offsetOf(b)) };
        },
      };
    },
  },
  {
    name: "says that there is no more",
    breaks: "HDL-HIS-7",
    foundBy: ["7-pages"],
    how: says("history", (message) => ({ ...message, more: false })),
  },
  {
    name: "goes on one event too far",
    breaks: "HDL-HIS-7",
    foundBy: ["7-pages"],
    how: says("history", (message) => ({
      ...message,
      ...moved({ next: message["next"] }, 1),
    })),
  },
  {
    name: "says nothing of what is gone",
    breaks: "HDL-HIS-9",
    foundBy: ["9-gone", "9-other-epoch"],
    how: says("history", (message) => without(message, "gap")),
  },
  {
    name: "tells a gap where nothing is gone",
    breaks: "HDL-HIS-9",
    foundBy: ["9-nothing-gone"],
    how: says("history", (message) => ({ gap: { from: 1, to: 1 }, ...message })),
  },
  {
    name: "keeps 500 events",
    breaks: "HDL-HIS-10",
    foundBy: ["10-thousand"],
    how: says("history", (message) => ({
      ...message,
      events: list(message["events"]).slice(-500),
    })),
  },
  {
    name: "forgets the past when the last subscriber has gone",
    breaks: "HDL-HIS-11",
    foundBy: ["11-nobody-there"],
    how: () => {
      let gone = false;
      return {
        onMessage(message) {
          if (message["type"] === "unsubscribed") gone = true;
          return gone && message["type"] === "history"
            ? { ...message, events: list(message["events"]).slice(-1) }
            : undefined;
        },
      };
    },
  },
  {
    name: "has one epoch for all channels",
    breaks: "HDL-HIS-13",
    foundBy: ["13-epochs"],
    how: says("published", (message) => ({ ...message, epoch: "one" })),
  },
];

/** The servers that get channels and their past wrong. */
export const subscribing: readonly Broken[] = [...SUBSCRIBING, ...OWN, ...GAPS, ...HISTORY];
