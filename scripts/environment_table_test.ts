import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { readme } from "./environment_table.ts";

describe("The README", () => {
  it("has the table of environment variables as their schema is: npm run environment-table", () => {
    const { is, shouldBe } = readme();
    assertEquals(is, shouldBe);
  });
});
