import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { guarded, isThenable, whenReady } from "./maybe_promise.ts";

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

describe("guarded()", () => {
  const thrower = (reason: string) => () => {
    throw new Error(reason);
  };

  it("hands on what is thrown, at once", () => {
    const reasons: unknown[] = [];
    assertEquals(guarded(thrower("a"), (reason) => reasons.push(String(reason))), undefined);
    assertEquals(reasons, ["Error: a"]);
  });

  it("hands on what a promise rejects with, and gives one that does not", async () => {
    const reasons: unknown[] = [];
    const rejecting = () => Promise.reject(new Error("b"));
    await guarded(rejecting, (reason) => reasons.push(String(reason)));
    assertEquals(reasons, ["Error: b"]);
  });

  it("gives nothing to wait for where nothing was promised", () => {
    assertEquals(guarded(() => 7, never), undefined);
  });
});

describe("isThenable()", () => {
  it("knows a promise by its shape, and nothing else for one", () => {
    assert(isThenable(Promise.resolve()) && isThenable({ then: () => {} }));
    for (const value of [undefined, null, 7, "then", {}, { then: true }]) {
      assert(!isThenable(value));
    }
  });
});
