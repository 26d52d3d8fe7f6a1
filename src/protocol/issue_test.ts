import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { describeIssue } from "./issue.ts";

describe("describeIssue()", () => {
  function describeFirst(schema: z.ZodType, value: unknown): string {
    const { error } = schema.safeParse(value);
    assert(error !== undefined);
    return describeIssue(error);
  }

  it("names the path and what is allowed there", () => {
    const cases: readonly (readonly [z.ZodType, unknown, string])[] = [
      [z.object({ a: z.array(z.object({ b: z.int() })) }), { a: [{ b: "1" }] }, "a.0.b must be a"],
      [z.string(), 1, "the value must be a string"],
      [z.string().min(2), "a", "the value must have at least 2 characters"],
      [z.array(z.any()).max(1), [1, 2], "the value must have at most 1 entry"],
      [z.number().min(1), 0, "the value must be at least 1"],
      [z.int(), 1.5, "the value must be an integer"],
      [z.number().lt(5), 5, "the value must be less than 5"],
      [z.object({}), null, "the value must be an object"],
    ];
    for (const [schema, value, expected] of cases) {
      assertStringIncludes(describeFirst(schema, value), expected);
    }
  });

  it("leaves the words to the schema where it has its own", () => {
    const even = z.number().refine((n) => n % 2 === 0, { error: "must be even" });
    assertEquals(describeFirst(z.object({ n: even }), { n: 1 }), "n must be even");
    assertStringIncludes(describeFirst(z.enum(["a", "b"]), "c"), "the value: ");
  });
});
