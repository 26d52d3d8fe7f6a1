/** The hub of `slow_reader.ts`, in a process of its own. */
import process from "node:process";
import { createInterface } from "node:readline";
import { channel, createHub } from "../mod.ts";
import { allowAnonymous } from "../src/guard/identity.ts";
import { serveHere } from "../src/testing/serve.ts";

const hub = createHub({
  auth: allowAnonymous(),
  channels: { busy: channel({ overflow: "drop-oldest" }) },
});
const server = await serveHere(hub);
console.log(JSON.stringify({ url: server.url, outbox: hub.limits.outbox }));

/** Publishes so many events a second, spread over the milliseconds as evenly as timers allow. */
async function publish(rate: number, seconds: number): Promise<void> {
  const busy = hub.channel("busy");
  const started = performance.now();
  const total = rate * seconds;
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor((performance.now() - started) / 1000 * rate));
    for (; sent < due; sent++) {
      await busy.publish("tick", { at: performance.timeOrigin + performance.now(), sent });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function memoryInUse(): number {
  const { Bun, gc } = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void };
  for (let i = 0; i < 5; i++) {
    Bun?.gc(true);
    gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, rate, seconds] = line.split(" ");
  if (command === "publish") await publish(Number(rate), Number(seconds));
  console.log(command === "memory" ? memoryInUse() : "done");
}
