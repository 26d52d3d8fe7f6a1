/**
 * Servers that get what stands around the messages wrong (PROTOCOL.md, "Tokens on a living connection"
 * and "HTTP").
 *
 * @module
 */
import type { Answer } from "./alteration.ts";
import {
  answers,
  answerTo,
  type Broken,
  closes,
  closesAfter,
  errorTo,
  errs,
  events,
  record,
  resumesAnything,
  routes,
  says,
  without,
} from "./breakage.ts";

const TOKENS: readonly Broken[] = [
  {
    name: "takes no newer token",
    breaks: "HDL-TOK-1",
    foundBy: ["1-same-user"],
    how: says("authenticated", (message) => errorTo(message, "unauthorized")),
  },
  {
    name: "takes any token of a user's that it has let in",
    breaks: "HDL-TOK-1",
    foundBy: ["1-same-rules"],
    how: errs(
      "unauthorized",
      (error) => answerTo(error, { type: "authenticated", user_id: "kit", role: "member" }),
    ),
  },
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
    name: "leaves a client what its new role does not permit",
    breaks: "HDL-TOK-6",
    foundBy: ["6-taken-away"],
    how: says("unsubscribed", (message) => Object.hasOwn(message, "code") ? [] : undefined),
  },
  {
    name: "does not say that it was the role that took a subscription away",
    breaks: "HDL-TOK-6",
    foundBy: ["6-taken-away"],
    how: says(
      "unsubscribed",
      (message) => Object.hasOwn(message, "code") ? { ...message, code: "internal" } : undefined,
    ),
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
  {
    name: "closes with 1008 where a token has run out",
    breaks: "HDL-TOK-8",
    foundBy: ["8-closed"],
    how: closes(4401, 1008),
  },
  {
    name: "closes with 4401 where a user is banned",
    breaks: "HDL-TOK-10",
    foundBy: ["10-banned"],
    how: closes(4403, 4401),
  },
  {
    name: "keeps the sessions of a banned user",
    breaks: "HDL-TOK-10",
    foundBy: ["10-banned"],
    how: resumesAnything,
  },
  {
    name: "closes with 4403 where a token is revoked",
    breaks: "HDL-TOK-11",
    foundBy: ["11-revoked"],
    how: closes(4401, 4403),
  },
];

const BROADCAST = /^POST \/api\/v1\/websocket\/broadcast/;

/** The answer to a broadcast that was published. */
const PUBLISHED: Answer = {
  status: 200,
  headers: [["Content-Type", "application/json"]],
  body: "",
  json: { status: "ok", channel: "kit", subscribers: 0, message_sent: true, epoch: "e", offset: 1 },
};

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
    name: "says that it published what was broadcast, and did not",
    breaks: "HDL-REST-7",
    foundBy: ["7-broadcast"],
    how: events((event) => record(event["data"])["from"] === "http" ? [] : undefined),
  },
  {
    name: "says that anybody's broadcast was published",
    breaks: "HDL-REST-8",
    foundBy: ["8-role"],
    how: routes(BROADCAST, (answer) => answer.status === 403 ? PUBLISHED : undefined),
  },
  {
    name: "answers 403 to a broadcast of nobody",
    breaks: "HDL-REST-8",
    foundBy: ["8-nobody"],
    how: routes(
      BROADCAST,
      (answer) => answer.status === 401 ? { ...answer, status: 403 } : undefined,
    ),
  },
  {
    name: "answers 400 to a body that is too large",
    breaks: "HDL-REST-9",
    foundBy: ["9-too-large"],
    how: answers(413, (answer) => ({ ...answer, status: 400 })),
  },
  {
    name: "names a limit that is not in force",
    breaks: "HDL-REST-10",
    foundBy: ["10-in-force"],
    how: routes(/^GET \/ws\/config /, (answer) => {
      const config = record(record(answer.json)["websocket_config"]);
      const connection_limits = { ...record(config["connection_limits"]), max_message_rate: 60 };
      const websocket_config = { ...config, connection_limits };
      return { ...answer, json: { ...record(answer.json), websocket_config } };
    }),
  },
];

/** The servers that get what stands around the messages wrong. */
export const around: readonly Broken[] = [...TOKENS, ...HTTP];
