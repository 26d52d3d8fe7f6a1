import { accept } from "./accept.ts";
import { compressed } from "./compressed.ts";
import { fanout } from "./fanout.ts";
import { growth } from "./growth.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { recovery } from "./recovery.ts";
import { requests } from "./requests.ts";
import type { Scenario } from "./scenario.ts";

/** Everything there is to measure, in the order it is printed. */
export const scenarios: readonly Scenario[] = [
  fanout,
  latency,
  requests,
  accept,
  memory,
  compressed,
  recovery,
  growth,
];
