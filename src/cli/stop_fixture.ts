/** A program that says which signal it got, and then never ends by itself. */
import process from "node:process";
import { stopSignal } from "./stop.ts";

setInterval(() => {}, 60_000);
const stopped = stopSignal();
process.stdout.write("waiting\n");
process.stdout.write(`${await stopped}\n`);
