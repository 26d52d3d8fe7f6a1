/**
 * Requirements of PROTOCOL.md that no case can hold a server to, each with the reason.
 *
 * @module
 */
import type { RequirementId } from "../peer/watch.ts";

const CLIENT = "asks something of clients";

/** Why there is no case, by requirement. */
export const UNOBSERVABLE: Readonly<Partial<Record<RequirementId, string>>> = {
  "HDL-CON-11": CLIENT,
  "HDL-MSG-8": CLIENT,
  "HDL-GAP-5": CLIENT,
  "HDL-ACK-6": CLIENT,
  "HDL-ACK-7": CLIENT,
  "HDL-PRE-14": CLIENT,
  "HDL-ERR-5": CLIENT,
  "HDL-CLO-6": CLIENT,
  "HDL-CLO-7": CLIENT,
  "HDL-CLO-9": CLIENT,
  "HDL-CLO-12": CLIENT,
  "HDL-BAT-3": CLIENT,
  "HDL-NAM-5": "asks something of applications, which no client can see declared",
};
