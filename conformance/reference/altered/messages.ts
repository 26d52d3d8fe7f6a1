/**
 * Servers that get messages wrong (PROTOCOL.md, "Messages", "Features", "Application messages"
 * and "Errors").
 *
 * @module
 */
import type { Link, Message } from "./alteration.ts";
import {
  answerTo,
  type Broken,
  closesAfter,
  errorTo,
  errs,
  events,
  hears,
  list,
  record,
  says,
  without,
} from "./breakage.ts";

/** All connections that there were. */
const links = new Set<Link>();

const MESSAGES: readonly Broken[] = [
  {
    name: "sends a text that is no object",
    breaks: "HDL-MSG-1",
    foundBy: ["1-text"],
    how: says("subscriptions", (message) => [[], message]),
  },
  {
    name: "calls a text that is not JSON invalid_message",
    breaks: "HDL-MSG-2",
    foundBy: ["2-not-json"],
    how: errs("invalid_json", (error) => ({ ...error, code: "invalid_message" })),
  },
  {
    name: "takes an object without a type for a ping",
    breaks: "HDL-MSG-3",
    foundBy: ["3-no-type"],
    how: {
      onRequestMessage: (message) =>
        Object.hasOwn(message, "type") ? undefined : { ...message, type: "ping" },
    },
  },
  {
    name: "takes one name for a list of one",
    breaks: "HDL-MSG-4",
    foundBy: ["4-fields-of-subscribe"],
    how: hears(
      "subscribe",
      (message) =>
        typeof message["channels"] === "string"
          ? { ...message, channels: [message["channels"]] }
          : undefined,
    ),
  },
  {
    name: "takes a limit of history that is no number for none",
    breaks: "HDL-MSG-4",
    foundBy: ["4-fields-of-history"],
    how: hears(
      "history",
      (message) => typeof message["limit"] === "number" ? undefined : without(message, "limit"),
    ),
  },
  {
    name: "says nothing to a type that it does not know",
    breaks: "HDL-MSG-5",
    foundBy: ["5-unknown"],
    how: errs("unknown_type", () => []),
  },
  {
    name: "takes what only servers send, and says nothing",
    breaks: "HDL-MSG-6",
    foundBy: ["6-event"],
    how: hears("event", () => []),
  },
  {
    name: "refuses fields that it does not know",
    breaks: "HDL-MSG-7",
    foundBy: ["7-unknown-fields"],
    how: {
      onRequestMessage(message, link) {
        if (!Object.hasOwn(message, "kit")) return undefined;
        link.toClient(errorTo(message, "invalid_message"));
        return [];
      },
    },
  },
  {
    name: "forgets the correlation_id in errors",
    breaks: "HDL-MSG-10",
    foundBy: ["10-repeated", "10-in-errors"],
    how: says("error", (error) => without(error, "correlation_id")),
  },
  {
    name: "makes up a correlation_id where there was none",
    breaks: "HDL-MSG-10",
    foundBy: ["10-none"],
    how: says(
      "pong",
      (message) =>
        Object.hasOwn(message, "correlation_id")
          ? undefined
          : { ...message, correlation_id: "none" },
    ),
  },
  {
    name: "cuts correlation_ids to 64 characters",
    breaks: "HDL-MSG-10",
    foundBy: ["10-repeated"],
    how: says(
      "pong",
      (message) =>
        String(message["correlation_id"]).length > 64
          ? { ...message, correlation_id: String(message["correlation_id"]).slice(0, 64) }
          : undefined,
    ),
  },
  {
    name: "tells the time without its zone",
    breaks: "HDL-MSG-18",
    foundBy: ["18-timestamp"],
    how: events((message) => ({
      ...message,
      timestamp: String(message["timestamp"]).replace("Z", ""),
    })),
  },
  {
    name: "tells of a pong no time",
    breaks: "HDL-MSG-18",
    foundBy: ["18-timestamp"],
    how: says("subscriptions", (message) => without(message, "timestamp")),
  },
  {
    name: "tells more as a number",
    breaks: "HDL-MSG-20",
    foundBy: ["20-fields"],
    how: says("history", (message) => ({ ...message, more: Number(message["more"]) })),
  },
  {
    name: "answers a request twice",
    breaks: "HDL-MSG-19",
    foundBy: ["19-once"],
    how: says("subscriptions", (message) => [message, message]),
  },
  {
    name: "answers an ack",
    breaks: "HDL-MSG-19",
    foundBy: ["19-ack"],
    how: hears("ack", (message, link) => {
      link.toClient(answerTo(message, { type: "acknowledged" }));
      return message;
    }),
  },
  {
    name: "takes messages of any depth",
    breaks: "HDL-MSG-13",
    foundBy: ["13-too-deep"],
    how: {
      onRequestMessage: (message) =>
        JSON.stringify(message).includes("[".repeat(40))
          ? { type: "ping", correlation_id: message["correlation_id"] }
          : undefined,
    },
  },
  {
    name: "takes 1e400 for null",
    breaks: "HDL-MSG-14",
    foundBy: ["14-1e400"],
    how: {
      onRequestMessage: (message) => containsInfinity(message) ? message : undefined,
    },
  },
  {
    name: "loses fields of data that are called __proto__",
    breaks: "HDL-MSG-16",
    foundBy: ["16-in-data"],
    how: events((message) =>
      JSON.parse(
        JSON.stringify(message),
        (name, value) => name === "__proto__" ? undefined : value,
      )
    ),
  },
  {
    name: "ends all other connections where one sends what is not JSON",
    breaks: "HDL-MSG-17",
    foundBy: ["17-garbage"],
    how: {
      onMessage(message, link) {
        links.add(link);
        if (message["code"] !== "invalid_json") return undefined;
        for (const one of links) if (one !== link) one.closeClient(1011);
        return undefined;
      },
    },
  },
];

