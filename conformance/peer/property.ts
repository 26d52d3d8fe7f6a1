/**
 * Property-based cases: many random inputs, and of a failure the smallest one.
 *
 * @module
 */
import fc from "fast-check";
import { Broken } from "./finding.ts";
import type { Peer } from "./peer.ts";
import { Search } from "./search.ts";

/** A property of a server. */
export interface Property<T> {
  /** Inputs, at random. */
  readonly inputs: fc.Arbitrary<T>;
  /** Throws {@link Broken} where the server does not do right by an input. */
  readonly holds: (input: T) => Promise<void>;
  /** An input as a person reads it, where what broke does not tell: for streams, its list of frames. */
  readonly show: (input: T) => string;
  /** Looks for the smallest input that still breaks. @default as fast-check shrinks */
  readonly reduce?: (input: T, breaks: (input: T) => Promise<boolean>) => Promise<T>;
}

/** Which inputs are tried. */
interface Draws {
  /** How many. @default the peer's */
  readonly runs?: number;
  /** What they follow from. @default the case's */
  readonly seed?: number;
}

/**
 * Tries `peer.runs` inputs that follow from the case's seed. The first that breaks, and does so each
 * time, is shrunk (not amid a crowd: it is tried again alone); what is thrown carries the smallest
 * found. Where {@link Property.reduce} is given, one that breaks by chance is taken where no other
 * breaks. A server too slow for all of them in the time that there is passes with those that were
 * made, and the report tells.
 */
export async function forAll<T>(
  peer: Peer,
  property: Property<T>,
  { runs = peer.runs, seed = peer.seed }: Draws = {},
): Promise<void> {
  const search = new Search(peer, property);
  const found = await search.find(runs, seed);
  if (found === null) {
    search.check();
    peer.tried.made += search.runs;
    peer.tried.asked += runs;
    return;
  }
  const { failure: { input, broken, closings }, times, isSteady } = await search.shrink(found);
  // How the server closed is told of the input that breaks, not of all that did not.
  peer.closings.splice(0, peer.closings.length, ...closings);
  throw new Broken({
    ...broken.finding,
    counterexample: `${broken.finding.counterexample ?? property.show(input)}\n` +
      `(run ${found.run} of seed ${seed}, shrunk ${times} times` +
      `${isSteady ? "" : "; it does not break every time"})`,
  });
}

/**
 * {@link forAll} of inputs of several kinds. Each kind is tried, whatever the seed: that a server is
 * wrong about one of them alone must not be found by chance.
 */
export async function forEachKind<T>(
  peer: Peer,
  kinds: readonly fc.Arbitrary<T>[],
  property: Omit<Property<T>, "inputs">,
): Promise<void> {
  const runs = Math.ceil(peer.runs / kinds.length);
  for (const [i, inputs] of kinds.entries()) {
    await forAll(peer, { ...property, inputs }, { runs, seed: (peer.seed + i) % 2 ** 31 });
  }
}
