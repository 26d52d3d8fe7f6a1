/**
 * The hub, on the runtime this runs in; under Deno with the argument `node` by the Node adapter. History,
 * permissions, tokens and rates are on, with values that the load does not reach.
 */
import process from "node:process";
import { z } from "zod";
import { channel, createHub, jwtAuth, memoryBroker, message } from "../../mod.ts";
import { serve as serveNode } from "../../src/adapter/node.ts";
import { raisedRates } from "../../src/testing/raised_rates.ts";
import { serveHere } from "../../src/testing/serve.ts";
import { answer } from "./answer.ts";
import { dataOf, metricsOf, metricsSchema } from "./event.ts";
import { SECRET } from "./token.ts";

const many = 200_000;
const atOnce = { capacity: 1_000_000, perSecond: 1_000_000 };
const limits = {
  connections: many,
  connectionsPerUser: many,
  channels: many,
  subscriptions: many,
  outbox: 256 * 1024 * 1024,
};
const open = { "*": ["subscribe", "broadcast"] } as const;
let connections = 0;

const hub = createHub({
  auth: jwtAuth({ secret: SECRET, anonymous: true }),
  channels: {
    b: channel({ permissions: open }),
    m: channel({
      permissions: open,
      events: { system_metrics: metricsSchema },
    }),
    "idle:*": channel(),
  },
  messages: {
    add: message(
      z.object({ a: z.number(), b: z.number() }),
      ({ payload, reply }) => {
        reply("sum", { sum: payload.a + payload.b });
      },
    ),
  },
  broker: memoryBroker({ sessionsPerUser: many, sessionsPerAddress: many }),
  limits,
  rates: raisedRates,
  accept: { all: atOnce, address: atOnce },
  logger: { debug() {}, info() {}, warn: console.error, error: console.error },
  onConnect: () => connections++,
  onDisconnect: () => connections--,
});
const server = process.argv.includes("node")
  ? await serveNode(hub, { hostname: "127.0.0.1", port: 0 })
  : await serveHere(hub);

const plain = hub.channel("b");
const metrics = hub.channel("m");

await answer(server.port, {
  publish(events, size, kind) {
    let last: Promise<unknown> | undefined;
    for (let i = 0; i < events; i++) {
      last = kind === "plain"
        ? plain.publish("t", dataOf(size))
        : metrics.publish("system_metrics", metricsOf(size));
    }
    return last;
  },
  async channels(count) {
    for (let i = 0; i < count; i++) {
      await hub.channel(`idle:${i}`).publish("t", "x");
    }
  },
  subscriptions: () => hub.stats().subscriptions,
  note: {
    limits,
    rates: "1,000,000 a second",
    accept: "1,000,000 a second",
    history: "1000 events",
  },
});
