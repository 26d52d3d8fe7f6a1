import { cpus } from "node:os";
import process from "node:process";
import type { SystemSample } from "../hub/feeds.ts";

const MEBIBYTE = 1_048_576;

/**
 * Makes a function that looks at the machine, for `stockFeeds`. `cpu_percent` is how busy the machine's
 * processors were, all together, since the function was last called, at first since it was made: 0 to
 * 100, or 0 where the system does not tell. `memory_mb` is the memory that this process holds
 * (its resident set), in units of 1,048,576 bytes. On Deno it needs `--allow-sys`.
 *
 * @example
 * ```ts
 * import { machineSampler } from "heddle/node";
 *
 * const sample = machineSampler();
 * const { cpu_percent, memory_mb } = sample();
 * if (cpu_percent < 0 || cpu_percent > 100 || memory_mb <= 0) throw new Error("no such machine");
 * ```
 */
export function machineSampler(): () => SystemSample {
  let last = processorTimes();
  return () => {
    const now = processorTimes();
    const total = now.total - last.total;
    const busy = now.busy - last.busy;
    last = now;
    return {
      cpu_percent: total > 0 ? rounded(Math.min(100, Math.max(0, busy / total * 100))) : 0,
      memory_mb: rounded(process.memoryUsage.rss() / MEBIBYTE),
    };
  };
}

/** Milliseconds since the machine was started, over all processors. */
function processorTimes(): { readonly busy: number; readonly total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const working = times.user + times.nice + times.sys + times.irq;
    busy += working;
    total += working + times.idle;
  }
  return { busy, total };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
