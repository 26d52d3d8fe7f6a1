/**
 * Publishers and subscribers on a network that fails all the time, and the sums of what became of their
 * events.
 *
 * @module
 */
import { channel } from "../channel/definition.ts";
import { createClient } from "../client/mod.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { CuttingProxy } from "./proxy.ts";
import { raisedRates } from "./raised_rates.ts";
import { runtime, serveHere } from "./serve.ts";

/** How much is to happen. */
export interface FaultOptions {
  /** Events in all. */
  readonly events: number;
  /** Times that a connection is to be cut, at least. */
  readonly cuts: number;
  readonly seed: number;
}

/** What happened; all of the last five must be 0. */
export interface FaultFigures {
  readonly runtime: string;
  readonly seed: number;
  readonly published: number;
  readonly deliveries: number;
  readonly cuts: number;
  readonly stalls: number;
  readonly resumptions: number;
  /** Events that gaps told of. */
  readonly told_missing: number;
  /** Events that a subscriber did not get and was not told of. */
  readonly lost: number;
  /** Events that a subscriber got twice, or that were published twice. */
  readonly doubled: number;
  /** Events that came after a later one. */
  readonly out_of_order: number;
  /** Events that a gap told of, and that came all the same. */
  readonly gaps_told_wrongly: number;
  /** Events of one publisher that stand after a later one of the same. */
  readonly disordered_at_source: number;
}

const PUBLISHERS = 4;
const SUBSCRIBERS = 4;
/** Publications of one client that wait for their answers. */
const WINDOW = 32;
/** About how many bytes an event is on its way to a subscriber. */
const EVENT_BYTES = 150;

/** What one subscriber saw. */
class Ledger {
  readonly #seen = new Set<number>();
  readonly #gaps: { readonly from: number; readonly to: number }[] = [];
  #last = 0;
  doubled = 0;
  outOfOrder = 0;

