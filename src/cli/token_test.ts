import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { tokenIssuer } from "../guard/issuer.ts";
import { run } from "./testing.ts";

const secret = "a secret of tests, longer than 32 bytes";

describe("heddle token", () => {
  it("prints a token that verifies, and nothing else", async () => {
    const args = ["token", "--sub", "u1", "--role", "developer", "--expires-in", "60"];
    const { code, stdout, stderr } = await run(args, { JWT_SECRET: secret });
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const claims = await tokenIssuer({ secret }).verify(stdout.trim());
    assertEquals([claims["sub"], claims["role"]], ["u1", "developer"]);
    assertEquals(claims.exp! - claims.iat!, 60);
  });

  it("takes the option before the variable", async () => {
    const { stdout } = await run(["token", "--sub", "u1", "--secret", secret], { JWT_SECRET: "x" });
    assertEquals((await tokenIssuer({ secret }).verify(stdout.trim()))["sub"], "u1");
  });

  it("says what is missing or wrong, and exits with 2", async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [["--secret", secret], /--sub/],
      [["--sub", "u1"], /a secret is needed: --secret, or JWT_SECRET/],
      [["--sub", "u1", "--secret", "short"], /5 bytes: HS256 needs 32 or more/],
      [["--sub", "", "--secret", secret], /--sub must have 1 to 255 characters/],
      [["--sub", "u1", "--secret", secret, "--expires-in", "soon"], /--expires-in is "soon"/],
      [["--sub", "u1", "--secret", secret, "--role", ""], /role must be a non-empty string/],
      [["--sub", "u1", "--secret", secret, "--colour"], /unknown option '--colour'/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await run(["token", ...args]);
      assertEquals([code, stdout], [2, ""], stderr);
      assertMatch(stderr, message);
      assert(!stderr.includes(secret), stderr);
    }
  });
});
