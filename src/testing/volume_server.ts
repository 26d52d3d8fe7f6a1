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
import { heapInUse } from "./heap.ts";
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

for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(line));
}
