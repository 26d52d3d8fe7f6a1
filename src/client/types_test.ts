/**
 * What the types of a client permit. The compiler is the test; that the file runs shows it was compiled.
 */
import { it } from "node:test";
import { z } from "zod";
import { channel } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { message } from "../hub/message.ts";
import { Media } from "../protocol/event.ts";
import { createClient, type EncodedMedia } from "./mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

function assertType<_T extends true>(): void {}

const hub = createHub({
  auth: allowAnonymous(),
  channels: {
    metrics: channel({
      events: {
        system_metrics: z.object({ cpu_percent: z.number(), at: z.date() }),
        reset: z.object({ reason: z.string().default("none") }),
      },
    }),
    "room:*": channel({ events: { chat: z.object({ text: z.string() }) } }),
    "room:lobby": channel({ events: { notice: z.object({ html: z.string() }) } }),
    signals: channel({ events: { "signal.*": z.object({ name: z.string() }) } }),
    camera: channel({ events: { image: z.instanceof(Media) } }),
    anything: channel(),
  },
  messages: {
    user_message: message(z.object({ content: z.string() }), () => {}),
    refresh: message(z.object({ force: z.boolean().optional() }), () => {}),
  },
});

/** Compiled, never called. */
async function typed(): Promise<void> {
  const client = createClient<typeof hub>({ url: "ws://localhost" });

  await client.subscribe("metrics", (event) => {
    assertType<Equal<typeof event["channel"], "metrics">>();
    if (event.event_type === "system_metrics") {
      assertType<Equal<typeof event.data, { cpu_percent: number; at: string }>>();
    } else {
      assertType<Equal<typeof event.event_type, "reset">>();
      assertType<Equal<typeof event.data, { reason: string }>>();
    }
    assertType<Equal<typeof event.offset, number>>();
    // @ts-expect-error no such field
    void event.data.memory_mb;
  });
  await client.subscribe("room:42", (event) => {
    assertType<Equal<typeof event.data, { text: string }>>();
  });
  await client.subscribe("room:lobby", (event) => {
    assertType<Equal<typeof event.data, { html: string }>>();
  });
  await client.subscribe("signals", (event) => {
    assertType<Equal<typeof event.event_type, `signal.${string}`>>();
    assertType<Equal<typeof event.data, { name: string }>>();
  });
  await client.subscribe("camera", ({ data }) => {
    assertType<Equal<typeof data, Media | EncodedMedia>>();
  });
  await client.subscribe("anything", (event) => {
    assertType<Equal<typeof event.data, unknown>>();
    assertType<Equal<typeof event.event_type, string>>();
  });
  await client.subscribe("metrics", async () => {
    await client.ping();
  });
  // @ts-expect-error no such channel
  await client.subscribe("metric", () => {});
  // @ts-expect-error no such pattern
  await client.subscribe("rooms:1", () => {});

  await client.publish("metrics", "system_metrics", { cpu_percent: 1, at: new Date() });
  await client.publish("metrics", "reset", {});
  await client.publish("room:42", "chat", { text: "hi" }, { echo: false, id: "1" });
  await client.publish("signals", "signal.up", { name: "up" });
  await client.publish("camera", "image", new Media("image", new Uint8Array()));
  await client.publish("anything", "what", 1);
  // @ts-expect-error the data does not fit
  await client.publish("metrics", "system_metrics", { cpu_percent: "1" });
  // @ts-expect-error no such event
  await client.publish("metrics", "chat", { text: "hi" });
  // @ts-expect-error the exact channel has another event than the pattern
  await client.publish("room:lobby", "chat", { text: "hi" });

  const reply = await client.request("user_message", { content: "hi" }, { timeout: 5 });
  assertType<Equal<typeof reply.payload, unknown>>();
  await client.request("refresh");
  for await (const part of client.stream("refresh", {}, { until: ["done"] })) void part.type;
  client.send("user_message", { content: "hi" });
  client.send("refresh");
  // @ts-expect-error a payload is needed
  await client.request("user_message");
  // @ts-expect-error the payload does not fit
  client.send("user_message", { content: 1 });
  // @ts-expect-error no such message
  client.send("user_messages", { content: "hi" });

  client.on("disconnected", ({ code, willReconnect }) => void [code, willReconnect]);
  // @ts-expect-error no such event
  client.on("gone", () => {});
}

/** Compiled, never called. */
async function untyped(): Promise<void> {
  const client = createClient({ url: "ws://localhost" });
  await client.subscribe("any", (event) => {
    assertType<Equal<typeof event.channel, "any">>();
    assertType<Equal<typeof event.event_type, string>>();
    assertType<Equal<typeof event.data, unknown>>();
  });
  const name: string = "a" + "b";
  await client.subscribe(name, () => {});
  await client.publish(name, "type", { any: 1 });
  await client.request("anything");
  await client.request("anything", { any: 1 }, { timeout: 1 });
  client.send("anything", null);
}

/** Compiled, never called. */
function withoutChannels(): void {
  const empty = createHub({ auth: allowAnonymous() });
  const client = createClient<typeof empty>({ url: "ws://localhost" });
  // @ts-expect-error the hub declares no channel
  void client.subscribe("any", () => {});
}

it("The types of a client follow from the type of its hub", () => {
  void [typed, untyped, withoutChannels];
});
