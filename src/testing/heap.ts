import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** What of the heap is left when collections free nothing more: some objects go only after a turn of the loop. */
export async function heapInUse(): Promise<number> {
  const { Bun, gc } = globalThis as {
    Bun?: { gc(force: boolean): void };
    gc?: () => void;
  };
  let least = Infinity;
  for (let inVain = 0; inVain < 5; inVain++) {
    await sleep(10);
    Bun?.gc(true);
    gc?.();
    const { heapUsed } = process.memoryUsage();
    if (heapUsed < least) inVain = 0;
    least = Math.min(least, heapUsed);
  }
  return least;
}