  event(offset: number): void {
    if (this.#seen.has(offset)) this.doubled++;
    else if (offset < this.#last) this.outOfOrder++;
    this.#seen.add(offset);
    this.#last = Math.max(this.#last, offset);
  }

  gap(from: number | null, to: number | null): void {
    if (from === null || to === null) throw new Error("the epoch changed while the hub lived");
    this.#gaps.push({ from, to });
  }

  /** How far it has come, gaps included. */
  get reached(): number {
    return Math.max(this.#last, ...this.#gaps.map(({ to }) => to));
  }

  get deliveries(): number {
    return this.#seen.size;
  }

  /** Which of the events from `first` to `head` did not come, and which of those were told. */
  sums(first: number, head: number): { lost: number; told: number; wrong: number } {
    const told = new Set<number>();
    let wrong = 0;
    for (const { from, to } of this.#gaps) {
      for (let offset = from; offset <= to; offset++) {
        told.add(offset);
        if (this.#seen.has(offset)) wrong++;
      }
    }
    let lost = 0;
    for (let offset = first; offset <= head; offset++) {
      if (!this.#seen.has(offset) && !told.has(offset)) lost++;
    }
    return { lost, told: told.size, wrong };
  }
}

/** Runs it, and gives the figures. */
export async function runFault({ events, cuts, seed }: FaultOptions): Promise<FaultFigures> {
  const hub = createHub({
    auth: allowAnonymous(),
    channels: { fault: channel({ permissions: { "*": ["subscribe", "broadcast"] } }) },
    rates: raisedRates,
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
  });
  const server = await serveHere(hub);
  const proxy = await CuttingProxy.open(server.port, { seed });
  const options = {
    url: `${proxy.url}/ws`,
    reconnect: { initialDelay: 5, maxDelay: 50, attempts: 0 },
  };
  let resumptions = 0;

  /** What the hub itself gave each place: the truth that the subscribers are held to. */
  const truth = new Map<number, { publisher: number; sequence: number }>();
  const ledgers = Array.from({ length: SUBSCRIBERS }, () => new Ledger());
  const subscribers = ledgers.map((ledger) => {
    const client = createClient(options);
    client.on("gap", ({ from, to }) => ledger.gap(from, to));
    client.on("resumed", () => void resumptions++);
    return { client, ledger };
  });
  for (const { client, ledger } of subscribers) {
    await client.connect();
    await client.subscribe("fault", ({ offset, data }) => {
      ledger.event(offset);
      truth.set(offset, data as { publisher: number; sequence: number });
    });
  }

  const publishers = Array.from({ length: PUBLISHERS }, () => createClient(options));
  for (const client of publishers) await client.connect();

  // Each connection lives for so many bytes that all together are cut often enough.
  const traffic = events * EVENT_BYTES * (SUBSCRIBERS + 2);
  proxy.split(4_096);
  proxy.trouble({ bytes: Math.max(256, Math.floor(traffic / cuts)), stall: 20 });

  const each = Math.floor(events / PUBLISHERS);
  await Promise.all(publishers.map((client, publisher) => publishAll(client, publisher, each)));
  const published = each * PUBLISHERS;

  async function publishAll(
    client: ReturnType<typeof createClient>,
    publisher: number,
    count: number,
  ): Promise<void> {
    const waiting: Promise<unknown>[] = [];
    for (let sequence = 1; sequence <= count; sequence++) {
      if (waiting.length >= WINDOW) await waiting.shift();
      waiting.push(client.publish("fault", "numbered", { publisher, sequence }));
    }
    await Promise.all(waiting);
  }

  // Where chance cut too seldom, the rest of the cuts come while the last events are caught up with.
  while (proxy.counts.ended + proxy.counts.reset < cuts) {
    proxy.cut(proxy.random.fraction() < 0.5 ? "end" : "reset");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  proxy.trouble(undefined);

  const { offset: head } = await hub.channel("fault").publish("end", {
    publisher: -1,
    sequence: 0,
  });
  while (ledgers.some(({ reached }) => reached < head)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const client of [...publishers, ...subscribers.map(({ client }) => client)]) {
    await client.disconnect();
  }
  await proxy.close();
  await hub.drain();
  await server.close();

  const sums = ledgers.map((ledger) => ledger.sums(1, head));
  const total = (of: (index: number) => number) => ledgers.reduce((n, _, i) => n + of(i), 0);
  return {
    runtime,
    seed,
    published,
    deliveries: total((i) => ledgers[i]!.deliveries),
    cuts: proxy.counts.ended + proxy.counts.reset,
    stalls: proxy.counts.stalled,
    resumptions,
    told_missing: total((i) => sums[i]!.told),
    lost: total((i) => sums[i]!.lost) + Math.max(0, published + 1 - head),
    doubled: total((i) => ledgers[i]!.doubled) + Math.max(0, head - published - 1),
    out_of_order: total((i) => ledgers[i]!.outOfOrder),
    gaps_told_wrongly: total((i) => sums[i]!.wrong),
    disordered_at_source: disorder(truth),
  };
}

/** How many events stand after a later one of the same publisher, or twice. */
function disorder(truth: ReadonlyMap<number, { publisher: number; sequence: number }>): number {
  const newest = new Map<number, number>();
  let disordered = 0;
  for (const offset of [...truth.keys()].sort((a, b) => a - b)) {
    const { publisher, sequence } = truth.get(offset)!;
    if (sequence <= (newest.get(publisher) ?? -1)) disordered++;
    newest.set(publisher, sequence);
  }
  return disordered;
}

/** Whether nothing was lost, doubled, disordered or told wrongly. */
export function isFlawless(figures: FaultFigures): boolean {
  const { lost, doubled, out_of_order, gaps_told_wrongly, disordered_at_source } = figures;
  return lost + doubled + out_of_order + gaps_told_wrongly + disordered_at_source === 0;
}
