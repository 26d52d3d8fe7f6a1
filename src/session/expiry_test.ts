import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Effect } from "./effect.ts";
import { type SessionOptions } from "./session.ts";
import { connected, newSession, openSession, timestamp } from "./fixture.ts";

describe("Session.renew()", () => {
  const WALL = Date.UTC(2024, 11, 29, 12);
  const SECOND = 1_000;
  const expiring = (token_expires_in: number): Effect => ({
    kind: "send",
    message: { type: "token_expiring", token_expires_in, timestamp },
  });

  /** A session without pings, whose token holds for so many seconds, and its time. */
  function withToken(seconds: number, session = openSession(noPings)) {
    session.renew({ expiresAt: WALL + seconds * SECOND, tolerance: 5 * SECOND }, 0, WALL);
    return {
      session,
      at: (second: number) => session.advance(second * SECOND, WALL + second * SECOND),
    };
  }
  const noPings = { liveness: undefined } as unknown as Partial<SessionOptions>;

  it("warns once, 60 seconds before the token runs out, and ends it 5 seconds after", () => {
    const { session, at } = withToken(90);
    assertEquals(session.deadline, 30 * SECOND);
    assertEquals(at(29.999), []);
    assertEquals(at(30), [expiring(60)]);
    assertEquals(at(31), []);
    assertEquals(at(94.999), []);
    assertEquals(at(95), [{ kind: "expire" }]);
  });

  it("warns at once where less is left, and after connected", () => {
    assertEquals(withToken(10).at(0), [expiring(10)]);
    assertEquals(withToken(-3).at(0), [expiring(0)]);
    const early = withToken(10, newSession(noPings));
    assertEquals(early.at(1), []);
    early.session.open(connected);
    assertEquals(early.at(2), [expiring(8)]);
  });

  it("warns anew of a new token, and never of one that does not run out", () => {
    const { session, at } = withToken(60);
    assertEquals(at(0), [expiring(60)]);
    session.renew({ expiresAt: WALL + 120 * SECOND, tolerance: 0 }, 0, WALL);
    assertEquals(at(59), []);
    assertEquals(at(60), [expiring(60)]);
    session.renew(undefined, 60 * SECOND, WALL + 60 * SECOND);
    assertEquals([at(1e6), session.deadline], [[], undefined]);
  });

  it("goes by the wall clock, which it looks at every 30 seconds, whatever the other says", () => {
    const { session } = withToken(3_600);
    const deadline = session.deadline!;
    assertEquals(deadline, 30 * SECOND);
    // The machine slept for an hour.
    assertEquals(session.advance(deadline, WALL + 3_606 * SECOND), [{ kind: "expire" }]);
    // The clock was set back: the token holds again, as it does at the door.
    assertEquals(session.advance(deadline, WALL - 3_600 * SECOND), []);
    assertEquals(session.deadline, 60 * SECOND);
  });
});
