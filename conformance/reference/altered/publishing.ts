/**
 * Servers that get events wrong (PROTOCOL.md, "Publishing", "Events" and "Acknowledged delivery").
 *
 * @module
 */
import type { Message } from "./alteration.ts";
import {
  answerTo,
  type Broken,
  errorTo,
  errs,
  events,
  hears,
  list,
  record,
  says,
  without,
} from "./breakage.ts";

const PUBLISHING: readonly Broken[] = [
  {
    name: "tells the position after that of an event",
    breaks: "HDL-PUB-1",
    foundBy: ["1-position"],
    how: says("published", (message) => ({ ...message, offset: Number(message["offset"]) + 1 })),
  },
  {
    name: "does not repeat the id of an event",
    breaks: "HDL-PUB-1",
    foundBy: ["1-id"],
    how: says("published", (message) => without(message, "id")),
  },
  {
    name: "publishes what it refuses",
    breaks: "HDL-PUB-1",
    foundBy: ["1-refused-is-nowhere"],
    how: hears("publish", (message, link) => {
      if (String(message["channel"]).startsWith("schema.")) {
        const data = { value: 1 };
        link.toServer({ ...message, event_type: "reading", data, correlation_id: "kit-refused" });
        link.toClient(errorTo(message, "payload_invalid"));
        return [];
      }
      return undefined;
    }),
  },
  {
    name: "says unknown_channel where the role may not broadcast",
    breaks: "HDL-PUB-2",
    foundBy: ["2-forbidden", "2-own"],
    how: errs("forbidden", (error) => ({ ...error, code: "unknown_channel", recoverable: true })),
  },
  {
    name: "says that it took what does not fit the schema",
    breaks: "HDL-PUB-2",
    foundBy: ["2-schema", "2-event-type"],
    how: () => {
      let asked: Message = {};
      return {
        ...hears("publish", (message) => {
          asked = message;
          return undefined;
        }),
        ...errs("payload_invalid", () => {
          const { channel } = asked;
          return answerTo(asked, { type: "published", channel, epoch: "e", offset: 1 });
        }),
      };
    },
  },
  {
    name: "sends an event to its publisher, who does not want it",
    breaks: "HDL-PUB-3",
    foundBy: ["3-without"],
    how: hears(
      "publish",
      (message) => message["echo"] === false ? { ...message, echo: true } : undefined,
    ),
  },
  {
    name: "does not send an event to its publisher, who wants it",
    breaks: "HDL-PUB-3",
    foundBy: ["3-with", "3-with-against-the-channel"],
    how: hears(
      "publish",
      (message) => message["echo"] === true ? { ...message, echo: false } : undefined,
    ),
  },
  {
    name: "leaves out the publisher, who does not say",
    breaks: "HDL-PUB-4",
    foundBy: ["4-default"],
    how: hears("publish", (message) => ({ echo: false, ...message })),
  },
  {
    name: "sends the publisher's own event where the channel is configured otherwise",
    breaks: "HDL-PUB-4",
    foundBy: ["4-configured"],
    how: hears("publish", (message) => ({ echo: true, ...message })),
  },
  {
    name: "excludes nobody",
    breaks: "HDL-PUB-5",
    foundBy: ["5-excluded"],
    how: hears("kit.publish", (message) => {
      const payload = without(record(message["payload"]), "exclude");
      return payload === undefined ? undefined : { ...message, payload };
    }),
  },
  {
    name: "publishes again what has the same id",
    breaks: "HDL-PUB-7",
    foundBy: ["7-duplicate", "7-same-user"],
    how: () => {
      let id: unknown;
      return {
        ...hears("publish", (message) => {
          id = message["id"];
          return without(message, "id");
        }),
        ...says("published", (message) => id === undefined ? undefined : { ...message, id }),
      };
    },
  },
  {
    name: "does not say that an event had been taken before",
    breaks: "HDL-PUB-7",
    foundBy: ["7-duplicate"],
    how: says("published", (message) => without(message, "duplicate")),
  },
  {
    name: "takes presence.x for an event type like any other",
    breaks: "HDL-PUB-9",
    foundBy: ["9-presence"],
    how: hears(
      "publish",
      (message) =>
        String(message["event_type"]).startsWith("presence.")
          ? { ...message, event_type: "kit" }
          : undefined,
    ),
  },
];

