import { type Reached, Session } from "../session.ts";
import type { Note, Scenario, TargetName } from "./scenario.ts";

const EVENTS = 1_000;
const SIZE = 128;

/** What has no past writes as much of the present, as many events at once as the raw server of the fan-out. */
const RAW = "raw net, together" satisfies TargetName;
const RAW_EVENTS = 16;

/** How fast many clients who come at once get all that they have missed. */
export const recovery: Scenario = {
  name: "recovery",
  title: `Recovery of ${EVENTS} missed events by all clients at once`,
  targets: [
    RAW,
    "heddle on Node",
    "heddle on Bun",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { connections }, note) {
    const clients = Math.ceil(connections / 10);
    await Session.with(
      name,
      (session) => name === RAW ? write(session, clients, note) : recover(session, clients, note),
    );
  },
};

async function write(session: Session, clients: number, note: Note): Promise<void> {
  await session.open(clients);
  const deliveries = clients * EVENTS;
  const load = { subscribers: clients, size: SIZE, events: RAW_EVENTS, deliveries };
  const { cpu, rate } = await session.burst(load);
  noteAll(note, clients, { cpu, seconds: deliveries / rate });
}

async function recover(session: Session, clients: number, note: Note): Promise<void> {
  const { greeting } = await session.open(1);
  await session.close();
  const { positions } = JSON.parse(greeting) as { positions: { b: { epoch: string } } };
  const position = { epoch: positions.b.epoch, offset: 0 };
  await session.server.ask({ ask: "burst", ticks: EVENTS, events: 1, size: SIZE, kind: "plain" });
  await session.open(clients, { channel: null, features: null, isBatched: false });
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
  const { seconds } = await session.client.ask<Reached>({ ask: "reach", frames });
  const cpu = (await session.cpu() - before) / (clients * EVENTS) * 1e6;
  noteAll(note, clients, { cpu, seconds });
}

/** @param cpu Microseconds an event. */
function noteAll(
  note: Note,
  clients: number,
  { cpu, seconds }: { readonly cpu: number; readonly seconds: number },
): void {
  const cell = `${clients} clients`;
  note(cell, "events/s", clients * EVENTS / seconds);
  note(cell, "seconds", seconds);
  note(cell, "CPU µs", cpu);
}
