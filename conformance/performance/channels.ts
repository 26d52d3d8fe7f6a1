/**
 * What is measured of a server of Protocol 1, on one connection.
 *
 * @module
 */
import { Skipped } from "../peer/finding.ts";
import { concat } from "../wire/bytes.ts";
import type { ServerMessage } from "../channels/shape.ts";
import type { Bench } from "./bench.ts";
import { allowanceOf, limitOf } from "./allowance.ts";
import type { Line } from "./line.ts";
import { type Measured, type Measuring, playTrips, WARM_UP } from "./measure.ts";
import type { Side } from "./rounds.ts";

/** Samples that are wanted. */
const SAMPLES = 200;

/** Bytes that fill an event's data up, and what a publication has beside them, at most. */
const SIZE = { filler: 100, others: 400 } as const;

/** A channel to measure on. */
export interface Place {
  readonly name: string;
  /** Who may subscribe and publish there; undefined for the kit's usual client. */
  readonly role: string | undefined;
  /** Events that it keeps. */
  readonly kept: number;
}

/** A channel where one role may do both. @throws Skipped where the target offers none */
export function placeOf({ server }: Bench): Place {
  if (server === null) throw new TypeError("the target is not measured as one of Protocol 1");
  const { admin_role = "admin", tokens } = server.offer;
  const find = (role: string | undefined): Place => {
    const { name, offer } = server.channel(role === undefined ? {} : { role });
    return { name, role, kept: offer.history?.size ?? 1000 };
  };
  try {
    return find(undefined);
  } catch (error) {
    if (!(error instanceof Skipped) || tokens === undefined) throw error;
    return find(admin_role);
  }
}

/** The bytes of a publication with a mark. */
export function publicationOf(
  { marks }: Bench,
  line: Line,
  greeting: ServerMessage,
  channel: string,
): (number: number) => Uint8Array {
  const room = limitOf(greeting, "text_bytes") - SIZE.others;
  const filler = ".".repeat(Math.max(Math.min(SIZE.filler, room), 0));
  return (number) => {
    const data = { mark: marks.of(number), filler };
    return line.encodeMessage({ type: "publish", channel, event_type: "kit", data, echo: true });
  };
}

/** Rounds of so many publications at once, and who hears of them. */
export function publishingRounds(
  line: Line,
  publication: (number: number) => Uint8Array,
  count: number,
  hearers: readonly Line[],
): Side {
  return {
    hearers,
    round(number) {
      const from = number * count;
      const bytes = concat(Array.from({ length: count }, (_, i) => publication(from + i)));
      return { sends: [[line, bytes]], from, count };
    },
  };
}

/** How many rounds the server's rates allow for, and what to say where they are fewer. */
export function roundsWithin(
  greeting: ServerMessage,
  type: string,
  wanted: number,
): { readonly rounds: number; readonly notes: readonly string[] } {
  const allowed = allowanceOf(greeting, type) - WARM_UP - 1;
  if (allowed >= wanted) return { rounds: wanted, notes: [] };
  const notes = [`the server's rates allow for no more ${type} at once`];
  return { rounds: Math.max(allowed, 1), notes };
}

export const asking: Measuring = {
  id: "performance/ask",
  level: "channels",
  title: "From ping to its pong",
  async run(bench): Promise<Measured> {
    const { line, greeting } = await bench.greeted(undefined, bench.ready());
    const { rounds: wanted, notes } = roundsWithin(greeting, "ping", SAMPLES);
    const rounds = await playTrips(
      bench,
      line,
      wanted,
      (number) => line.encodeMessage({ type: "ping", correlation_id: bench.marks.of(number) }),
    );
    return { title: asking.title, wanted, rounds, unit: "answers", notes };
  },
};

export const publishing: Measuring = {
  id: "performance/publish",
  level: "channels",
  title: "From publish to its event, at the publisher itself",
  async run(bench): Promise<Measured> {
    const place = placeOf(bench);
    const ready = bench.ready();
    const { line, greeting } = await bench.greeted(place.role, ready);
    await line.subscribe(place.name, ready);
    const { rounds: wanted, notes } = roundsWithin(greeting, "publish", SAMPLES);
    const publication = publicationOf(bench, line, greeting, place.name);
    const rounds = await playTrips(bench, line, wanted, publication);
    return { title: publishing.title, wanted, rounds, unit: "events", notes };
  },
};
