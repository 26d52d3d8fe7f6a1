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
  /** An input as a person reads it: for streams, its list of frames. */
  readonly show: (input: T) => string;
}

/**
 * Tries `peer.runs` inputs that follow from the case's seed. The first that breaks is shrunk; what is
 * thrown carries the smallest found.
 */
export async function forAll<T>(peer: Peer, property: Property<T>): Promise<void> {
  // Whatever is not about the server's doing ends the search and is no counterexample.
  let other: { readonly error: unknown } | null = null;
  let closings: readonly CloseFinding[] = [];
  const check = fc.asyncProperty(property.inputs, async (input) => {
    if (other !== null) return;
    const before = peer.closings.length;
    try {
      await property.holds(input);
    } catch (error) {
      closings = peer.closings.slice(before);
      if (error instanceof Broken) throw error;
      other = { error };
    }
  });
  const result = await fc.check(check, {
    seed: peer.seed,
    numRuns: peer.runs,
    // Shrinking what times out takes its time; the smallest found until then will do.
    interruptAfterTimeLimit: peer.patience.timeout * 15,
    includeErrorInReport: false,
  });
  const stopped = other as { readonly error: unknown } | null;
  // What stops the shrinking leaves the smallest that was found until then.
  if (stopped !== null && !result.failed) throw stopped.error;
  if (!result.failed) return;
  const [smallest] = result.counterexample ?? [];
  const broken = result.errorInstance;
  if (!(broken instanceof Broken) || smallest === undefined) throw broken;
  // How the server closed is told of the input that breaks, not of all that did not.
  peer.closings.splice(0, peer.closings.length, ...closings);
  const found = `run ${result.numRuns} of seed ${peer.seed}, shrunk ${result.numShrinks} times`;
  throw new Broken({
    ...broken.finding,
    counterexample: `${property.show(smallest)}\n(${found})`,
  });
}
