/**
 * What is measured of any WebSocket server.
 *
 * @module
 */
import { Skipped } from "../peer/finding.ts";
import { bytesOf } from "../wire/bytes.ts";
import { awakeNow } from "../wire/clock.ts";
import { ping, text } from "../wire/frame.ts";
import type { RequestSpec } from "../wire/handshake.ts";
import type { Bench } from "./bench.ts";
import { Line } from "./line.ts";
import { type Measured, type Measuring, playTrips, WARM_UP } from "./measure.ts";
import { timeLimit, Trouble } from "./trouble.ts";

/** Samples that are wanted. */
const SAMPLES = { connect: 100, roundTrip: 200 } as const;

/** Bytes of an echo, and of a Ping, which can have no more. */
const SIZE = { echo: 128, ping: 125 } as const;

/** A target that limits requests is to have some left for the other measures. */
const SHARE_OF_REQUESTS = 1 / 4;

export const connecting: Measuring = {
  id: "performance/connect",
  level: "wire",
  title: "TCP and the opening handshake",
  async run(bench): Promise<Measured> {
    const most = (bench.facts.offer?.requests?.most ?? Infinity) * SHARE_OF_REQUESTS;
    const wanted = Math.max(Math.min(SAMPLES.connect, Math.floor(most) - WARM_UP), 1);
    const request = await requestOf(bench);
    const began = awakeNow();
    const { deadline } = bench.limits();
    const times = { target: [] as number[], raw: [] as number[] };
    let why: string | null = null;
    const ways = [
      async () => times.target.push(await connectOnce(bench, request, deadline)),
      async () => times.raw.push(...await connectBare(bench)),
    ];
    for (let number = 0; number < WARM_UP + wanted && why === null; number++) {
      if (awakeNow() >= deadline) why = timeLimit(began, deadline);
      try {
        for (const way of why === null ? ways : []) await way();
      } catch (error) {
        if (!(error instanceof Trouble) || number === 0) throw error;
        why = error.message;
      }
      ways.reverse();
    }
    for (const all of Object.values(times)) all.splice(0, WARM_UP);
    const { title } = connecting;
    const sent = times.target.length;
    return { title, wanted, unit: "connections", rounds: { ...times, sent, lost: 0, why } };
  },
};

async function connectOnce(
  bench: Bench,
  request: RequestSpec,
  deadline: number,
): Promise<number> {
  await settled();
  const { wire, took } = await bench.connect(request, deadline);
  await new Line(wire, bench.marks, bench.peer.random).close();
  return took;
}

async function connectBare({ bare }: Bench): Promise<number[]> {
  if (bare === null) return [];
  await settled();
  const began = performance.now();
  const wire = await bare.connect("echo");
  const took = performance.now() - began;
  wire.abandon();
  return [took];
}

/** What the connection before left to be cleared up is none of the next one's. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** As the kit's usual client asks, or where that cannot, as the endpoint was first asked. */
async function requestOf({ server }: Bench) {
  try {
    return await server?.requestOf() ?? {};
  } catch (error) {
    if (error instanceof Skipped) return {};
    throw error;
  }
}

export const roundTrip: Measuring = {
  id: "performance/round-trip",
  level: "wire",
  title: "From a message to its echo, or from a Ping to its Pong",
  async run(bench): Promise<Measured> {
    const { echoes } = bench.facts;
    const line = await bench.line(await requestOf(bench), bench.ready());
    const most = Math.min(bench.peer.maxMessage ?? Infinity, SIZE.echo);
    const size = echoes ? most : SIZE.ping;
    const content = (number: number) => bytesOf(bench.marks.of(number).padEnd(size, "."));
    const rounds = await playTrips(bench, line, SAMPLES.roundTrip, (number) => {
      const bytes = content(number);
      return line.encode(echoes ? text(bytes) : ping(bytes));
    });
    return {
      title: echoes ? `From a message of ${size} bytes to its echo` : "From a Ping to its Pong",
      wanted: SAMPLES.roundTrip,
      rounds,
      unit: "answers",
    };
  },
};
