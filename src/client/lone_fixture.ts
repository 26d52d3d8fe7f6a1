/** A client and nothing else, in a process of its own. */
import process from "node:process";
import { createClient } from "./mod.ts";

const client = createClient({ url: process.argv[2]!, reconnect: { initialDelay: 300 } });
client.on("connected", ({ attempt }) => console.log(`connected ${attempt}`));
client.on("reconnecting", () => console.log("reconnecting"));
await client.connect();
