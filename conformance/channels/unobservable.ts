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
  "HDL-CON-16": CLIENT,
  "HDL-RAT-12": "speaks of addresses of one IPv6 network, of which the kit has no two",
  "HDL-RAT-13": CLIENT,
  "HDL-IDN-12":
    "speaks of a key set or a user store that cannot be reached, which no client can cut off",
  "HDL-MSG-8": CLIENT,
  "HDL-GAP-5": CLIENT,
  "HDL-RES-21": "speaks of a broker that does not answer, which no client can cut off",
  "HDL-ACK-6": CLIENT,
  "HDL-ACK-7": CLIENT,
  "HDL-PRE-14": CLIENT,
  "HDL-ERR-5": CLIENT,
  "HDL-TOK-9": CLIENT,
  "HDL-CLO-6": CLIENT,
  "HDL-CLO-7": CLIENT,
  "HDL-CLO-9": CLIENT,
  "HDL-CLO-12": CLIENT,
  "HDL-LIM-15": CLIENT,
  "HDL-CMP-14": CLIENT,
  "HDL-BAT-3": CLIENT,
  "HDL-NAM-5": "asks something of applications, which no client can see declared",
};
