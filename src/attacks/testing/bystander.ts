/**
 * A client that only wants to be answered, in a process of its own so that it measures the hub and not
 * the attacker. It pings again and again, and answers each line with the longest time it had to wait since
 * the line before, in milliseconds.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { connectRaw } from "../../testing/raw_client.ts";

/** How long it rests between two pings, in milliseconds. */
const REST = 20;

const client = await connectRaw(process.argv[2]!, {
  headers: { "X-Forwarded-For": "203.0.113.250" },
});
let asked = performance.now();
let longest = 0;

console.log("ready");
createInterface({ input: process.stdin })
  .on("line", () => {
    // What it still waits for counts too.
    console.log(Math.max(longest, performance.now() - asked - REST));
    longest = 0;
  })
  .on("close", () => process.exit()); // whoever started it has gone

for (;;) {
  asked = performance.now();
  const { type, code } = await client.ask({ type: "ping" });
  if (type !== "pong") throw new Error(`the other client was answered ${type} ${code}`);
  longest = Math.max(longest, performance.now() - asked);
  await sleep(REST);
}
