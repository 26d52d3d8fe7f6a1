import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError, type HeddleErrorCode } from "../base/errors.ts";
import type { Claims, Verify } from "./claims.ts";
import { type GoodTokenOptions, remembering } from "./good_tokens.ts";

/** A check that counts, and what it says of a token. */
function counted(claims: (token: string) => Claims, options: GoodTokenOptions = {}) {
  const clock = manualClock();
  const asked: string[] = [];
  const inner: Verify = (token) => {
    asked.push(token);
    return new Promise((resolve) => resolve(claims(token)));
  };
  return { clock, asked, verify: remembering(inner, { clock, ...options }) };
}

const NOW = manualClock().wall() / 1000;
const far = () => ({ sub: "u1", exp: NOW + 3_600 });

describe("remembering()", () => {
  it("asks once a minute about a token that was good", async () => {
    const { clock, asked, verify } = counted(far);
    await verify("a");
    clock.advance(59_999);
    assertEquals(await verify("a"), far());
    assertEquals(asked, ["a"]);
    clock.advance(1);
    assertEquals(await verify("a"), far());
    assertEquals(asked, ["a", "a"]);
  });

  it("asks each time about one that was refused, and never remembers it as good", async () => {
    let code: HeddleErrorCode | undefined = "unauthorized";
    const { asked, verify } = counted(() => {
      if (code !== undefined) throw new HeddleError(code, "refused");
      return far();
    });
    for (const refusal of ["unauthorized", "token_expired", "unavailable"] as const) {
      code = refusal;
      const error = await assertRejects(async () => await verify("a"), HeddleError);
      assertEquals(error.code, code);
    }
    assertEquals(asked.length, 3);
    code = undefined;
    assertEquals(await verify("a"), far());
  });

  it("leaves a token to the check as soon as its time is over, with the tolerance of the clock", async () => {
    const { clock, asked, verify } = counted(() => ({ exp: NOW + 10 }), { clockTolerance: 3 });
    await verify("a");
    clock.advance(12_999);
    await verify("a");
    assertEquals(asked.length, 1);
    clock.advance(1);
    await verify("a");
    assertEquals(asked.length, 2);
  });

  it("leaves a token to the check whose time has not come, where the wall clock was set back", async () => {
    const { clock, asked } = counted(far);
    let wall = clock.wall();
    const verify = remembering((token) => {
      asked.push(token);
      return Promise.resolve({ exp: NOW + 60, nbf: NOW });
    }, { clock: { ...clock, wall: () => wall } });
    await verify("a");
    await verify("a");
    assertEquals(asked.length, 1);
    wall -= 6_000;
    await verify("a");
    assertEquals(asked.length, 2);
  });

  it("gives everybody claims of its own", async () => {
    const { verify } = counted(() => ({ ...far(), list: ["a"] }));
    for (let i = 0; i < 3; i++) {
      const claims = await verify("a") as { list: string[] };
      assertEquals(claims.list, ["a"]);
      claims.list.push("b");
    }
  });

  it("tells tokens apart by every character", async () => {
    const { asked, verify } = counted((token) => ({ ...far(), sub: token }));
    for (const token of ["a.b.c", "a.b.d", "a.b.c ", "a.b", "__proto__"]) {
      assertEquals((await verify(token)).sub, token);
      assertEquals((await verify(token)).sub, token);
    }
    assertEquals(asked.length, 5);
  });

  it("remembers the newest, and no more than it may", async () => {
    const { asked, verify } = counted(far, { rememberedTokens: 2 });
    for (const token of ["a", "b", "c"]) await verify(token);
    for (const token of ["b", "c"]) await verify(token);
    assertEquals(asked, ["a", "b", "c"]);
    await verify("a");
    assertEquals(asked.length, 4);
  });

  it("remembers no more than 8 MiB of them", async () => {
    const { asked, verify } = counted(() => ({ ...far(), long: "x".repeat(1_000_000) }));
    for (let i = 0; i < 9; i++) await verify(`${i}`);
    await verify("8");
    assertEquals(asked.length, 9);
    await verify("0");
    assertEquals(asked.length, 10);
  });

  it("remembers none where it is told to", async () => {
    const { asked, verify } = counted(far, { rememberedTokens: 0 });
    for (let i = 0; i < 3; i++) await verify("a");
    assertEquals(asked.length, 3);
    for (const rememberedTokens of [-1, 0.5, NaN]) {
      const error = assertThrows(() => counted(far, { rememberedTokens }), HeddleError);
      assert(error.code === "option_invalid" && error.message.includes("rememberedTokens"));
    }
  });
});
