import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import {
  LOCAL_ORIGINS,
  type OriginOptions,
  OriginPolicy,
  originsFor,
  parseOrigin,
  type Target,
} from "./origin.ts";
import { Refusal } from "./refusal.ts";
import { allowedOrigins, friendlyOrigins, hostileOrigins } from "./testing/hostile_origins.ts";

const target: Target = { host: "hub.example.net" };

function lets(options: OriginOptions, origin: string | null, to: Target = target): boolean {
  try {
    new OriginPolicy(options).check(origin, to);
    return true;
  } catch (error) {
    assert(error instanceof Refusal, String(error));
    assertEquals([error.status, error.error], [403, "origin_not_allowed"]);
    return false;
  }
}

describe("OriginPolicy with a list", () => {
  const options = { allow: allowedOrigins };

  it("lets in what the list names, however it is written", () => {
    for (const origin of friendlyOrigins) assertEquals(lets(options, origin), true, origin);
  });

  for (const [attack, origin] of hostileOrigins) {
    it(`refuses ${attack}: ${origin.slice(0, 60)}`, () => {
      assertEquals(lets(options, origin), false);
      assertEquals(new OriginPolicy(options).names(origin), false);
    });
  }

  it("knows 40 attacks and more", () => assert(hostileOrigins.length >= 40));

  it("refuses the server's own host where the list does not name it", () => {
    assertEquals(lets(options, "https://hub.example.net"), false);
    assertEquals(lets({ allow: [] }, "https://hub.example.net"), false);
  });

  it("takes loopback hosts on any port, and addresses", () => {
    for (const origin of ["http://localhost:1", "https://127.0.0.1:8443", "http://[::1]:3000"]) {
      assertEquals(lets({ allow: LOCAL_ORIGINS }, origin), true, origin);
    }
    for (const origin of ["http://[::2]:3000", "http://127.0.0.2", "http://localhost.evil.com"]) {
      assertEquals(lets({ allow: LOCAL_ORIGINS }, origin), false, origin);
    }
    assertEquals(lets({ allow: ["http://[0:0::1]:80"] }, "http://[::1]"), true);
  });

  it("takes schemes of applications as they are", () => {
    const allow = ["capacitor://localhost", "chrome-extension://abcdefgh"];
    for (const origin of allow) assertEquals(lets({ allow }, origin), true, origin);
    assertEquals(lets({ allow }, "chrome-extension://abcdefg"), false);
  });

  it("lets in every page, null included, where it says so", () => {
    for (const origin of ["https://evil.com", "null", "https://a b"]) {
      assertEquals(lets({ allow: "any" }, origin), true);
    }
  });

  it("lets in who names no origin, unless it says otherwise", () => {
    assertEquals(lets(options, null), true);
    assertEquals(lets({ ...options, absent: "refuse" }, null), false);
    assertEquals(lets({ absent: "refuse" }, null), false);
    assertEquals(lets({ allow: "any", absent: "refuse" }, null), false);
  });

  it("refuses a list that holds no origin, and says which", () => {
    const bad = [
      "",
      "*",
      "null",
      "example.com",
      "https://example.com/",
      "https://example.com/path",
      "https://u@example.com",
      "https://*",
      "https://*.com",
      "https://*.example.com.",
      "https://*.10.0.0.1",
      "https://*.*.example.com",
      "https://a.*.example.com",
      "https://a*.example.com",
      "https://example.com:*",
      "https://*.example.com:*",
      "https://example.com:99999",
      "https://*.[::1]",
    ];
    for (const entry of bad) {
      const error = assertThrows(() => new OriginPolicy({ allow: [entry] }), HeddleError);
      assertEquals(error.code, "option_invalid");
      assert(error.message.includes(JSON.stringify(entry)), error.message);
    }
    const notText = { allow: [7] } as unknown as OriginOptions;
    assertThrows(() => new OriginPolicy(notText), HeddleError, "number");
    const misspelt = { allowed: [] } as OriginOptions;
    assertThrows(() => new OriginPolicy(misspelt), HeddleError, "there are: allow, absent");
    const notList = { allow: "https://a.example.com" } as unknown as OriginOptions;
    assertThrows(() => new OriginPolicy(notList), HeddleError, "list");
    const absent = { absent: "maybe" } as unknown as OriginOptions;
    assertThrows(() => new OriginPolicy(absent), HeddleError, '"maybe"');
  });
});