const EVENTS: readonly Broken[] = [
  {
    name: "sends {} for null",
    breaks: "HDL-EVT-1",
    foundBy: ["1-event"],
    how: events(
      (message) => message["data"] === null ? { ...message, data: {} } : undefined,
    ),
  },
  {
    name: "tells of an event the time at which it is sent",
    breaks: "HDL-EVT-2",
    foundBy: ["2-the-same"],
    how: () => {
      let late = 0;
      return events((message) => {
        late = Math.random() * 1e9;
        const sent = new Date(Date.parse(String(message["timestamp"])) + late);
        return { ...message, timestamp: sent.toISOString() };
      });
    },
  },
  {
    name: "leaves out the padding of base64",
    breaks: "HDL-EVT-3",
    foundBy: ["3-binary"],
    how: events((message) => {
      const data = record(message["data"]);
      return data["encoding"] === "base64"
        ? { ...message, data: { ...data, content: String(data["content"]).replace(/=+$/, "") } }
        : undefined;
    }),
  },
  {
    name: "writes base64 by the alphabet for URLs",
    breaks: "HDL-EVT-3",
    foundBy: ["3-image", "3-audio"],
    how: events((message) => {
      const data = record(message["data"]);
      const content = String(data["content"]).replaceAll("+", "-").replaceAll("/", "_");
      return data["encoding"] === "base64" ? { ...message, data: { ...data, content } } : undefined;
    }),
  },
];

const ACKNOWLEDGED: readonly Broken[] = [
  {
    name: "gives each event the same ack_id",
    breaks: "HDL-ACK-1",
    foundBy: ["1-channel"],
    how: events(
      (message) => Object.hasOwn(message, "ack_id") ? { ...message, ack_id: "ack" } : undefined,
    ),
  },
  {
    name: "never repeats an event",
    breaks: "HDL-ACK-2",
    foundBy: ["2-repeated"],
    how: events((message) => Object.hasOwn(message, "attempt") ? [] : undefined),
  },
  {
    name: "repeats nothing that came as a missed event",
    breaks: "HDL-ACK-2",
    foundBy: ["2-missed"],
    how: () => {
      const recovering = new Set<unknown>();
      return {
        ...hears("subscribe", ({ positions }) => {
          for (const name of Object.keys(record(positions))) recovering.add(name);
          return undefined;
        }),
        ...events(({ attempt, channel }) =>
          Number(attempt) > 1 && recovering.has(channel) ? [] : undefined
        ),
      };
    },
  },
  {
    name: "repeats an event whether it is acknowledged or not",
    breaks: "HDL-ACK-2",
    foundBy: ["2-acknowledged", "2-after-a-repeat", "2-each-connection"],
    how: hears("ack", () => []),
  },
  {
    name: "reads the first ack_id alone",
    breaks: "HDL-ACK-2",
    foundBy: ["2-several"],
    how: hears("ack", (message) => {
      const [first, ...others] = list(message["ack_ids"]);
      return others.length === 0 ? undefined : { ...message, ack_ids: [first] };
    }),
  },
  {
    name: "does not say that a repeat is one",
    breaks: "HDL-ACK-4",
    foundBy: ["4-the-same"],
    how: events((message) => without(message, "attempt")),
  },
  {
    name: "counts attempts from 1",
    breaks: "HDL-ACK-4",
    foundBy: ["4-the-same"],
    how: events(
      (message) =>
        Object.hasOwn(message, "attempt")
          ? { ...message, attempt: Number(message["attempt"]) - 1 }
          : undefined,
    ),
  },
  {
    name: "refuses an ack_id that waits for nothing",
    breaks: "HDL-ACK-8",
    foundBy: ["8-unknown"],
    how: hears("ack", (message, link) => {
      link.toClient(errorTo(message, "invalid_message"));
      return message;
    }),
  },
  {
    name: "goes on with repeats after the subscription has ended",
    breaks: "HDL-ACK-10",
    foundBy: ["10-unsubscribed"],
    how: hears("unsubscribe", (message, link) => {
      link.toClient(answerTo(message, { type: "unsubscribed", channels: message["channels"] }));
      return [];
    }),
  },
  {
    name: "forgets with the connection what is to be repeated",
    breaks: "HDL-ACK-11",
    foundBy: ["11-resumed"],
    how: () => {
      let resumed = false;
      return {
        onMessage(message) {
          if (message["type"] === "resumed") resumed = true;
          return resumed && Object.hasOwn(message, "attempt") ? [] : undefined;
        },
      };
    },
  },
];

/** The servers that get events wrong. */
export const publishing: readonly Broken[] = [...PUBLISHING, ...EVENTS, ...ACKNOWLEDGED];
