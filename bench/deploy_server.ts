/**
 * The hubs of `deploy.ts`, in a process of their own: the one that goes, and the one that takes over the
 * same broker. With the argument `fresh` the second has a broker of its own, as a new process would.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { type BucketRule, channel, createHub, type Hub, memoryBroker } from "../mod.ts";
import { allowAnonymous } from "../src/guard/identity.ts";
import { serveHere } from "../src/testing/serve.ts";

// All clients come from one address, and the first hub takes them all at once.
const broker = memoryBroker({ sessionsPerAddress: 100_000 });
const atOnce = { capacity: 100_000, perSecond: 10_000 };
const isFresh = process.argv.includes("fresh");
/** When the second hub greeted each that came back. */
const greeted: number[] = [];

function makeHub({ own = broker, all = atOnce, onConnect = () => {} } = {}) {
  return createHub({
    auth: allowAnonymous(),
    channels: { news: channel() },
    broker: own,
    limits: { connections: 20_000 },
    accept: { all, address: atOnce },
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
    onConnect,
  });
}

/**
 * What keeps to a rate in any second: 1/20 at once and 9/10 in the long run. The rest is for those who
 * were let in before that second and are greeted in it.
 */
function atMost(aSecond: number): BucketRule {
  return { capacity: Math.max(1, Math.floor(aSecond / 20)), perSecond: (aSecond * 9) / 10 };
}

let hub: Pick<Hub, "drain" | "stats"> & ReturnType<typeof makeHub> = makeHub();
let server = await serveHere(hub);
console.log(server.url);
let published = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument, rate] = line.split(" ");
  switch (command) {
    case "publish":
      for (let i = 0; i < Number(argument); i++) {
        await hub.channel("news").publish("item", { sequence: ++published });
        if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      console.log(published);
      break;
    case "deploy": {
      const old = { hub, server };
      hub = makeHub({
        own: isFresh ? memoryBroker() : broker,
        all: atMost(Number(rate)),
        onConnect: () => void greeted.push(performance.now()),
      });
      server = await serveHere(hub);
      console.log(server.url);
      const started = performance.now();
      await old.hub.drain({ within: 10_000, spread: Number(argument) });
      await old.server.close();
      console.log(Math.round(performance.now() - started));
      break;
    }
    case "greeted":
      console.log(JSON.stringify(greeted));
      break;
  }
}
