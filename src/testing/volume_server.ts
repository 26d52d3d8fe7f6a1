/**
 * A hub in a process of its own, whose heap can be asked for. It prints its URL, then answers each line:
 * `publish N` publishes N events, `heap` gives the bytes in use after a collection, `connections` their
 * number.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { allowAnonymous } from "../guard/identity.ts";
import { channel } from "../channel/definition.ts";
import { createHub } from "../hub/hub.ts";
import { serveHere } from "./serve.ts";

const hub = createHub({ auth: allowAnonymous(), channels: { volume: channel() } });
const server = await serveHere(hub);
console.log(server.url);

async function answer(line: string): Promise<string> {
  const [command, argument] = line.split(" ");
  switch (command) {
    case "publish": {
      const volume = hub.channel("volume");
      for (let sequence = 1; sequence <= Number(argument); sequence++) {
        await volume.publish("numbered", { sequence });
        // Now and then the event loop must turn, so that sockets can be written.
        if (sequence % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return "published";
    }
    case "heap":
      return String(await heapInUse());
    case "connections":
      return String(hub.stats().connections);
    default:
      return `unknown command ${line}`;
  }
}

/** What is left when collections free nothing more: some objects go only after a turn of the loop. */
async function heapInUse(): Promise<number> {
  const { Bun, gc } = globalThis as {
    Bun?: { gc(force: boolean): void };
    gc?: () => void;
  };
  let least = Infinity;
  for (let inVain = 0; inVain < 5; inVain++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    Bun?.gc(true);
    gc?.();
    const { heapUsed } = process.memoryUsage();
    if (heapUsed < least) inVain = 0;
    least = Math.min(least, heapUsed);
  }
  return least;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(line));
}
