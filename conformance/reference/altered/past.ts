/**
 * Servers that get what is missing and what is past wrong (PROTOCOL.md, "Gaps" and "History").
 *
 * @module
 */
import { close } from "../../wire/frame.ts";
import type { Message } from "./alteration.ts";
import {
  answerTo,
  before,
  type Broken,
  each,
  errs,
  hears,
  isEvent,
  list,
  moved,
  overtaken,
  record,
  says,
  takesNextForNewest,
  without,
} from "./breakage.ts";

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
    how: () => overtaken(({ type }) => type === "gap", isEvent),
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
    name: "stands still where nothing is for its client",
    breaks: "HDL-HIS-7",
    foundBy: ["7-pages"],
    how: says(
      "history",
      (message) =>
        message["more"] === true && list(message["events"]).length === 0
          ? { ...message, ...moved({ next: message["next"] }, -2) }
          : undefined,
    ),
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
    name: "gives what follows the place after the newest event",
    breaks: "HDL-HIS-9",
    foundBy: ["9-future"],
    how: takesNextForNewest("history"),
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

/** The servers that get what is past wrong. */
export const past: readonly Broken[] = [...GAPS, ...HISTORY];
