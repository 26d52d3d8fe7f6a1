import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "./errors.ts";
import { assertNever } from "./exhaustive.ts";

describe("HeddleError", () => {
  it("is an Error with a code, a name and the cause behind it", () => {
    const cause = new Error("socket hang up");
    const error = new HeddleError("broker_unavailable", "the broker is away", { cause });
    assert(error instanceof Error);
    assertEquals([error.code, error.name], ["broker_unavailable", "HeddleError"]);
    assertEquals([error.message, error.cause], ["the broker is away", cause]);
  });
});

describe("assertNever()", () => {
  it("throws and says what it did not expect", () => {
    const error = assertThrows(() => assertNever({ kind: "surprise" } as never), TypeError);
    assertStringIncludes(error.message, "surprise");
  });
});
