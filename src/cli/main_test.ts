import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { root, run } from "./testing.ts";
import { VERSION } from "./version.ts";

describe("heddle", () => {
  it("has the version of package.json and deno.json", async () => {
    for (const manifest of ["package.json", "deno.json"]) {
      assertEquals(JSON.parse(readFileSync(`${root}${manifest}`, "utf8")).version, VERSION);
    }
    const { code, stdout } = await run(["--version"]);
    assertEquals([code, stdout], [0, `${VERSION}\n`]);
  });

  it("helps", async () => {
    for (const command of [[], ["serve"], ["connect"], ["token"]]) {
      const { code, stdout, stderr } = await run([...command, "--help"]);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /^Usage: heddle /);
    }
  });

  it("says what it does not know, and exits with 2", async () => {
    for (const args of [["sevre"], ["serve", "--prot", "1"], ["serve", "now"], ["--loud"], []]) {
      const { code, stdout, stderr } = await run(args);
      assertEquals([code, stdout], [2, ""], args.join(" "));
      assertMatch(stderr, /error: |Usage: heddle/);
    }
  });
});
