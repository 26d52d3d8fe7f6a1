/**
 * What a case is: a check of one requirement, as data.
 *
 * @module
 */
import type { Peer } from "./peer/peer.ts";
import type { RequirementId, WatchRule } from "./peer/watch.ts";

/** How much a specification demands (RFC 2119). */
export type Level = "MUST" | "SHOULD" | "MAY";

/** A sentence of a specification. */
export interface Requirement {
  /** As a person writes it: `RFC 6455`. */
  readonly spec: "RFC 6455" | "RFC 7692" | "RFC 9110" | "RFC 9112" | "Protocol 1";
  /** `5.1`, `4.2.2`; of Protocol 1 the area, `SUB` */
  readonly section: string;
  /** `HDL-SUB-3`, where the specification numbers its sentences. */
  readonly number?: RequirementId;
  readonly level: Level;
  /** The sentence, in the specification's own words. */
  readonly text: string;
}

/**
 * What a case cannot do without; where it is missing the case is skipped, with the reason.
 * `echo`: the endpoint echoes. `deflate`: it agrees to permessage-deflate. `full`: the profile
 * `full` was asked for. `limit`: the largest message it takes is known (`--max-message`).
 */
export type Need = "echo" | "deflate" | "full" | "limit";

/** A check of one requirement. */
export interface Case {
  /**
   * Permanent: specification, section, name, as `rfc6455/5.1/unmasked-text` and
   * `channels/sub/3-one-bad-name`. Small letters, digits, hyphens. A case that is dropped leaves its
   * id unused.
   */
  readonly id: string;
  /** What is done and what must come of it, in one line. */
  readonly title: string;
  readonly requirement: Requirement;
  readonly needs?: readonly Need[];
  /**
   * A rule for what the server sends. The case is broken too where any other case of the run saw
   * the server break it; `run` makes some traffic of its own.
   */
  readonly watches?: WatchRule | RequirementId;
  /** Resolves where the requirement is kept; a {@link Peer}'s expectations throw where not. */
  run(peer: Peer): Promise<void>;
}

/** A requirement that is absolute. */
export function must(spec: Requirement["spec"], section: string, text: string): Requirement {
  return { spec, section, level: "MUST", text };
}

/** A requirement that may have reasons against it. */
export function should(spec: Requirement["spec"], section: string, text: string): Requirement {
  return { spec, section, level: "SHOULD", text };
}

/** What is left to the server. A server that does not do it is never blamed. */
export function may(spec: Requirement["spec"], section: string, text: string): Requirement {
  return { spec, section, level: "MAY", text };
}

/** Where the sentence stands: `RFC 6455 section 5.1`, `Protocol 1 HDL-SUB-3`. */
export function cite({ spec, section, number }: Requirement): string {
  return number === undefined ? `${spec} section ${section}` : `${spec} ${number}`;
}
