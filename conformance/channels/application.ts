/**
 * Cases of PROTOCOL.md, "Application messages".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import { SERVER_MESSAGES } from "./protocol.ts";

export const cases: readonly Case[] = [
  check("HDL-APP-2", "payload", "the content is payload", async (server) => {
    const client = await server.connect();
    const content = { deep: ["ü", null, { a: 1 }] };
    const answer = await client.ask(server.application("kit.echo", { content }));
    expectSame(answer["payload"], { content }, "payload");
  }),
  check("HDL-APP-2", "absent", "absent or null it is the empty object", async (server) => {
    const client = await server.connect();
    const message = server.application("kit.echo");
    for (const given of [message, { ...message, payload: null }]) {
      const answer = await client.ask(given);
      expect(answer.type === "kit.done", "kit.done", answer);
    }
  }),
  check(
    "HDL-APP-3",
    "payload-invalid",
    "a payload that does not fit gets payload_invalid",
    async (server) => {
      const client = await server.connect();
      for (const payload of [{ times: "often" }, { times: -1 }, [], 5, "kit"]) {
        await client.refused({ ...server.application("kit.echo"), payload }, "payload_invalid");
      }
      await client.alive();
    },
  ),
  check("HDL-APP-3", "internal", "a message whose handler fails gets internal", async (server) => {
    const client = await server.connect();
    await client.refused(server.application("kit.fail"), "internal");
    await client.alive();
  }),
  check("HDL-APP-4", "form", "an answer is type, payload, timestamp and the id", async (server) => {
    const client = await server.connect();
    const answer = await client.ask(server.application("kit.echo", { content: 1 }));
    const names = Object.keys(answer).sort();
    expectSame(names, ["correlation_id", "payload", "timestamp", "type"], "its fields");
    expect(!SERVER_MESSAGES.has(answer.type), "a type that is not reserved", answer);
    client.send(server.application("kit.echo", { content: 2 }));
    const plain = await client.message("kit.done");
    expectSame(Object.keys(plain).sort(), ["payload", "timestamp", "type"], "fields without an id");
  }),
];
