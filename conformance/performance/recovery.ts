/**
 * What clients missed, told to all of them at once.
 *
 * @module
 */
import { isRecord } from "../channels/shape.ts";
import { awakeNow } from "../wire/clock.ts";
import { allowanceOf, burstOf } from "./allowance.ts";
import type { Bench, Greeted } from "./bench.ts";
import { type Place, placeOf, publicationOf, publishingRounds, roundsWithin } from "./channels.ts";
import { roomBeside } from "./fan_out.ts";
import type { Line } from "./line.ts";
import { type Measured, type Measuring, planOf } from "./measure.ts";
import { playRounds, type Side } from "./rounds.ts";
import { Trouble } from "./trouble.ts";

/** The load that is wanted: events that were missed, clients that missed them, how often. */
const LOAD = { events: 100, clients: 10, rounds: 20 } as const;

/** How many are published before the first must have come. */
const AT_ONCE = 20;

/** Milliseconds for anything between rounds. */
const PATIENCE = 2_000;

/** A past that clients have missed. */
interface Past {
  readonly publisher: Greeted;
  /** Was there, and heard it. */
  readonly witness: Greeted;
  readonly events: number;
  /** The position before it. */
  readonly position: unknown;
  readonly notes: readonly string[];
}

export const recovering: Measuring = {
  id: "performance/recovery",
  level: "channels",
  title: "From subscribe with a position to the last missed event, at the last of many clients",
  async run(bench): Promise<Measured> {
    const place = placeOf(bench);
    const ready = bench.ready();
    const past = await publishPast(bench, place, ready);
    const { publisher, witness, events } = past;
    const most = Math.min(LOAD.clients, roomBeside(publisher, witness));
    if (most === 0) throw new Trouble("one user may have no third connection");
    const { had: clients, why } = await bench.several(
      most,
      (until) => bench.greeted(place.role, ready, until),
    );
    const [first] = clients;
    if (first === undefined) throw new Trouble(why ?? "no client");
    const { rounds: wanted, notes } = roundsWithin(first.greeting, "subscribe", LOAD.rounds);
    await tryOut(first.line, place, past);
    const target = missedOf(place, past, clients);
    const raw = await bareOf(bench, past, clients.length);
    const rounds = await playRounds(target, raw, planOf(bench, wanted, bench.patience));
    const told = clients.length === 1 ? "client" : `last of ${clients.length} clients`;
    return {
      title:
        `From subscribe with a position to the last of ${events} missed events, at the ${told}`,
      wanted,
      rounds,
      unit: "events",
      notes: [
        ...past.notes,
        ...notes,
        ...(clients.length === LOAD.clients ? [] : [
          `${clients.length} clients of ${LOAD.clients}: ${why ?? "one user may have no more"}`,
        ]),
      ],
    };
  },
};

/** Publishes what is to be missed. @throws Trouble where nothing is taken */
async function publishPast(bench: Bench, place: Place, ready: number): Promise<Past> {
  const publisher = await bench.greeted(place.role, ready);
  const witness = await bench.greeted(place.role, ready);
  const { positions } = await witness.line.subscribe(place.name, ready);
  const position = isRecord(positions) ? positions[place.name] : undefined;
  if (position === undefined) throw new Trouble("subscribed told no position");
  const most = Math.min(allowanceOf(publisher.greeting, "publish") - 1, place.kept);
  const wanted = Math.max(Math.min(LOAD.events, most), 1);
  const atOnce = Math.max(Math.min(AT_ONCE, burstOf(publisher.greeting, "publish")), 1);
  const rounds = Math.ceil(wanted / atOnce);
  const count = Math.floor(wanted / rounds);
  const publication = publicationOf(bench, publisher.line, publisher.greeting, place.name);
  const publishing = publishingRounds(publisher.line, publication, count, [witness.line]);
  const { sent, why } = await playRounds(publishing, null, { ...planOf(bench, rounds), warmUp: 0 });
  if (sent === 0) throw new Trouble(why ?? "nothing was published");
  const notes = sent === LOAD.events
    ? []
    : [`${sent} missed events of ${LOAD.events}: ${why ?? "the server's rates or history"}`];
  return { publisher, witness, events: sent, position, notes };
}

/** Whether all of it is to be had. @throws Trouble where the server says that it is not */
async function tryOut(line: Line, { name }: Place, { events, position }: Past): Promise<void> {
  const limit = awakeNow() + PATIENCE;
  const { recovered } = await line.ask(recoveryOf(name, position), limit);
  if (!isRecord(recovered) || recovered[name] !== true) {
    throw new Trouble(`of ${events} missed events the server told: recovered is not true`);
  }
  await forget(line, name);
}

/** Leaves the channel, to come back to it as one that has heard nothing. */
async function forget(line: Line, channel: string): Promise<void> {
  await line.ask({ type: "unsubscribe", channels: [channel] }, awakeNow() + PATIENCE);
  line.forget();
}

function recoveryOf(channel: string, position: unknown) {
  return { type: "subscribe", channels: [channel], positions: { [channel]: position } };
}

function missedOf({ name }: Place, past: Past, clients: readonly Greeted[]): Side {
  const { events, position } = past;
  const hearers = clients.map(({ line }) => line);
  return {
    hearers,
    async round(number) {
      if (number > 0) {
        if (hearers.some(({ heard }) => heard.size < events)) {
          throw new Trouble("what was missed did not all come");
        }
        await Promise.all(hearers.map((line) => forget(line, name)));
      }
      const message = recoveryOf(name, position);
      return {
        sends: hearers.map((line) => [line, line.encodeMessage(message)] as const),
        from: 0,
        count: events,
      };
    },
  };
}

/** Bare sockets that were written the same events before, and are now asked for them. */
async function bareOf(bench: Bench, past: Past, clients: number): Promise<Side | null> {
  const { witness: { line: witness }, events } = past;
  const keeper = await bench.beside("keep");
  if (keeper === null) return null;
  const hearers = await bench.besides(clients, "past");
  const question = new Uint8Array(1);
  let kept = false;
  return {
    hearers,
    async round() {
      if (!kept) {
        keeper.wire.write(witness.samples(0, events));
        await keeper.hear(events, awakeNow() + PATIENCE);
        kept = true;
      }
      for (const line of hearers) line.forget();
      return { sends: hearers.map((line) => [line, question] as const), from: 0, count: events };
    },
  };
}
