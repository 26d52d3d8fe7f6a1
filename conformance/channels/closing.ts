/**
 * Cases of PROTOCOL.md, "Closing".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import type { Ended } from "./client.ts";
import { goingDown } from "./going_down.ts";
import { CLOSE_CODES } from "./protocol.ts";
import type { Server } from "./server.ts";

/** A connection that the application ends by a code. */
async function closed(server: Server, code: number): Promise<Ended> {
  const [client, other] = [await server.connect(), await server.connect()];
  await server.act(other, "kit.close", { client: client.id, code, reason: "the kit's reason" });
  return await client.ended();
}

/** The `disconnected` that came before the end; undefined without one. */
function notice({ last }: Ended) {
  return last.find(({ type }) => type === "disconnected");
}

/** A code, or what stands in its place where a runtime's WebSocket cannot send it. */
function fits(code: number | null, wanted: number): boolean {
  return code === wanted || wanted > 1000 && wanted < 1016 && code === wanted + 3000;
}

export const cases: readonly Case[] = [
  watch(
    "HDL-CLO-1",
    "table",
    "a server closes with a code of the table or of an application",
    async (server) => {
      for (const code of [1000, 4403, 3500]) {
        const end = await closed(server, code);
        expect(end.code !== null, "a Close frame with a code", "none");
      }
    },
  ),
  check(
    "HDL-CLO-1",
    "applications",
    "the application's code is the one that comes",
    async (server) => {
      for (const code of [3000, 4999]) {
        const { code: found, reason } = await closed(server, code);
        expectSame([found, reason], [code, "the kit's reason"], "code and reason");
      }
    },
  ),
  watch("HDL-CLO-2", "silence", "nothing comes after the Close frame", async (server) => {
    const { name } = server.channel();
    const [client, other] = [await server.connect(), await server.connect()];
    await client.subscribe(name);
    const publisher = await server.connect();
    // Both at once: where the first is skipped, nobody may be left waiting for it.
    await Promise.all([
      server.act(other, "kit.close", { client: client.id, code: 4000, reason: "" }),
      publisher.publishMany(name, 30),
    ]);
    await client.ended();
    await client.rest();
  }),
  check(
    "HDL-CLO-3",
    "told",
    "disconnected comes before a close that the server starts",
    async (server) => {
      for (const code of [1000, 1013, 4000]) {
        const end = await closed(server, code);
        const told = notice(end);
        expect(told !== undefined, `disconnected before ${code}`, end.last);
        expectSame(told["reason"], end.reason, "the reason");
      }
    },
  ),
  check("HDL-CLO-4", "going-down", "a server that goes down closes with 1012", async (server) => {
    for (const { code } of (await goingDown(server)).ends) {
      expect(fits(code, 1012), "1012", String(code));
    }
  }),
  check("HDL-CLO-5", "codes", "each code comes as it is, or plus 3000", async (server) => {
    for (const code of [1008, 1011, 1012, 1013]) {
      const end = await closed(server, code);
      expect(fits(end.code, code), `${code}, or ${code + 3000}`, String(end.code));
    }
  }),
  check("HDL-CLO-10", "retry", "with a token where one is to come back", async (server) => {
    for (const code of [1011, 1013, 4000]) {
      const told = notice(await closed(server, code));
      if (told === undefined) throw new Skipped("no disconnected comes before a close");
      const { reconnection_token, expires_in } = told;
      const right = typeof reconnection_token === "string" && typeof expires_in === "number";
      expect(right, `reconnection_token and expires_in before ${code}`, told);
    }
  }),
  check("HDL-CLO-10", "terminal", "and without where one is not", async (server) => {
    for (const code of [1000, 1008, 4403, 4429]) {
      expect(CLOSE_CODES.get(code)?.action === "terminal", `${code} to be terminal`, "it is not");
      const told = notice(await closed(server, code));
      if (told === undefined) throw new Skipped("no disconnected comes before a close");
      const none = !Object.hasOwn(told, "reconnection_token") && !Object.hasOwn(told, "expires_in");
      expect(none, `neither reconnection_token nor expires_in before ${code}`, told);
    }
  }),
  check("HDL-CLO-11", "spread", "each is told another time to come back", async (server) => {
    const { ends } = await goingDown(server);
    const times = ends.map((end) => notice(end)?.["retry_after"]);
    for (const time of times) {
      const right = typeof time === "number" && time >= 0 && time <= 5;
      expect(right, "a retry_after of 0 to 5 seconds", times);
    }
    const numbers = times.map(Number);
    expect(new Set(numbers).size > numbers.length / 2, "times of their own", numbers);
    expect(
      Math.max(...numbers) - Math.min(...numbers) > 1.5,
      "times spread over 5 seconds",
      numbers,
    );
  }),
];
