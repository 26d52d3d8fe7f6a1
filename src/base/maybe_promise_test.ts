import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { whenReady } from "./maybe_promise.ts";

const never = (): never => {
  throw new Error("must not be called");
};

describe("whenReady()", () => {
  it("goes on in the same tick where the value is there", () => {
    assertEquals(whenReady(20, (value) => value + 1, never), 21);
  });

  it("goes on later where it is promised", async () => {
    const result = whenReady(Promise.resolve(20), (value) => value + 1, never);
    assert(result instanceof Promise);
    assertEquals(await result, 21);
  });

  it("turns to failed with the reason where the promise rejects", async () => {
    const result = whenReady(Promise.reject(new Error("lost")), never, (reason) => String(reason));
    assertEquals(await result, "Error: lost");
  });
});
