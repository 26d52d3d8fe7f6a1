import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { RequestTraces, withToken } from "./renewal.ts";

const traceOf = (request: Request) => new RequestTraces().of(request);

const asked = new Request(
  "http://hub.example/ws/lobby?tenant=a%20b&token=old&auth_token=old&reconnection_token=r&x=1",
  {
    headers: {
      Host: "hub.example",
      Origin: "https://app.example",
      "User-Agent": "test",
      Authorization: "Bearer old",
      Cookie: "session=old",
      "X-Api-Key": "old",
      "Sec-WebSocket-Protocol": "heddle.v1, jwt.old",
    },
  },
);

describe("RequestTraces.of()", () => {
  it("keeps the address but its tokens, and of the headers only those that are no credential", () => {
    const trace = traceOf(asked);
    assertEquals(trace.url, "http://hub.example/ws/lobby?tenant=a%20b&x=1");
    assertEquals(Object.keys(trace.headers).filter((name) => name !== "host").sort(), [
      "origin",
      "user-agent",
    ]);
    assertEquals(JSON.stringify(trace).includes("old"), false);
  });

  it("knows a token by its name, however that is written", () => {
    for (
      const name of ["token", "%74oken", "auth%5Ftoken", "reconnection_token", "%74%6f%6b%65%6e"]
    ) {
      for (const [query, left] of [["X=a&b=c", "?b=c"], ["b=c&X=a&X=d#e", "?b=c"], ["X", ""]]) {
        const asked = new Request(`http://h/ws?${query!.replaceAll("X", name)}`);
        assertEquals(traceOf(asked).url, `http://h/ws${left}`, asked.url);
      }
    }
  });

  it("leaves an address without tokens as it is", () => {
    const { url } = traceOf(new Request("http://h/ws?a=b%20c&tokens=1"));
    assertEquals(url, "http://h/ws?a=b%20c&tokens=1");
  });

  it("keeps nothing that is long, since each connection keeps it", () => {
    const long = "x".repeat(3_000);
    const headers = { "User-Agent": long, Origin: "https://app.example" };
    const trace = traceOf(
      new Request(`http://h/ws?token=${long}&a=${long}`, { headers }),
    );
    assertEquals(trace.url, "http://h/ws");
    assertEquals(trace.headers, { origin: "https://app.example" });
    const { url } = traceOf(new Request(`http://h/ws?token=${long}&a=b`));
    assertEquals(url, "http://h/ws?a=b");
  });
});

describe("RequestTraces", () => {
  const from = (query: string, browser: string) =>
    new Request(`http://h/ws?${query}`, { headers: { "User-Agent": browser } });

  it("gives requests the same trace that differ in nothing but their tokens", () => {
    const traces = new RequestTraces();
    const first = traces.of(from("token=a", "A"));
    assert(traces.of(from("token=b", "A")) === first);
    assertEquals(traces.of(from("token=b", "B")).headers["user-agent"], "B");
    assertEquals(traces.of(from("x=1", "A")).url, "http://h/ws?x=1");
    assertEquals(first, { url: "http://h/ws", headers: { "user-agent": "A" } });
  });

  it("gives each its own trace also where there are more than it remembers", () => {
    const traces = new RequestTraces();
    for (let i = 0; i < 1_000; i++) {
      assertEquals(traces.of(from(`x=${i}`, "A")).url, `http://h/ws?x=${i}`);
    }
  });
});

describe("withToken()", () => {
  it("asks again with the token as the bearer's", () => {
    const request = withToken(traceOf(asked), "a.b.c");
    assertEquals(request.headers.get("authorization"), "Bearer a.b.c");
    assertEquals(request.headers.get("origin"), "https://app.example");
    assertEquals(new URL(request.url).pathname, "/ws/lobby");
  });

  it("refuses what would be no token, or another, in a header field", () => {
    for (const token of [" ", "a b", "a\r\nX-Role: admin", "ä", "\u0000", "a\ttab", "日本"]) {
      const error = assertThrows(() => withToken({ url: "http://h/", headers: {} }, token));
      assertEquals((error as HeddleError).code, "unauthorized", JSON.stringify(token));
    }
  });
});
