import { type Reached, Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

const EVENTS = 1_000;

/** How fast many clients who come at once get all that they have missed. */
export const recovery: Scenario = {
  name: "recovery",
  title: `Recovery of ${EVENTS} missed events by all clients at once`,
  targets: [
    "heddle on Node",
    "heddle on Bun",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { connections }, note) {
    const clients = Math.ceil(connections / 10);
    await Session.with(name, async (session) => {
      const { greeting } = await session.open(1);
      await session.close();
      const { positions } = JSON.parse(greeting) as {
        positions: { b: { epoch: string } };
      };
      const position = { epoch: positions.b.epoch, offset: 0 };
      await session.server.ask({
        ask: "burst",
        ticks: EVENTS,
        events: 1,
        size: 128,
        kind: "plain",
      });
      await session.open(clients, {
        channel: null,
        features: null,
        isBatched: false,
      });
      await session.client.ask({ ask: "count" });
      const before = await session.cpu();
      const text = JSON.stringify({
        type: "subscribe",
        channels: ["b"],
        positions: { b: position },
      });
      await session.client.ask({ ask: "send", text });
      // The events, and to each the answer.
      const frames = clients * (EVENTS + 1);
      const { seconds } = await session.client.ask<Reached>({
        ask: "reach",
        frames,
      });
      const cell = `${clients} clients`;
      note(cell, "events/s", clients * EVENTS / seconds);
      note(cell, "seconds", seconds);
      note(
        cell,
        "CPU µs",
        (await session.cpu() - before) / (clients * EVENTS) * 1e6,
      );
    });
  },
};
