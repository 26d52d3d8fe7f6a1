import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { base64url, UnsecuredJWT } from "jose";
import { describe, it } from "node:test";
import { isByRules } from "./claim_rules.ts";

const NOW = Date.UTC(2024, 11, 29, 12) / 1000;
const HEADER = base64url.encode('{"alg":"none"}');

describe("isByRules()", () => {
  it("takes what jose takes, and nothing else", () => {
    const time = fc.oneof(
      { arbitrary: fc.integer({ min: NOW - 7, max: NOW + 7 }), weight: 8 },
      {
        arbitrary: fc.constantFrom(60, -60, Infinity, -4.5, 5.3, -0.5).map((left) => NOW + left),
        weight: 4,
      },
      fc.constantFrom(null, `${NOW}`, "", true, [NOW], {}),
    );
    const one = fc.oneof(
      { arbitrary: fc.constantFrom<unknown>("me", "hub"), weight: 6 },
      fc.constantFrom<unknown>("Hub", "", null, 1, {}),
    );
    const claims = fc.record({
      exp: time,
      nbf: time,
      iat: time,
      iss: fc.oneof({ arbitrary: one, weight: 6 }, fc.array(one, { maxLength: 1 })),
      aud: fc.oneof(one, fc.array(one, { maxLength: 3 })),
      sub: one,
      ["__proto__"]: fc.constant({ iss: "me", aud: "hub", exp: NOW + 60 }),
    }, { requiredKeys: [] });
    const names = fc.constantFrom<string[]>(["me"], ["hub"], ["me", "hub"]);
    const rules = fc.record({
      currentDate: fc.constantFrom(0, 1, 500, 999).map((past) => new Date(NOW * 1000 + past)),
      clockTolerance: fc.constantFrom(0, 5, 0.5, Number.MAX_SAFE_INTEGER),
      issuer: names,
      audience: names,
    }, { requiredKeys: ["currentDate", "clockTolerance"] });
    const counts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(claims, rules, (claims, rules) => {
        // As a token has them: JSON can say what no number is.
        const text = JSON.stringify(claims, (_, value) => value === Infinity ? "1e400" : value)
          .replaceAll('"1e400"', "1e400");
        const token = `${HEADER}.${base64url.encode(text)}.`;
        const isTaken = takes(() => UnsecuredJWT.decode(token, rules));
        assertEquals(isByRules(JSON.parse(text), rules), isTaken, text);
        counts[isTaken ? "taken" : "refused"]++;
      }),
      { numRuns: 5_000 },
    );
    assert(
      counts.taken > 200 && counts.refused > 200,
      `the test tells nothing: ${JSON.stringify(counts)}`,
    );
  });
});

function takes(judge: () => unknown): boolean {
  try {
    judge();
    return true;
  } catch {
    return false;
  }
}
