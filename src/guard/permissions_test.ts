import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { type Action, defaultPermissions, type Permissions, permits } from "./permissions.ts";

function may(permissions: Permissions, role: string): Action[] {
  return (["subscribe", "broadcast"] as const).filter((action) =>
    permits(permissions, role, action)
  );
}

describe("permits()", () => {
  it("goes by the role, and by * only where the role is not listed", () => {
    const permissions: Permissions = {
      admin: ["subscribe", "broadcast"],
      bot: ["broadcast"],
      banned: [],
      "*": ["subscribe"],
    };
    assertEquals(may(permissions, "admin"), ["subscribe", "broadcast"]);
    assertEquals(may(permissions, "bot"), ["broadcast"]);
    assertEquals(may(permissions, "banned"), []);
    assertEquals(may(permissions, "viewer"), ["subscribe"]);
    assertEquals(may(permissions, "*"), ["subscribe"]);
  });

  it("gives nothing where neither the role nor * is listed", () => {
    assertEquals(may({ admin: ["subscribe"] }, "viewer"), []);
    assertEquals(may({}, "admin"), []);
    assertEquals(may({}, "*"), []);
  });

  it("does not find a role in the prototype", () => {
    for (const role of ["__proto__", "constructor", "toString", "hasOwnProperty", ""]) {
      assertEquals(may({ admin: ["subscribe", "broadcast"] }, role), [], role);
      assertEquals(may({ "*": ["subscribe"] }, role), ["subscribe"], role);
    }
  });

  it("compares roles letter by letter", () => {
    assertEquals(may({ admin: ["broadcast"] }, "Admin"), []);
    assertEquals(may({ admin: ["broadcast"] }, "admin "), []);
  });
});

describe("defaultPermissions", () => {
  it("let everybody listen and nobody publish", () => {
    assertEquals(may(defaultPermissions, "anonymous"), ["subscribe"]);
  });
});
