import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Session } from "./session.ts";
import { connected, openSession, timestamp } from "./fixture.ts";

describe("Session.advance()", () => {
  it("pings a silent peer at each interval, and closes at the time-out without a word", () => {
    const session = openSession();
    assertEquals(session.deadline, 30_000);
    assertEquals(session.advance(29_999, 0), []);
    assertEquals(session.advance(30_000, 0), [{ kind: "ping", missed: 0 }]);
    assertEquals(session.deadline, 60_000);
    assertEquals(session.advance(60_000, 0), [{ kind: "ping", missed: 1 }]);
    assertEquals(session.deadline, 90_000);
    assertEquals(session.advance(90_000, 0), [
      { kind: "close", close: { code: 4408, reason: "not alive" } },
    ]);
  });

  it("starts anew with every sign of life", () => {
    const session = openSession();
    session.advance(30_000, 0);
    session.heard(59_000);
    assertEquals(session.deadline, 89_000);
    assertEquals(session.advance(88_999, 0), []);
    assertEquals(session.advance(89_000, 0), [{ kind: "ping", missed: 0 }]);
    assertEquals(session.deadline, 119_000);
  });

  it("asks first where the process stood still for longer than the time-out", () => {
    const session = openSession();
    assertEquals(session.advance(1_000_000, 0), [{ kind: "ping", missed: 0 }]);
    assertEquals(session.advance(1_000_000, 0), []);
    session.heard(1_000_010);
    assertEquals(session.deadline, 1_030_010);
  });

  it("has nothing to do where the socket cannot ping", () => {
    const options = {
      subscriptions: 1,
      inFlight: 1,
      inFlightBytes: 1,
      declares: () => false,
      timestamp: () => timestamp,
    };
    const session = new Session(options, 0);
    session.open(connected);
    assertEquals(session.deadline, undefined);
    assertEquals(session.advance(1e9, 0), []);
  });
});
