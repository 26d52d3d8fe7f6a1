/**
 * Servers that get the limits of how often something comes wrong (PROTOCOL.md, "Rates").
 *
 * @module
 */
import type { Alteration, Message } from "./alteration.ts";
import { answerTo, type Broken, closes, errorTo, errs, record, says } from "./breakage.ts";

/** How many requests the server would take of an address, and in how many seconds. */
const REQUESTS = { most: 30, seconds: 5 } as const;

/** What stands in the place of a refusal where the message is taken. */
const taken = (error: Message): Message =>
  answerTo(error, { type: "subscriptions", channels: [], positions: {} });

const over = (message: Message): Message => ({
  ...errorTo(message, "rate_limited"),
  retry_after: 1,
});

/** Limits the requests of all together, and `refuses` those over it that it is to refuse. */
function limitsRequests(
  refuses: (head: string) => boolean,
  headers: (wait: number) => readonly (readonly [string, string])[],
): () => Alteration {
  let times: number[] = [];
  return () => {
    let wait = 0;
    return {
      onRequest(head) {
        const now = performance.now();
        times = times.filter((one) => one > now - REQUESTS.seconds * 1000);
        const isOver = times.length >= REQUESTS.most && refuses(head);
        if (!isOver) times.push(now);
        else wait = Math.ceil(REQUESTS.seconds - (now - (times[0] ?? now)) / 1000);
        // Nobody has anything there: what comes is no upgrade.
        return isOver ? head.replace(/^GET [^ ]*/, "GET /nothing") : undefined;
      },
      onAnswer: () =>
        wait === 0 ? undefined : {
          status: 429,
          headers: [...headers(wait)],
          body: "",
          json: { error: "Rate limit exceeded", message: "Rate limit exceeded." },
        },
    };
  };
}

/** The servers that get rates wrong. */
export const rates: readonly Broken[] = [
  {
    name: "refuses nothing, however much comes",
    breaks: "HDL-RAT-1",
    foundBy: ["1-limits"],
    how: errs("rate_limited", taken),
  },
  {
    name: "takes five messages more than a bucket gives",
    breaks: "HDL-RAT-2",
    foundBy: ["2-no-more"],
    how: () => {
      let more = 5;
      return errs("rate_limited", (error) => more-- > 0 ? taken(error) : undefined);
    },
  },
  {
    name: "tells buckets without their size",
    breaks: "HDL-RAT-3",
    foundBy: ["3-told"],
    how: says("connected", (message) => ({ ...message, rates: { default: { per_second: 1 } } })),
  },
  {
    name: "takes what nobody knows from no bucket",
    breaks: "HDL-RAT-4",
    foundBy: ["4-default"],
    how: says("connected", (message) => ({
      ...message,
      rates: { ...record(message["rates"]), default: { capacity: 20, per_second: 1 } },
    })),
  },
  {
    name: "calls too much internal",
    breaks: "HDL-RAT-5",
    foundBy: ["5-at-once"],
    how: errs("rate_limited", (error) => ({ ...error, code: "internal" })),
  },
  {
    name: "says nothing where too much comes",
    breaks: "HDL-RAT-5",
    foundBy: ["5-at-once"],
    how: errs("rate_limited", () => []),
  },
  {
    name: "has its clients wait twice as long as they need",
    breaks: "HDL-RAT-6",
    foundBy: ["6-retry-after"],
    how: errs("rate_limited", (error) => ({
      ...error,
      retry_after: Number(error["retry_after"]) * 2 + 1,
    })),
  },
  {
    name: "tells its clients to come back too soon",
    breaks: "HDL-RAT-6",
    foundBy: ["6-retry-after"],
    how: errs("rate_limited", (error) => ({ ...error, retry_after: 0.01 })),
  },
  {
    name: "counts what it refuses",
    breaks: "HDL-RAT-7",
    foundBy: ["7-refused-free"],
    how: () => {
      let refused = 0;
      return {
        onMessage(message) {
          if (message["code"] === "rate_limited") refused++;
          if (message["type"] !== "subscriptions" || refused === 0) return undefined;
          refused--;
          return over(message);
        },
      };
    },
  },
  {
    name: "counts acks among the messages of a second",
    breaks: "HDL-RAT-8",
    foundBy: ["8-ack"],
    how: () => {
      const most = 20;
      let acks = 0;
      return {
        ...says("connected", (message) => ({
          ...message,
          limits: { ...record(message["limits"]), messages_per_second: most },
        })),
        onRequestMessage(message, link) {
          if (message["type"] === "ack") acks++;
          else if (acks > most) {
            link.toClient(over(message));
            return [];
          }
          return undefined;
        },
      };
    },
  },
  {
    name: "gives a session that is resumed full buckets",
    breaks: "HDL-RAT-9",
    foundBy: ["9-resumed"],
    how: () => {
      let resumed = false;
      return {
        onMessage(message) {
          if (message["type"] === "resumed") resumed = true;
          return resumed && message["code"] === "rate_limited" ? taken(message) : undefined;
        },
      };
    },
  },
  {
    name: "closes by another code after too many refusals",
    breaks: "HDL-RAT-10",
    foundBy: ["10-abuse"],
    how: closes(4429, 1008),
  },
  {
    name: "looks at a credential before it counts a request",
    breaks: "HDL-RAT-11",
    foundBy: ["11-requests"],
    how: limitsRequests(
      (head) => !head.includes("no.such.token"),
      (wait) => [["Retry-After", String(wait)]],
    ),
    offer: { requests: REQUESTS },
  },
  {
    name: "does not say when it takes requests again",
    breaks: "HDL-RAT-11",
    foundBy: ["11-requests"],
    how: limitsRequests(() => true, () => []),
    offer: { requests: REQUESTS },
  },
];
