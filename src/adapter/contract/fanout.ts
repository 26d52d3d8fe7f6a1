/**
 * Events for many: each gets what was sent to it, in the order of the calls, whether it is handed to all
 * together or to each by itself.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Media } from "../../protocol/event.ts";
import type { RawClient } from "../../testing/raw_client.ts";
import { stage } from "../testing/stage.ts";
import type { Subject } from "./subject.ts";

const SUBSCRIBERS = 20;

/** Takes what came up to the event of that type, the types of events by name, of others in brackets. */
async function takeUntil(client: RawClient, last: string): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const message = await client.next();
    if (message instanceof Uint8Array) seen.push(`${message.byteLength} bytes`);
    else if (message["type"] !== "batch") seen.push(nameOf(message));
    else seen.push(...(message["messages"] as Message[]).map(nameOf));
    if (seen.includes(last)) return seen;
  }
}

type Message = Readonly<Record<string, unknown>>;

function nameOf(message: Message): string {
  return message["type"] === "event" ? String(message["event_type"]) : `[${message["type"]}]`;
}

/** Declares the tests of the fan-out. */
export function fanoutContract(subject: Subject): void {
  describe(`${subject.name}: fan-out`, () => {
    it("gives all the same, in order among what each gets alone", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const clients = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => client()));
        const ids: string[] = [];
        for (const one of clients) {
          ids.push(String((await one.json())["client_id"]));
          await one.ask({ type: "subscribe", channels: ["news"] });
        }
        const news = hub.channel("news");
        for (let round = 0; round < 5; round++) {
          void news.publish("first", { round });
          void hub.client(ids[0]!).publish("for one", { round });
          void hub.everyone().publish("for all", { round });
          void news.publish("not for two", { round }, { exclude: { clients: [ids[1]!, ids[2]!] } });
          void news.publish("not for one", { round }, { exclude: { clients: [ids[3]!] } });
          void news.publish("large", { text: "x".repeat(100_000), round });
          void news.publish("ünïcode 𝄞", { round });
          void news.publish("last", { round });
          for (const [i, one] of clients.entries()) {
            assertEquals(await takeUntil(one, "last"), [
              "first",
              ...(i === 0 ? ["for one"] : []),
              "for all",
              ...(i === 1 || i === 2 ? [] : ["not for two"]),
              ...(i === 3 ? [] : ["not for one"]),
              "large",
              "ünïcode 𝄞",
              "last",
            ]);
          }
        }
      }));

    it("gives who comes or goes in the middle of a tick what is sent while it is there", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const clients = await Promise.all(Array.from({ length: 4 }, () => client()));
        const ids: string[] = [];
        for (const one of clients) {
          ids.push(String((await one.json())["client_id"]));
          await one.ask({ type: "subscribe", channels: ["news"] });
        }
        const news = hub.channel("news");
        void news.publish("one", {});
        hub.unsubscribe(ids[0]!, ["news"], "enough");
        void news.publish("two", {});
        void hub.everyone().publish("end", {});
        hub.disconnect(ids[1]!, { code: 4000, reason: "" });
        void news.publish("three", {});
        void news.publish("end", {});
        assertEquals(await takeUntil(clients[0]!, "end"), ["one", "[unsubscribed]", "end"]);
        assertEquals(await takeUntil(clients[1]!, "[disconnected]"), [
          "one",
          "two",
          "end",
          "[disconnected]",
        ]);
        assertEquals((await clients[1]!.closed).code, 4000);
        for (const one of clients.slice(2)) {
          assertEquals(await takeUntil(one, "end"), ["one", "two", "end"]);
          assertEquals(await takeUntil(one, "end"), ["three", "end"]);
        }
      }));

    it("gives events that come alone, and those that come together, to who is there then", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const there: { readonly id: string; readonly one: RawClient }[] = [];
        const come = async () => {
          const one = await client();
          there.push({ id: String((await one.json())["client_id"]), one });
          await one.ask({ type: "subscribe", channels: ["news"] });
        };
        const news = hub.channel("news");
        let sent = 0;
        const say = async (count: number, leftOut = 0) => {
          const clients = there.slice(0, leftOut).map(({ id }) => id);
          const texts = Array.from({ length: count }, () => `event ${++sent}`);
          for (const text of texts) void news.publish(text, {}, { exclude: { clients } });
          for (const [i, { one }] of there.entries()) {
            if (i >= leftOut) assertEquals(await takeUntil(one, texts.at(-1)!), texts);
          }
        };
        for (let i = 0; i < 4; i++) await come();
        for (let round = 0; round < 3; round++) {
          for (const count of [1, 1, 3, 1, 2, 2, 1]) {
            for (const leftOut of [0, 1, 2]) await say(count, leftOut);
          }
          await come();
          await say(1);
          const [gone] = there.splice(round, 1);
          hub.unsubscribe(gone!.id, ["news"], "enough");
          await say(1);
          gone!.one.send({ type: "ping" });
          assertEquals(await takeUntil(gone!.one, "[pong]"), ["[unsubscribed]", "[pong]"]);
        }
      }));

    it("answers a publisher after the event it gets back, and leaves out who wants none", () =>
      stage(subject, {}, async ({ client }) => {
        const clients = await Promise.all(Array.from({ length: 5 }, () => client()));
        for (const one of clients) {
          await one.json();
          await one.ask({ type: "subscribe", channels: ["news"] });
        }
        const say = (echo: boolean, event_type: string) =>
          clients[0]!.send({ type: "publish", channel: "news", event_type, data: 1, echo });
        say(true, "back");
        say(false, "away");
        say(true, "end");
        assertEquals(await takeUntil(clients[0]!, "end"), [
          "back",
          "[published]",
          "[published]",
          "end",
        ]);
        for (const one of clients.slice(1)) {
          assertEquals(await takeUntil(one, "end"), ["back", "away", "end"]);
        }
      }));

    it("puts events into batches for those who asked, among what each gets alone", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const clients = await Promise.all(Array.from({ length: 6 }, () => client()));
        const ids: string[] = [];
        for (const [i, one] of clients.entries()) {
          ids.push(String((await one.json())["client_id"]));
          if (i > 0) {
            await one.ask({ type: "hello", features: { batch: { max_ms: 20, max_bytes: 2_000 } } });
          }
          await one.ask({ type: "subscribe", channels: ["news"] });
        }
        const news = hub.channel("news");
        const texts = Array.from({ length: 10 }, (_, i) => `event ${i}`);
        for (const text of texts) void news.publish(text, { fill: "x".repeat(100) });
        void hub.client(ids[1]!).publish("alone", {});
        void news.publish("not for two", {}, { exclude: { clients: [ids[2]!] } });
        void news.publish("large", { fill: "x".repeat(3_000) });
        void news.publish("end", {});
        for (const [i, one] of clients.entries()) {
          assertEquals(await takeUntil(one, "end"), [
            ...texts,
            ...(i === 1 ? ["alone"] : []),
            ...(i === 2 ? [] : ["not for two"]),
            "large",
            "end",
          ]);
        }
        for (const { clientId, messagesSent } of hub.connections()) {
          // Two answers and `connected`; then events one by one, or as many as have room together.
          if (clientId === ids[0]) assertEquals(messagesSent, 2 + 10 + 3);
          else assert(messagesSent < 3 + 8, `${messagesSent} messages`);
        }
      }));

    it("writes to each as it asked, and counts what it wrote", () =>
      stage(subject, {}, async ({ hub, client }) => {
        const clients = await Promise.all(Array.from({ length: 6 }, () => client()));
        for (const [i, one] of clients.entries()) {
          await one.json();
          if (i % 2 === 0) await one.ask({ type: "hello", features: { binary: {} } });
          await one.ask({ type: "subscribe", channels: ["news"] });
        }
        const before = hub.stats();
        const sent = new Map(hub.connections().map((one) => [one.clientId, one.messagesSent]));
        const news = hub.channel("news");
        void news.publish("image", new Media("image", new Uint8Array(1_000)));
        void news.publish("text", { ok: true });
        void news.publish("end", {});
        for (const [i, one] of clients.entries()) {
          const [first, ...rest] = await takeUntil(one, "end");
          assertEquals(/ bytes$/.test(first!), i % 2 === 0);
          assertEquals(rest, ["text", "end"]);
        }
        const after = hub.stats();
        assertEquals(after.eventsDelivered - before.eventsDelivered, 18);
        assertEquals(after.messagesSent - before.messagesSent, 18);
        for (const { clientId, messagesSent } of hub.connections()) {
          assertEquals(messagesSent - sent.get(clientId)!, 3);
        }
        const bytes = hub.connections().reduce((sum, { bytesSent }) => sum + bytesSent, 0);
        assertEquals(bytes, after.bytesSent);
      }));
  });
}
