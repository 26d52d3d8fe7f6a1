/**
 * Servers that get presence and rooms wrong (PROTOCOL.md, "Presence" and "Rooms").
 *
 * @module
 */
import type { Message } from "./alteration.ts";
import {
  answers,
  answerTo,
  type Broken,
  cutOut,
  errs,
  hears,
  list,
  record,
  says,
  takesClose,
  without,
} from "./breakage.ts";

/** Presence events of one type, changed. */
const tells = (type: string, change: (message: Message) => Message | readonly Message[]) =>
  says("event", (message) => message["event_type"] === type ? change(message) : undefined);

/** The members of an answer, changed. */
const members = (change: (member: Message) => unknown) =>
  says(
    "presence",
    (message) =>
      Object.hasOwn(message, "members")
        ? { ...message, members: list(message["members"]).map((one) => change(record(one))) }
        : undefined,
  );

const PRESENCE: readonly Broken[] = [
  {
    name: "counts one member more than there are",
    breaks: "HDL-PRE-1",
    foundBy: ["1-members", "1-from-outside"],
    how: says("presence", (message) => ({ ...message, count: Number(message["count"]) + 1 })),
  },
  {
    name: "has nobody on a channel without presence",
    breaks: "HDL-PRE-2",
    foundBy: ["2-without"],
    how: () => {
      let asked: Message = {};
      return {
        ...hears("presence", (message) => {
          asked = message;
          return undefined;
        }),
        ...errs("unsupported", () => {
          const { channel } = asked;
          return answerTo(asked, { type: "presence", channel, members: [], count: 0 });
        }),
      };
    },
  },
  {
    name: "counts a user once, however many connections there are",
    breaks: "HDL-PRE-3",
    foundBy: ["3-one-user"],
    how: members((one) => ({ ...one, connections: 1 })),
  },
  {
    name: "says {} of whoever said nothing",
    breaks: "HDL-PRE-4",
    foundBy: ["4-null"],
    how: members((one) => ({ ...one, metadata: one["metadata"] ?? {} })),
  },
  {
    name: "lists too many members",
    breaks: "HDL-PRE-5",
    foundBy: ["5-too-many"],
    how: says("presence", (message) => ({ members: [], ...message })),
  },
  {
    name: "tells of nobody who leaves",
    breaks: "HDL-PRE-6",
    foundBy: ["6-join-and-leave"],
    how: tells("presence.leave", () => []),
  },
  {
    name: "calls a further connection one who joins",
    breaks: "HDL-PRE-6",
    foundBy: ["6-update"],
    how: tells("presence.update", (message) => ({ ...message, event_type: "presence.join" })),
  },
  {
    name: "gives presence events an offset",
    breaks: "HDL-PRE-6",
    foundBy: ["6-join-and-leave"],
    how: tells("presence.join", (message) => ({ ...message, offset: 1 })),
  },
  {
    name: "says nothing of changes among too many",
    breaks: "HDL-PRE-7",
    foundBy: ["7-count"],
    how: tells("presence.count", () => []),
  },
  {
    name: "tells everybody of their own doing",
    breaks: "HDL-PRE-9",
    foundBy: ["9-not-to-itself"],
    how: () => {
      let client: unknown;
      return {
        onMessage(message) {
          if (message["type"] === "connected") client = message["client_id"];
          const name = list(message["channels"])[0];
          if (message["type"] !== "subscribed") return undefined;
          const data = {
            user_id: null,
            client_id: client,
            metadata: null,
            connections: 1,
            count: 1,
          };
          const { timestamp } = message;
          const event = {
            type: "event",
            channel: name,
            event_type: "presence.join",
            data,
            timestamp,
          };
          return [message, event];
        },
      };
    },
  },
  {
    name: "counts a connection out as soon as it is gone",
    breaks: "HDL-PRE-10",
    foundBy: ["10-counted-in"],
    how: takesClose(1001, 1000),
  },
  {
    name: "counts in a connection whose session has ended",
    breaks: "HDL-PRE-12",
    foundBy: ["12-ended"],
    how: takesClose(1000, 1001),
  },
  {
    name: "keeps presence events in the history",
    breaks: "HDL-PRE-13",
    foundBy: ["13-not-kept"],
    how: says("history", (message) => {
      const [first] = list(message["events"]);
      const event = { ...record(first), event_type: "presence.join", offset: 9 };
      return { ...message, events: [...list(message["events"]), event] };
    }),
  },
  {
    name: "forgets what was said where a request says nothing",
    breaks: "HDL-PRE-16",
    foundBy: ["16-stays"],
    how: hears("subscribe", (message) => ({ metadata: {}, ...message })),
  },
];

const ROOMS: readonly Broken[] = [
  {
    name: "does not decode the names of rooms",
    breaks: "HDL-ROM-1",
    foundBy: ["1-decoded"],
    how: says("connected", (message) => {
      const encoded = (name: string) => name.replaceAll("~", "%7E");
      return Object.hasOwn(message, "channels")
        ? { ...message, channels: list(message["channels"]).map((name) => encoded(String(name))) }
        : undefined;
    }),
  },
  {
    name: "does not name the room",
    breaks: "HDL-ROM-2",
    foundBy: ["2-named"],
    how: says("connected", (message) => without(message, "channels")),
  },
  {
    name: "tells no position in the room",
    breaks: "HDL-ROM-2",
    foundBy: ["2-named"],
    how: says("connected", (message) => ({
      ...message,
      positions: Object.fromEntries(
        Object.entries(record(message["positions"])).filter(([name]) => name.startsWith("@")),
      ),
    })),
  },
  {
    name: "calls a room that cannot be called so unknown",
    breaks: "HDL-ROM-3",
    foundBy: ["3-config", "3-stats", "3-no-name"],
    how: answers(400, (answer) => ({
      ...answer,
      status: 404,
      json: { ...record(answer.json), error: "unknown_channel" },
    })),
  },
  {
    name: "knows no display_name",
    breaks: "HDL-ROM-4",
    foundBy: ["4-display-name"],
    how: { onRequest: (head) => cutOut(head, /(?<=[?&])display_name=[^ &]*/) },
  },
  {
    name: "takes a display_name of any length",
    breaks: "HDL-ROM-4",
    foundBy: ["4-length"],
    how: answers(400, (_, head) => cutOut(head, /(?<=[?&])display_name=[^ &]*/)),
  },
  {
    name: "forgets the room where a request resumes",
    breaks: "HDL-ROM-5",
    foundBy: ["5-resumed"],
    how: {
      onRequest: (head) =>
        head.includes("reconnection_token") ? cutOut(head, /(?<=^GET \/ws)\/[^ ?]*/) : undefined,
    },
  },
];

/** The servers that get presence and rooms wrong. */
export const presence: readonly Broken[] = [...PRESENCE, ...ROOMS];
