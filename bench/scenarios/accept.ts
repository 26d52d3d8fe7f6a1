import { tokenIssuer } from "../../mod.ts";
import { SECRET } from "../servers/token.ts";
import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

/**
 * How fast connections are taken: the hub checks a token of each, and greets it. Clients that come back
 * have the token they had.
 */
export const accept: Scenario = {
  name: "accept",
  title: "Connections taken; the hub checks a token of each",
  targets: [
    "ws loop on Node",
    "ws on Node, token checked",
    "heddle on Node",
    "Socket.IO on Node",
    "Bun native publish",
    "Bun.serve, token checked",
    "heddle on Bun",
    "Deno.serve loop",
    "Deno.serve, token checked",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { effort, connections }, note) {
    const count = Math.min(connections, Math.ceil(1_500 * effort));
    const warm = await tokensFor(count);
    const tokens = await tokensFor(count);
    await Session.with(name, async (session) => {
      const measured = async (queries: readonly string[], cell?: string) => {
        const before = await session.cpu();
        const { seconds } = await session.open(count, { channel: null, queries });
        if (cell !== undefined) {
          note(cell, "connections/s", count / seconds);
          note(cell, "CPU µs", (await session.cpu() - before) / count * 1e6);
        }
        await session.close();
        // What is left to do for those who went is not to be counted.
        await new Promise((resolve) => setTimeout(resolve, 500));
      };
      // A server that has just started is still being compiled: those that come first cost twice as much.
      for (let round = 0; round < 4; round++) await measured(warm);
      await measured(tokens, "tokens seen first");
      await measured(tokens, "tokens seen before");
    });
  },
};

/** Queries with a token each. */
async function tokensFor(count: number): Promise<readonly string[]> {
  const issuer = tokenIssuer({ secret: SECRET });
  const issued = Array.from(
    { length: count },
    () => issuer.issue({ userId: "u1", role: "viewer" }),
  );
  return (await Promise.all(issued)).map((token) => `token=${token}`);
}
