import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { parseUrl, resuming, target } from "./url.ts";

describe("parseUrl()", () => {
  const known = [
    ["ws://h:1/ws", "ws://h:1/ws"],
    ["wss://h/ws?a=b", "wss://h/ws?a=b"],
    ["http://h:8000/ws", "ws://h:8000/ws"],
    ["https://h/", "wss://h/"],
  ] as const;
  for (const [given, expected] of known) {
    it(`takes ${given} for ${expected}`, () => assertEquals(parseUrl(given).href, expected));
  }

  it("takes a URL, and leaves it as it was", () => {
    const given = new URL("http://h/ws");
    assertEquals(parseUrl(given).href, "ws://h/ws");
    assertEquals(given.href, "http://h/ws");
  });

  const bad = [
    ["ftp://h/ws", 'it starts with "ftp:"; allowed are ws:, wss:, http: and https:'],
    ["ws://h/ws#top", "it has a fragment"],
    ["ws://", '"ws://" is no address'],
    ["ws://h:99999/?token=s3cret", '"ws://h:99999/" is no address'],
  ] as const;
  for (const [given, why] of bad) {
    it(`refuses ${given}`, () => {
      const error = assertThrows(() => parseUrl(given), HeddleError, why);
      assertEquals(error.code, "option_invalid");
    });
  }
});

describe("target()", () => {
  const at = (url: string) => new URL(url);

  it("adds the token to the query that is there, which stays as it is written", () => {
    assertEquals(target(at("ws://h/ws"), "a+b&c", "query").url, "ws://h/ws?token=a%2Bb%26c");
    assertEquals(target(at("ws://h/ws?x=%20y"), "t", "query").url, "ws://h/ws?x=%20y&token=t");
  });

  it("replaces a token that stands there, since two are refused", () => {
    assertEquals(
      target(at("ws://h/ws?token=old&x=1"), "new", "query").url,
      "ws://h/ws?x=1&token=new",
    );
  });

  it("leaves the address alone where there is no token", () => {
    for (const token of [undefined, ""]) {
      assertEquals(target(at("ws://h/ws?x=1"), token, "subprotocol"), {
        url: "ws://h/ws?x=1",
        protocols: [],
      });
    }
  });

  it("offers a JWT as a subprotocol as it is, and anything else in base64url", () => {
    const offered = (token: string) => target(at("ws://h/ws"), token, "subprotocol");
    assertEquals(offered("aa.b-b.c_c"), {
      url: "ws://h/ws",
      protocols: ["heddle.v1", "jwt-auth", "jwt.aa.b-b.c_c"],
    });
    assertEquals(offered("a b").protocols[2], "jwt.YSBi");
  });
});

describe("resuming()", () => {
  it("adds to the query whose session it is, and leaves the rest as it is written", () => {
    const address = new URL("ws://h/ws?x=%20y");
    assertEquals(resuming(address, "a&b").href, "ws://h/ws?x=%20y&resumes=a%26b");
    assertEquals(resuming(new URL("ws://h/ws"), "id").href, "ws://h/ws?resumes=id");
    assertEquals(resuming(address, undefined).href, address.href);
  });
});
