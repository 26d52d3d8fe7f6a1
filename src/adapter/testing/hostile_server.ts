/**
 * A program that serves a hub whose application makes every mistake it can, for a test to attack. It
 * prints its port, and answers each line on its input with the number of open connections.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { channel } from "../../channel/definition.ts";
import { allowAnonymous } from "../../guard/identity.ts";
import { createHub } from "../../hub/hub.ts";
import type { Logger } from "../../hub/logger.ts";
import { message } from "../../hub/message.ts";
import { raisedRates } from "../../testing/raised_rates.ts";
import { subjects } from "../contract/subjects.ts";

const subject = subjects.find(({ name }) => name === process.argv[2]);
if (subject === undefined) throw new Error(`there is no adapter ${process.argv[2]} here`);

const fail = () => {
  throw new Error("the application's mistake");
};
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const hub = createHub({
  auth: allowAnonymous(),
  logger: silent,
  channels: { news: channel({ permissions: { "*": ["subscribe", "broadcast"] } }) },
  messages: {
    boom: message(z.unknown(), fail),
    later: message(z.unknown(), () => Promise.reject(new Error("the application's mistake"))),
  },
  limits: { binary: 20_000 },
  rates: raisedRates,
  onConnect: fail,
  onDisconnect: fail,
});
const server = await subject.serve(hub, { port: 0 });
console.log(server.port);
createInterface({ input: process.stdin })
  .on("line", () => console.log(hub.stats().connections))
  .on("close", () => process.exit()); // whoever started it has gone
