/**
 * Attacks by how much, how often and how slowly, against a hub in a process of its own: each is refused as
 * is documented, another client is answered throughout, and the hub's memory comes back.
 */
import { after, before, describe, it } from "node:test";
import process from "node:process";
import { runtime } from "../testing/serve.ts";
import { attacks } from "./testing/attacks.ts";
import { assertCameBack, Field } from "./testing/field.ts";

describe("A hub withstands", () => {
  let field: Field;
  before(async () => {
    field = await Field.open(process.env["HEDDLE_TEST_ATTACKS"] === "full");
  });
  after(() => field.close());

  for (const attack of attacks) {
    it(attack.name, async () => {
      const outcome = await field.endure(attack);
      const [before, ...heaps] = outcome.heaps.map((bytes) => (bytes / 1e6).toFixed(1));
      console.log(
        `${attack.name} on ${runtime}: ${outcome.refused}; another client waited ` +
          `${Math.ceil(outcome.longest)} ms at most; the heap went from ${before} to ${heaps} MB`,
      );
      if (!attack.once) assertCameBack(outcome);
    });
  }
});
