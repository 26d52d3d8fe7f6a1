/**
 * Servers that get sessions wrong (PROTOCOL.md, "Sessions").
 *
 * @module
 */
import type { Message } from "./alteration.ts";
import {
  answerTo,
  type Broken,
  closes,
  cutOut,
  each,
  errorTo,
  errs,
  hears,
  isEvent,
  list,
  resumesAnything,
  says,
  takesClose,
  takesNextForNewest,
  without,
} from "./breakage.ts";

let count = 0;

/** Tokens of all connections, and those that stand for others. */
const tokens: unknown[] = [];
const standsFor = new Map<unknown, unknown>();

/** The servers that get sessions wrong. */
export const sessions: readonly Broken[] = [
  {
    name: "gives tokens with padding",
    breaks: "HDL-RES-1",
    foundBy: ["1-form"],
    how: says("connected", (message) => ({
      ...message,
      reconnection_token: `${message["reconnection_token"]}=`,
    })),
  },
  {
    name: "ends the session of a connection that was cut",
    breaks: "HDL-RES-2",
    foundBy: ["2-cut", "2-as-long"],
    how: { onCut: (link) => link.closeServer(1000) },
  },
  {
    name: "ends the session where the client closes with 1001",
    breaks: "HDL-RES-2",
    foundBy: ["2-client-1001"],
    how: takesClose(1001, 1000),
  },
  {
    name: "keeps the session where the client closes with 1000",
    breaks: "HDL-RES-27",
    foundBy: ["27-client-1000"],
    how: takesClose(1000, 1001),
  },
  {
    name: "keeps the session where the client closes with 1008",
    breaks: "HDL-RES-27",
    foundBy: ["27-client-1008"],
    how: takesClose(1008, 1001),
  },
  {
    name: "ends the session of a client that asked for its token and closes with 1000",
    breaks: "HDL-RES-27",
    foundBy: ["27-asked"],
    how: takesClose(1000, 1008),
  },
  {
    name: "tells who asks for the token another each time",
    breaks: "HDL-RES-28",
    foundBy: ["28-asked", "28-resumed"],
    how: says("reconnection_token", (message) => ({
      ...message,
      token: `${count++}`.padEnd(43, "A"),
    })),
  },
  {
    name: "tells who resumed and asks for the token that of connected",
    breaks: "HDL-RES-28",
    foundBy: ["28-resumed"],
    how: () => {
      let token: unknown;
      return {
        onMessage(message) {
          if (message["type"] === "connected") token = message["reconnection_token"];
          return message["type"] === "reconnection_token" && message["token"] !== token
            ? { ...message, token }
            : undefined;
        },
      };
    },
  },
  {
    name: "forbids to ask for the token",
    breaks: "HDL-RES-28",
    foundBy: ["28-asked", "28-resumed"],
    how: hears("get_reconnection_token", (message, link) => {
      link.toClient(errorTo(message, "forbidden", false));
      return [];
    }),
  },
  {
    name: "resumes by any token, for anybody",
    breaks: "HDL-RES-5",
    foundBy: ["5-another-user", "5-nobody"],
    how: resumesAnything,
  },
  {
    name: "has other words for each token that is of no use",
    breaks: "HDL-RES-6",
    foundBy: ["6-same-words"],
    how: errs("session_expired", (error) => ({ ...error, message: `no such session: ${count++}` })),
  },
  {
    name: "ends the session of a client that could not resume another",
    breaks: "HDL-RES-7",
    foundBy: ["7-goes-on"],
    how: () => {
      let refused = false;
      return {
        ...errs("session_expired", () => {
          refused = true;
          return undefined;
        }),
        onCut: (link) => refused ? link.closeServer(1000) : undefined,
      };
    },
  },
  {
    name: "resumes at any time, or says that the session is gone",
    breaks: "HDL-RES-8",
    foundBy: ["8-after-subscribed", "8-after-resumed", "8-in-a-room"],
    how: () => {
      let asked: unknown;
      return {
        ...hears("resume", ({ correlation_id }) => {
          asked = correlation_id;
          return undefined;
        }),
        ...errs(
          "invalid_message",
          (error) =>
            error["correlation_id"] === asked ? { ...error, code: "session_expired" } : undefined,
        ),
      };
    },
  },
  {
    name: "resumes only before anything else",
    breaks: "HDL-RES-25",
    foundBy: ["25-after-others"],
    how: () => {
      let hasSpoken = false;
      return {
        onRequestMessage(message, link) {
          const isRefused = hasSpoken && message["type"] === "resume";
          hasSpoken = true;
          if (!isRefused) return undefined;
          link.toClient(errorTo(message, "invalid_message"));
          return [];
        },
      };
    },
  },
  {
    name: "resumes nothing where the request could not",
    breaks: "HDL-RES-25",
    foundBy: ["25-after-the-query"],
    how: {
      onRequestMessage(message, link) {
        if (message["type"] !== "resume" || !link.request.includes("reconnection_token=")) {
          return undefined;
        }
        link.toClient(errorTo(message, "invalid_message"));
        return [];
      },
    },
  },
  {
    name: "gives a resumed connection its channels in another order",
    breaks: "HDL-RES-9",
    foundBy: ["9-all-of-it"],
    how: says("resumed", (message) => ({
      ...message,
      channels: [...list(message["channels"])].reverse(),
    })),
  },
  {
    name: "gives a resumed connection an id of its own",
    breaks: "HDL-RES-9",
    foundBy: ["9-all-of-it"],
    how: says("resumed", (message) => ({ ...message, client_id: crypto.randomUUID() })),
  },
  {
    name: "forgets what a resumed connection said of itself",
    breaks: "HDL-RES-9",
    foundBy: ["9-metadata"],
    how: hears("subscribe", (message) => without(message, "metadata")),
  },
  {
    name: "says nothing of what it does not give back",
    breaks: "HDL-RES-10",
    foundBy: ["10-permissions"],
    how: says("resumed", (message) => without(message, "rejected")),
  },
  {
    name: "knows no positions in resume",
    breaks: "HDL-RES-11",
    foundBy: ["11-position"],
    how: hears("resume", (message) => without(message, "positions")),
  },
  {
    name: "loses what was published while nobody was connected",
    breaks: "HDL-RES-11",
    foundBy: ["11-written"],
    how: () => {
      let since = 0;
      return {
        onMessage(message) {
          if (message["type"] === "resumed") since = 2;
          return isEvent(message) && since-- > 0 ? [] : undefined;
        },
      };
    },
  },
  {
    name: "calls everything recovered",
    breaks: "HDL-RES-12",
    foundBy: ["12-recovered"],
    how: says("resumed", (message) => ({
      ...message,
      recovered: each(message["recovered"], () => true),
    })),
  },
  {
    name: "calls the place after the newest event recovered",
    breaks: "HDL-RES-12",
    foundBy: ["12-recovered"],
    how: takesNextForNewest("resume"),
  },
  {
    name: "does not reject positions of @ channels that are not the session's",
    breaks: "HDL-RES-13",
    foundBy: ["13-others"],
    how: says("resumed", (message) => without(message, "rejected")),
  },
  {
    name: "sends again what came before resumed",
    breaks: "HDL-RES-14",
    foundBy: ["14-own-once"],
    how: () => {
      const own: Message[] = [];
      return {
        onMessage(message) {
          if (message["type"] === "event" && String(message["channel"]).startsWith("@user:")) {
            own.push(message);
          }
          return message["type"] === "resumed" ? [message, ...own] : undefined;
        },
      };
    },
  },
  {
    name: "knows no reconnection_token in the query",
    breaks: "HDL-RES-15",
    foundBy: ["15-query"],
    how: { onRequest: (head) => cutOut(head, /(?<=[?&])reconnection_token=[^ &]*/) },
  },
  {
    name: "does not say that a request resumed",
    breaks: "HDL-RES-15",
    foundBy: ["15-query"],
    how: says("connected", (message) => ({ ...message, reconnected: false })),
  },
  {
    name: "says nothing where a request cannot resume",
    breaks: "HDL-RES-16",
    foundBy: ["16-bad-query"],
    how: errs(
      "session_expired",
      (error) => Object.hasOwn(error, "correlation_id") ? undefined : [],
    ),
  },
  {
    name: "ends the former connection by another code",
    breaks: "HDL-RES-17",
    foundBy: ["17-replaced"],
    how: closes(4409, 4000),
  },
  {
    name: "does not consume the token until the connection has lasted",
    breaks: "HDL-RES-18",
    foundBy: ["18-consumed"],
    how: () => {
      let resumed = false;
      return {
        onMessage(message) {
          if (message["type"] === "resumed") resumed = true;
          return undefined;
        },
        onRequestMessage(message, link) {
          if (!resumed || message["type"] !== "ping") return undefined;
          link.toClient(answerTo(message, { type: "pong" }));
          return [];
        },
      };
    },
  },
  {
    name: "takes the new token for one of no session",
    breaks: "HDL-RES-19",
    foundBy: ["19-new-one"],
    how: says("resumed", (message) => ({
      ...message,
      reconnection_token: String(message["reconnection_token"]).toLowerCase(),
    })),
  },
  {
    name: "takes the token of connected for one of the session that was resumed after it",
    breaks: "HDL-RES-20",
    foundBy: ["20-of-connected"],
    how: () => {
      let connected: unknown;
      return {
        onMessage(message) {
          const { type, reconnection_token } = message;
          if (type === "connected") connected = reconnection_token;
          if (type === "resumed") standsFor.set(connected, reconnection_token);
          return undefined;
        },
        ...hears("resume", (message) => {
          const reconnection_token = standsFor.get(message["reconnection_token"]);
          return reconnection_token === undefined ? undefined : { ...message, reconnection_token };
        }),
      };
    },
  },
  {
    name: "tells everybody the tokens of all",
    breaks: "HDL-RES-22",
    foundBy: ["22-in-no-message"],
    how: {
      onMessage(message) {
        if (message["type"] === "connected") tokens.push(message["reconnection_token"]);
        return message["type"] === "pong" ? { ...message, sessions: tokens } : undefined;
      },
    },
  },
];
