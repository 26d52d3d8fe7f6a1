import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { HeddleError } from "./errors.ts";
import { checkMethods, checkNames, checkStrings, checkType } from "./option_checks.ts";

function refused(check: () => void): string {
  const { code, message } = assertThrows(check, HeddleError);
  assertEquals(code, "option_invalid");
  return message;
}

describe("checkNames()", () => {
  it("names the option there is not, and those there are", () => {
    checkNames("limits", { text: 1 }, ["text", "binary"]);
    assertEquals(
      refused(() => checkNames("limits", { txt: 1 }, ["text", "binary"])),
      'there is no option "limits.txt"; there are: text, binary',
    );
    assertEquals(
      refused(() => checkNames("", { txt: 1 }, ["text"])),
      'there is no option "txt"; there are: text',
    );
  });

  it("refuses options that are no object, and does not show what they are", () => {
    for (
      const [value, kind] of [
        [null, "null"],
        [undefined, "undefined"],
        [[], "a list"],
        ["hunter2", "a string"],
        [5, "a number"],
        [true, "a boolean"],
      ] as const
    ) {
      const message = refused(() => checkNames("limits", value as object, []));
      assertEquals(message, `limits must be an object, not ${kind}`);
    }
  });
});

describe("checkType(), checkMethods() and checkStrings()", () => {
  it("take what fits, and undefined for the default", () => {
    checkType("cors", false, "boolean");
    checkType("warn", () => {}, "function");
    checkType("cors", undefined, "boolean");
    checkMethods("logger", console, ["info", "warn"]);
    checkMethods("logger", undefined, ["info"]);
    checkStrings("users", ["a", ""]);
    checkStrings("users", undefined);
  });

  it("say what was found and what is allowed", () => {
    assertEquals(
      refused(() => checkType("cors", "false", "boolean")),
      "cors must be true or false, not a string",
    );
    assertEquals(
      refused(() => checkType("warn", null, "function")),
      "warn must be a function, not null",
    );
    assertEquals(
      refused(() => checkMethods("logger", { info() {} }, ["info", "warn"])),
      "logger must have the methods info, warn, and has no warn",
    );
    for (const value of [null, 5, "x", {}]) {
      refused(() => checkMethods("logger", value, ["info"]));
    }
    assertEquals(
      refused(() => checkStrings("users", "u1")),
      "users must be a list of strings, not a string",
    );
    assertEquals(
      refused(() => checkStrings("users", ["u1", 2])),
      "users must be a list of strings, not a list of others",
    );
  });
});
