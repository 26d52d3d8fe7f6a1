import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../../base/errors.ts";
import { allowAnonymous } from "../../guard/identity.ts";
import { LOCAL_ORIGINS } from "../../guard/origin.ts";
import { resolveOptions } from "../options.ts";
import { settingsFromEnvironment } from "./settings.ts";
import { listVariables } from "./variables.ts";

const JWT_SECRET = "a secret of tests, longer than 32 bytes";

function mistake(environment: Record<string, string>): string {
  const error = assertThrows(() => settingsFromEnvironment(environment), HeddleError);
  assertEquals(error.code, "option_invalid");
  return error.message;
}

describe("settingsFromEnvironment()", () => {
  it("leaves to the hub what is not set, and is production", () => {
    assertEquals(settingsFromEnvironment({ PATH: "/bin", HOME: undefined }), {
      environment: "production",
      hub: {
        origin: { allow: undefined },
        limits: {},
        rates: {},
        heartbeat: {},
        acknowledgement: {},
      },
      auth: { anonymous: false },
      server: { hostname: "127.0.0.1", port: 8000 },
      metricsInterval: 5000,
      logLevel: "info",
      warnings: [],
    });
  });

  it("reads each variable into the option it stands for", () => {
    const settings = settingsFromEnvironment({
      ENVIRONMENT: "staging",
      HOST: "::1",
      PORT: "0",
      JWT_SECRET,
      LOG_LEVEL: "debug",
      METRICS_INTERVAL: "0.25",
      WEBSOCKET_REQUIRE_AUTH: "true",
      WEBSOCKET_ALLOWED_ORIGINS: "https://app.example.com, https://*.example.org,",
      WEBSOCKET_ENABLE_CORS: "false",
      TRUSTED_PROXIES: "10.0.0.0/8,::1",
      TRUSTED_PROXY_HEADER: "x-forwarded-for",
      WEBSOCKET_MAX_CONNECTIONS: "12",
      WEBSOCKET_MAX_CONNECTIONS_PER_USER: "3",
      WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: "4",
      WEBSOCKET_MAX_MESSAGE_SIZE: "20480",
      WEBSOCKET_MAX_MESSAGE_RATE: "60",
      RATE_LIMIT_MAX_REQUESTS: "30",
      RATE_LIMIT_WINDOW_SECONDS: "10",
      WEBSOCKET_HEARTBEAT_INTERVAL: "15000",
      MESSAGE_QUEUE_SIZE: "50",
      MESSAGE_RETRY_INTERVAL: "2.5",
    });
    assertEquals(settings, {
      environment: "staging",
      hub: {
        origin: {
          allow: [...LOCAL_ORIGINS, "https://app.example.com", "https://*.example.org"],
        },
        proxies: { trusted: ["10.0.0.0/8", "::1"], header: "x-forwarded-for" },
        limits: { connections: 12, connectionsPerUser: 3, connectionsPerAddress: 4, text: 20_480 },
        rates: { user: 60, upgrades: { limit: 30, window: 10_000 } },
        heartbeat: { interval: 15_000 },
        acknowledgement: { interval: 2_500, waiting: 50 },
      },
      auth: { secret: JWT_SECRET, anonymous: false },
      server: { hostname: "::1", port: 0, cors: false },
      metricsInterval: 250,
      logLevel: "debug",
      warnings: [],
    });
  });

  it("lets in without a token where it is told to, and in development", () => {
    const anonymous = (environment: Record<string, string>) =>
      settingsFromEnvironment(environment).auth.anonymous;
    const ENVIRONMENT = "development";
    assertEquals(anonymous({ ENVIRONMENT }), true);
    assertEquals(anonymous({ ENVIRONMENT, WEBSOCKET_REQUIRE_AUTH: "true" }), false);
    for (const ENVIRONMENT of ["testing", "staging", "production"]) {
      assertEquals(anonymous({ ENVIRONMENT }), false);
      const open = settingsFromEnvironment({ ENVIRONMENT, WEBSOCKET_REQUIRE_AUTH: "false" });
      assertEquals(open.auth.anonymous, true);
      assertMatch(open.warnings.join("\n"), /^WEBSOCKET_REQUIRE_AUTH is false in \w+: [^\n]+$/);
    }
  });

  it("warns where other machines reach a server in development", () => {
    const warnings = (environment: Record<string, string>) =>
      settingsFromEnvironment({ ENVIRONMENT: "development", ...environment }).warnings.join();
    const warned =
      "ENVIRONMENT is development and HOST is 0.0.0.0: whoever reaches this server is let in";
    assertEquals(warnings({ HOST: "0.0.0.0" }), warned);
    for (const HOST of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) {
      assertEquals(warnings({ HOST }), "", HOST);
    }
    assertEquals(warnings({ HOST: "0.0.0.0", WEBSOCKET_REQUIRE_AUTH: "true" }), "");
  });

  it("lets in pages of this machine beside those that are named, but not in production", () => {
    const allowed = (environment: Record<string, string>) =>
      settingsFromEnvironment(environment).hub.origin?.allow;
    const named = "https://app.example.com";
    for (const ENVIRONMENT of ["development", "testing", "staging"]) {
      assertEquals(allowed({ ENVIRONMENT }), LOCAL_ORIGINS);
      const both = allowed({ ENVIRONMENT, WEBSOCKET_ALLOWED_ORIGINS: named });
      assertEquals(both, [...LOCAL_ORIGINS, named]);
    }
    assertEquals(allowed({ WEBSOCKET_ALLOWED_ORIGINS: named }), [named]);
    assertEquals(allowed({}), undefined);
  });

  it("lets every page in only by the word any, and warns of it", () => {
    const any = settingsFromEnvironment({ WEBSOCKET_ALLOWED_ORIGINS: "any" });
    assertEquals(any.hub.origin, { allow: "any" });
    assertEquals(any.warnings, [
      "WEBSOCKET_ALLOWED_ORIGINS is any in production: every web page may connect",
    ]);
    for (
      const entries of ["*", "any,https://a.example", "https://*", "https://*.com", "null", ","]
    ) {
      const told = /^WEBSOCKET_ALLOWED_ORIGINS is ".+"; it must be origins separated by commas/;
      assertMatch(mistake({ WEBSOCKET_ALLOWED_ORIGINS: entries }), told);
    }
  });

  it("says which entry of a list is wrong", () => {
    const WEBSOCKET_ALLOWED_ORIGINS = "https://a.example, https://b.example/path";
    assertMatch(
      mistake({ WEBSOCKET_ALLOWED_ORIGINS }),
      /: "https:\/\/b\.example\/path" is no origin/,
    );
    const TRUSTED_PROXIES = "10.0.0.1,10.0.0.300";
    assertMatch(mistake({ TRUSTED_PROXIES }), /: "10\.0\.0\.300" is no address or range/);
    const { warnings } = settingsFromEnvironment({ TRUSTED_PROXY_HEADER: "forwarded" });
    assertEquals(warnings, ["TRUSTED_PROXY_HEADER does nothing: TRUSTED_PROXIES names no proxy"]);
  });

  it("takes yes and no by the usual words", () => {
    const required = (WEBSOCKET_REQUIRE_AUTH: string) =>
      !settingsFromEnvironment({ WEBSOCKET_REQUIRE_AUTH }).auth.anonymous;
    for (const word of ["true", "True", "TRUE", "yes", "on", "1"]) {
      assertEquals(required(word), true);
    }
    for (const word of ["false", "False", "no", "OFF", "0"]) assertEquals(required(word), false);
    for (const word of ["", "2", "enabled", "__proto__", "constructor", " true"]) {
      const told = `WEBSOCKET_REQUIRE_AUTH is ${JSON.stringify(word)}; it must be true or false`;
      assert(mistake({ WEBSOCKET_REQUIRE_AUTH: word }).startsWith(told), word);
    }
  });

  it("takes whole numbers within their range, written in digits", () => {
    assertEquals(settingsFromEnvironment({ PORT: "65535" }).server.port, 65_535);
    for (const PORT of ["", "abc", "-1", "65536", "1.5", "0x50", "8000 ", "1e3", "+1", "٣"]) {
      assertEquals(
        mistake({ PORT }),
        `PORT is "${PORT}"; it must be a whole number from 0 to 65535`,
      );
    }
    const interval =
      /^WEBSOCKET_HEARTBEAT_INTERVAL is "30"; .*whole number of milliseconds from 1000/;
    assertMatch(mistake({ WEBSOCKET_HEARTBEAT_INTERVAL: "30" }), interval);
  });

  it("takes numbers with a fraction where they are seconds", () => {
    for (const METRICS_INTERVAL of ["", "0", "0.09", "86401", "1e3", "five", "-5", "1."]) {
      assertMatch(mistake({ METRICS_INTERVAL }), /^METRICS_INTERVAL is .*from 0\.1 to 86400$/);
    }
  });

  it("takes no environment that it does not know", () => {
    for (const ENVIRONMENT of ["", "dev", "Development", "__proto__"]) {
      const told =
        /^ENVIRONMENT is ".*"; it must be one of development, testing, staging, production$/;
      assertMatch(mistake({ ENVIRONMENT }), told);
    }
  });

  it("tells of every mistake at once, on a line each", () => {
    const names = ["HOST", "PORT", "WEBSOCKET_MAX_CONNECTIONS", "MESSAGE_QUEUE_SIZE"];
    const wrong = Object.fromEntries(names.map((name) => [name, "a\nb"]));
    const lines = mistake(wrong).split("\n");
    assertEquals(lines.map((line) => line.split(" ")[0]), names);
    for (const line of lines) assertMatch(line, /^\w+ is "a\\nb"; it must be \S.*$/);
  });

  it("never tells a secret, nor much of anything", () => {
    const password = "hunter2";
    for (const JWT_SECRET of ["", password, password.repeat(4)]) {
      assertMatch(
        mistake({ JWT_SECRET }),
        /^JWT_SECRET has \d+ bytes; it must be 32 bytes or more/,
      );
      assert(!mistake({ JWT_SECRET }).includes(password));
    }
    assertMatch(
      mistake({ JWT_SECRET: `-----BEGIN PUBLIC KEY-----\n${password.repeat(9)}` }),
      /^JWT_SECRET is a public key, which anybody has; it must be 32 bytes or more/,
    );
    const REDIS_URL = `https://user:${password}@localhost`;
    assertEquals(
      mistake({ REDIS_URL }),
      "REDIS_URL is not right; it must be a redis: or rediss: URL",
    );
    assert(mistake({ PORT: "9".repeat(100_000) }).length < 300);
  });

  it("counts requests in a minute where no other time is set, and warns of a time alone", () => {
    const counted = settingsFromEnvironment({ RATE_LIMIT_MAX_REQUESTS: "5" });
    assertEquals(counted.hub.rates, { upgrades: { limit: 5, window: 60_000 } });
    const { hub, warnings } = settingsFromEnvironment({ RATE_LIMIT_WINDOW_SECONDS: "5" });
    assertEquals([hub.rates, warnings], [{}, [
      "RATE_LIMIT_WINDOW_SECONDS does nothing: RATE_LIMIT_MAX_REQUESTS is not set",
    ]]);
  });

  it("warns of what it cannot heed", () => {
    const { warnings } = settingsFromEnvironment({
      REDIS_URL: "redis://:hunter2@localhost:6379/0",
      REDIS_CHANNEL_PREFIX: "app",
      METRICS_SAMPLE_SIZE: "1000",
      LATENCY_TRACKING_ENABLED: "true",
    });
    assertEquals(warnings.map((warning) => warning.split(":")[0]), [
      "REDIS_URL does nothing",
      "REDIS_CHANNEL_PREFIX does nothing",
      "METRICS_SAMPLE_SIZE does nothing",
      "LATENCY_TRACKING_ENABLED does nothing",
    ]);
    assert(!warnings.join().includes("hunter2"));
    assertEquals(settingsFromEnvironment({ LATENCY_TRACKING_ENABLED: "false" }).warnings, []);
  });

  it("warns of misspelt names with the nearest right one, and of no other program's", () => {
    const misspelt = {
      WEBSOCKET_REQIRE_AUTH: "WEBSOCKET_REQUIRE_AUTH",
      websocket_require_auth: "WEBSOCKET_REQUIRE_AUTH",
      WEBSOCKET_HEARTBEATINTERVAL: "WEBSOCKET_HEARTBEAT_INTERVAL",
      WEBSOCKET_MAX_CONNECTION: "WEBSOCKET_MAX_CONNECTIONS",
    };
    for (const [name, meant] of Object.entries(misspelt)) {
      const { warnings } = settingsFromEnvironment({ [name]: "x" });
      assertEquals(warnings, [`${name} is not known, so it does nothing: is ${meant} meant?`]);
    }
    assertEquals(settingsFromEnvironment({ WEBSOCKET_COLOUR_OF_THE_CURTAINS: "red" }).warnings, [
      "WEBSOCKET_COLOUR_OF_THE_CURTAINS is not known, so it does nothing: there is no such variable",
    ]);
    const others = {
      PORTS: "x",
      REDIS_HOST: "x",
      LOGLEVEL: "x",
      WEBSOCKETS: "x",
      JWT_SECRETS: "x",
    };
    assertEquals(settingsFromEnvironment({ ...others, WEBSOCKET_TYPO: undefined }).warnings, []);
  });

  it("tells the defaults that are in force", () => {
    const { limits, heartbeat, acknowledgement } = resolveOptions({ auth: allowAnonymous() });
    const { server, logLevel, metricsInterval } = settingsFromEnvironment({});
    const { upgrades } = settingsFromEnvironment({ RATE_LIMIT_MAX_REQUESTS: "1" }).hub.rates || {};
    const inForce: Readonly<Record<string, unknown>> = {
      HOST: server.hostname,
      PORT: server.port,
      LOG_LEVEL: logLevel,
      METRICS_INTERVAL: metricsInterval / 1000,
      WEBSOCKET_MAX_CONNECTIONS: limits.connections,
      WEBSOCKET_MAX_CONNECTIONS_PER_USER: limits.connectionsPerUser,
      WEBSOCKET_MAX_MESSAGE_SIZE: limits.text,
      WEBSOCKET_HEARTBEAT_INTERVAL: heartbeat.interval,
      RATE_LIMIT_WINDOW_SECONDS: upgrades!.window / 1000,
      MESSAGE_QUEUE_SIZE: acknowledgement.waiting,
      MESSAGE_RETRY_INTERVAL: acknowledgement.interval / 1000,
    };
    const told = Object.fromEntries(listVariables().map((about) => [about.name, about.default]));
    for (const [name, value] of Object.entries(inForce)) {
      assertEquals(told[name], String(value), name);
    }
    assertEquals(limits.connectionsPerAddress, limits.connections);
    // A number that is told is one that is compared here.
    const numbers = Object.entries(told).filter(([, value]) => /^[\d.]+$/.test(value));
    for (const [name] of numbers) assert(name in inForce, name);
  });
});
