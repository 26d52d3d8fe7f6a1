import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError, type HeddleErrorCode } from "../base/errors.ts";
import { allowAnonymous, type Identity } from "./identity.ts";
import { type Lookup, withLookup } from "./lookup.ts";

const U1: Identity = { userId: "u1", role: "viewer", claims: { a: 1 }, expiresAt: 1000 };
const request = new Request("http://localhost/ws");
const authenticate = () => U1;

async function refused(lookup: Lookup, code: HeddleErrorCode): Promise<HeddleError> {
  const guarded = withLookup(authenticate, lookup, { clock: manualClock() });
  const error = await assertRejects(async () => await guarded(request), HeddleError);
  assertEquals(error.code, code);
  return error;
}

describe("withLookup()", () => {
  it("goes on with the identity that was looked up, at once or later", async () => {
    const asked: unknown[] = [];
    const guarded = withLookup(authenticate, (identity, of) => {
      asked.push(identity, of);
      return { ...identity, role: "admin" };
    });
    assertEquals(await guarded(request), { ...U1, role: "admin" });
    assertEquals(asked, [U1, request]);
    const later = withLookup(authenticate, (identity) => Promise.resolve(identity));
    assertEquals(await later(request), U1);
  });

  it("refuses a user that is not found", async () => {
    await refused(() => null, "unauthorized");
    await refused(() => Promise.resolve(null), "unauthorized");
  });

  it("refuses what is no identity", async () => {
    const wrong = [undefined, "u1", { userId: "", role: "x" }, { userId: "u1" }, { userId: 5 }];
    for (const one of wrong) await refused(() => one as unknown as Identity, "unauthorized");
  });

  it("refuses when the look-up fails, and keeps why as the cause", async () => {
    const reason = new Error("the database is down");
    const thrown = await refused(() => {
      throw reason;
    }, "unavailable");
    assertEquals(thrown.cause, reason);
    const rejected = await refused(() => Promise.reject(reason), "unavailable");
    assertEquals(rejected.cause, reason);
    assert(!rejected.message.includes("database"));
  });

  it("refuses at the time-out, aborts the look-up, and ignores what it says afterwards", async () => {
    for (const late of ["resolve", "reject"] as const) {
      const clock = manualClock();
      let heard: AbortSignal | undefined;
      let end = (): void => {};
      const guarded = withLookup(authenticate, (_identity, _request, signal) => {
        heard = signal;
        return new Promise((resolve, reject) => {
          end = () => late === "resolve" ? resolve(U1) : reject(new Error("too late"));
        });
      }, { timeout: 50, clock });
      const answer = assertRejects(async () => await guarded(request), HeddleError, "looked up");
      await Promise.resolve();
      clock.advance(49);
      assertEquals(heard?.aborted, false);
      clock.advance(1);
      assertEquals(heard?.aborted, true);
      assertEquals((await answer).code, "unavailable");
      end();
    }
  });

  it("leaves no timer behind, and does not abort a look-up that answered", async () => {
    const timers = new Set<() => void>();
    const clock = {
      ...manualClock(),
      after: (_ms: number, fn: () => void) => {
        timers.add(fn);
        return () => timers.delete(fn);
      },
    };
    let heard: AbortSignal | undefined;
    const guarded = withLookup(authenticate, (identity, _request, signal) => {
      assertEquals(timers.size, 1);
      heard = signal;
      return identity;
    }, { clock });
    await guarded(request);
    assertEquals(timers.size, 0);
    assertEquals(heard?.aborted, false);
  });

  it("does not look up anonymous identities", async () => {
    const guarded = withLookup(allowAnonymous(), () => {
      throw new Error("asked");
    });
    assertEquals((await guarded(request)).userId, null);
  });

  it("does not look up whom the authenticator refused", async () => {
    const refusal = new HeddleError("token_expired", "over");
    const guarded = withLookup(() => Promise.reject(refusal), () => {
      throw new Error("asked");
    });
    assertEquals(await assertRejects(async () => await guarded(request), HeddleError), refusal);
  });

  it("can make the expiry earlier, not later", async () => {
    const expiries: [number | undefined, number][] = [[500, 500], [2000, 1000], [undefined, 1000]];
    for (const [found, expected] of expiries) {
      const guarded = withLookup(authenticate, () => ({
        userId: "u1",
        role: "viewer",
        claims: {},
        ...(found === undefined ? {} : { expiresAt: found }),
      }));
      assertEquals((await guarded(request)).expiresAt, expected);
    }
  });

  it("refuses a time-out that is none", () => {
    for (const timeout of [0, -1, NaN, Infinity]) {
      const error = assertThrows(
        () => withLookup(authenticate, () => null, { timeout }),
        HeddleError,
        "timeout",
      );
      assertEquals(error.code, "option_invalid");
    }
  });
});
