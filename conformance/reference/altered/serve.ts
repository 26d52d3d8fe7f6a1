/**
 * Starts the server of a profile behind what makes it a broken one, at the port that PORT names, until
 * it is asked to go down: `node --import tsx conformance/reference/altered/serve.ts NAME PROFILE`.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseOffer } from "../../target/offer.ts";
import { startTarget } from "../../target/start.ts";
import { broken } from "./all.ts";
import { startAltered } from "./proxy.ts";

const [wanted, profile = ""] = process.argv.slice(2);
const how = broken.find(({ name }) => name === wanted)?.how;
const { url = "", start = "" } = parseOffer(readFileSync(profile, "utf8"));
if (how === undefined) {
  console.error(`no such server: ${wanted}`);
  process.exit(2);
}
const started = await startTarget(start, url);
const altered = await startAltered(started.url, how, Number(process.env["PORT"] ?? 0));
console.log(altered.url);
process.once("SIGTERM", async () => {
  await started.end();
  await altered.close();
  process.exit(0);
});
