import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { isAt, parametersOf } from "./request_url.ts";

describe("parametersOf()", () => {
  it("finds what URLSearchParams finds, but for empty values", () => {
    const part = fc.oneof(
      fc.constantFrom(
        "token",
        "token=",
        "token=a",
        "token=a=b",
        "xtoken=c",
        "tok%65n=d",
        "to+ken=e",
      ),
      fc.constantFrom(
        "",
        "=",
        "=token",
        "token%3Df",
        "token=%26token=g",
        "Token=h",
        "token=i+j%20",
      ),
      fc.webQueryParameters(),
      fc.string(),
    );
    const address = fc.tuple(
      fc.array(part, { maxLength: 5 }),
      fc.constantFrom("", "#token=z&token=y"),
    );
    fc.assert(fc.property(address, ([parts, hash]) => {
      const request = new Request(`http://h/token=x?${parts.join("&")}${hash}`);
      const expected = new URL(request.url).searchParams.getAll("token");
      assertEquals(parametersOf(request, "token"), expected.filter((value) => value !== ""));
    }));
  });

  it("finds none where there is no query", () => {
    for (const url of ["http://h/token=x", "http://h/#?token=x", "http://h?"]) {
      assertEquals(parametersOf(new Request(url), "token"), []);
    }
  });
});

describe("isAt()", () => {
  it("knows a path however it is written, and no other", () => {
    for (const rest of ["", "?", "?a=/ws", "#b", "?a#b"]) {
      for (const path of ["/ws", "/x/../ws", "/./ws"]) {
        assert(isAt({ url: `http://h:1${path}${rest}` } as Request, "/ws"), path + rest);
      }
      for (const path of ["/", "/w", "/wss", "/ws/", "//ws", "/x/ws", "/WS", "/%77s"]) {
        assert(!isAt({ url: `http://h:1${path}${rest}` } as Request, "/ws"), path + rest);
      }
    }
  });
});
