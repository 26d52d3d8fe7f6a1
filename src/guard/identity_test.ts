import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { allowAnonymous, anonymousIdentity, checkIdentity, type Identity } from "./identity.ts";

const identity: Identity = { userId: "u1", role: "viewer", claims: {} };

describe("checkIdentity()", () => {
  it("gives back what is an identity, anonymous ones included", () => {
    for (
      const good of [identity, { ...identity, userId: null }, { ...identity, userId: "名 前" }]
    ) {
      assertEquals(checkIdentity(good), good);
    }
  });

  it("refuses a user id that is none", () => {
    for (const userId of ["", "x".repeat(256), "a\nb", "\u0000", 7, undefined, {}, ["u1"]]) {
      const wrong = { ...identity, userId } as Identity;
      const error = assertThrows(() => checkIdentity(wrong), HeddleError, "user id");
      assertEquals(error.code, "unauthorized");
    }
  });

  it("refuses a role that is empty or no string", () => {
    for (const role of ["", undefined, null, 1, ["admin"]]) {
      const wrong = { ...identity, role } as Identity;
      const error = assertThrows(() => checkIdentity(wrong), HeddleError, "role");
      assertEquals(error.code, "unauthorized");
    }
  });

  it("refuses what is no object at all", () => {
    for (const wrong of [null, undefined, "u1", true]) {
      const error = assertThrows(() => checkIdentity(wrong as unknown as Identity), HeddleError);
      assertEquals(error.code, "unauthorized");
    }
  });

  it("refuses an expiry that is no time, and claims that are no object", () => {
    for (const expiresAt of [NaN, Infinity, "tomorrow", null]) {
      const wrong = { ...identity, expiresAt } as unknown as Identity;
      assertThrows(() => checkIdentity(wrong), HeddleError, "expiresAt");
    }
    for (const claims of [null, undefined, "sub"]) {
      const wrong = { ...identity, claims } as unknown as Identity;
      assertThrows(() => checkIdentity(wrong), HeddleError, "claims");
    }
  });
});

describe("allowAnonymous()", () => {
  it("lets everybody in as nobody who shows nothing", async () => {
    const request = new Request("http://localhost/ws?token=", {
      headers: { Authorization: "Basic dTpw", "Sec-WebSocket-Protocol": "heddle.v1, jwt-auth" },
    });
    assertEquals(await allowAnonymous()(request), { userId: null, role: "anonymous", claims: {} });
    assertEquals((await allowAnonymous("guest")(request)).role, "guest");
    assertEquals(anonymousIdentity().role, "anonymous");
  });

  it("refuses whoever shows a token, wherever it stands, since none can hold", () => {
    const places: readonly [string, Record<string, string>][] = [
      ["?token=a.b.c", {}],
      ["?auth_token=good", {}],
      ["", { Authorization: "Bearer a.b.c" }],
      ["", { "Sec-WebSocket-Protocol": "jwt.a.b.c, jwt-auth" }],
    ];
    for (const [query, headers] of places) {
      const request = new Request(`http://localhost/ws${query}`, { headers });
      const error = assertThrows(() => allowAnonymous()(request), HeddleError, "without one");
      assertEquals(error.code, "unauthorized");
    }
  });
});
