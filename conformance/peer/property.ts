/**
 * Property-based cases: many random inputs, and of a failure the smallest one.
 *
 * @module
 */
import fc from "fast-check";
import { Broken, type CloseFinding } from "./finding.ts";
import type { Peer } from "./peer.ts";

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

/** How much less a wait is while shrinking, and how many full waits long shrinking may take. */
const SHRINKING = { hurry: 10, limit: 2 } as const;

/** Milliseconds that the runs of a property, and the search of {@link Property.reduce}, may take. */
const LEAST_TIME = 10_000;

/** The first input that broke, and how. */
interface Failure<T> {
  readonly input: T;
  readonly broken: Broken;
  readonly closings: readonly CloseFinding[];
}

/** Which inputs are tried. */
interface Draws {
  /** How many. @default the peer's */
  readonly runs?: number;
  /** What they follow from. @default the case's */
  readonly seed?: number;
}

/**
 * Tries `peer.runs` inputs that follow from the case's seed. The first that breaks is shrunk (not
 * amid a crowd: it is tried again alone); what is thrown carries the smallest found.
 */
export async function forAll<T>(
  peer: Peer,
  property: Property<T>,
  { runs = peer.runs, seed = peer.seed }: Draws = {},
): Promise<void> {
  const { patience } = peer;
  // Whatever is not about the server's doing ends the search and is no counterexample.
  let other: { readonly error: unknown } | null = null;
  let first: Failure<T> | null = null;
  let deadline = Infinity;
  const attempt = async (input: T): Promise<Failure<T> | null> => {
    const before = peer.closings.length;
    try {
      await property.holds(input);
      return null;
    } catch (error) {
      if (error instanceof Broken) {
        return { input, broken: error, closings: peer.closings.slice(before) };
      }
      other ??= { error };
      return null;
    }
  };
  const { reduce } = property;
  const inputs = reduce === undefined ? property.inputs : fc.noShrink(property.inputs);
  const check = fc.asyncProperty(inputs, async (input) => {
    if (other !== null || performance.now() > deadline) return;
    const failure = await attempt(input);
    if (failure === null) return;
    if (first === null) {
      first = failure;
      const long = Math.max(
        patience.timeout * SHRINKING.limit,
        reduce === undefined ? 0 : LEAST_TIME,
      );
      deadline = peer.crowded ? 0 : performance.now() + long;
      peer.patience = { ...patience, timeout: Math.ceil(patience.timeout / SHRINKING.hurry) };
    }
    throw failure.broken;
  });
  const result = await fc.check(check, {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: Math.max(patience.timeout * 15, LEAST_TIME),
    includeErrorInReport: false,
  });
  const found = first as Failure<T> | null;
  let [smallest] = result.counterexample ?? [];
  let times = result.numShrinks;
  if (found !== null && reduce !== undefined) {
    smallest = await reduce(found.input, async (input) => {
      const failure = performance.now() > deadline ? null : await attempt(input);
      // A wait that is over too soon, in this hurry, is another failure than one that was no wait.
      const { awaited } = failure?.broken.finding ?? {};
      if (failure === null || awaited && !found.broken.finding.awaited) return false;
      times++;
      return true;
    });
  }
  peer.patience = patience;
  const stopped = other as { readonly error: unknown } | null;
  if (found === null) {
    if (stopped !== null) throw stopped.error;
    return;
  }
  // What broke in a hurry counts only where it breaks with full patience too.
  const shrunk = times > 0 && smallest !== undefined ? await attempt(smallest) : null;
  const { input, broken, closings } = shrunk ?? found;
  // How the server closed is told of the input that breaks, not of all that did not.
  peer.closings.splice(0, peer.closings.length, ...closings);
  if (shrunk === null) times = 0;
  throw new Broken({
    ...broken.finding,
    counterexample: `${broken.finding.counterexample ?? property.show(input)}\n` +
      `(run ${result.numRuns} of seed ${seed}, shrunk ${times} times)`,
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
