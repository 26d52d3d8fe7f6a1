import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { developmentAuth } from "./development.ts";
import { allowAnonymous, type Authenticate } from "./identity.ts";
import { tokenIssuer } from "./issuer.ts";
import { jwtAuth } from "./jwt.ts";

const secret = "an example of 32 bytes, no secret";

/** Who makes a request, and what was said of it. */
async function ask(query: string, otherwise: Authenticate = jwtAuth({ secret, anonymous: true })) {
  const warnings: [string, string][] = [];
  const auth = developmentAuth(otherwise, {
    warn: (message, { userId }) => warnings.push([message, userId]),
  });
  const { userId, role, claims } = await auth(new Request(`http://localhost/ws/lobby${query}`));
  return { userId, role, claims, warned: warnings.map(([, userId]) => userId) };
}

describe("developmentAuth()", () => {
  it("believes who a client says it is, and warns of it", async () => {
    assertEquals(await ask("?user_id=ann&client_id=c1&display_name=Ann"), {
      userId: "ann",
      role: "viewer",
      claims: { display_name: "Ann" },
      warned: ["ann"],
    });
  });

  it("leaves to the other authenticator who does not say", async () => {
    for (const query of ["", "?user_id=", "?client_id=c1&display_name=Ann"]) {
      const { userId, role, warned } = await ask(query);
      assertEquals([userId, role, warned], [null, "anonymous", []]);
    }
    await assertRejects(async () => await ask("", jwtAuth({ secret })), HeddleError, "token");
  });

  it("goes by the token where there is one, good or bad", async () => {
    const token = await tokenIssuer({ secret }).issue({ userId: "bob", role: "admin" });
    const { userId, warned } = await ask(`?user_id=ann&token=${token}`);
    assertEquals([userId, warned], ["bob", []]);
    await assertRejects(async () => await ask("?user_id=ann&token=x"), HeddleError);
  });

  it("refuses an id that can be no user's", async () => {
    for (const id of ["a%00b", "a".repeat(256)]) {
      const error = await assertRejects(
        async () => await ask(`?user_id=${id}`, allowAnonymous()),
        HeddleError,
      );
      assertEquals(error.code, "unauthorized");
    }
  });
});
