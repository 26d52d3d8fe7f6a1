/**
 * Servers that get what stands around the messages wrong (PROTOCOL.md, "Tokens on a living
 * connection", "Rates", "Binary messages", "Compressed messages", "Batches" and "HTTP").
 *
 * @module
 */
import { OPCODE } from "../../wire/frame.ts";
import {
  answers,
  type Broken,
  closes,
  closesAfter,
  errs,
  events,
  list,
  record,
  routes,
  says,
  without,
} from "./breakage.ts";

const TOKENS: readonly Broken[] = [
  {
    name: "calls a token that has run out unauthorized",
    breaks: "HDL-TOK-2",
    foundBy: ["2-expired"],
    how: errs("token_expired", (error) => ({ ...error, code: "unauthorized" })),
  },
  {
    name: "calls another user's token unauthorized",
    breaks: "HDL-TOK-3",
    foundBy: ["3-another", "3-nobody"],
    how: errs("forbidden", (error) => ({ ...error, code: "unauthorized", recoverable: true })),
  },
  {
    name: "closes where a token does not hold",
    breaks: "HDL-TOK-4",
    foundBy: ["4-goes-on"],
    how: closesAfter("unauthorized", 4401),
  },
  {
    name: "tells the role that the connection had",
    breaks: "HDL-TOK-5",
    foundBy: ["5-role"],
    how: says("authenticated", (message) => ({ ...message, role: "member" })),
  },
  {
    name: "never tells that a token runs out",
    breaks: "HDL-TOK-7",
    foundBy: ["7-at-once", "7-each"],
    how: says("token_expiring", () => []),
  },
  {
    name: "tells twice that a token runs out",
    breaks: "HDL-TOK-7",
    foundBy: ["7-at-once"],
    how: says("token_expiring", (message) => [message, message]),
  },
];

const RATES: readonly Broken[] = [
  {
    name: "tells buckets without their size",
    breaks: "HDL-RAT-3",
    foundBy: ["3-told"],
    how: says("connected", (message) => ({ ...message, rates: { default: { per_second: 1 } } })),
  },
  {
    name: "closes by another code after too many refusals",
    breaks: "HDL-RAT-10",
    foundBy: ["10-abuse"],
    how: closes(4429, 1008),
  },
];

const BINARY: readonly Broken[] = [
  {
    name: "takes any version of an envelope for the first",
    breaks: "HDL-BIN-2",
    foundBy: ["2-version-0", "2-version-2"],
    how: {
      onClientFrame: ({ opcode, payload }) =>
        opcode === OPCODE.binary && payload[0] !== 1
          ? [{ opcode, payload: payload.map((byte, i) => i === 0 ? 1 : byte) }]
          : undefined,
    },
  },
  {
    name: "calls every image media",
    breaks: "HDL-BIN-4",
    foundBy: ["4-image"],
    how: events(
      (message) =>
        message["event_type"] === "image" ? { ...message, event_type: "media" } : undefined,
    ),
  },
  {
    name: "offers the algorithm none",
    breaks: "HDL-CMP-8",
    foundBy: ["8-none"],
    how: says("connected", (message) => {
      const features = record(message["features"]);
      const compression = record(features["compression"]);
      const algorithms = [...list(compression["algorithms"]), "none"];
      return { ...message, features: { ...features, compression: { ...compression, algorithms } } };
    }),
  },
  {
    name: "sends batches to everybody",
    breaks: "HDL-BAT-1",
    foundBy: ["1-not-asked"],
    how: events((message) => ({ type: "batch", messages: [message] })),
  },
  {
    name: "puts the newest message of a batch first",
    breaks: "HDL-BAT-2",
    foundBy: ["2-order"],
    how: says("batch", (message) => ({
      ...message,
      messages: [...list(message["messages"])].reverse(),
    })),
  },
];

const HTTP: readonly Broken[] = [
  {
    name: "says nothing in the body of an error",
    breaks: "HDL-REST-1",
    foundBy: ["1-body"],
    how: answers(404, (answer) => ({ ...answer, json: {} })),
  },
  {
    name: "answers 403 to a bad credential",
    breaks: "HDL-REST-2",
    foundBy: ["2-identity"],
    how: answers(401, (answer) => ({ ...answer, status: 403 })),
  },
  {
    name: "tells of no status in /ws/config",
    breaks: "HDL-REST-3",
    foundBy: ["3-config"],
    how: routes(/^GET \/ws\/config /, (answer) => {
      const config = without(record(record(answer.json)["websocket_config"]), "server_status");
      return { ...answer, json: { ...record(answer.json), websocket_config: config } };
    }),
  },
  {
    name: "calls itself ok where it is healthy",
    breaks: "HDL-REST-4",
    foundBy: ["4-healthy"],
    how: routes(/^GET \/health /, (answer) => ({
      ...answer,
      json: { ...record(answer.json), status: "ok" },
    })),
  },
  {
    name: "lists a channel's subscribers for everybody",
    breaks: "HDL-REST-5",
    foundBy: ["5-channel"],
    how: routes(/^GET \/api\/v1\/websocket\/channels\//, (answer) => ({
      ...answer,
      json: { subscriber_ids: [], ...record(answer.json) },
    })),
  },
  {
    name: "answers 400 to a name of no channel",
    breaks: "HDL-REST-6",
    foundBy: ["6-unknown"],
    how: answers(404, (answer) => ({ ...answer, status: 400 })),
  },
  {
    name: "answers 400 to a body that is too large",
    breaks: "HDL-REST-9",
    foundBy: ["9-too-large"],
    how: answers(413, (answer) => ({ ...answer, status: 400 })),
  },
];

/** The servers that get what stands around the messages wrong. */
export const around: readonly Broken[] = [...TOKENS, ...RATES, ...BINARY, ...HTTP];
