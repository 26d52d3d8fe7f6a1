/**
 * Servers that get the end of a connection wrong, or what may be said at all (PROTOCOL.md, "Closing",
 * "Liveness", "Names" and "Limits").
 *
 * @module
 */
import { bytesOf } from "../../wire/bytes.ts";
import { close, OPCODE, pong, text } from "../../wire/frame.ts";
import type { Link, Message } from "./alteration.ts";
import {
  answerTo,
  type Broken,
  closes,
  closesAfter,
  codeOf,
  errorTo,
  errs,
  hears,
  list,
  record,
  says,
  without,
} from "./breakage.ts";

const CLOSING: readonly Broken[] = [
  {
    name: "closes with a code that is in no table",
    breaks: "HDL-CLO-1",
    foundBy: ["1-table"],
    how: closes(1000, 1014),
  },
  {
    name: "has one code for all that the application chooses",
    breaks: "HDL-CLO-1",
    foundBy: ["1-applications"],
    how: {
      onFrame: ({ opcode, payload }) =>
        opcode === OPCODE.close && codeOf(payload) >= 3000
          ? [close(1008, payload.subarray(2))]
          : undefined,
    },
  },
  {
    name: "says something after its Close frame",
    breaks: "HDL-CLO-2",
    foundBy: ["2-silence"],
    how: {
      onFrame: ({ opcode, payload }) =>
        opcode === OPCODE.close
          ? [{ opcode, payload }, text(JSON.stringify(answerTo({}, { type: "pong" })))]
          : undefined,
    },
  },
  {
    name: "does not say that it closes",
    breaks: "HDL-CLO-3",
    foundBy: ["3-told"],
    how: says("disconnected", () => []),
  },
  {
    name: "goes down with 1001",
    breaks: "HDL-CLO-4",
    foundBy: ["4-going-down"],
    how: closes(1012, 1001),
    goesDown: true,
  },
  {
    name: "closes with 4000 more where it would close with 1013",
    breaks: "HDL-CLO-5",
    foundBy: ["5-codes"],
    how: closes(1013, 4999),
  },
  {
    name: "tells nobody a token before it closes",
    breaks: "HDL-CLO-10",
    foundBy: ["10-retry"],
    how: says("disconnected", (message) => without(message, "reconnection_token")),
  },
  {
    name: "tells of a session before a close that ends it",
    breaks: "HDL-CLO-10",
    foundBy: ["10-terminal"],
    how: says("disconnected", (message) => ({ expires_in: 300, ...message })),
  },
  {
    name: "tells everybody to come back at once",
    breaks: "HDL-CLO-11",
    foundBy: ["11-spread"],
    how: says("disconnected", (message) => ({ ...message, retry_after: 1 })),
    goesDown: true,
  },
];

const LIVENESS: readonly Broken[] = [
  {
    name: "sends no Pings",
    breaks: "HDL-LIV-1",
    foundBy: ["1-pings"],
    how: { onFrame: ({ opcode }) => opcode === OPCODE.ping ? [] : undefined },
  },
  {
    name: "takes no Pong frame for a sign of life",
    breaks: "HDL-LIV-2",
    foundBy: ["2-pongs"],
    how: { onClientFrame: ({ opcode }) => opcode === OPCODE.pong ? [] : undefined },
  },
  {
    name: "never gives up",
    breaks: "HDL-LIV-3",
    foundBy: ["3-given-up"],
    how: {
      onFrame({ opcode, payload }, link) {
        if (opcode === OPCODE.ping) link.toServer(pong(payload));
        return undefined;
      },
    },
  },
  {
    name: "gives up the silent with 1001",
    breaks: "HDL-LIV-4",
    foundBy: ["4-code"],
    how: closes(4408, 1001),
  },
  {
    name: "gives up those whom it has sent no Ping",
    breaks: "HDL-LIV-6",
    foundBy: ["6-pinged-before"],
    how: { onFrame: ({ opcode }) => opcode === OPCODE.ping ? [] : undefined },
  },
  {
    name: "expects a JSON ping",
    breaks: "HDL-LIV-5",
    foundBy: ["5-no-json-ping"],
    how: () => {
      let spoke = false;
      return {
        onMessage(message, link) {
          if (message["type"] !== "connected") return undefined;
          const timer = setTimeout(() => spoke || link.closeClient(4408), 6_500);
          timer.unref?.();
          return undefined;
        },
        ...hears("ping", () => {
          spoke = true;
          return undefined;
        }),
      };
    },
  },
];

