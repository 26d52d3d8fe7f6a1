/**
 * Servers of Protocol 1 that keep every requirement in a way of their own: nothing of it may be held
 * against them.
 *
 * @module
 */
import { bytesOf } from "../../wire/bytes.ts";
import { ping, pong } from "../../wire/frame.ts";
import type { Alterations, Message } from "./alteration.ts";
import { hears, list, record, withField } from "./breakage.ts";

/** A server that is legal, and unlike others. */
export interface UnusualServer {
  /** Completes "a server that …". */
  readonly name: string;
  readonly how: Alterations;
}

/** Every message of the protocol, changed by itself, in a batch too: not those of an application. */
const every = (change: (message: Message) => Message): Alterations => {
  const changed = (message: Message): Message => {
    if (message["type"] !== "batch") return isApplication(message) ? message : change(message);
    return { ...message, messages: list(message["messages"]).map((one) => changed(record(one))) };
  };
  return { onMessage: (message) => isApplication(message) ? undefined : changed(message) };
};

const isApplication = ({ type }: Message) => String(type).startsWith("kit.");

/** The same of each event in a history. */
const andEvents = (change: (message: Message) => Message) => (message: Message): Message =>
  message["type"] === "history"
    ? change({ ...message, events: list(message["events"]).map((one) => change(record(one))) })
    : change(message);

/** Writes of one connection put off, in order. */
function late(milliseconds: () => number): Alterations {
  return () => {
    const queue: (() => void)[] = [];
    let due = 0;
    return {
      write(bytes, write) {
        due = Math.max(due, performance.now() + milliseconds());
        queue.push(() => write(bytes));
        setTimeout(() => queue.shift()?.(), due - performance.now());
      },
      end(end) {
        queue.push(end);
        setTimeout(() => queue.shift()?.(), Math.max(0, due - performance.now()));
      },
    };
  };
}

/** Tokens that a server behind the proxy knows nothing of, and those that they stand for. */
const madeTokens = new Map<unknown, unknown>();

/** Every one of them, and first one that is like all others. */
export const unusualServers: readonly UnusualServer[] = [
  { name: "is behind a proxy that alters nothing", how: {} },
  {
    name: "has fields of its own in every message",
    how: every(
      andEvents((message) => ({ node: { name: "a", load: [0.5] }, ...message, trace: 7 })),
    ),
  },
  {
    name: "sends messages of types that nobody knows",
    how: {
      onMessage(message) {
        const notice = { type: "weather", sky: "clear", timestamp: new Date().toISOString() };
        return message["type"] === "connected" ? [message, notice] : [notice, message, notice];
      },
    },
  },
  { name: "takes its time", how: late(() => 5 + Math.random() * 30) },
  {
    name: "writes single bytes",
    how: {
      write(bytes, write) {
        const single = Math.min(bytes.length, 200);
        for (let at = 0; at < single; at++) write(bytes.subarray(at, at + 1));
        if (single < bytes.length) write(bytes.subarray(single));
      },
    },
  },
  {
    name: "sends Pings, and Pongs that nobody asked for, between its messages",
    how: { onMessage: (message) => [ping("are you there?"), pong("I am"), message] },
  },
  {
    name: "answers a publication before it sends anything else",
    how: () => {
      let open = 0;
      const held: Message[] = [];
      return {
        ...hears("publish", () => {
          open++;
          return undefined;
        }),
        onMessage(message) {
          const { type } = message;
          if (type === "event" || type === "gap") {
            if (open === 0) return undefined;
            held.push(message);
            return [];
          }
          if (type !== "published" && type !== "error") return [...held.splice(0), message];
          if (open > 0) open--;
          return open === 0 ? [message, ...held.splice(0)] : undefined;
        },
        onFrame(_, link) {
          for (const message of held.splice(0)) link.toClient(message);
          return undefined;
        },
      };
    },
  },
  {
    name: "sends an event of one channel before an older one of another",
    how: () => {
      let held: Message | null = null;
      return {
        onMessage(message, link) {
          const before = held;
          held = null;
          if (message["type"] !== "event") return before === null ? undefined : [before, message];
          if (before !== null) {
            return before["channel"] === message["channel"] ? [before, message] : [message, before];
          }
          held = message;
          setTimeout(() => {
            if (held !== message) return;
            held = null;
            link.toClient(message);
          }, 5);
          return [];
        },
        onFrame(_, link) {
          if (held !== null) link.toClient(held);
          held = null;
          return undefined;
        },
      };
    },
  },
  {
    name: "writes the fields of its messages the other way round",
    how: every((message) => Object.fromEntries(Object.entries(message).reverse())),
  },
  {
    name: "has header fields of its own in every HTTP answer",
    how: { onAnswer: (answer) => withField(answer, "Via", "1.1 kit") },
  },
  {
    name: "says what is empty",
    how: every((message) => {
      const { type, channels } = message;
      if (type !== "subscribed" && type !== "resumed") return message;
      return { recovered: {}, rejected: [], ...message, channels };
    }),
  },
  {
    name: "puts each message into a batch of one",
    how: () => {
      let most: number | null = null;
      return {
        onMessage(message) {
          const before = most;
          if (message["type"] === "welcome") {
            const bytes = record(record(message["features"])["batch"])["max_bytes"];
            most = typeof bytes === "number" ? bytes : null;
          }
          if (before === null || message["type"] === "batch") return undefined;
          const large = bytesOf(JSON.stringify(message)).length > before;
          return large ? undefined : { type: "batch", messages: [message] };
        },
      };
    },
  },
  {
    name: "has a token of its own for each who asks for one",
    how: {
      onMessage(message) {
        if (message["type"] !== "reconnection_token") return undefined;
        const token = `${madeTokens.size}`.padStart(43, "A");
        madeTokens.set(token, message["token"]);
        return { ...message, token };
      },
      ...hears("resume", (message) => {
        const reconnection_token = madeTokens.get(message["reconnection_token"]);
        return reconnection_token === undefined ? undefined : { ...message, reconnection_token };
      }),
    },
  },
  {
    name: "never has anything to put into a batch",
    how: {
      onMessage: (message) => message["type"] === "batch" ? list(message["messages"]) : undefined,
    },
  },
];
