/**
 * One publisher and many subscribers.
 *
 * @module
 */
import { allowanceOf, burstOf, limitOf } from "./allowance.ts";
import type { Bench, Greeted } from "./bench.ts";
import { placeOf, publicationOf, publishingRounds, roundsWithin } from "./channels.ts";
import type { Line } from "./line.ts";
import { type Measured, type Measuring, planOf, WARM_UP } from "./measure.ts";
import { playRounds, type Side } from "./rounds.ts";

/** The load that is wanted: subscribers; samples, one event each; bursts, and the events of each. */
const LOAD = { subscribers: 50, events: 100, bursts: 10, burst: 20 } as const;

/** A publisher and its subscribers, as many as there is room for. */
interface Audience {
  readonly publisher: Greeted;
  readonly publication: (number: number) => Uint8Array;
  readonly subscribers: readonly Line[];
  readonly notes: readonly string[];
}

export const oneByOne: Measuring = {
  id: "performance/fan-out",
  level: "channels",
  title: "From publish to its event at the last of many subscribers",
  async run(bench): Promise<Measured> {
    const audience = await gather(bench);
    const { greeting } = audience.publisher;
    const { rounds: wanted, notes } = roundsWithin(greeting, "publish", LOAD.events);
    const rounds = await playFanOut(bench, audience, 1, wanted);
    return {
      title: `From publish to its event at ${subscribersOf(audience)}`,
      wanted,
      rounds,
      unit: "deliveries",
      notes: [...audience.notes, ...notes],
    };
  },
};

export const allAtOnce: Measuring = {
  id: "performance/burst",
  level: "channels",
  title: "From many publish at once to the last event at the last of many subscribers",
  async run(bench): Promise<Measured> {
    const audience = await gather(bench);
    const { greeting } = audience.publisher;
    const allowed = allowanceOf(greeting, "publish") - 1;
    const wanted = Math.max(Math.min(LOAD.bursts, allowed - WARM_UP), 1);
    const share = Math.floor(allowed / (wanted + WARM_UP));
    const burst = Math.max(Math.min(LOAD.burst, burstOf(greeting, "publish"), share), 1);
    const rounds = await playFanOut(bench, audience, burst, wanted);
    const smaller = burst === LOAD.burst && wanted === LOAD.bursts
      ? []
      : [`the server's rates and limits allow for ${burst} publish at once, ${wanted} times`];
    return {
      title: `From ${burst} publish at once to the last event at ${subscribersOf(audience)}`,
      wanted,
      rounds,
      unit: "deliveries",
      deliveries: burst * audience.subscribers.length,
      notes: [...audience.notes, ...smaller],
    };
  },
};

/** Rounds of so many events; bare sockets hand the same events from one to as many. */
async function playFanOut(bench: Bench, audience: Audience, count: number, rounds: number) {
  const { publisher, publication, subscribers } = audience;
  const [first] = subscribers;
  const target = publishingRounds(publisher.line, publication, count, subscribers);
  const plan = planOf(bench, rounds, count === 1 ? undefined : bench.patience);
  const teller = await bench.beside("tell");
  if (teller === null || first === undefined) return await playRounds(target, null, plan);
  const hearers = await bench.besides(subscribers.length, "hear");
  const raw: Side = {
    hearers,
    round(number) {
      const from = number * count;
      return { sends: [[teller, first.samples(from, count)]], from, count };
    },
  };
  return await playRounds(target, raw, plan);
}

async function gather(bench: Bench): Promise<Audience> {
  const { name, role } = placeOf(bench);
  const ready = bench.ready();
  const publisher = await bench.greeted(role, ready);
  const subscribe = async (until = ready): Promise<Greeted> => {
    const greeted = await bench.greeted(role, ready, until);
    await greeted.line.subscribe(name, ready);
    return greeted;
  };
  const first = await subscribe();
  const room = roomBeside(publisher, first);
  const most = Math.min(LOAD.subscribers, room + 1);
  const { had, why } = await bench.several(most - 1, subscribe);
  const subscribers = [first, ...had].map(({ line }) => line);
  const reason = why ?? `one user may have ${room + 2} connections`;
  return {
    publisher,
    publication: publicationOf(bench, publisher.line, publisher.greeting, name),
    subscribers,
    notes: subscribers.length === LOAD.subscribers
      ? []
      : [`${subscribers.length} subscribers of ${LOAD.subscribers}: ${reason}`],
  };
}

/** How many more connections there is room for beside two, where all are of one user. */
export function roomBeside({ greeting }: Greeted, other: Greeted): number {
  const user = greeting["user_id"];
  if (user === null || user !== other.greeting["user_id"]) return Infinity;
  return Math.max(limitOf(greeting, "connections_per_user") - 2, 0);
}

function subscribersOf({ subscribers: { length } }: Audience): string {
  return length === 1 ? "the one subscriber" : `the last of ${length} subscribers`;
}
