import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { reduce } from "./reduce.ts";
import { type Step, steps } from "./step.ts";

const PLAN = {
  clients: 3,
  channels: 2,
  weights: { publish: 5, subscribe: 5, history: 1, resume: 2, cut: 1, trouble: 2 },
  most: 20,
  troubles: ["break", "stall", "reset"],
} as const;

const count = (list: readonly Step[], kind: Step["does"]) =>
  list.filter(({ does }) => does === kind).length;

describe("reduce()", () => {
  it("keeps what breaks, and nothing that can be left out or made plainer", async () => {
    await fc.assert(
      fc.asyncProperty(steps(PLAN), fc.nat(3), fc.nat(3), async (list, publishes, resumes) => {
        const breaks = (some: readonly Step[]) =>
          Promise.resolve(
            count(some, "publish") >= publishes && count(some, "resume") >= resumes,
          );
        fc.pre(publishes + resumes > 0 && await breaks(list));
        const smallest = await reduce(list, breaks);
        assertEquals(smallest.length, publishes + resumes);
        for (const step of smallest) {
          assertEquals([step.hasty, step.where], [false, 0]);
          if (step.does === "publish") {
            assertEquals([step.count, step.echo, step.id], [1, null, null]);
          }
        }
      }),
    );
  });

  it("leaves as it is what breaks by every step of it", async () => {
    await fc.assert(
      fc.asyncProperty(steps(PLAN), async (list) => {
        assertEquals(await reduce(list, (some) => Promise.resolve(some === list)), list);
      }),
    );
  });
});
