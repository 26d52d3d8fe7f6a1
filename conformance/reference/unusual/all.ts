/**
 * All unusual servers there are.
 *
 * @module
 */
import { frames } from "./frames.ts";
import { negotiation } from "./negotiation.ts";
import type { Unusual } from "./unusual.ts";

/** Every unusual server, and the strict one itself. */
export const unusual: readonly Unusual[] = [
  { name: "is strict", server: {} },
  ...frames,
  ...negotiation,
];
