/**
 * Servers that get connecting and identities wrong (PROTOCOL.md, "Connecting" and "Identity").
 *
 * @module
 */
import { close } from "../../wire/frame.ts";
import type { Alteration, Link, Message } from "./alteration.ts";
import { answers, type Broken, cutOut, record, says, withField, without } from "./breakage.ts";

const PROTOCOL = "Sec-WebSocket-Protocol";

/** The credential of a request. */
const CREDENTIAL = /\r\nAuthorization: [^\r]*/i;

const selects = (selected: string | null) =>
  answers(101, (answer) => withField(answer, PROTOCOL, selected));

/** Where a credential is refused that fits, the request is let in as one without. */
const forgives = (fits: (token: string) => boolean): Alteration =>
  answers(401, (_, head) => {
    const token = /^Authorization: Bearer (.*)/im.exec(head)?.[1] ?? "";
    return fits(token) ? cutOut(head, CREDENTIAL) : undefined;
  });

/** A part of a JWT as JSON. */
function partOf(token: string, index: number): Readonly<Record<string, unknown>> {
  try {
    const text = atob((token.split(".")[index] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
    return record(JSON.parse(text));
  } catch {
    return {};
  }
}

let first = "";

const CONNECTING: readonly Broken[] = [
  {
    name: "takes connections on one path, though it offers rooms",
    breaks: "HDL-CON-12",
    foundBy: ["12-room"],
    how: { onRequest: (head) => cutOut(head, /(?<=^GET \/ws)\/(?!config)[^ ?]*/) },
  },
  {
    name: "selects no subprotocol",
    breaks: "HDL-CON-3",
    foundBy: ["3-alone", "3-among-others"],
    how: selects(null),
  },
  {
    name: "selects heddle.v1 whether it is offered or not",
    breaks: "HDL-CON-4",
    foundBy: ["4-unknown", "4-nothing"],
    how: selects("heddle.v1"),
  },
  {
    name: "never selects jwt-auth",
    breaks: "HDL-CON-5",
    foundBy: ["5-jwt-auth"],
    how: answers(
      101,
      (answer) =>
        answer.headers.some(([, value]) => value === "jwt-auth")
          ? withField(answer, PROTOCOL, null)
          : undefined,
    ),
  },
  {
    name: "says less to a client that offers no subprotocol",
    breaks: "HDL-CON-2",
    foundBy: ["2-no-subprotocol"],
    how: says(
      "subscribed",
      (message, { request }) =>
        request.includes(PROTOCOL) ? undefined : without(message, "positions"),
    ),
  },
  {
    name: "refuses another version with 400",
    breaks: "HDL-CON-6",
    foundBy: ["6-bad-version"],
    how: answers(426, (answer) => ({ ...answer, status: 400 })),
  },
  {
    name: "does not tell the methods that it allows",
    breaks: "HDL-CON-6",
    foundBy: ["6-post"],
    how: answers(405, (answer) => withField(answer, "Allow", null)),
  },
  {
    name: "refuses in plain words",
    breaks: "HDL-CON-7",
    foundBy: ["7-body"],
    how: answers(426, (answer) => ({
      ...withField(answer, "Content-Type", "text/plain"),
      body: "no",
      json: undefined,
    })),
  },
  {
    name: "refuses by name and without words",
    breaks: "HDL-CON-7",
    foundBy: ["7-body"],
    how: answers(426, (answer) => ({ ...answer, json: { error: record(answer.json)["error"] } })),
  },
  {
    name: "greets before it says connected",
    breaks: "HDL-CON-8",
    foundBy: ["8-first"],
    how: says(
      "connected",
      (message) => [{ type: "hello", timestamp: message["timestamp"] }, message],
    ),
  },
  {
    name: "loses what comes before connected",
    breaks: "HDL-CON-10",
    foundBy: ["10-early"],
    how: () => {
      let greeting: Message | null = null;
      let greeted = false;
      let early = false;
      const greet = (link: Link) => {
        if (greeting !== null && !greeted) link.toClient(greeting);
        greeted = greeting !== null;
      };
      return {
        onMessage(message, link) {
          if (message["type"] !== "connected") return undefined;
          greeting = message;
          if (early) greet(link);
          else setTimeout(() => greet(link), 1000).unref();
          return [];
        },
        onRequestMessage(_, link) {
          if (greeted) return undefined;
          early = true;
          greet(link);
          return [];
        },
      };
    },
  },
  {
    name: "gives client ids in upper case",
    breaks: "HDL-CON-13",
    foundBy: ["13-uuid"],
    how: says("connected", (message) => ({
      ...message,
      client_id: String(message["client_id"]).toUpperCase(),
    })),
  },
  {
    name: "gives everybody one client id",
    breaks: "HDL-CON-13",
    foundBy: ["13-uuid"],
    how: says("connected", (message) => {
      first ||= String(message["client_id"]);
      return { ...message, client_id: first };
    }),
  },
  {
    name: "lets in pages of every origin",
    breaks: "HDL-CON-14",
    foundBy: ["14-foreign-origin"],
    how: answers(403, (_, head) => cutOut(head, /\r\nOrigin: [^\r]*/i)),
  },
  {
    name: "lets in no page, not even its own",
    breaks: "HDL-CON-14",
    foundBy: ["14-own-origin"],
    how: { onRequest: (head) => /^Origin: /im.test(head) ? `${head}x` : undefined },
  },
  {
    name: "believes whoever names another host for it",
    breaks: "HDL-CON-15",
    foundBy: ["15-forwarded-host"],
    how: {
      onRequest(head) {
        const host = /^X-Forwarded-Host: (.*)/im.exec(head)?.[1];
        return host === undefined ? undefined : head.replace(/^Host: .*/im, `Host: ${host}`);
      },
    },
  },
];

const IDENTITY: readonly Broken[] = [
  {
    name: "looks at a credential only when it has upgraded",
    breaks: "HDL-IDN-1",
    foundBy: ["1-before-the-upgrade"],
    how: () => {
      let refused = false;
      return {
        ...answers(401, (_, head) => {
          refused = true;
          return cutOut(head, CREDENTIAL);
        }),
        ...says("connected", () => refused ? [close(1008)] : undefined),
      };
    },
  },
  {
    name: "does not know who has connected",
    breaks: "HDL-IDN-1",
    foundBy: ["1-known"],
    how: says("connected", (message) => ({ ...message, user_id: null })),
  },
  {
    name: "takes whoever has a bad token for nobody",
    breaks: "HDL-IDN-2",
    foundBy: ["2-bad-token", "2-bad-token-where-none-is-needed"],
    how: forgives(() => true),
  },
  {
    name: "gives those without a credential a user id",
    breaks: "HDL-IDN-3",
    foundBy: ["3-nobody"],
    how: says(
      "connected",
      (message) => message["user_id"] === null ? { ...message, user_id: "guest" } : undefined,
    ),
  },
  {
    name: "knows no auth_token in the query",
    breaks: "HDL-IDN-4",
    foundBy: ["4-query-auth-token"],
    how: { onRequest: (head) => cutOut(head, /(?<=[?&])auth_token=[^ &]*/) },
  },
  {
    name: "knows no bearer. among the subprotocols",
    breaks: "HDL-IDN-4",
    foundBy: ["4-subprotocol-bearer"],
    how: {
      onRequest: (head) => cutOut(head, /(?<=^Sec-WebSocket-Protocol: .*)bearer\.[^,\r]*,? ?/im),
    },
  },
  {
    name: "takes one of two tokens",
    breaks: "HDL-IDN-5",
    foundBy: ["5-two-tokens"],
    how: {
      onRequest: (head) =>
        CREDENTIAL.test(head) ? cutOut(head, /(?<=[?&](?:auth_)?token=)[^ &]+/) : undefined,
    },
  },
  {
    name: "takes a token of any length",
    breaks: "HDL-IDN-6",
    foundBy: ["6-long"],
    how: forgives((token) => token.length > 8192),
  },
  {
    name: "takes tokens that have run out",
    breaks: "HDL-IDN-7",
    foundBy: ["7-expired"],
    how: forgives((token) => Number(partOf(token, 1)["exp"]) * 1000 < Date.now()),
  },
  {
    name: "takes tokens before their time",
    breaks: "HDL-IDN-7",
    foundBy: ["7-not-yet"],
    how: forgives((token) => Number(partOf(token, 1)["nbf"]) * 1000 > Date.now()),
  },
  {
    name: "takes unsigned tokens",
    breaks: "HDL-IDN-8",
    foundBy: ["8-none"],
    how: forgives((token) => partOf(token, 0)["alg"] === "none"),
  },
  {
    name: "takes refresh tokens",
    breaks: "HDL-IDN-9",
    foundBy: ["9-refresh"],
    how: forgives((token) => partOf(token, 1)["token_type"] === "refresh"),
  },
  {
    name: "knows 200 characters of a user id",
    breaks: "HDL-IDN-10",
    foundBy: ["10-longest"],
    how: says("connected", (message) => ({
      ...message,
      user_id: message["user_id"] === null ? null : String(message["user_id"]).slice(0, 200),
    })),
  },
  {
    name: "gives those without a role the role user",
    breaks: "HDL-IDN-11",
    foundBy: ["11-default"],
    how: says(
      "connected",
      (message) => message["role"] === "viewer" ? { ...message, role: "user" } : undefined,
    ),
  },
  {
    name: "repeats the credential",
    breaks: "HDL-IDN-15",
    foundBy: ["15-messages"],
    how: says("connected", (message, { request }) => ({
      ...message,
      credential: CREDENTIAL.exec(request)?.[0].trim(),
    })),
  },
  {
    name: "names no scheme where it asks for a credential",
    breaks: "HDL-IDN-14",
    foundBy: ["14-bearer"],
    how: answers(401, (answer) => withField(answer, "WWW-Authenticate", null)),
  },
];

/** The servers that get connecting and identities wrong. */
export const connecting: readonly Broken[] = [...CONNECTING, ...IDENTITY];