const FEATURES: readonly Broken[] = [
  {
    name: "grants whatever is asked for",
    breaks: "HDL-HEL-2",
    foundBy: ["2-unknown-feature"],
    how: () => {
      let asked: unknown;
      return {
        ...hears("hello", (message) => {
          asked = message["features"];
          return undefined;
        }),
        ...says("welcome", (message) => ({
          ...message,
          features: { ...record(asked), ...record(message["features"]) },
        })),
      };
    },
  },
  {
    name: "grants binary to whoever says hello",
    breaks: "HDL-HEL-1",
    foundBy: ["1-nothing", "1-only-asked"],
    how: says("welcome", (message) => ({
      ...message,
      features: { binary: {}, ...record(message["features"]) },
    })),
  },
  {
    name: "adds to what was granted before",
    breaks: "HDL-HEL-3",
    foundBy: ["3-in-place"],
    how: () => {
      let before: Message = {};
      return hears("hello", (message) => {
        before = { ...before, ...record(message["features"]) };
        return { ...message, features: before };
      });
    },
  },
  {
    name: "does not name a feature that it has",
    breaks: "HDL-HEL-5",
    foundBy: ["5-named"],
    how: says("connected", (message) => ({
      ...message,
      features: without(record(message["features"]), "batch"),
    })),
  },
];

const APPLICATION: readonly Broken[] = [
  {
    name: "insists on a payload",
    breaks: "HDL-APP-2",
    foundBy: ["2-absent"],
    how: hears("kit.echo", (message, link) => {
      if (message["payload"] !== undefined && message["payload"] !== null) return undefined;
      link.toClient(errorTo(message, "payload_invalid"));
      return [];
    }),
  },
  {
    name: "calls a payload that does not fit invalid_message",
    breaks: "HDL-APP-3",
    foundBy: ["3-payload-invalid"],
    how: errs("payload_invalid", (error) => ({ ...error, code: "invalid_message" })),
  },
  {
    name: "says nothing where a handler fails",
    breaks: "HDL-APP-3",
    foundBy: ["3-internal"],
    how: errs("internal", () => []),
  },
  {
    name: "adds fields of its own to an application's answers",
    breaks: "HDL-APP-4",
    foundBy: ["4-form"],
    how: says("kit.done", (message) => ({ ...message, status: "ok" })),
  },
];

const ERRORS: readonly Broken[] = [
  {
    name: "has codes of its own",
    breaks: "HDL-ERR-1",
    foundBy: ["1-codes"],
    how: errs("unknown_channel", (error) => ({ ...error, code: "no_such_channel" })),
  },
  {
    name: "rejects by codes of its own",
    breaks: "HDL-ERR-1",
    foundBy: ["1-codes"],
    how: says("subscribed", (message) =>
      Object.hasOwn(message, "rejected")
        ? {
          ...message,
          rejected: list(message["rejected"]).map((one) => ({ ...record(one), code: "no" })),
        }
        : undefined),
  },
  {
    name: "calls forbidden recoverable",
    breaks: "HDL-ERR-2",
    foundBy: ["2-recoverable"],
    how: errs("forbidden", (error) => ({ ...error, recoverable: true })),
  },
  {
    name: "closes the connection after a text that is not JSON",
    breaks: "HDL-ERR-6",
    foundBy: ["6-lives"],
    how: closesAfter("invalid_json", 1008),
  },
  {
    name: "tells where in its code an error arose",
    breaks: "HDL-ERR-4",
    foundBy: ["4-where"],
    how: errs("internal", (error) => ({ ...error, message: "failed at handler.ts:12" })),
  },
];

function containsInfinity(value: unknown): boolean {
  return value === Infinity || value === -Infinity ||
    typeof value === "object" && value !== null && Object.values(value).some(containsInfinity);
}

/** The servers that get messages wrong. */
export const messages: readonly Broken[] = [
  ...MESSAGES,
  ...FEATURES,
  ...APPLICATION,
  ...ERRORS,
];
