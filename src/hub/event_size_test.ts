import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous, anonymousIdentity } from "../guard/identity.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { Media } from "../protocol/event.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { createHub } from "./hub.ts";
import type { Limits } from "./limits.ts";

const OUTBOX = 100_000;
const MOST = OUTBOX - 4_096;
/** So many that the JSON of a text has two bytes more. */
const text = (bytes: number) => "x".repeat(bytes - 2);

function newHub(limits: Partial<Limits> = { outbox: OUTBOX }) {
  return createHub({
    auth: allowAnonymous(),
    channels: {
      news: channel({ permissions: { "*": ["subscribe", "broadcast"] } }),
      alarms: channel({ priority: "critical", ack: true }),
    },
    limits,
  });
}

describe("An event that is larger than may wait for a subscriber", () => {
  it("is not published, and its publisher is told how large it is and may be", async () => {
    await using hub = newHub();
    const publishers = [
      hub.channel("news"),
      hub.channel("alarms"),
      hub.everyone(),
      hub.user("u1"),
      hub.client("c1"),
    ];
    for (const publisher of publishers) {
      await publisher.publish("told", text(MOST));
      const error = await assertRejects(
        () => publisher.publish("told", text(MOST + 1)),
        HeddleError,
        `the data have ${MOST + 1} bytes as JSON, and ${MOST} are allowed: no more than ${OUTBOX}`,
      );
      assertEquals(error.code, "payload_invalid");
    }
    assertEquals(hub.stats().eventsPublished, publishers.length);
  });

  it("is measured by its UTF-8, and media by their base64", async () => {
    await using hub = newHub();
    const news = hub.channel("news");
    await news.publish("told", "€".repeat((MOST - 2) / 3));
    await assertRejects(() => news.publish("told", "€".repeat(MOST / 3 + 1)), HeddleError, "bytes");
    const media = (bytes: number) => new Media("binary", new Uint8Array(bytes));
    await news.publish("sent", media(MOST / 4 * 3 - 3));
    await assertRejects(() => news.publish("sent", media(MOST / 4 * 3 + 1)), HeddleError, "bytes");
  });

  it("is answered payload_invalid where a client publishes it", async () => {
    await using hub = newHub();
    const socket = new FakeSocket();
    const peer = hub.accept(socket, { identity: anonymousIdentity(), address: "127.0.0.1" });
    const publish = (bytes: number) =>
      peer.receive(encodeEnvelope({
        kind: "binary",
        metadata: { channel: "news" },
        payload: new Uint8Array(bytes),
      }));
    const told = () => socket.frames.splice(0).map((frame) => JSON.parse(String(frame)));
    publish(MOST / 4 * 3 - 3);
    assertEquals(told().at(-1).type, "published");
    publish(MOST);
    const [{ type, code, recoverable, message }] = told();
    assertEquals([type, code, recoverable], ["error", "payload_invalid", true]);
    assertEquals(message.includes(`${MOST} are allowed`), true, message);
    assertEquals(socket.ended, undefined);
    peer.closed(1000, "");
  });

  it("is no mistake of a hub whose limits would let clients send one, unless they were given", () => {
    newHub({ outbox: 10 });
    newHub({ outbox: OUTBOX, text: MOST, binary: MOST / 4 * 3 });
    const refused = (limits: Partial<Limits>, name: string, most: number) => {
      const error = assertThrows(() => newHub(limits), HeddleError, `limits.${name} is`);
      assertEquals(error.code, "option_invalid");
      assertEquals(error.message.includes(`at most ${most},`), true, error.message);
    };
    refused({ outbox: OUTBOX, text: MOST + 1 }, "text", MOST);
    refused({ outbox: OUTBOX, binary: MOST / 4 * 3 + 1 }, "binary", MOST / 4 * 3);
    refused({ binary: 8_388_608 }, "binary", 3_142_656);
  });
});
