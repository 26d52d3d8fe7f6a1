/**
 * Servers that do things in another order than they must (PROTOCOL.md, "Order").
 *
 * @module
 */
import { decodeUtf8 } from "../../wire/bytes.ts";
import { OPCODE } from "../../wire/frame.ts";
import type { Link, Message } from "./alteration.ts";
import { type Broken, errorTo, errs, events, hears, isEvent, OURS, overtaken } from "./breakage.ts";

/** The servers that get the order of things wrong. */
export const order: readonly Broken[] = [
  {
    name: "sends events in pairs, the later one first",
    breaks: "HDL-ORD-10",
    foundBy: ["10-increasing"],
    how: () => {
      let held: Message | null = null;
      return events((message) => {
        if (held === null) {
          held = message;
          return [];
        }
        const pair = [message, held];
        held = null;
        return pair;
      });
    },
  },
  {
    name: "sends each event twice",
    breaks: "HDL-ORD-11",
    foundBy: ["11-once"],
    how: events((message) => [message, message]),
  },
  {
    name: "answers a publication after what came after it",
    breaks: "HDL-ORD-15",
    foundBy: ["15-in-order"],
    how: () => {
      let more = false;
      return {
        onRequestMessage(message) {
          more = message["type"] !== "publish";
          return undefined;
        },
        ...overtaken(({ type }) => more && type === "published", (message) => !isEvent(message)),
      };
    },
  },
  {
    name: "refuses faulty messages before it answers those before them",
    breaks: "HDL-ORD-15",
    foundBy: ["15-in-order"],
    how: {
      onClientFrame({ opcode, payload }, link) {
        if (opcode !== OPCODE.text || !decodeUtf8(payload)?.startsWith("{")) return undefined;
        link.toClient(errorTo({}, "invalid_json"));
        return [];
      },
    },
  },
  {
    name: "subscribes last, whatever comes first",
    breaks: "HDL-ORD-3",
    foundBy: ["3-one-by-one"],
    how: hears("subscribe", (message, link) => {
      setTimeout(() => link.toServer(message), 30);
      return [];
    }),
  },
  {
    name: "takes no message until the application has done with the one before",
    breaks: "HDL-ORD-5",
    foundBy: ["5-not-held-up"],
    how: () => {
      let waiting = false;
      const held: Message[] = [];
      return {
        onRequestMessage(message) {
          if (waiting) {
            held.push(message);
            return [];
          }
          waiting = message["type"] === "kit.wait";
          return undefined;
        },
        onMessage(message, link) {
          if (message["type"] !== "kit.done") return undefined;
          waiting = false;
          for (const one of held.splice(0)) link.toServer(one);
          return undefined;
        },
      };
    },
  },
  {
    name: "publishes later what it answered with rate_limited",
    breaks: "HDL-ORD-8",
    foundBy: ["8-not-done"],
    how: () => {
      const asked = new Map<unknown, Message>();
      let refused: Message | undefined;
      return {
        ...hears("publish", (message) => {
          asked.set(message["correlation_id"], message);
          return undefined;
        }),
        onMessage(message, link) {
          const { type, code, correlation_id } = message;
          if (correlation_id === OURS) return [];
          if (code === "rate_limited") refused ??= asked.get(correlation_id);
          if (type === "kit.done" && refused !== undefined) {
            link.toServer({ ...refused, correlation_id: OURS });
            refused = undefined;
          }
          return undefined;
        },
      };
    },
  },
  {
    name: "closes with 1008 where too much comes before connected",
    breaks: "HDL-ORD-13",
    foundBy: ["13-too-early"],
    how: () => {
      const most = 64;
      let held: Message[] | null = [];
      let came = 0;
      const letGo = (link: Link) => {
        for (const message of held ?? []) link.toClient(message);
        held = null;
      };
      return {
        onMessage(message, link) {
          if (held === null || came > most) return undefined;
          held.push(message);
          setTimeout(() => letGo(link), 1000).unref();
          return [];
        },
        onRequestMessage(_, link) {
          if (held === null || ++came <= most) return undefined;
          held = [];
          if (came === most + 1) link.closeClient(1008);
          return [];
        },
      };
    },
  },
  {
    name: "calls too many messages in flight internal",
    breaks: "HDL-ORD-12",
    foundBy: ["12-in-flight"],
    how: errs("rate_limited", (error) => ({ ...error, code: "internal" })),
  },
];
