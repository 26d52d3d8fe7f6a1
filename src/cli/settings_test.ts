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
    assertEquals(readSettings({}), {
      environment: "development",
      host: "127.0.0.1",
      port: 8000,
      metricsInterval: 5,
      logLevel: "info",
      secret: undefined,
    });
    for (const HOST of ["localhost", "127.0.0.2", "::1"]) {
      assertEquals(readSettings({ HOST }).environment, "development");
    }
  });

  it("is production where there is a secret and ENVIRONMENT is not set", () => {
    assertEquals(readSettings({ JWT_SECRET }).environment, "production");
    assertEquals(readSettings({ JWT_SECRET, HOST: "0.0.0.0" }).environment, "production");
  });

  it("needs a secret where other machines reach it and ENVIRONMENT is not set", () => {
    for (const HOST of ["0.0.0.0", "::", "192.0.2.1", "example.com"]) {
      assertMatch(mistake({ HOST }), /^JWT_SECRET is not set.*HOST/);
    }
    const HOST = "0.0.0.0";
    assertEquals(readSettings({ HOST, ENVIRONMENT: "development" }).secret, undefined);
  });

  it("needs a secret in any environment but development", () => {
    for (const ENVIRONMENT of ["testing", "staging", "production"]) {
      assertMatch(mistake({ ENVIRONMENT }), /^JWT_SECRET is not set[^\n]*$/);
      assertEquals(readSettings({ ENVIRONMENT, JWT_SECRET }).secret, JWT_SECRET);
    }
  });

  it("takes no environment that it does not know", () => {
    for (const ENVIRONMENT of ["", "dev", "Development", "__proto__"]) {
      const message = mistake({ ENVIRONMENT, JWT_SECRET });
      assertMatch(message, /^ENVIRONMENT is ".*"; it must be one of development, testing, /);
    }
  });

  it("takes no weak secret, and does not tell it", () => {
    for (const secret of ["", "hunter2", "x".repeat(31)]) {
      for (const ENVIRONMENT of ["development", "production"]) {
        const message = mistake({ ENVIRONMENT, JWT_SECRET: secret });
        assertMatch(message, /^JWT_SECRET has \d+ bytes; it must have 32 or more/);
        assertEquals(message.includes("hunter2"), false);
      }
    }
  });

  it("takes ports from 0 to 65535", () => {
    assertEquals(readSettings({ PORT: "0" }).port, 0);
    assertEquals(readSettings({ PORT: "65535" }).port, 65535);
    for (const PORT of ["", "abc", "-1", "65536", "70000", "1.5", "0x50", "8000 "]) {
      const told =
        `PORT is "${PORT}"; it must be a whole number from 0 to 65535, where 0 takes a free port`;
      assertEquals(mistake({ PORT }), told);
    }
  });

  it("takes intervals in seconds, from a tenth to a day", () => {
    assertEquals(readSettings({ METRICS_INTERVAL: "0.1" }).metricsInterval, 0.1);
    for (const METRICS_INTERVAL of ["", "0", "0.09", "86401", "1e3", "five", "-5"]) {
      assertMatch(mistake({ METRICS_INTERVAL }), /^METRICS_INTERVAL is .*from 0\.1 to 86400$/);
    }
  });

  it("takes options before variables, and names what was wrong by where it came from", () => {
    const flags = { port: "1", host: "localhost", metricsInterval: "2", logLevel: "debug" };
    const { port, host, metricsInterval, logLevel } = readSettings({ PORT: "nonsense" }, flags);
    assertEquals([port, host, metricsInterval, logLevel], [1, "localhost", 2, "debug"]);
    assertMatch(mistake({ PORT: "1" }, { port: "x" }), /^--port is "x"/);
    assertMatch(mistake({}, { metricsInterval: "x" }), /^--metrics-interval is "x"/);
    assertMatch(mistake({}, { logLevel: "loud" }), /^--log-level is "loud"/);
  });

  it("tells of all mistakes at once", () => {
    const message = mistake({ ENVIRONMENT: "production", PORT: "x", HOST: "a b" });
    assertEquals(message.split("\n").map((line) => line.split(" ")[0]), [
      "HOST",
      "PORT",
      "JWT_SECRET",
    ]);
  });
});
