/**
 * What an unusual server is: one that keeps every requirement in a way of its own, as data.
 *
 * @module
 */
import type { Overrides } from "../server.ts";

/** A server that must not be blamed. */
export interface Unusual {
  /** Completes "a server that …". */
  readonly name: string;
  /** What of the strict server is replaced. */
  readonly server: Overrides;
  /** Globs of ids of cases that warn, each with the SHOULD that it leaves out. @default none */
  readonly warns?: Readonly<Record<string, string>>;
  /** Everything takes longer with it: a part of the cases tells enough. */
  readonly slow?: true;
}
