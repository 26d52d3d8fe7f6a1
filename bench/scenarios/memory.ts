import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

/** What the process holds more of the machine's memory for each idle connection, subscribed to one channel. */
export const memory: Scenario = {
  name: "memory",
  title: "Memory of an idle connection",
  targets: [
    "raw net on Node",
    "ws loop on Node",
    "heddle on Node",
    "Socket.IO on Node",
    "Bun native publish",
    "heddle on Bun",
    "Deno.serve loop",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { connections }, note) {
    await Session.with(name, async (session) => {
      const warm = Math.ceil(connections / 20);
      await session.open(warm);
      const before = await session.memory();
      // Those that are there stay.
      await session.open(connections);
      const each = (await session.memory() - before) / (connections - warm) /
        1024;
      note(`${connections} connections`, "KiB each", each);
    });
  },
};