describe("OriginPolicy without a list", () => {
  it("lets in the host that the request is for, and no other", () => {
    const own = ["https://hub.example.net", "http://hub.example.net", "https://HUB.example.net"];
    for (const origin of own) assertEquals(lets({}, origin), true, origin);
    const others = [
      "https://hub.example.net:8443",
      "https://example.net",
      "https://a.hub.example.net",
      "https://hub.example.net.evil.com",
      "wss://hub.example.net",
      "null",
    ];
    for (const origin of others) assertEquals(lets({}, origin), false, origin);
  });

  it("compares the port, where one of them leaves out the usual one", () => {
    assertEquals(lets({}, "http://localhost:8000", { host: "localhost:8000" }), true);
    assertEquals(lets({}, "http://localhost", { host: "localhost:80" }), true);
    assertEquals(lets({}, "https://localhost", { host: "localhost:443" }), true);
    assertEquals(lets({}, "https://localhost", { host: "localhost:80" }), false);
    assertEquals(lets({}, "http://[::1]:8000", { host: "[::1]:8000" }), true);
  });

  it("compares the scheme where it is known", () => {
    const https: Target = { ...target, scheme: "https" };
    assertEquals(lets({}, "https://hub.example.net", https), true);
    assertEquals(lets({}, "http://hub.example.net", https), false);
  });

  it("refuses whatever the host where that is none", () => {
    for (const host of ["", "a b", "a/b", "u@hub.example.net", "hub.example.net#"]) {
      assertEquals(lets({}, "https://hub.example.net", { host }), false, host);
    }
  });

  it("names nobody", () => {
    const policy = new OriginPolicy();
    assertEquals([policy.namesOthers, policy.names("https://hub.example.net")], [false, false]);
  });
});

describe("parseOrigin()", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/);
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));

  it("agrees with the URL standard's parser wherever it takes something for an origin", () => {
    const pieces = fc.constantFrom(
      "https://",
      "http://",
      "HTTP://",
      "ws://",
      "//",
      "/",
      ":",
      "@",
      "#",
      "?",
      "\\",
      ".",
      "..",
      "%2e",
      "[",
      "]",
      "::1",
      "127.0.0.1",
      "0x7f",
      "a",
      "example",
      "com",
      "443",
      "80",
      "8443",
      "-",
      "_",
      " ",
      "\t",
      "\u00e9",
      "\u3002",
      "xn--",
      "null",
      "*",
    );
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 9 }).map((all) => all.join("")),
      fc.tuple(host, fc.nat(70_000)).map(([name, port]) => `https://${name}:${port}`),
      fc.webUrl(),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (value) => {
        const parsed = parseOrigin(value);
        let url: URL | undefined;
        try {
          url = new URL(value);
        } catch {
          // No URL: then it must be no origin either.
        }
        if (parsed === undefined) {
          // Every origin as browsers write it is taken, save hosts that no name server knows: "https://*".
          const written = url?.origin;
          const isName = /^(\[.*\]|[a-z0-9._-]+)$/.test(url?.hostname ?? "");
          return written !== value || written === "null" || !isName;
        }
        assert(url !== undefined, `${value} is no URL`);
        const { username, password, search, hash, pathname } = url;
        assertEquals([username, password, search, hash], ["", "", "", ""]);
        assert(pathname === "/" || pathname === "", pathname);
        const port = parsed.port === "" ? "" : `:${parsed.port}`;
        const written = `${parsed.scheme}//${parsed.host}${port}`;
        assertEquals(written, url.origin === "null" ? written : url.origin);
        return true;
      }),
      { numRuns: 500 },
    );
  });

  it("lets a wildcard stand for hosts that end in the domain after a dot, and for nothing else", () => {
    fc.assert(fc.property(host, host, fc.boolean(), (front, end, dotted) => {
      const domain = `${end}.example`;
      const origin = `https://${front}${dotted ? "." : ""}${domain}`;
      let url: URL;
      try {
        url = new URL(origin);
      } catch {
        return;
      }
      const expected = url.hostname.endsWith(`.${domain}`);
      assertEquals(lets({ allow: [`https://*.${domain}`] }, url.origin), expected, url.origin);
    }));
  });
});

describe("originsFor()", () => {
  const lists = { staging: ["https://s.example.com"], production: ["https://p.example.com"] };

  it("takes the local origins in development, with those of staging there, and in production none", () => {
    assertEquals(originsFor("development", lists), LOCAL_ORIGINS);
    assertEquals(originsFor("testing", lists), LOCAL_ORIGINS);
    assertEquals(originsFor("staging", lists), ["https://s.example.com", ...LOCAL_ORIGINS]);
    assertEquals(originsFor("production", lists), ["https://p.example.com"]);
    assertEquals(originsFor("production"), undefined);
    const development = ["http://localhost:1"];
    assertEquals(originsFor("development", { development }), development);
  });
});