const NAMES: readonly Broken[] = [
  {
    name: "knows no | in names",
    breaks: "HDL-NAM-1",
    foundBy: ["1-alphabet"],
    how: says("subscribed", (message) => {
      const all = list(message["channels"]).map(String);
      const bad = all.filter((name) => name.includes("|"));
      if (bad.length === 0) return undefined;
      const positions = without(record(message["positions"]), ...bad);
      const rejected = bad.map((channel) => ({ channel, code: "invalid_channel", message: "no" }));
      return { ...message, channels: all.filter((one) => !one.includes("|")), positions, rejected };
    }),
  },
  {
    name: "takes a name by the widest pattern that covers it",
    breaks: "HDL-NAM-3",
    foundBy: ["3-closest"],
    how: says("subscribed", (message) => {
      const [rejected] = list(message["rejected"]).map(record);
      const { channel, code } = rejected ?? {};
      if (code !== "forbidden" || String(channel).startsWith("@")) return undefined;
      const positions = { [String(channel)]: { epoch: "e", offset: 0 } };
      return { ...without(message, "rejected"), channels: [channel], positions };
    }),
  },
  {
    name: "takes names for the same that differ in case",
    breaks: "HDL-NAM-4",
    foundBy: ["4-case"],
    how: {
      onRequestMessage: (message) => {
        const lower = (name: unknown) => typeof name === "string" ? name.toLowerCase() : name;
        const { channel, channels } = message;
        if (typeof channel === "string") return { ...message, channel: lower(channel) };
        return Array.isArray(channels) ? { ...message, channels: channels.map(lower) } : undefined;
      },
    },
  },
];

/** Whose connections there were, the oldest first. */
const users = new Map<Link, unknown>();

const LIMITS: readonly Broken[] = [
  {
    name: "does not tell one of its limits",
    breaks: "HDL-LIM-1",
    foundBy: ["1-told"],
    how: says("connected", (message) => ({
      ...message,
      limits: without(record(message["limits"]), "in_flight_bytes"),
    })),
  },
  {
    name: "closes after a message that is too large",
    breaks: "HDL-LIM-2",
    foundBy: ["2-text", "2-binary", "2-inflated"],
    how: closesAfter("message_too_large", 1009),
  },
  {
    name: "calls a message that is too large invalid",
    breaks: "HDL-LIM-2",
    foundBy: ["2-text"],
    how: errs("message_too_large", (error) => ({ ...error, code: "invalid_message" })),
  },
  {
    name: "refuses a message of exactly the limit",
    breaks: "HDL-LIM-7",
    foundBy: ["7-exactly"],
    how: {
      onRequestMessage(message, link) {
        if (bytesOf(JSON.stringify(message)).length < 10_240) return undefined;
        link.toClient(errorTo(message, "message_too_large"));
        return [];
      },
    },
  },
  {
    name: "measures texts in characters",
    breaks: "HDL-LIM-4",
    foundBy: ["4-utf8"],
    how: {
      onRequestMessage: (message) => {
        const whole = JSON.stringify(message);
        return bytesOf(whole).length > 10_240 && whole.length <= 10_240
          ? { ...message, x: "" }
          : undefined;
      },
    },
  },
  {
    name: "leaves out an answer to a client that does not read",
    breaks: "HDL-LIM-6",
    foundBy: ["6-cut"],
    how: () => {
      let asked = false;
      const waiting: Message[] = [];
      let answers: Message[] = [];
      return {
        ...hears("history", (message) => {
          if (asked) waiting.push(message);
          const passes = !asked;
          asked = true;
          return passes ? undefined : [];
        }),
        ...says("history", (message, link) => {
          answers.push(message);
          const next = waiting.shift();
          if (next !== undefined) {
            link.toServer(next);
            return [];
          }
          const [first, , ...others] = answers;
          answers = [];
          asked = false;
          return [first, ...others];
        }),
      };
    },
  },
  {
    name: "refuses one too many of a user, whatever session it resumes",
    breaks: "HDL-LIM-12",
    foundBy: ["12-let-in"],
    how: () => {
      let refuses = false;
      return {
        onRequest(head) {
          refuses = /[?&](resumes|reconnection_token)=/.test(head);
          // Nobody has anything there: what comes is no upgrade.
          return refuses ? head.replace(/^GET [^ ]*/, "GET /nothing") : undefined;
        },
        onAnswer: (answer) =>
          refuses
            ? { ...answer, status: 429, json: { error: "too_many_of_user", message: "no" } }
            : undefined,
      };
    },
  },
  {
    name: "ends a user's oldest connection where one comes that resumes another",
    breaks: "HDL-LIM-13",
    foundBy: ["13-resumes"],
    how: {
      onMessage(message, link) {
        if (message["type"] === "connected") users.set(link, message["user_id"]);
        return undefined;
      },
      ...hears("resume", (_, link) => {
        const [oldest] = [...users].find(([, user]) => user === users.get(link)) ?? [];
        oldest?.closeClient(4409);
        return undefined;
      }),
    },
  },
  {
    name: "closes a user's oldest connection by another code",
    breaks: "HDL-LIM-11",
    foundBy: ["11-oldest"],
    how: closes(4409, 4000),
  },
];

/** The servers that get ends and bounds wrong. */
export const closing: readonly Broken[] = [...CLOSING, ...LIVENESS, ...NAMES, ...LIMITS];
