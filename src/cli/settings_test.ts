import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { CommandError } from "./failure.ts";
import { readSettings, type ServeFlags } from "./settings.ts";

const JWT_SECRET = "a secret of tests, longer than 32 bytes";

function mistake(variables: Record<string, string>, flags: ServeFlags = {}): string {
  const error = assertThrows(() => readSettings(variables, flags), CommandError);
  assertEquals(error.exitCode, 2);
  return error.message;
}

describe("readSettings()", () => {
  it("is development on one's own machine, where nothing says otherwise", () => {
    for (const HOST of [undefined, "localhost", "127.0.0.2", "::1"]) {
      const { environment, auth } = readSettings({ HOST });
      assertEquals([environment, auth], ["development", { anonymous: true }]);
    }
  });

  it("is production where there is a secret and ENVIRONMENT is not set", () => {
    for (const HOST of [undefined, "0.0.0.0"]) {
      const { environment, auth } = readSettings({ JWT_SECRET, HOST });
      assertEquals([environment, auth.anonymous], ["production", false]);
    }
  });

  it("needs a secret where other machines reach it and ENVIRONMENT is not set", () => {
    for (const HOST of ["0.0.0.0", "::", "192.0.2.1", "example.com"]) {
      assertMatch(mistake({ HOST }), /^JWT_SECRET is not set.*HOST/);
    }
    const HOST = "0.0.0.0";
    assertEquals(readSettings({ HOST, ENVIRONMENT: "development" }).auth, { anonymous: true });
  });

  it("needs a secret in any environment but development", () => {
    for (const ENVIRONMENT of ["testing", "staging", "production"]) {
      assertMatch(mistake({ ENVIRONMENT }), /^JWT_SECRET is not set[^\n]*$/);
      assertEquals(readSettings({ ENVIRONMENT, JWT_SECRET }).auth.secret, JWT_SECRET);
    }
  });

  it("takes options before variables, and names what was wrong by where it came from", () => {
    const flags = { port: "1", host: "localhost", metricsInterval: "2", logLevel: "debug" };
    const { server, metricsInterval, logLevel } = readSettings({ PORT: "nonsense" }, flags);
    assertEquals(server, { hostname: "localhost", port: 1 });
    assertEquals([metricsInterval, logLevel], [2000, "debug"]);
    assertMatch(mistake({ PORT: "1" }, { port: "x" }), /^--port is "x"/);
    assertMatch(mistake({}, { metricsInterval: "x" }), /^--metrics-interval is "x"/);
    assertMatch(mistake({}, { logLevel: "loud" }), /^--log-level is "loud"/);
  });

  it("does not start with REDIS_URL, which it could not heed", () => {
    const message = mistake({ REDIS_URL: "redis://:hunter2@localhost" });
    assertMatch(message, /^REDIS_URL is set, and this version has no Redis broker[^\n]*$/);
    assertEquals(message.includes("hunter2"), false);
  });

  it("tells of all mistakes at once", () => {
    const ENVIRONMENT = "production";
    const message = mistake({
      ENVIRONMENT,
      PORT: "x",
      HOST: "a b",
      REDIS_URL: "redis://localhost",
    });
    const names = message.split("\n").map((line) => line.split(" ")[0]);
    assertEquals(names, ["HOST", "PORT", "JWT_SECRET", "REDIS_URL"]);
  });
});
