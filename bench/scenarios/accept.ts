import { tokenIssuer } from "../../mod.ts";
import { SECRET } from "../servers/token.ts";
import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

/** How fast connections are taken: the hub checks a token of each, and greets it. */
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
    const token = await tokenIssuer({ secret: SECRET }).issue({
      userId: "u1",
      role: "viewer",
    });
    const query = `token=${token}`;
    const count = Math.min(connections, Math.ceil(1_500 * effort));
    await Session.with(name, async (session) => {
      await session.open(count, { channel: null, query });
      await session.close();
      // What is left to do for those who went is not to be counted.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const before = await session.cpu();
      const { seconds } = await session.open(count, { channel: null, query });
      note("each with a token", "connections/s", count / seconds);
      note(
        "each with a token",
        "CPU µs",
        (await session.cpu() - before) / count * 1e6,
      );
    });
  },
};
