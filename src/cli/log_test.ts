import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { describeEntry } from "./log.ts";

describe("describeEntry()", () => {
  it("writes fields behind the message, and leaves out what says nothing", () => {
    assertEquals(
      describeEntry("connected", { role: "admin", reason: "two words", userId: null, code: 1000 }),
      'connected role=admin reason="two words" code=1000',
    );
  });

  it("writes errors by code and message", () => {
    const error = new HeddleError("unavailable", "no keys");
    assertEquals(describeEntry("failed", { error }), 'failed error="unavailable: no keys"');
    assertEquals(
      describeEntry("failed", { error: new TypeError("no") }),
      'failed error="TypeError: no"',
    );
  });

  it("stays on one line and writes whatever it is given", () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const entry = describeEntry("a\nb", { text: "c\nd\u001b", circular, big: 1n, fn: () => {} });
    assertEquals(/\p{Cc}/u.test(entry), false, entry);
  });

  it("holds no token, wherever it stood", () => {
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl";
    assertEquals(
      describeEntry(`got ${jwt}`, { url: `/ws?token=${jwt}&a=1`, auth: "/ws?auth_token=opaque" }),
      'got [token] url="/ws?token=[token]&a=1" auth="/ws?auth_token=[token]"',
    );
  });
});
